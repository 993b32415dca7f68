"""The scalar factors of a product: what of them the array parts may swallow, as a mean its divisor, and how the rest stands in front."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symdiff.expr.dims import Dim, Shape, dim_mul
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Number, Size
from symdiff.printing import term
from symdiff.printing.network import Claim, Part, quotient
from symdiff.printing.term import ONE, Term


@dataclass(slots=True)
class Scalars:
    """The scalar factors of a product: a non-negative number, the factors above and below the line."""

    coefficient: Number
    above: list[Part] = field(default_factory=list)
    below: list[Part] = field(default_factory=list)
    sizes: list[Dim | None] = field(default_factory=list)  # of each factor below: the dim that it is


def size_of(e: Expr) -> Dim | None:
    """The dim of which `e`, of a Size or a product of Sizes, is the reciprocal; None of anything else."""
    below = e.operands[0] if e.operands else e
    if isinstance(below, Size):
        return below.dim
    if isinstance(below, Contract) and all(isinstance(f, Size) for f in below.factors):
        return dim_mul(*(f.dim for f in below.factors if isinstance(f, Size)))
    return None


def claims_of(scalars: Scalars) -> list[Claim]:
    """What parts of a product may swallow: its divisors that are dims, its numerator."""
    claims = [Claim(1 << (k + 2), d, None) for k, d in enumerate(scalars.sizes) if d is not None]
    c = scalars.coefficient
    if isinstance(c, Fraction) and c.denominator > 2 and (c.numerator == 1 or term.decimal(c) is None):  # ½ ‖y‖² is no mean of two
        claims.append(Claim(2, c.denominator, None))
    numerator = _numerators(scalars)
    if numerator and not (isinstance(c, Fraction) and c.denominator != 1):
        claims.append(Claim(1, None, term.times(numerator, ())))
    elif isinstance(c, Fraction) and not scalars.above and term.decimal(c) is not None:
        claims.append(Claim(3, None, term.number(c)))  # both bits: a mean over its denominator would use it twice
    return claims


def _numerators(scalars: Scalars) -> list[Term]:
    c = scalars.coefficient
    lead = [] if c == 1 and not isinstance(c, (bool, float)) else [term.number(c)]
    return [*lead, *(t for _, t in scalars.above)]


def spend(scalars: Scalars, claimed: int) -> None:
    """Take out the divisors that a mean has used."""
    keep = [k for k in range(len(scalars.below)) if not claimed >> (k + 2) & 1]
    scalars.below = [scalars.below[k] for k in keep]
    scalars.sizes = [scalars.sizes[k] for k in keep]
    if claimed & 2:
        assert isinstance(scalars.coefficient, Fraction)
        scalars.coefficient = scalars.coefficient.numerator


def in_front(scalars: Scalars, above: list[Term], below: list[Term], shape: Shape) -> Term:
    """Numbers, then scalars, then arrays; a fraction of whole numbers is a decimal where that is exact and shorter."""
    c = scalars.coefficient
    lead = [t for _, t in scalars.above]
    under = [t for _, t in scalars.below]
    if isinstance(c, Fraction) and c.denominator != 1:
        exact = term.decimal(c) is not None
        of_dims = bool(lead) and all(t.op == "text" for t in lead)
        if exact and (c.numerator != 1 or not (under or below or of_dims) or not (lead or above)):
            lead.insert(0, term.number(c))
        else:
            if c.numerator != 1:
                lead.insert(0, term.number(c.numerator))
            under.insert(0, term.number(c.denominator))
    elif c != 1 or isinstance(c, (bool, float)):
        lead.insert(0, term.number(c))
    plain = {"number", "text"}
    if lead and under and above and all(t.op in plain for t in [*lead, *under]):
        front = quotient(lead, under, ())
        return quotient([front, *_flat(above)], below, shape)
    if not lead and not above and not under and not below:
        return ONE
    return quotient([*lead, *_flat(above)], [*under, *below], shape)


def _flat(above: list[Term]) -> list[Term]:
    """A leading product or quotient of arrays stands behind its scalars without brackets."""
    return list(above[0].args) if len(above) == 1 and above[0].op == "times" else above
