"""The derivation of a network's gradients, in the names of its layers: a₂ = W₂ h + b₂, δ₂ = (y − t) ⊙ y ⊙ (1 − y)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.api.derivation import Derivation, derivation
from symdiff.expr.nodes import Var
from symdiff.training.net import Array, Net


def arrays_of(net: Net, names: Sequence[str]) -> list[Var]:
    """The leaves that names mean, each once: a parameter by its own name or by that of one of its weights; all parameters, the last
    layer first, by default."""
    if not names:
        return list(reversed(net.weights))
    owner = {name: leaf.var for leaf in net.leaves for name in (*leaf.entries, leaf.var.name)}
    return list(dict.fromkeys(owner[name] for name in names if name in owner))


def derivations(
    net: Net, wanted: Sequence[Var], style: str = "unicode", values: Mapping[Var, Array] | None = None
) -> dict[Var, Derivation]:
    """The derivation of the gradient in each wanted parameter; with the values of the layers beside it if `values` has the leaves'.

    Raises: UnknownName for a style that derivations are not written in.

    >>> from symdiff.training.nets import mazur
    >>> net = mazur()
    >>> print(derivations(net, net.weights[:1])[net.weights[0]].text().splitlines()[-1].split('   ')[0].strip())
    11  ∂E/∂W₁ = δ₁ xᵀ
    """
    names = {net.expanded[d.var]: d.var.name for d in net.definitions}
    return {v: derivation(net.loss, v, names=names, style=style, at=values) for v in wanted}
