"""What the commands share in reading their options: choices with the near miss, lists of names, settings of single numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from symdiff.api.derivatives import Kind
from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.training.data import find_data, fitted
from symdiff.training.net import Net
from symdiff.training.nets import find_net

STYLES = ("unicode", "latex", "python", "sympy", "mathml")
FORMS = ("matrix", "scalar", "inlined")
DTYPES = ("float64", "float32")


def choice(option: str, value: str, known: Sequence[str]) -> str:
    """The value of an option with a fixed list of values. Raises: UnknownName, with the near miss.

    >>> choice('--style', 'latex', STYLES)
    'latex'
    """
    if value not in known:
        raise UnknownName(f"{option}: there is no {value!r}{did_you_mean(value, known)}. Choices: {', '.join(known)}")
    return value


def net_on(name: str, data: str | None) -> Net:
    """A network on the data of a name, or on its own. Raises: BadSetting for one that has none; as find_net, find_data and fitted.

    >>> net_on('mlp:2-3-1', 'and').values()[net_on('mlp:2-3-1', 'and').target].ravel()
    array([0., 0., 0., 1.])
    """
    net = find_net(name)
    if data is not None:
        return fitted(net, find_data(data))
    if net.sampled:
        raise BadSetting(f"{name} has no data of its own: name some, as in --data xor")
    return net


def kind_of(hessian: bool, jacobian: bool) -> Kind:
    """Which derivative two flags ask for. Raises: BadSetting for both."""
    if hessian and jacobian:
        raise BadSetting("--hessian and --jacobian: one of the two")
    return "hessian" if hessian else "jacobian" if jacobian else "gradient"


def refuse(beside: str, options: Mapping[str, object]) -> None:
    """Options that mean nothing beside what was asked for. Raises: BadSetting for one that is given."""
    for option, value in options.items():
        if value is not None:
            raise BadSetting(f"{option} does not go with {beside}")


def name_list(text: str | None) -> list[str]:
    """Names between commas.

    >>> name_list('W1, w5')
    ['W1', 'w5']
    """
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def spec_list(text: str | None) -> list[str]:
    """Specs between commas, of which each may have settings between commas: a part NAME=NUMBER goes on with the spec before it.

    >>> spec_list('momentum:beta=0.8,adam:beta1=0.5,beta2=0.9,sgd')
    ['momentum:beta=0.8', 'adam:beta1=0.5,beta2=0.9', 'sgd']
    """
    found: list[str] = []
    for part in name_list(text):
        if found and part.partition("=")[0].strip().isidentifier() and "=" in part:
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def settings(option: str, text: str | None) -> dict[str, str]:
    """name=number pairs between commas, the numbers as they were written. Raises: BadSetting for anything else and for a name given twice.

    >>> settings('--weights', 'w5=0.30, w6=1e-3')
    {'w5': '0.30', 'w6': '1e-3'}
    """
    found: dict[str, str] = {}
    for part in name_list(text):
        name, _, value = map(str.strip, part.partition("="))
        if not name or not _is_number(value):
            raise BadSetting(f"{option}: {part!r} is given, NAME=NUMBER is wanted, such as w5=0.3,w6=0.1")
        if name in found:
            raise BadSetting(f"{option}: {name} is given twice")
        found[name] = value
    return found


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
