"""The two halves of the SymPy bridge: what to_sympy writes with, and what from_sympy reads with."""
