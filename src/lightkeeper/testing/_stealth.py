"""Hide generation parameters in a picture's lowest bits, as image generators do."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hide_parameters(
    rgba: NDArray[np.uint8],
    text: str,
    *,
    compressed: bool = True,
    channel: Literal["alpha", "rgb"] = "alpha",
) -> NDArray[np.uint8]:
    """Write ``text`` into the lowest bits of the alpha plane or of the colours.

    Parameters
    ----------
    rgba : uint8, shape (H, W, 4)
    text : str
    compressed : bool
        Gzip the text, as NovelAI does.
    channel : {"alpha", "rgb"}

    Returns
    -------
    uint8, shape (H, W, 4)
        A copy; the highest seven bits are unchanged.

    Raises
    ------
    ValueError
        The picture is too small for the text.
    """
    content = gzip.compress(text.encode(), mtime=0) if compressed else text.encode()
    plane = "png" if channel == "alpha" else "rgb"
    mark = f"stealth_{plane}{'comp' if compressed else 'info'}".encode()
    return hide_bytes(rgba, mark + (len(content) * 8).to_bytes(4, "big") + content, channel=channel)


def hide_bytes(
    rgba: NDArray[np.uint8], content: bytes, *, channel: Literal["alpha", "rgb"] = "alpha"
) -> NDArray[np.uint8]:
    """Write bytes into the lowest bits, most significant bit first, column after column."""
    marked = rgba.copy()
    part = marked[:, :, 3:] if channel == "alpha" else marked[:, :, :3]
    columns = part.swapaxes(0, 1).copy()
    lowest = columns.reshape(-1)
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    if bits.size > lowest.size:
        raise ValueError(f"{bits.size} bits do not fit into {lowest.size} pixels or samples")
    lowest[: bits.size] = (lowest[: bits.size] & 0xFE) | bits
    part[:] = columns.swapaxes(0, 1)
    return marked
