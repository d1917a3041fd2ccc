"""Splits in which no source of photographs and no generator stands on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MOST_FOLDS = 5


def disjoint_folds(
    groups: NDArray[np.str_], generated: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Pairs of masks (fitted on, tested on) over pictures.

    Parameters
    ----------
    groups : str, shape (n,)
        Generator of a generated picture, source of a real one.
    generated : bool, shape (n,)

    Yields
    ------
    fitted, tested : bool, shape (n,)
        They share no group, and together the tested ones are all pictures. Nothing where a class
        has one group only: then there is nothing to be disjoint from.
    """
    sides = [np.unique(groups[generated]), np.unique(groups[~generated])]
    folds = min(_MOST_FOLDS, *(names.size for names in sides))
    if folds <= 1:
        return
    fold_of = {
        (bool(side == 0), str(name)): index % folds
        for side, names in enumerate(sides)
        for index, name in enumerate(names)
    }
    folded = np.array(
        [fold_of[bool(g), str(name)] for g, name in zip(generated, groups, strict=True)]
    )
    for fold in range(folds):
        yield folded != fold, folded == fold
