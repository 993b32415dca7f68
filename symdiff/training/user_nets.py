"""A network of the user's own: `path/to/net.py:function`, a function without arguments that returns a Net.

The file is run, like any program that its user starts, and only where its name is typed.
"""

from __future__ import annotations

import runpy
import traceback
from pathlib import Path

from symdiff.errors import BadSetting, SymdiffError, UnknownName, did_you_mean
from symdiff.training.net import Net


def user_net(spec: str) -> Net:
    """The net that a function of a file returns.

    Raises: BadSetting for a file that is not there or fails, or for a function that returns no Net; UnknownName for a function that the
    file has not, with the near miss.
    """
    name, _, function = spec.rpartition(":")
    path = Path(name)
    if not path.is_file():
        raise BadSetting(f"there is no file {name!r}: a net of your own is FILE.py:FUNCTION")
    try:
        scope = runpy.run_path(str(path), run_name="symdiff_user_net")
        functions = [key for key, value in scope.items() if callable(value) and not key.startswith("_")]
        if function not in functions:
            raise UnknownName(f"{name} has no function {function!r}{did_you_mean(function, functions)}")
        net = scope[function]()
    except SymdiffError:
        raise
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        raise BadSetting(f"{name}{where}: {type(error).__name__}: {error}") from None
    if not isinstance(net, Net):
        raise BadSetting(f"{spec} returns {type(net).__name__}; a symdiff.training.Net is wanted")
    return net
