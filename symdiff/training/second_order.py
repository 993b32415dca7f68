"""Second-order optimizers as formulas, because the Hessian is at hand: Newton, Gauss-Newton, Levenberg-Marquardt.

All weights are one vector: their gradients are joined, a linear system gives the step, and the step is cut into the weights again. The
system is as large as the number of weights squared, so these are for small networks; L-BFGS (lbfgs.py) is for larger ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from symdiff.calculus import gauss_newton as gauss_newton_blocks
from symdiff.errors import BadSetting
from symdiff.expr.arrays import eye, reshape
from symdiff.expr.dims import whole_dims
from symdiff.expr.elementwise import clip, less, where
from symdiff.expr.indexing import index
from symdiff.expr.joining import block, concatenate
from symdiff.expr.matrices import solve
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute, variables
from symdiff.grad import grad, hessian
from symdiff.rewrite import without_corners
from symdiff.training.net import Net
from symdiff.training.optimizers import OPTIMIZERS, Kind, Optimizer
from symdiff.training.specs import Choice, Setting, nonnegative, positive, read

MOST_WEIGHTS = 4096  # a matrix of 128 MiB


@dataclass(frozen=True)
class At:
    """Where a rule is applied: all weights as one vector; the loss, its gradient and the matrix there; the loss elsewhere; the rate."""

    w: Expr
    loss: Expr
    slope: Expr
    matrix: Expr
    loss_at: Callable[[Expr], Expr]
    rate: Expr


New = tuple[Expr, dict[str, Expr]]  # the new weights, and the new state by slot
Rule = Callable[[At, Mapping[str, Expr], Mapping[str, Expr]], New]


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
    return prod(whole_dims(e.shape))


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
    Source: Schraudolph, Fast curvature matrix-vector products for second-order gradient descent (2002).
    """
    known = {*net.expanded, *weights}
    compared = [v for v in variables(net.objective) if v in known]
    # weights that the objective mentions by themselves have places of their own in it
    own: dict[Expr, Var] = {v: Var(v.name, v.dims, v.assumptions, -1) for v in compared if v in weights}
    places = [own.get(v, v) for v in compared]
    objective, *outputs = without_corners([substitute(net.objective, own), *(net.expanded.get(v, v) for v in compared)])
    return matrix_of(gauss_newton_blocks(objective, places, outputs, weights), weights)


# --- rules ----------------------------------------------------------------------------------------------------------
def damped(at: At, damping: Expr) -> Expr:
    """w − η (A + λ I)⁻¹ g."""
    return at.w - at.rate * solve(at.matrix + damping * eye(at.matrix.shape[0]), at.slope)


def newton(at: At, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """The matrix is the Hessian. It need not be positive: without enough damping the step goes to a saddle or a maximum as well.

    Source: Nocedal and Wright, Numerical Optimization, 2nd ed. (2006), section 3.3.
    """
    return damped(at, p["damping"]), {}


def gauss_newton(at: At, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """The matrix is that of Gauss and Newton, which is never negative for a convex loss. Source: Nocedal and Wright (2006), section 10.3."""
    return damped(at, p["damping"]), {}


def levenberg_marquardt(at: At, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """The damped Gauss-Newton step if it lowers the loss, then with less damping; else no step, and more damping.

    Source: Levenberg, A method for the solution of certain non-linear problems in least squares (1944); the factor is that of Marquardt,
    An algorithm for least-squares estimation of nonlinear parameters (1963).
    """
    trial = damped(at, s["damping"])
    better = less(at.loss_at(trial), at.loss)
    damping = where(better, s["damping"] / p["factor"], s["damping"] * p["factor"])
    return where(better, trial, at.w), {"damping": clip(damping, p["least"], p["most"])}


# --- matrices -------------------------------------------------------------------------------------------------------
def _hessian(net: Net, penalty: Expr) -> Expr:
    return hessian_matrix(net.loss + penalty, net.weights)


def _gauss_newton(net: Net, penalty: Expr) -> Expr:
    """With the Hessian of the penalty, which is no network."""
    matrix = gauss_newton_matrix(net, net.weights)
    return matrix if not variables(penalty) else matrix + hessian_matrix(penalty, net.weights)


@dataclass(frozen=True)
class JointKind:
    """A row of the table: the rule, its matrix with the symbol of it, what may be set, the scalars it keeps with their start values,
    the usual rate."""

    rule: Rule
    matrix: Callable[[Net, Expr], Expr]
    symbol: str
    settings: Mapping[str, Setting]
    slots: Mapping[str, float] = field(default_factory=dict)
    usual_rate: float = 1.0


_DAMPING = {"damping": nonnegative(1e-3, "λ")}
_ADAPTED = {"factor": positive(10.0, "ν"), "least": positive(1e-12, "λ_min"), "most": positive(1e12, "λ_max")}

SECOND_ORDER: dict[str, JointKind] = {
    "newton": JointKind(newton, _hessian, "H", _DAMPING),
    "gauss-newton": JointKind(gauss_newton, _gauss_newton, "A", _DAMPING),
    "levenberg-marquardt": JointKind(levenberg_marquardt, _gauss_newton, "A", _ADAPTED, {"damping": 1e-3}),
}


class JointOptimizer(Choice[JointKind]):
    """A second-order optimizer with the values of its settings."""

    def apply(self, net: Net, penalty: Expr, rate: Expr, state: Mapping[str, Expr]) -> tuple[dict[Var, Expr], dict[str, Expr]]:
        """The new weights of a network whose loss has a penalty added, and the new state by slot.

        Raises: BadSetting for more weights than a matrix is made for, or weights of a size that is a name.
        """
        total = sum(_count(w) for w in net.weights)
        if total > MOST_WEIGHTS:
            raise BadSetting(f"{self.name}: {total:,} weights are given, at most {MOST_WEIGHTS:,} are wanted for a matrix of that order")
        objective = net.loss + penalty
        at = At(
            w=joined(net.weights),
            loss=objective,
            slope=joined(grad(objective, net.weights)),
            matrix=self.kind.matrix(net, penalty),
            loss_at=lambda w: substitute(objective, dict(cut(w, net.weights).items())),
            rate=rate,
        )
        new, changed = self.kind.rule(at, state, self.numbers)
        return cut(new, net.weights), changed


METHODS: dict[str, Kind | JointKind] = {**OPTIMIZERS, **SECOND_ORDER}


def read_method(spec: str | Optimizer | JointOptimizer) -> Optimizer | JointOptimizer:
    """The optimizer of either order that a spec means.

    Raises: UnknownName for a name or a setting that is not there, with the near miss; BadSetting for a value out of range.

    >>> read_method('newton:0.1').spec, read_method('sgd').spec
    ('newton:damping=0.1', 'sgd')
    """
    if not isinstance(spec, str):
        return spec
    if spec.partition(":")[0].strip().lower() in ("lbfgs", "l-bfgs"):
        raise BadSetting("L-BFGS minimises by line searches and is no step: use `minimize NET`, or symdiff.training.lbfgs(net)")
    name, kind, values = read("optimizer", spec, METHODS)
    return JointOptimizer(name, kind, values) if isinstance(kind, JointKind) else Optimizer(name, kind, values)
