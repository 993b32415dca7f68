"""Differentiation: differentials applied forward, transposed for reverse, and what is composed of the two."""

from symdiff.calculus.forward import pushforward
from symdiff.calculus.gauss_newton import gauss_newton, gnvp
from symdiff.calculus.modes import gradient, hessian, hvp, jacobian, jvp, vjp
from symdiff.calculus.reverse import pullback

__all__ = ["gauss_newton", "gnvp", "gradient", "hessian", "hvp", "jacobian", "jvp", "pullback", "pushforward", "vjp"]
