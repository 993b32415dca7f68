"""The peers, each as what it makes of a loss: a call that gives value and gradients, a step, or a Hessian. A missing one raises ImportError."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.benchmarks.harness import Run

Loss = Callable[..., Any]  # (xp, *arrays)


# --- autograd -----------------------------------------------------------------------------------------------------
def autograd_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float | None) -> Run:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    xp = SimpleNamespace(
        exp=anp.exp, tanh=anp.tanh, sin=anp.sin, sum=anp.sum, relu=lambda z: anp.maximum(z, 0.0),
        softplus=lambda z: anp.logaddexp(0.0, z), logsumexp=lambda z: logsumexp(z, axis=1),
    )  # fmt: skip
    f = value_and_grad(lambda *a: loss(xp, *a), tuple(weights) if len(weights) > 1 else weights[0])

    def call() -> Any:
        value, slopes = f(*arrays)
        slopes = slopes if len(weights) > 1 else (slopes,)
        return (value, *slopes) if rate is None else (value, *(arrays[w] - rate * g for w, g in zip(weights, slopes, strict=True)))

    return Run(call)


# --- JAX ----------------------------------------------------------------------------------------------------------
def _jax() -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    xp = SimpleNamespace(
        exp=jnp.exp, tanh=jnp.tanh, sin=jnp.sin, sum=jnp.sum, relu=jax.nn.relu, softplus=jax.nn.softplus,
        logsumexp=lambda z: jax.nn.logsumexp(z, axis=1),
    )  # fmt: skip
    return jax, xp


def jax_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float | None) -> Run:
    jax, xp = _jax()

    def step(*a: Any) -> Any:
        value, slopes = jax.value_and_grad(lambda *b: loss(xp, *b), tuple(weights))(*a)
        return (value, *slopes) if rate is None else (value, *(a[w] - rate * g for w, g in zip(weights, slopes, strict=True)))

    compiled = jax.jit(step)
    given = [jax.numpy.asarray(a) for a in arrays]
    return Run(lambda: jax.block_until_ready(compiled(*given)))


def jax_loop(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float, steps: int) -> Run:
    """`steps` updates in one fori_loop; the losses before each."""
    jax, xp = _jax()
    jnp = jax.numpy
    given = [jnp.asarray(a) for a in arrays]

    def body(k: Any, state: Any) -> Any:
        now, losses = state
        full = list(given)
        for w, a in zip(weights, now, strict=True):
            full[w] = a
        value, slopes = jax.value_and_grad(lambda *b: loss(xp, *b), tuple(weights))(*full)
        return [a - rate * g for a, g in zip(now, slopes, strict=True)], losses.at[k].set(value)

    loop = jax.jit(lambda start, losses: jax.lax.fori_loop(0, losses.shape[0], body, (start, losses)))
    start = [given[w] for w in weights]
    return Run(lambda: np.asarray(jax.block_until_ready(loop(start, jnp.zeros(steps)))[1]), steps)


def jax_hessian(loss: Loss, arrays: Sequence[Any], weight: int) -> Run:
    jax, xp = _jax()
    compiled = jax.jit(jax.hessian(lambda *a: loss(xp, *a), weight))
    given = [jax.numpy.asarray(a) for a in arrays]
    return Run(lambda: jax.block_until_ready(compiled(*given)))


def jax_trace(steps: int) -> Run:
    jax, _ = _jax()

    def f(x: Any) -> Any:
        for k in range(steps):
            x = jax.numpy.sin(x) * x + (0.1 + k * 1e-6)
        return x

    return Run(lambda: jax.make_jaxpr(jax.grad(f))(0.3))


# --- PyTorch ------------------------------------------------------------------------------------------------------
def _torch() -> tuple[Any, Any]:
    import torch

    torch.set_num_threads(1)
    xp = SimpleNamespace(
        exp=torch.exp, tanh=torch.tanh, sin=torch.sin, sum=torch.sum, relu=torch.relu, softplus=torch.nn.functional.softplus,
        logsumexp=lambda z: torch.logsumexp(z, 1),
    )  # fmt: skip
    return torch, xp


def torch_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float | None, compiled: bool = False) -> Run:
    """`compiled`: the loss goes through torch.compile, which wants a C++ compiler and takes half a minute when it is first called."""
    torch, xp = _torch()
    if compiled and not (shutil.which("g++") or shutil.which("clang++")):
        raise FileNotFoundError("no C++ compiler")
    given = [torch.tensor(np.asarray(a)) for a in arrays]

    def value_of(*a: Any) -> Any:
        return loss(xp, *a)

    evaluate = torch.compile(value_of, dynamic=False) if compiled else value_of

    def call() -> Any:
        full = list(given)
        leaves = [given[w].detach().requires_grad_() for w in weights]
        for w, leaf in zip(weights, leaves, strict=True):
            full[w] = leaf
        value = evaluate(*full)
        slopes = torch.autograd.grad(value, leaves)
        with torch.no_grad():
            return (value, *slopes) if rate is None else (value, *(a - rate * g for a, g in zip(leaves, slopes, strict=True)))

    return Run(call)


def torch_hessian(loss: Loss, arrays: Sequence[Any], weight: int) -> Run:
    torch, xp = _torch()
    given = [torch.tensor(np.asarray(a)) for a in arrays]
    f = torch.func.hessian(lambda *a: loss(xp, *a), weight)
    return Run(lambda: f(*given))


# --- PyTensor -----------------------------------------------------------------------------------------------------
def pytensor_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float | None) -> Run:
    import pytensor
    import pytensor.tensor as pt

    xp = SimpleNamespace(
        exp=pt.exp, tanh=pt.tanh, sin=pt.sin, sum=lambda z, axis=None: pt.sum(z, axis=axis), relu=lambda z: pt.maximum(z, 0.0),
        softplus=pt.softplus, logsumexp=lambda z: pt.logsumexp(z, axis=1),
    )  # fmt: skip
    inputs = [pt.tensor(f"v{k}", dtype=np.asarray(a).dtype, shape=np.shape(a)) for k, a in enumerate(arrays)]
    value = loss(xp, *inputs)
    slopes = pytensor.grad(value, [inputs[w] for w in weights])
    outputs = [value, *slopes] if rate is None else [value, *(inputs[w] - rate * g for w, g in zip(weights, slopes, strict=True))]
    f = pytensor.function(inputs, outputs)
    given = [np.asarray(a) for a in arrays]
    return Run(lambda: f(*given))


# --- CasADi -------------------------------------------------------------------------------------------------------
def casadi_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float | None) -> Run:
    import casadi as ca

    xp = SimpleNamespace(exp=ca.exp, tanh=ca.tanh, sin=ca.sin, sum=lambda z: ca.sum1(ca.vec(z)))
    inputs = [ca.SX.sym(f"v{k}", *np.shape(a)) if np.ndim(a) else ca.SX.sym(f"v{k}") for k, a in enumerate(arrays)]
    value = loss(xp, *inputs)
    slopes = [ca.reshape(ca.gradient(value, inputs[w]), inputs[w].shape) for w in weights]
    outputs = [value, *slopes] if rate is None else [value, *(inputs[w] - rate * g for w, g in zip(weights, slopes, strict=True))]
    f = ca.Function("f", inputs, outputs)
    given = [ca.DM(np.asarray(a)) for a in arrays]
    shapes = [(), *(np.shape(arrays[w]) for w in weights)]
    return Run(lambda: [np.asarray(o).reshape(shape) for o, shape in zip(f(*given), shapes, strict=True)])


def casadi_chain(steps: int) -> Run:
    import casadi as ca

    def call() -> Any:
        x = ca.SX.sym("x")
        y = x
        for k in range(steps):
            y = ca.sin(y) * y + (0.1 + k * 1e-6)
        return ca.gradient(y, x)

    return Run(call)


# --- SymPy --------------------------------------------------------------------------------------------------------
def sympy_step(loss: Loss, arrays: Sequence[Any], weights: Sequence[int], rate: float) -> Run:
    """Entry by entry, by lambdify with common subexpressions; from floats to floats."""
    import sympy as sp

    symbols = [np.array(sp.symbols(f"v{k}_:{np.size(a)}")).reshape(np.shape(a)) for k, a in enumerate(arrays)]
    exp = np.vectorize(sp.exp, otypes=[object])
    xp = SimpleNamespace(exp=exp, sum=np.sum)
    value = loss(xp, *symbols)
    updates = [s - rate * sp.diff(value, s) for w in weights for s in symbols[w].flat]
    f = sp.lambdify([s for a in symbols for s in np.ravel(a)], [value, *updates], modules="math", cse=True)
    given = [float(v) for a in arrays for v in np.ravel(a)]
    return Run(lambda: f(*given))
