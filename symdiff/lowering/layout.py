"""How emitted source is laid out: statements as lines, lists that wrap, arrays as literals, long functions cut into several."""

from __future__ import annotations

import re
from base64 import b85encode
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import compress

import numpy as np

from symdiff.lowering.naming import Names

WIDTH = 96  # of a line
CHUNK = 1000  # statements in one function
LITERAL = 64  # entries of a constant array that are written out


@dataclass
class Statement:
    """Lines that define variables, and the variables they read."""

    names: tuple[str, ...]
    lines: list[str]
    reads: frozenset[str]
    comment: str = ""


def statement_lines(statements: Sequence[Statement]) -> list[str]:
    """The statements as lines; comments stand in one column."""
    lines: list[str] = []
    for s in statements:
        lines += s.lines if not s.comment else [*s.lines[:-1], f"{s.lines[-1]:<48}  # {s.comment}"]
    return lines


def indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def wrapped(parts: Sequence[str], width: int = WIDTH) -> list[str]:
    """Parts with commas, in lines of the width."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) + 2 > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + f"{part},"
    return lines


def if_any_lines(conditions: Sequence[str]) -> list[str]:
    """The head of a statement that runs if one of these holds."""
    line = f"if {' or '.join(conditions)}:"
    if len(line) <= WIDTH:
        return [line]
    rows = [conditions[0]]
    for condition in conditions[1:]:
        if len(rows[-1]) + len(condition) + 4 > WIDTH:
            rows.append(f"or {condition}")
        else:
            rows[-1] += f" or {condition}"
    return ["if (", *indented(rows), "):"]


def call_lines(before: str, parts: Sequence[str], after: str) -> list[str]:
    """before + parts with commas + after, on one line if it fits."""
    line = f"{before}{', '.join(parts)}{after}"
    return [line] if len(line) <= WIDTH + 4 else [before.rstrip(), *indented(wrapped(parts)), after]


def dtype_code(dtype: str) -> str:
    """What an array's constructor is told of its dtype."""
    return "" if dtype == "np.float64" else f", {dtype}"


def array_lines(name: str, array: np.ndarray, real: str = "np.float64") -> list[str]:
    """A constant array: written out if it is small, else packed. `real` is the dtype of what is not whole."""
    dtype = {"b": "bool", "i": "np.int64", "u": "np.int64"}.get(array.dtype.kind, real)
    if array.size <= LITERAL and np.isfinite(array).all():
        return [f"{name} = np.array({array.tolist()}, {dtype})" if array.size else f"{name} = np.zeros({array.shape}, {dtype})"]
    plain = array.astype({"bool": "?", "np.int64": "<i8"}.get(dtype, "<f8"))
    packed = b85encode(compress(plain.tobytes())).decode()
    rows = [f'    b"{packed[k : k + WIDTH]}"' for k in range(0, len(packed), WIDTH)]
    order = {"bool": "bool", "np.int64": '"<i8"'}.get(dtype, '"<f8"')
    return [
        f"{name} = np.frombuffer(zlib.decompress(base64.b85decode(",
        *rows,
        f")), {order}).reshape({array.shape}){'.astype(np.float32)' if dtype == 'np.float32' else ''}",
    ]


# --- long programs ------------------------------------------------------------------------------------------------
def cut(
    names: Names,
    shared: Sequence[str],
    statements: Sequence[Statement],
    head: Sequence[str],
    result: Sequence[str],
    last_reads: frozenset[str],
) -> list[str]:
    """Functions of some statements each, and one that calls them. A part hands on, as one tuple, what later parts read.

    `shared` are the arguments, sizes and dtype that every part may take; `head` opens the last function and `result` ends it.
    """
    chunks = [statements[k : k + CHUNK] for k in range(0, len(statements), CHUNK)]
    made_in = {n: k for k, chunk in enumerate(chunks) for s in chunk for n in s.names}
    reads = [dict.fromkeys(n for s in chunk for n in sorted(s.reads)) for chunk in chunks] + [dict.fromkeys(sorted(last_reads))]
    place: list[dict[str, int]] = [{} for _ in chunks]  # of each name in the tuple that its part returns
    for k, wanted in enumerate(reads):
        for n in wanted:
            if n in made_in and made_in[n] != k:
                place[made_in[n]].setdefault(n, len(place[made_in[n]]))
    parts = [names.numbered("part") for _ in chunks]
    kept = [names.numbered("kept") for _ in chunks]

    def unpacked(k: int) -> list[str]:
        return [f"{n} = {kept[made_in[n]]}[{place[made_in[n]][n]}]" for n in reads[k] if n in made_in and made_in[n] != k]

    before: list[str] = []
    main = list(head)
    for k, chunk in enumerate(chunks):
        body = statement_lines(chunk)
        words = set(re.findall(r"\w+", "\n".join(body)))
        arguments = [n for n in shared if n in words]
        arguments += [kept[j] for j in sorted({made_in[n] for n in reads[k] if n in made_in and made_in[n] != k})]
        back = f"return ({''.join(f'{n}, ' for n in place[k]).rstrip()})"
        before += [f"def {parts[k]}({', '.join(arguments)}):", *indented([*unpacked(k), *body, back]), "", ""]
        main += indented([f"{kept[k]} = {parts[k]}({', '.join(arguments)})"])
    return [*before, *main, *indented([*unpacked(len(chunks)), *result])]
