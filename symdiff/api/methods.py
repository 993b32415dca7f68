"""The operators and methods of traced arrays: NumPy's functions, bound by tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from symdiff.api.dispatch import apply_ufunc
from symdiff.api.operands import wrap
from symdiff.api.recording import user_line
from symdiff.api.special import SPECIAL
from symdiff.api.traced import TracedArray
from symdiff.errors import MissingAttribute, Unsupported
from symdiff.expr import ops

np: Any = numpy  # its functions of traced arrays, which their annotations do not know


# --- operators ----------------------------------------------------------------------------------------------------
def _operator(ufunc: numpy.ufunc, reflected: bool) -> Callable[[TracedArray, Any], Any]:
    def method(self: TracedArray, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes, dict, set)):
            return NotImplemented
        return apply_ufunc(ufunc, other, self) if reflected else apply_ufunc(ufunc, self, other)

    return method


def _in_place(ufunc: numpy.ufunc) -> Callable[[TracedArray, Any], Any]:
    def method(self: TracedArray, other: Any) -> Any:
        if self.ndim == 0:  # NumPy's scalars cannot be changed: the name is bound to the result
            return NotImplemented
        self.assign(apply_ufunc(ufunc, self, other))
        return self

    return method


_OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide, "mod": np.remainder,
    "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "divmod": np.divmod,
}  # fmt: skip
_COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}

for _name, _ufunc in _OPERATORS.items():
    setattr(TracedArray, f"__{_name}__", _operator(_ufunc, False))
    setattr(TracedArray, f"__r{_name}__", _operator(_ufunc, True))
    if _name != "divmod":
        setattr(TracedArray, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in _COMPARISONS.items():
    setattr(TracedArray, f"__{_name}__", _operator(_ufunc, False))
for _name, _ufunc in _UNARY.items():
    setattr(TracedArray, f"__{_name}__", lambda self, _f=_ufunc: apply_ufunc(_f, self))
# NumPy calls these of the entries of an object array
for _name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh",
    "tanh", "arcsinh", "arccosh", "arctanh", "rint", "degrees", "radians", "deg2rad", "rad2deg", "fabs", "square", "reciprocal", "conjugate",
    "arctan2", "hypot", "logaddexp", "fmod", "isfinite", "isnan", "isinf", "sign",
):  # fmt: skip
    setattr(TracedArray, _name, lambda self, *others, _f=getattr(np, _name): apply_ufunc(_f, self, *others))


# --- methods ------------------------------------------------------------------------------------------------------
def _method(func: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: func(self, *args, **kwargs)


for _name in (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "copy", "cumprod", "cumsum", "diagonal", "dot", "max", "mean",
    "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
):  # fmt: skip
    setattr(TracedArray, _name, _method(getattr(np, _name)))


def _shaped(self: TracedArray, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    return np.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape, order=order)


def _transposed(self: TracedArray, *axes: Any) -> Any:
    return np.transpose(self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None)


def _astype(self: TracedArray, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Any:
    if not copy and np.dtype(dtype) == self.dtype:
        return self
    if np.dtype(dtype).kind == "f":  # float32 and others: values keep their precision
        value = None if self.value is None else np.array(self.value, dtype=np.float64)
        return wrap(ops.astype(self.__expr__, float), value, (self,))
    value = None if self.value is None else np.asarray(self.value).astype(dtype)
    return wrap(ops.astype(self.__expr__, dtype), value, (self,))


def _item(self: TracedArray, *at: Any) -> Any:
    if at:
        return np.ravel(self)[at[0]] if len(at) == 1 and not isinstance(at[0], tuple) else self[at[0] if len(at) == 1 else at]
    return np.reshape(self, ())[()]


def _tolist(self: TracedArray) -> Any:
    return [part.tolist() for part in self] if self.ndim else self


def _clipped(self: TracedArray, min: Any = None, max: Any = None, **options: Any) -> Any:
    return np.clip(self, min, max, **options)


def _sorted_in_place(self: TracedArray, axis: int = -1, kind: Any = None) -> None:
    self.assign(np.sort(self, axis))


def _partitioned_in_place(self: TracedArray, kth: Any, axis: int = -1, kind: Any = None) -> None:
    self.assign(np.partition(self, kth, axis))


def _viewed(self: TracedArray, dtype: Any = None, type: Any = None) -> Any:
    if dtype is not None or type is not None:
        raise Unsupported(
            f"x.view({dtype or type}) of a traced array is not supported: use x.astype, or np.where(mask, a, b) for masks{user_line()}"
        )
    return self[...]


def _filled(self: TracedArray, value: Any) -> None:
    self[...] = value


def _compressed(self: TracedArray, condition: Any, axis: int | None = None) -> Any:
    return SPECIAL[np.compress](condition, self, axis)


def _flattened(self: TracedArray, order: str = "C") -> Any:
    return np.copy(np.ravel(self, order))


def _itself(self: TracedArray) -> TracedArray:
    return self


for _name, _function in {
    "reshape": _shaped, "transpose": _transposed, "astype": _astype, "item": _item, "tolist": _tolist, "sort": _sorted_in_place, "fill": _filled,
    "clip": _clipped, "partition": _partitioned_in_place, "view": _viewed,
    "compress": _compressed, "flatten": _flattened, "conj": _itself, "__copy__": lambda self: np.copy(self),
    "__deepcopy__": lambda self, memo: np.copy(self), "put": lambda self, at, v: SPECIAL[np.put](self, at, v),
}.items():  # fmt: skip
    setattr(TracedArray, _name, _function)


# --- what a traced array has not --------------------------------------------------------------------------------------
_INSTEAD = {  # what to write instead
    "resize": "np.resize(x, shape), or a slice such as x[:3], which make a new array",
    "byteswap": "x.astype",
    "getfield": "x.astype",
    "setfield": "item assignment, x[...] = value",
    "setflags": "x.copy() for an array of its own",
    **dict.fromkeys(("strides", "ctypes", "data", "base", "flags"), "slices and x.reshape; its memory is not laid open"),
    **dict.fromkeys(("dump", "dumps", "tobytes", "tofile", "to_device"), "the result of the function that is differentiated"),
}


def _missing(name: str, instead: str) -> Any:
    def missing(self: TracedArray) -> Any:
        raise MissingAttribute(f"x.{name} of a traced array is not supported: use {instead}{user_line()}")

    return property(missing)


for _name, _instead in _INSTEAD.items():
    setattr(TracedArray, _name, _missing(_name, _instead))
