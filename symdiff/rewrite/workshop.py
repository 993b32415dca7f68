"""What one round makes: normal forms of products and sums, each made once, and how many there were.

Trials meet the same products and sums over and over: an expansion is factored again, and factors are pulled out in several orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.node import Expr
from symdiff.rewrite.terms import Term

Make = Callable[[Term], Expr]


class Products:
    """`make`, the normal form of a product, asked once for each; `made` counts the different ones.

    Who tries what may come to nothing stops when it is `tired`: when more were made since `begin` than it allows.
    """

    def __init__(self, make: Make) -> None:
        self.make = make
        self.made = 0
        self._most = 0
        self._sums: dict[object, Expr] = {}
        self._products: dict[object, Expr] = {}

    def begin(self, most: int) -> None:
        self._most = self.made + most

    @property
    def tired(self) -> bool:
        return self.made > self._most

    def __call__(self, term: Term) -> Expr:
        key = identity(term)
        found = self._products.get(key)
        if found is None:
            self.made += 1
            found = self._products[key] = self.make(term)
        return found

    def sum(self, terms: Sequence[Term], make: Callable[[Sequence[Term], Products], Expr]) -> Expr:
        """`make`, the normal form of a sum, asked once for each list of terms."""
        key = tuple([identity(t) for t in terms])
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = make(terms, self)
        return found


def identity(term: Term) -> object:
    """The term as a dictionary key: 1 and 1.0 are different coefficients."""
    return type(term.coefficient), term.coefficient, term.factors, term.out
