"""Textbook NumPy by hand for every workload: what the bars are ratios of."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def mazur_step(W1: Array, W2: Array, b1: float, b2: float, x: Array, t: Array, rate: float) -> tuple[Any, ...]:
    h = sigmoid(W1 @ x + b1)
    y = sigmoid(W2 @ h + b2)
    loss = 0.5 * np.sum((y - t) ** 2)
    d2 = (y - t) * y * (1 - y)
    d1 = (W2.T @ d2) * h * (1 - h)
    return loss, W1 - rate * np.outer(d1, x), W2 - rate * np.outer(d2, h)


def xor_step(W: Array, v: Array, X: Array, t: Array, rate: float) -> tuple[Any, ...]:
    h = sigmoid(X @ W)
    y = sigmoid(h @ v)
    loss = np.mean((y - t) ** 2)
    d2 = 2 * (y - t) / len(t) * y * (1 - y)
    d1 = np.outer(d2, v) * h * (1 - h)
    return loss, W - rate * X.T @ d1, v - rate * h.T @ d2


def mlp_step(X: Array, T: Array, W1: Array, b1: Array, W2: Array, b2: Array, rate: float, *, activation: str = "tanh") -> tuple[Any, ...]:
    """One hidden layer, softmax cross-entropy."""
    a = X @ W1 + b1
    h = np.tanh(a) if activation == "tanh" else np.maximum(a, 0)
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(T * np.log(p), axis=1))
    dz = (p - T) / len(X)
    dh = dz @ W2.T
    da = dh * (1 - h**2) if activation == "tanh" else dh * (a > 0)
    return loss, W1 - rate * (X.T @ da), b1 - rate * da.sum(axis=0), W2 - rate * (h.T @ dz), b2 - rate * dz.sum(axis=0)


def logistic(X: Array, y: Array, w: Array) -> tuple[Any, ...]:
    p = sigmoid(X @ w)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)), X.T @ (p - y)


def logistic_hessian(X: Array, y: Array, w: Array) -> Array:
    p = sigmoid(X @ w)
    s = p * (1 - p)
    return X.T @ (s[:, None] * X)


def factorisation_hessian(T: Array, U: Array, V: Array) -> Array:
    """Of |T - U V'|^2 in U: I (x) 2 V'V, rows first."""
    return np.kron(np.eye(len(U)), 2 * V.T @ V)


def relu_hessian(X: Array, T: Array, *weights: Array) -> Array:
    """Of half the squared error of a relu net in its first layer: by rows of data, x x' (x) J J', J the Jacobian of the layers above."""
    n = X.shape[1]
    J, h = None, X
    for k, W in enumerate(weights):
        z = h @ W
        gate = z > 0
        if k == 0:
            first = gate
        elif J is None:
            J = first[:, :, None] * W
        else:
            J = (J.reshape(-1, n) @ W).reshape(J.shape)
        if 0 < k < len(weights) - 1:
            J = J * gate[:, None, :]
        h = np.maximum(z, 0)
    G = J @ J.transpose(0, 2, 1)
    xx = X[:, :, None] * X[:, None, :]
    return (xx.reshape(len(X), -1).T @ G.reshape(len(X), -1)).reshape(n, n, n, n).transpose(0, 2, 1, 3).copy()


def wave(x: Array, a: float, b: float, c: float) -> tuple[Any, ...]:
    """sum(tanh(a x + b) exp(-x^2) sin(c x)) and its gradient in x."""
    t, e, s = np.tanh(a * x + b), np.exp(-(x**2)), np.sin(c * x)
    return np.sum(t * e * s), a * (1 - t**2) * e * s - 2 * x * t * e * s + c * t * e * np.cos(c * x)
