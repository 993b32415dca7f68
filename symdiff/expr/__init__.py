"""Expressions: the nodes, their constructors, shapes and label algebra, the function table, traversal, the parser of formulas."""

from symdiff.expr import node as node  # first: at its end it imports the constructors that its operators call
