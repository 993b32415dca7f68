"""Writes docs/numpy.md, the list of NumPy functions that work on expressions, from the library's own tables: `python docs/numpy_page.py`."""

from __future__ import annotations

from pathlib import Path

from symdiff.expr.protocol import covered, refused
from symdiff.expr.special import OF_SCIPY

PAGE = Path(__file__).with_name("numpy.md")
SUBJECTS = {
    "elementwise": "Elementwise functions",
    "reductions": "Sums, means, extremes, and what runs along an axis",
    "products": "Products",
    "relabelings": "Transposes and diagonals",
    "matrices": "Linear algebra",
    "arrays": "Shapes and array makers",
    "joining": "Joining, splitting, moving",
    "indexing": "Indexing",
    "ordering": "Sorting and order statistics",
    "statistics": "Counting, comparing, statistics",
    "padding": "Padding",
    "windows": "Windows, differences, interpolation, polynomials",
    "protocol": "Questions and calls",
}


def page() -> str:
    """The page as Markdown."""
    rows = covered()
    if untitled := {where for _, _, where in rows} - SUBJECTS.keys():
        raise KeyError(f"no title for {', '.join(sorted(untitled))}")
    lines = [
        "# NumPy functions on expressions",
        "",
        "Written by `python docs/numpy_page.py` from the tables of `symdiff.expr.protocol`; a test fails when it is out of date.",
        "NumPy's function, applied to an expression or to a traced array, becomes the constructor beside it. An option that is not supported",
        "raises an error that names it. A function that is not in this list raises an error that names the function.",
        "",
    ]
    for module, title in SUBJECTS.items():
        found = [(name, ours) for name, ours, where in rows if where == module]
        lines += [f"## {title}", "", "| NumPy | symdiff |", "| --- | --- |", *(f"| `{name}` | `{ours}` |" for name, ours in found), ""]
    lines += [
        "## ufuncs of scipy.special", "", "SciPy is not needed for them: " + ", ".join(f"`{n}`" for n in sorted(OF_SCIPY)) + ".", "",
        "## Refused, by name", "",
        "They have no derivative, give complex numbers or results of unknown size, or write to their argument. Traced arrays with values at",
        "hand answer some of them (`np.nonzero`, `np.unique`, `np.copyto` ...) and record a guard.", "",
        ", ".join(f"`{n}`" for n in refused()) + ".", "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
