"""How surprising it is that one phase is among the best in every patch."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def rank_product_p(ranks: Sequence[int], among: int) -> float:
    """Chance that ranks drawn at random have a product this small.

    Parameters
    ----------
    ranks : sequence of int
        1 for the best, one rank a patch.
    among : int
        Number of values that each rank was found among.

    Returns
    -------
    float
        Exact where patches are independent and phases exchangeable, as they are in a picture
        without a grid.
    """
    observed = prod(ranks)
    below = sum(n for product, n in _products(len(ranks), among) if product <= observed)
    return below / float(among ** len(ranks))


@cache
def _products(count: int, among: int) -> tuple[tuple[int, int], ...]:
    ways = {1: 1}
    for _ in range(count):
        longer: dict[int, int] = {}
        for product, n in ways.items():
            for rank in range(1, among + 1):
                longer[product * rank] = longer.get(product * rank, 0) + n
        ways = longer
    return tuple(ways.items())
