"""Every loss once, for whoever brings the functions: `xp` is jax.numpy, autograd.numpy, a torch, PyTensor or CasADi namespace, or symdiff."""

from __future__ import annotations

from typing import Any


def sigmoid(xp: Any, z: Any) -> Any:
    return 1 / (1 + xp.exp(-z))


def mazur(xp: Any, W1: Any, W2: Any, b1: Any, b2: Any, x: Any, t: Any) -> Any:
    h = sigmoid(xp, W1 @ x + b1)
    y = sigmoid(xp, W2 @ h + b2)
    return xp.sum((y - t) ** 2) / 2


def xor(xp: Any, W: Any, v: Any, X: Any, t: Any) -> Any:
    e = sigmoid(xp, sigmoid(xp, X @ W) @ v) - t
    return xp.sum(e * e) / 4


def mlp(xp: Any, activation: str, rows: int, X: Any, T: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    a = X @ W1 + b1
    h = xp.tanh(a) if activation == "tanh" else xp.relu(a)
    z = h @ W2 + b2
    return xp.sum(xp.logsumexp(z) - xp.sum(T * z, 1)) / rows


def logistic(xp: Any, X: Any, y: Any, w: Any) -> Any:
    z = X @ w
    return xp.sum(xp.softplus(z) - y * z)


def factorisation(xp: Any, T: Any, U: Any, V: Any) -> Any:
    return xp.sum((T - U @ V.T) ** 2)


def relu_net(xp: Any, X: Any, T: Any, *weights: Any) -> Any:
    h = X
    for W in weights[:-1]:
        h = xp.relu(h @ W)
    return xp.sum((h @ weights[-1] - T) ** 2) / 2


def wave(xp: Any, x: Any, a: Any, b: Any, c: Any) -> Any:
    return xp.sum(xp.tanh(a * x + b) * xp.exp(-(x * x)) * xp.sin(c * x))
