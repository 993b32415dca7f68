"""The page that `derive` prints: network, gradients in matrices, forward values, gradients weight by weight; each in its columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from rich.cells import cell_len

from symdiff.cli.layout import equation, padded, table
from symdiff.cli.matrix_text import MOST_ROWS, definition_lines, gradient_lines
from symdiff.cli.notation import Notation
from symdiff.expr.dims import Shape
from symdiff.expr.nodes import Var
from symdiff.training.derived import Derived
from symdiff.training.net import Array

MOST_EXAMPLES = 4


def page(derived: Derived, columns: int) -> list[str]:
    """The page in lines of at most so many columns."""
    notation = Notation("unicode")
    blocks = [_head(derived, notation, columns)]
    if derived.matrices:
        formulas = derived.matrices.formulas
        blocks.append(definition_lines(formulas, notation, columns))
        blocks.append(["Gradients", *gradient_lines(formulas, notation, columns)])
    elif derived.weights:
        blocks.append(definition_lines(derived.weights.formulas, notation, columns))
    blocks.append(_forward(derived, notation, columns) if derived.weights else _matrix_values(derived, notation))
    if derived.weights:
        blocks.append(_weight_by_weight(derived, notation, columns))
    blocks.append([f"At a corner: {note}" for note in derived.conventions])
    return [line for block in blocks if block for line in ("", *block)][1:]


def number(value: float) -> str:
    """Nine decimals where they show the number, else a power of ten.

    >>> number(0.29837110876), number(1e-9)
    ('0.298371109', '1.000000e-09')
    """
    return f"{value:.9f}" if value == 0 or 1e-5 <= abs(value) < 1e6 else f"{value:.6e}"


def numbers(value: Array) -> str:
    """A value for a column; nothing for an array over the batch, which stands in the table of values."""
    return number(float(value)) if value.ndim == 0 else ""


def _shape(shape: Shape) -> str:
    return f" ({', '.join(map(str, shape))})" if shape else ""


def _head(derived: Derived, notation: Notation, columns: int) -> list[str]:
    net = derived.net
    title = f"{net.name}   {net.description}"
    given = [notation.formula(leaf.var) + _shape(leaf.var.shape) for leaf in (*net.data, *net.parameters, *net.fixed)]
    sizes = {d: n for leaf in net.data for d, n in zip(leaf.var.shape, leaf.value.shape, strict=True) if isinstance(d, str)}
    facts = [f"{name} = {size}" for name, size in sizes.items()]
    if net.fixed:
        facts.append(f"{', '.join(notation.formula(leaf.var) for leaf in net.fixed)} fixed")
    line = "    ".join([title, "  ".join(given), *facts])
    if cell_len(line) <= columns:
        return [line]
    lines = [title]
    for word in (*given, *facts):
        if len(lines) > 1 and cell_len(f"{lines[-1]}  {word}") <= columns:
            lines[-1] += f"  {word}"
        else:
            lines.append(f"  {word}")
    return lines


# --- values ---------------------------------------------------------------------------------------------------------
def _forward(derived: Derived, notation: Notation, columns: int) -> list[str]:
    """The named values of the forward pass: a column a layer, or a column an example where there is a batch."""
    layers = [_entry_names(derived, d.entries) for d in derived.net.definitions]
    layers = [layer for layer in layers if layer]
    if not layers:
        return [f"Value       {notation.loss} {number(derived.loss)}"]
    if any(derived.forward[v].ndim for layer in layers for v in layer):
        return _forward_of_batch(derived, notation, layers)
    blocks = [[(notation.formula(v), numbers(derived.forward[v])) for v in layer[:MOST_ROWS]] for layer in layers]
    blocks[-1].append((notation.loss, number(derived.loss)))
    lines = _side_by_side([table(block, indent=0, gap=1) for block in blocks], columns - 12)
    if more := sum(len(layer[MOST_ROWS:]) for layer in layers):
        lines.append(f"{more:,} values left out")
    return [padded("Forward" if k == 0 else "", 12) + line for k, line in enumerate(lines)]


def _side_by_side(blocks: Sequence[list[str]], columns: int) -> list[str]:
    """Blocks beside each other, as many as fit, the rest below them."""
    lines: list[str] = []
    rows: list[list[str]] = []
    for block in blocks:
        if rows and sum(max(map(cell_len, b)) + 3 for b in (*rows, block)) - 3 > columns:
            lines += table(zip_longest(*rows, fillvalue=""), indent=0)
            rows = []
        rows.append(block)
    return lines + table(zip_longest(*rows, fillvalue=""), indent=0)


def _forward_of_batch(derived: Derived, notation: Notation, layers: Sequence[Sequence[Var]]) -> list[str]:
    """A row a value and a column an example; the first few of each layer and of the batch."""
    assert derived.weights is not None
    data = [_entry_names(derived, leaf.entries) for leaf in derived.net.data]
    cotangents = list(derived.weights.formulas.cotangents)
    given = [(v, derived.entries[v]) for group in data for v in group[:MOST_ROWS]]
    named = [(v, derived.forward[v]) for layer in layers for v in layer[:MOST_ROWS]]
    named += [(v, derived.weights.values.named[v]) for v in cotangents[:MOST_ROWS]]
    slopes = [(v, a) for v, a in derived.weights.values.gradients.items() if a.ndim]
    count = max(np.size(a) for _, a in (*given, *named))
    heads = ["Values", *(f"row {k + 1}" for k in range(min(count, MOST_EXAMPLES)))]
    rows = [[notation.formula(v), *_row(a, "{:g}")] for v, a in given] + [[notation.formula(v), *_row(a, "{:.9f}")] for v, a in named]
    rows += [[notation.slope(v), *_row(a, "{:.9f}")] for v, a in slopes[:MOST_ROWS]]
    lines = table([heads, *(["  " + name, *cells] for name, *cells in rows)], right=range(1, len(heads)), indent=0)
    more = sum(len(group[MOST_ROWS:]) for group in (*data, *layers, cotangents))
    notes = [f"{count - MOST_EXAMPLES:,} rows left out"] * (count > MOST_EXAMPLES) + [f"{more:,} values left out"] * (more > 0)
    return [*lines, f"  {notation.loss} {number(derived.loss)}" + (f"   ({', '.join(notes)})" if notes else "")]


def _row(values: Array, form: str) -> list[str]:
    return [form.format(float(x)) for x in np.atleast_1d(values)[:MOST_EXAMPLES]]


def _entry_names(derived: Derived, names: Sequence[str]) -> list[Var]:
    by_name = {v.name: v for v in (*derived.entries, *derived.forward)}
    return [by_name[name] for name in names if name in by_name]


def _matrix_values(derived: Derived, notation: Notation) -> list[str]:
    """The values of what has a name in the matrix form."""
    assert derived.matrices is not None
    values = derived.matrices.values
    shown = {**{v: values.named[v] for v in (*derived.matrices.formulas.displayed, *derived.matrices.formulas.cotangents)}}
    named = [(notation.formula(v), a) for v, a in shown.items()] + [(notation.slope(v), a) for v, a in values.gradients.items()]
    lines = ["Values", f"  {notation.loss} = {number(derived.loss)}"]
    for name, array in named:
        head = f"  {name} = "
        body = np.array2string(array, formatter={"float_kind": lambda x: number(float(x))}, threshold=64, edgeitems=2).splitlines()
        lines += [head + body[0], *(" " * cell_len(head) + line for line in body[1:])]
    return lines


# --- weight by weight -----------------------------------------------------------------------------------------------
def _weight_by_weight(derived: Derived, notation: Notation, columns: int) -> list[str]:
    assert derived.weights is not None
    formulas, values = derived.weights.formulas, derived.weights.values
    trained = {name for leaf in derived.net.parameters for name in leaf.entries}
    after = {w: f"{notation.formula(w)} {numbers(derived.after[w])}" for w in formulas.gradients if w.name in trained}
    rate = f"η = {derived.net.learning_rate:g}: after"
    slopes = {w: numbers(values.gradients[w]) for w in formulas.gradients}
    cotangents = {v: numbers(values.named[v]) for v in formulas.cotangents}
    value_width = max(cell_len(text) for text in (*slopes.values(), *cotangents.values(), "value"))
    after_width = max(map(cell_len, (*after.values(), rate))) if after else 0
    room = columns - value_width - 3 - (after_width + 3 if after else 0)
    left = max(cell_len(notation.slope(w)) for w in formulas.gradients)
    blocks = [
        (equation(padded(notation.slope(w), left), notation.formula(g), room, indent=2), slopes[w], after.get(w, ""))
        for w, g in formulas.gradients.items()
    ]
    left = max((cell_len(notation.formula(v)) for v in formulas.cotangents), default=0)
    for k, (v, c) in enumerate(list(formulas.cotangents.items())[:MOST_ROWS]):
        lines = equation(padded(notation.formula(v), left), notation.formula(c), room, indent=9)
        blocks.append((["  where  " + lines[0][9:], *lines[1:]] if k == 0 else lines, cotangents[v], ""))
    column = max(cell_len(line) for lines, _, _ in blocks for line in lines)
    page = [_columns("Weight by weight", column, "value", value_width, rate if after else "")]
    for lines, value, new in blocks:
        page.append(_columns(lines[0], column, value, value_width, new))
        page += lines[1:]
    if rest := list(formulas.cotangents)[MOST_ROWS:]:
        page.append(f"         … and {len(rest):,} more, to {notation.formula(rest[-1])}")
    if derived.left_out:
        counts = ", ".join(f"{count:,} of {name}" for name, count in derived.left_out.items())
        total = sum(derived.left_out.values())
        page.append(f"  … and {total:,} more ({counts}): name the ones to see with --wrt")
    return page


def _columns(formula: str, column: int, value: str, value_width: int, after: str) -> str:
    return (padded(formula, column) + "   " + " " * (value_width - cell_len(value)) + value + "   " + after).rstrip()
