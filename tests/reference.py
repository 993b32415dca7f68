"""The reference evaluator of the tests: one node at a time in plain NumPy, einsum for every Contract. Slow, obvious, independent of lowering."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.special as sp

from symdiff.expr.dims import dim_value
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import (
    Add,
    Arg,
    Concat,
    Const,
    Contract,
    Delta,
    Gather,
    GatherT,
    Iota,
    Linalg,
    Map,
    Ones,
    Range,
    Reduce,
    Reshape,
    Scan,
    Scatter,
    Size,
    Slice,
    Var,
)  # fmt: skip
from symdiff.expr.traverse import variables


def _sinh_safe_sigmoid(x: Any) -> Any:
    return sp.expit(x)


MAPS: dict[str, Any] = {
    "pow": lambda a, b: np.power(np.asarray(a, dtype=complex if np.iscomplexobj(a) else float), b),
    "erf": sp.erf, "erfc": sp.erfc, "gammaln": sp.gammaln, "digamma": sp.digamma,
    "polygamma": lambda n, x: sp.polygamma(np.asarray(n).astype(int), x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)) if np.iscomplexobj(x) else _sinh_safe_sigmoid(x),
    "log_sigmoid": lambda x: np.log(1 / (1 + np.exp(-x))) if np.iscomplexobj(x) else -np.logaddexp(0, -x),
    "softplus": lambda x: np.log(1 + np.exp(x)) if np.iscomplexobj(x) else np.logaddexp(0, x),
    "relu": lambda x: np.where(np.real(x) > 0, x, 0),
    "leaky_relu": lambda x, s: np.where(np.real(x) > 0, x, s * x),
    "elu": lambda x, a: np.where(np.real(x) > 0, x, a * np.expm1(np.where(np.real(x) > 0, 0, x))),
    "gelu": lambda x: x * 0.5 * (1 + sp.erf(x / np.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
}  # fmt: skip
LINALG: dict[str, Any] = {
    "inv": np.linalg.inv, "det": np.linalg.det, "logdet": lambda a: np.linalg.slogdet(a)[1], "cholesky": np.linalg.cholesky,
    "eigvalsh": np.linalg.eigvalsh, "eigvecs": lambda a: np.linalg.eigh(a)[1], "solve": np.linalg.solve, "pinv": np.linalg.pinv,
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False), "svdu": lambda a: np.linalg.svd(a, full_matrices=False)[0],
    "svdvt": lambda a: np.linalg.svd(a, full_matrices=False)[2],
}  # fmt: skip
REDUCE: dict[str, Any] = {"max": np.max, "min": np.min, "prod": np.prod, "logsumexp": lambda x, axis: sp.logsumexp(x, axis=axis)}


def _place(p: Any, sizes: Mapping[str, int]) -> Any:
    if not isinstance(p, Range):
        return dim_value(p, sizes)
    start, length = dim_value(p.start, sizes), dim_value(p.length, sizes)
    return start + p.step * np.arange(length)


def _index(key: Any, sizes: Mapping[str, int]) -> Any:
    """A key as an open mesh; the axes of positions are dropped by the caller."""
    return np.ix_(*(np.atleast_1d(_place(p, sizes)) for p in key)) if key else ()


def _kept(key: Any, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(dim_value(p.length, sizes) for p in key if isinstance(p, Range))


def sizes_of(env: Mapping[Var, Any]) -> dict[str, int]:
    """The sizes of the named dims of the variables, read off their values."""
    return {d: n for v, a in env.items() for d, n in zip(v.shape, np.shape(a), strict=True) if isinstance(d, str) and d.isidentifier()}


def evaluate_all(roots: list[Expr], env: Mapping[Var, Any], sizes: Mapping[str, int] | None = None) -> list[np.ndarray]:
    """The values of `roots` at the arrays in `env`."""
    known = {**sizes_of(env), **(sizes or {})}
    value: dict[Expr, Any] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for e in topological(*roots):
            value[e] = _node(e, [value[o] for o in e.operands], env, known)
            expected = tuple(dim_value(d, known) for d in e.shape)
            assert np.shape(value[e]) == expected, (e, np.shape(value[e]), expected)
    return [value[r] for r in roots]


def evaluate_rounded(
    roots: list[Expr], env: Mapping[Var, Any], sizes: Mapping[str, int], rounding: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """The values of `roots` where every floating value on the way is off by this part of it, up or down at random."""
    value: dict[Expr, Any] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for e in topological(*roots):
            x = _node(e, [value[o] for o in e.operands], env, sizes)
            value[e] = x * (1 + rounding * rng.choice([-1.0, 1.0], size=x.shape)) if e.operands and x.dtype.kind == "f" else x
    return [value[r] for r in roots]


def evaluate(e: Expr, env: Mapping[Var, Any], sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """The value of `e` at the arrays in `env`; `sizes` for names that no variable carries."""
    return evaluate_all([e], env, sizes)[0]


def evaluate_named(e: Expr, values: Mapping[str, Any], sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """As `evaluate`, of arrays by the names of the variables."""
    return evaluate(e, {v: values[v.name] for v in variables(e)}, sizes)


def _node(e: Expr, ops: list[Any], env: Mapping[Var, Any], sizes: Mapping[str, int]) -> Any:
    match e:
        case Var():
            return np.asarray(env[e])
        case Const():
            return np.asarray(e.value if isinstance(e.value, np.ndarray | bool) else float(e.value))
        case Size():
            return np.asarray(float(dim_value(e.dim, sizes)))
        case Iota():
            return np.arange(dim_value(e.dim, sizes))
        case Delta():
            return np.eye(dim_value(e.dim, sizes))
        case Ones():
            return np.ones(dim_value(e.dim, sizes))
        case Add():
            return sum(o.astype(float) if o.dtype == bool else o for o in ops)
        case Contract():
            pairs = [x for o, ls in zip(ops, e.labels, strict=True) for x in (o * 1.0 if not np.iscomplexobj(o) else o, list(ls))]
            return np.asarray(np.einsum(*pairs, list(e.out)))
        case Map():
            if e.fn == "sign" and np.iscomplexobj(ops[0]):
                return np.sign(np.real(ops[0]))
            if FUNCTIONS[e.fn].result == "real":  # NumPy computes in half precision on truth values
                ops = [o * 1.0 if o.dtype == bool else o for o in ops]
            f = MAPS.get(e.fn) or getattr(np, e.fn if e.fn != "abs" else "abs")
            return np.asarray(f(*ops))
        case Reduce():
            return np.asarray(REDUCE[e.kind](ops[0], axis=e.axes))
        case Scan():
            x = np.flip(ops[0], e.axis) if e.reverse else ops[0]
            y = getattr(np, e.kind)(x, axis=e.axis)
            return np.flip(y, e.axis) if e.reverse else y
        case Arg():
            return getattr(np, e.kind)(ops[0], axis=e.axis, **({"kind": "stable"} if e.kind == "argsort" else {}))
        case Reshape():
            return ops[0].reshape(tuple(dim_value(d, sizes) for d in e.to))
        case Slice():
            return ops[0][_index(e.key, sizes)].reshape(_kept(e.key, sizes))
        case Scatter():
            result = np.zeros(tuple(dim_value(d, sizes) for d in e.into), dtype=np.result_type(float, *ops))
            for part, key in zip(ops, e.keys, strict=True):
                at = _index(key, sizes)
                result[at] += part.reshape(result[at].shape)
            return result
        case Concat():
            return np.concatenate(ops, axis=e.axis)
        case Gather():
            return ops[0][(slice(None),) * e.axis + tuple(i.astype(int) for i in ops[1:])]
        case GatherT():
            result = np.zeros(tuple(dim_value(d, sizes) for d in e.into), dtype=np.result_type(float, ops[0]))
            np.add.at(result, (slice(None),) * e.axis + tuple(i.astype(int) for i in ops[1:]), ops[0])
            return result
        case Linalg():
            return np.asarray(LINALG[e.fn](*ops))
    raise NotImplementedError(type(e).__name__)
