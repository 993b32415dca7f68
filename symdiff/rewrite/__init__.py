"""Rewriting: the engine that applies the identities of symdiff.rules, and the measure that it lowers."""

from symdiff.rewrite.corners import SMOOTHED_BY, without_corners
from symdiff.rewrite.engine import Step, simplify, simplify_all
from symdiff.rewrite.stabilise import named_functions, stabilise_all

__all__ = ["SMOOTHED_BY", "Step", "named_functions", "simplify", "simplify_all", "stabilise_all", "without_corners"]
