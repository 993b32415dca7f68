"""Where text goes and how it looks: the terminal's width, colour only where a person sees it, and files."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from symdiff.errors import BadSetting
from symdiff.expr.names import SUBSCRIPTS
from symdiff.report.colours import PALETTE

NARROWEST, USUAL = 80, 100
WORD = re.compile(r"[^\W\d]\w*")


def width() -> int:
    """Columns to write: the terminal's (or COLUMNS), at least 80; 100 without a terminal."""
    return max(NARROWEST, shutil.get_terminal_size((USUAL, 24)).columns)


def is_terminal(stream: Any) -> bool:
    """Whether a person sees the stream, and it can redraw a line."""
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def is_colourful(stream: Any) -> bool:
    """Whether the stream is a terminal that may show colour; NO_COLOR, if set, says no."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """One colour a variable, the same in formula, table and plot.

    >>> colours_of(['w1', 'h'])
    {'w1': 'cyan', 'h': 'magenta'}
    """
    return dict(zip(dict.fromkeys(name.translate(SUBSCRIPTS) for name in names), cycle(PALETTE), strict=False))


def painted(line: str, colours: Mapping[str, str]) -> Text:
    """A line with its variables in their colours; a transposed variable is still itself."""
    text = Text(line)
    for word in WORD.finditer(line):
        name = word.group().rstrip("ᵀ")
        if colour := colours.get(name.translate(SUBSCRIPTS)):
            text.stylize(colour, word.start(), word.start() + len(name))
    return text


def write(lines: Sequence[str], output: Path | None = None, names: Iterable[str] = ()) -> None:
    """Lines to stdout, in colour for a person, or to a file.

    Raises: BadSetting if the file cannot be written.
    """
    if output is not None:
        write_file(output, "".join(line + "\n" for line in lines))
    elif not is_colourful(sys.stdout):
        sys.stdout.write("".join(line + "\n" for line in lines))
    else:
        console, colours = Console(highlight=False, soft_wrap=True), colours_of(names)
        for line in lines:
            console.print(painted(line, colours))


def write_file(path: Path, text: str) -> None:
    """Raises: BadSetting, with the reason, if the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def check_writable(path: Path) -> None:
    """Find out before a long run whether a file can be written; what is in it stays. Raises: BadSetting with the reason."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise BadSetting(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def json_text(data: Any) -> str:
    """JSON as the command line prints it: arrays as lists, a number that is not finite as null."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(v) for key, v in value.items()}
        if isinstance(value, np.ndarray):
            return plain(value.tolist())
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        if isinstance(value, (float, np.floating)):
            return float(value) if np.isfinite(value) else None
        return value

    return json.dumps(plain(data), ensure_ascii=False, indent=2, allow_nan=False)
