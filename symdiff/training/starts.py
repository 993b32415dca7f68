"""Start weights: N(0, 1), and the rules that keep the size of activations or gradients from layer to layer.

A matrix is (inputs, outputs), as in X W; a vector of weights is a matrix of one column. Biases start at 0 where a rule says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from symdiff.expr.nodes import Var
from symdiff.training.net import Array, Leaf, Net


@dataclass(frozen=True)
class Start:
    """A rule in words, and what draws the parameters of a net by NumPy's default generator from a seed, in their order."""

    title: str
    value: Callable[[Leaf, np.random.Generator], Array]

    def draw(self, net: Net, seed: int) -> dict[Var, Array]:
        """The start weights from a seed."""
        generator = np.random.default_rng(seed)
        return {leaf.var: self.value(leaf, generator) for leaf in net.parameters}


def _normal(leaf: Leaf, generator: np.random.Generator) -> Array:
    return generator.normal(size=leaf.value.shape)


def _scaled(deviation: Callable[[int, int], float]) -> Callable[[Leaf, np.random.Generator], Array]:
    def value(leaf: Leaf, generator: np.random.Generator) -> Array:
        if leaf.bias:
            return np.zeros(leaf.value.shape)
        fan_in, *rest = leaf.value.shape or (1,)
        return generator.normal(size=leaf.value.shape) * deviation(fan_in, rest[-1] if rest else 1)

    return value


STARTS: dict[str, Start] = {
    "random": Start("N(0, 1)", _normal),
    # Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010), section 4.2.1
    "glorot": Start("N(0, 2/(inputs + outputs)), biases 0", _scaled(lambda fan_in, fan_out: sqrt(2 / (fan_in + fan_out)))),
    # He, Zhang, Ren and Sun, Delving deep into rectifiers (2015), section 2.2
    "he": Start("N(0, 2/inputs), biases 0", _scaled(lambda fan_in, fan_out: sqrt(2 / fan_in))),
}


def random_start(net: Net, seed: int) -> dict[Var, Array]:
    """Start weights from N(0, 1), by NumPy's default generator; the order is that of the parameters."""
    return STARTS["random"].draw(net, seed)
