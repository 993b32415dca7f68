"""Second-order optimizers as formulas, because the Hessian is at hand: Newton, Gauss-Newton, Levenberg-Marquardt.

All weights are one vector: their gradients are joined, a linear system gives the step, and the step is cut into the weights again. The
system is as large as the number of weights squared, so these are for small networks; L-BFGS (lbfgs.py) is for larger ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from symdiff.calculus import gradient, hessian, jacobian
from symdiff.errors import BadSetting
from symdiff.expr.algebra import add, contract
from symdiff.expr.arrays import eye, reshape
from symdiff.expr.elementwise import clip, less, where
from symdiff.expr.indexing import index
from symdiff.expr.joining import block, concatenate
from symdiff.expr.matrices import solve
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Labels, Var
from symdiff.expr.traverse import substitute, variables
from symdiff.training.net import Net
from symdiff.training.optimizers import OPTIMIZERS, Kind, Optimizer
from symdiff.training.specs import Choice, Setting, nonnegative, positive, read

MOST_WEIGHTS = 4096  # a matrix of 128 MiB


@dataclass(frozen=True)
class Problem:
    """What a rule looks at: the network, what is descended (the loss with any penalty, and the penalty alone), the rate."""

    net: Net
    objective: Expr
    penalty: Expr
    rate: Expr


New = tuple[dict[Var, Expr], dict[str, Expr]]  # the new weights, and the new state by slot
Rule = Callable[[Problem, Mapping[str, Expr], Mapping[str, Expr]], New]


# --- vectors and matrices of all weights ----------------------------------------------------------------------------
def joined(parts: Sequence[Expr]) -> Expr:
    """All numbers of arrays, one array after another, as a vector.

    >>> from symdiff.expr.leaves import var
    >>> joined([var('W', (2, 3)), var('b')]).shape
    (7,)
    """
    return concatenate([reshape(e, (_count(e),)) for e in parts])


def cut(vector: Expr, weights: Sequence[Var]) -> dict[Var, Expr]:
    """A vector of all numbers as one array for each weight: the inverse of `joined`."""
    found: dict[Var, Expr] = {}
    start = 0
    for w in weights:
        found[w] = reshape(index(vector, (slice(start, start + _count(w)),)), w.shape)
        start += _count(w)
    return found


def _count(e: Expr) -> int:
    if named := [d for d in e.shape if not isinstance(d, int)]:
        raise BadSetting(f"second-order steps need weights of known size; the size {named[0]} is a name")
    return prod(d for d in e.shape if isinstance(d, int))


def matrix_of(blocks: Sequence[Sequence[Expr]], weights: Sequence[Var]) -> Expr:
    """Blocks of shape (one weight's shape..., another's shape...) as one matrix over all numbers of the weights."""
    sizes = [_count(w) for w in weights]
    return block([[reshape(b, (m, n)) for b, n in zip(row, sizes, strict=True)] for row, m in zip(blocks, sizes, strict=True)])


def hessian_matrix(loss: Expr, weights: Sequence[Var]) -> Expr:
    """The second derivatives of a scalar in all numbers of the weights.

    >>> from symdiff.expr.leaves import var
    >>> a, b = var('a', 2), var('b')
    >>> hessian_matrix((a * a).sum() * b, [a, b]).shape
    (3, 3)
    """
    return matrix_of(hessian(loss, weights), weights)


def gauss_newton_matrix(net: Net, weights: Sequence[Var]) -> Expr:
    """Jᵀ H J: J the Jacobian of what the loss compares, H the Hessian of the loss in that; second derivatives of the layers are left out.

    For half a sum of squares H is the identity and this is JᵀJ. What the loss compares are the variables of definitions that it
    mentions: the prediction, or the last layer's sums; and weights that it mentions by themselves.
    Source: Schraudolph, Fast curvature matrix-vector products for second-order gradient descent (2002), section 3.
    """
    known = {*net.expanded, *weights}
    compared = [v for v in variables(net.objective) if v in known]
    jacobians = {z: jacobian(net.expanded.get(z, z), weights) for z in compared}
    blocks = [[substitute(h, net.expanded) for h in row] for row in hessian(net.objective, compared)]

    def entry(v: Var, w: Var, k: int, m: int) -> Expr:
        terms = []
        for z, row in zip(compared, blocks, strict=True):
            for other, h in zip(compared, row, strict=True):
                left, right = _labels(0, z), _labels(10, other)
                at_v, at_w = _labels(20, v), _labels(30, w)
                factors = [(jacobians[z][k], left + at_v), (h, left + right), (jacobians[other][m], right + at_w)]
                terms.append(contract(factors, at_v + at_w))
        return add(*terms)

    return matrix_of([[entry(v, w, k, m) for m, w in enumerate(weights)] for k, v in enumerate(weights)], weights)


def _labels(start: int, e: Expr) -> Labels:
    return tuple(range(start, start + e.ndim))


# --- rules ----------------------------------------------------------------------------------------------------------
def newton_step(matrix: Expr, damping: Expr, slope: Expr) -> Expr:
    """(A + λ I)⁻¹ g."""
    return solve(matrix + damping * eye(matrix.shape[0]), slope)


def newton(at: Problem, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """w − η (H + λ I)⁻¹ g. Source: Nocedal and Wright, Numerical Optimization, 2nd ed. (2006), section 3.3."""
    return _moved(at, newton_step(hessian_matrix(at.objective, at.net.weights), p["damping"], _slope(at))), {}


def gauss_newton(at: Problem, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """w − η (G + λ I)⁻¹ g with the Gauss-Newton matrix G in place of the Hessian. Source: Nocedal and Wright (2006), section 10.3."""
    return _moved(at, newton_step(_curvature(at), p["damping"], _slope(at))), {}


def levenberg_marquardt(at: Problem, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """The damped Gauss-Newton step if it lowers the loss, then with less damping; else no step, and more damping.

    Source: Levenberg, A method for the solution of certain non-linear problems in least squares (1944); the factor is that of Marquardt,
    An algorithm for least-squares estimation of nonlinear parameters (1963).
    """
    moved = _moved(at, newton_step(_curvature(at), s["damping"], _slope(at)))
    better = less(substitute(at.objective, dict(moved.items())), at.objective)
    new = {w: where(better, e, w) for w, e in moved.items()}
    damping = where(better, s["damping"] / p["factor"], s["damping"] * p["factor"])
    return new, {"damping": clip(damping, 1e-12, 1e12)}


def _slope(at: Problem) -> Expr:
    return joined(gradient(at.objective, at.net.weights))


def _curvature(at: Problem) -> Expr:
    """The Gauss-Newton matrix, and the Hessian of the penalty, which is no network."""
    matrix = gauss_newton_matrix(at.net, at.net.weights)
    return matrix if not variables(at.penalty) else matrix + hessian_matrix(at.penalty, at.net.weights)


def _moved(at: Problem, direction: Expr) -> dict[Var, Expr]:
    return {w: w - at.rate * d for w, d in cut(direction, at.net.weights).items()}


@dataclass(frozen=True)
class JointKind:
    """A row of the table: the rule, what may be set, the scalars it keeps with their start values, the usual rate."""

    rule: Rule
    settings: Mapping[str, Setting]
    slots: Mapping[str, float] = field(default_factory=dict)
    usual_rate: float = 1.0


_DAMPING = {"damping": nonnegative(1e-3, "λ")}

SECOND_ORDER: dict[str, JointKind] = {
    "newton": JointKind(newton, _DAMPING),
    "gauss-newton": JointKind(gauss_newton, _DAMPING),
    "levenberg-marquardt": JointKind(levenberg_marquardt, {"factor": positive(10.0, "ν")}, {"damping": 1e-3}),
}


class JointOptimizer(Choice[JointKind]):
    """A second-order optimizer with the values of its settings."""

    def apply(self, at: Problem, state: Mapping[str, Expr], settings: Mapping[str, Expr] | None = None) -> New:
        """The new weights, and the new state by slot. `settings`: symbols in place of numbers.

        Raises: BadSetting for more weights than a matrix is made for.
        """
        total = sum(_count(w) for w in at.net.weights)
        if total > MOST_WEIGHTS:
            raise BadSetting(f"{self.name}: {total:,} weights are given, at most {MOST_WEIGHTS:,} are wanted for a matrix of that order")
        return self.kind.rule(at, state, settings or self.numbers)


METHODS: dict[str, Kind | JointKind] = {**OPTIMIZERS, **SECOND_ORDER}


def read_method(spec: str | Optimizer | JointOptimizer) -> Optimizer | JointOptimizer:
    """The optimizer of either order that a spec means.

    Raises: UnknownName for a name or a setting that is not there, with the near miss; BadSetting for a value out of range.

    >>> read_method('newton:0.1').spec, read_method('sgd').spec
    ('newton:damping=0.1', 'sgd')
    """
    if not isinstance(spec, str):
        return spec
    name, kind, values = read("optimizer", spec, METHODS)
    return JointOptimizer(name, kind, values) if isinstance(kind, JointKind) else Optimizer(name, kind, values)
