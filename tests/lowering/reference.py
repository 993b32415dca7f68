"""A reference evaluator for tests: it walks the nodes and computes each with NumPy in the plainest way, products by np.einsum."""

from __future__ import annotations

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
)


def _sigmoid(x: Any) -> Any:
    return sp.expit(x)


OWN: dict[str, Any] = {
    "sigmoid": _sigmoid,
    "log_sigmoid": sp.log_expit,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x, s: np.where(x > 0, x, s * x),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * sp.ndtr(x),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * _sigmoid(x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "erf": sp.erf,
    "erfc": sp.erfc,
    "gammaln": sp.gammaln,
    "digamma": sp.digamma,
    "polygamma": sp.polygamma,
    "pow": lambda x, y: np.power(np.asarray(x, float), np.asarray(y, float)),
}

LINALG: dict[str, Any] = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "cholesky": np.linalg.cholesky,
    "eigvalsh": np.linalg.eigvalsh,
    "eigvecs": lambda a: np.linalg.eigh(a)[1],
    "svdvals": lambda a: np.linalg.svd(a, full_matrices=False)[1],
    "svdu": lambda a: np.linalg.svd(a, full_matrices=False)[0],
    "svdvt": lambda a: np.linalg.svd(a, full_matrices=False)[2],
    "solve": np.linalg.solve,
    "pinv": np.linalg.pinv,
}


def evaluate(root: Expr, values: Mapping[str, Any], given: Mapping[str, int] | None = None) -> np.ndarray:
    """The value of an expression at arrays for its variables, and at the given sizes of dims that none of them carries."""
    nodes = list(topological(root))
    sizes: dict[str, int] = dict(given or {})
    for e in nodes:
        if isinstance(e, Var):
            for d, s in zip(e.shape, np.shape(values[e.name]), strict=True):
                if isinstance(d, str) and d.isidentifier():
                    sizes[d] = s
    with np.errstate(all="ignore"):
        of: dict[Expr, Any] = {}
        for e in nodes:
            of[e] = _node(e, [of[o] for o in e.operands], values, sizes)
            assert np.shape(of[e]) == tuple(dim_value(d, sizes) for d in e.shape), e
    return np.asarray(of[root])


def _key(key: Any, sizes: Mapping[str, int], shape: Any) -> Any:
    entries = []
    for place in key:
        if isinstance(place, Range):
            start, length = dim_value(place.start, sizes), dim_value(place.length, sizes)
            entries.append(np.arange(length) * place.step + start)
        else:
            entries.append(np.array([dim_value(place, sizes)]))
    return np.ix_(*entries) if entries else ()


def _node(e: Expr, args: list[Any], values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    def shape(s: Any) -> tuple[int, ...]:
        return tuple(dim_value(d, sizes) for d in s)

    match e:
        case Var():
            return np.asarray(values[e.name], float)
        case Const():
            return e.value if isinstance(e.value, np.ndarray) else np.float64(float(e.value))
        case Size():
            return np.float64(dim_value(e.dim, sizes))
        case Iota():
            return np.arange(dim_value(e.dim, sizes))
        case Delta():
            return np.eye(dim_value(e.dim, sizes))
        case Ones():
            return np.ones(dim_value(e.dim, sizes))
        case Add():
            return sum((np.asarray(a, float) for a in args[1:]), np.asarray(args[0], float))
        case Contract():
            operands: list[Any] = []
            for a, ls in zip(args, e.labels, strict=True):
                operands += [np.asarray(a, float), list(ls)]
            return np.einsum(*operands, list(e.out))
        case Map():
            function = OWN.get(e.fn) or getattr(np, FUNCTIONS[e.fn].numpy)
            return function(*args)
        case Reduce():
            if e.kind == "logsumexp":
                return sp.logsumexp(args[0], axis=e.axes)
            return getattr(np, e.kind)(args[0], axis=e.axes)
        case Scan():
            x = np.flip(args[0], e.axis) if e.reverse else args[0]
            y = getattr(np, e.kind)(x, axis=e.axis)
            return np.flip(y, e.axis) if e.reverse else y
        case Arg():
            return np.argsort(args[0], axis=e.axis, kind="stable") if e.kind == "argsort" else getattr(np, e.kind)(args[0], axis=e.axis)
        case Reshape():
            return np.reshape(args[0], shape(e.to))
        case Slice():
            return args[0][_key(e.key, sizes, e.x.shape)].reshape(shape(e.shape))
        case Scatter():
            out = np.zeros(shape(e.into))
            for part, key in zip(args, e.keys, strict=True):
                index = _key(key, sizes, e.into)
                out[index] += np.reshape(part, out[index].shape)
            return out
        case Concat():
            return np.concatenate(args, axis=e.axis)
        case Gather():
            return args[0][(*(slice(None),) * e.axis, *(np.asarray(a).astype(int) for a in args[1:]))]
        case GatherT():
            out = np.zeros(shape(e.into))
            np.add.at(out, (*(slice(None),) * e.axis, *(np.asarray(a).astype(int) for a in args[1:])), args[0])
            return out
        case Linalg():
            return LINALG[e.fn](*args)
    raise AssertionError(type(e).__name__)
