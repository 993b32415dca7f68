"""Expressions as formulas: notation trees, the unicode, LaTeX and python styles, entries as indexed sums, and SymPy."""
