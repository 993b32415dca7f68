"""The derivation of a network's gradients, in the names of its layers: a₂ = W₂ h + b₂, δ₂ = (y − t) ⊙ y ⊙ (1 − y); of a single weight
number by number, in the names of the entries: net_o1 = w₅ out_h1 + w₆ out_h2 + b₂."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.api.derivation import Derivation, derivation
from symdiff.errors import UnknownName, did_you_mean
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute, variables
from symdiff.training.entries import named_entries
from symdiff.training.formulas import EntryForm
from symdiff.training.net import Array, Net, expand


def targets_of(net: Net, names: Sequence[str]) -> list[Var]:
    """The variables that names mean, each once: a parameter, or a single weight; all parameters, the last layer first, by default.

    Raises: UnknownName, with the near miss, for a name that the network has not.
    """
    if not names:
        return list(reversed(net.weights))
    known = {leaf.var.name: leaf.var for leaf in net.leaves}
    entries = {name: leaf for leaf in net.leaves for name in leaf.entries if name not in known}
    found: list[Var] = []
    for name in names:
        if name in known:
            found.append(known[name])
        elif name in entries:
            leaf = entries[name]
            found.append(named_entries(leaf.var, leaf.entries).flat[leaf.entries.index(name)])
        else:
            raise UnknownName(
                f"{net.name} has no weight {name!r}{did_you_mean(name, (*known, *entries))}. Names: {', '.join((*known, *entries))}"
            )
    return list(dict.fromkeys(found))


def derivations(
    net: Net, wanted: Sequence[Var], style: str = "unicode", values: Mapping[Var, Array] | None = None
) -> dict[Var, Derivation]:
    """The derivation of the gradient in each wanted parameter or single weight; with values beside it if `values` has the leaves'.

    Raises: UnknownName for a style that derivations are not written in.

    >>> from symdiff.training.nets import mazur
    >>> net = mazur()
    >>> print(derivations(net, net.weights[:1])[net.weights[0]].text().splitlines()[-1].split('   ')[0].strip())
    11  ∂E/∂W₁ = δ₁ xᵀ
    """
    names = {net.expanded[d.var]: d.var.name for d in net.definitions}
    found: dict[Var, Derivation] = {}
    entries: EntryForm | None = None
    for v in wanted:
        if any(leaf.var is v for leaf in net.leaves):
            found[v] = derivation(net.loss, v, names=names, style=style, at=values)
        else:
            entries = entries or EntryForm(net)
            found[v] = _of_one_weight(entries, v, style, values)
    return found


def _of_one_weight(entries: EntryForm, weight: Var, style: str, values: Mapping[Var, Array] | None) -> Derivation:
    """Number by number, in the names of the forward pass."""
    full = expand(entries.definitions.items())
    loss = substitute(entries.objective, full)
    names = {e: v.name for v, e in full.items() if isinstance(v, Var)}
    at = None if values is None else {v: a for v, a in entries.values(values).items() if v in variables(loss, weight)}
    return derivation(loss, weight, names=names, style=style, at=at)
