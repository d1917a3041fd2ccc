"""Apply an EXIF orientation (Exif 3.0, tag 0x0112)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.media._embedded import Embedded

_Scalar = TypeVar("_Scalar", bound="np.generic")
_ORIENTATION = 0x0112
_UNDO = {6: 8, 8: 6}


def exif_orientation(embedded: Embedded) -> int:
    """Orientation 1-8 that IFD0 states; 1 where it is absent or out of range."""
    found = embedded.exif_field("ifd0", _ORIENTATION)
    if found is None or not isinstance(found.value, tuple) or not found.value:
        return 1
    value = found.value[0]
    return int(value) if value in range(1, 9) else 1


def swaps_sides(orientation: int) -> bool:
    """Whether width and height change places."""
    return orientation >= 5


def orient(pixels: NDArray[_Scalar], orientation: int) -> NDArray[_Scalar]:
    """Turn stored rows and columns into the upright picture, C-contiguous.

    Orientations 5 to 8 are a transposition, then flips; 1 gives the array itself.
    """
    if orientation == 1:
        return pixels
    turned: NDArray[Any] = pixels.swapaxes(0, 1) if swaps_sides(orientation) else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return turned.copy(order="C")


def undo(pixels: NDArray[_Scalar], orientation: int) -> NDArray[_Scalar]:
    """Turn an upright picture back into its stored form."""
    return orient(pixels, _UNDO.get(orientation, orientation))
