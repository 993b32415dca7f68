"""What `derive --json` prints: the same as the page, as data."""

from __future__ import annotations

from typing import Any

from symdiff.cli.notation import Notation
from symdiff.training.derived import Derived, Section


def as_data(derived: Derived, style: str) -> dict[str, Any]:
    """Formulas as text in the wanted style, values as numbers and lists.

    `matrices` is the matrix form, `weights` the form weight by weight; either is null if it is not wanted.
    """
    net, notation = derived.net, Notation(style)
    trained = {name for leaf in net.parameters for name in leaf.entries}
    roles = [(leaf, role) for role, leaves in (("parameter", net.parameters), ("fixed", net.fixed), ("data", net.data)) for leaf in leaves]
    weights = _section(derived.weights, notation)
    if weights is not None:
        for row, w in zip(weights["gradients"], derived.weights.formulas.gradients, strict=True):  # type: ignore[union-attr]
            row["after"] = derived.after[w] if w.name in trained else None
        weights |= {"learning_rate": net.learning_rate, "left_out": derived.left_out}
        weights["forward"] = {v.name: a for v, a in derived.forward.items()}
    return {
        "command": "derive",
        "net": net.name,
        "description": net.description,
        "style": style,
        "form": derived.form,
        "leaves": [
            {"name": leaf.var.name, "role": role, "shape": leaf.var.shape, "value": derived.leaves[leaf.var], "entries": leaf.entries}
            for leaf, role in roles
        ],
        "loss": derived.loss,
        "matrices": _section(derived.matrices, notation),
        "weights": weights,
        "conventions": derived.conventions,
    }


def _section(section: Section | None, notation: Notation) -> dict[str, Any] | None:
    if section is None:
        return None
    formulas, values = section.formulas, section.values

    def rows(key: str, of: dict[Any, Any], known: dict[Any, Any]) -> list[dict[str, Any]]:
        return [{key: v.name, "formula": notation.formula(e), "value": known[v]} for v, e in of.items()]

    return {
        "definitions": rows("name", formulas.displayed, values.named),
        "loss": notation.formula(formulas.loss),
        "gradients": rows("wrt", formulas.gradients, values.gradients),
        "cotangents": rows("name", formulas.cotangents, values.named),
    }
