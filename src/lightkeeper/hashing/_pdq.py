"""PDQ: a 256-bit hash that near-copies of a picture share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import UnsupportedMedia
from lightkeeper.media import Luma
from lightkeeper.media._jpeg_dc import read_dc_luma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.media import Media

_SMALLEST_SIDE = 5
_FAST_MIN_SIDE = 320
"""Shorter side, in pixels, that a DCT-scaled decode keeps for ``FAST``."""

# Frequencies 1-16 of a DCT over 64 samples; the reference computes each in double from a
# float32 scale, and so must we to be bit-identical.
_BASIS = (
    float(np.float32(np.sqrt(2 / 64)))
    * np.cos(np.pi / 128 * np.outer(np.arange(1, 17), 2 * np.arange(64) + 1))
).astype(np.float32)

# Mirroring negates the odd frequencies of an axis; frequency 1 comes first.
_MIRRORED = np.tile(np.array([-1, 1], np.float32), 8)


class PdqVariant(StrEnum):
    """How the picture is reduced to the 64x64 samples that PDQ hashes.

    Both stand for the full-resolution variant of PDQ, not for the thumbnail variants that circulate
    under the same name; their hashes can be compared.
    """

    EXACT = "exact"
    """From RGB, bit-identical to the reference implementation."""
    FAST = "fast"
    """From 8-bit luminance, for JPEG decoded at reduced size: a few bits off, much faster."""


@dataclass(frozen=True, slots=True)
class PdqHash:
    """A PDQ hash and how it was made."""

    bits: bytes
    """32 bytes, most significant first; 128 bits are set, except where frequencies tie."""
    quality: int
    """0-100; hashes under 50 come from pictures with too little structure to match on."""
    variant: str
    """Variant, kernel and decode, such as ``full-resolution/fast-luma-1:4``."""
    coefficients: NDArray[np.float32] = field(repr=False, compare=False, metadata={"plain": False})
    """Shape (16, 16): the frequencies whose order makes the bits."""

    @property
    def hex(self) -> str:
        """The usual notation, 64 hexadecimal digits."""
        return self.bits.hex()

    def dihedral(self) -> tuple[PdqHash, ...]:
        """Hashes of the picture in all eight orientations, without hashing it again.

        Returns
        -------
        tuple of PdqHash
            In the order of EXIF: the picture as it is, mirrored, turned by 180 degrees, flipped,
            transposed, turned clockwise by 90, transversed, turned clockwise by 270. They equal
            the hash of a picture that was really turned where both filter windows are odd; even
            ones shift by half a pixel, which costs under 16 bits from 900 pixels on and up to 30
            around 512.
        """
        upright, across, down = self.coefficients, _MIRRORED, _MIRRORED[:, None]
        turned = np.ascontiguousarray(upright.T)
        orientations = [
            orientation
            for form in (upright, turned)
            for orientation in (form, form * across, form * across * down, form * down)
        ]
        others = (self._from(coefficients) for coefficients in orientations[1:])
        return (self, *others)

    def transposed(self) -> PdqHash:
        """Hash of the picture with rows and columns exchanged.

        Exact: PDQ filters the two apart, so its frequencies are exchanged with them.
        """
        return self._from(np.ascontiguousarray(self.coefficients.T))

    def _from(self, coefficients: NDArray[np.float32]) -> PdqHash:
        return PdqHash(_median_bits(coefficients), self.quality, self.variant, coefficients)


def pdq(media: Media, *, variant: PdqVariant = PdqVariant.FAST) -> PdqHash:
    """Hash a picture with PDQ, in its EXIF orientation; computed once and shared.

    Parameters
    ----------
    media : Media
    variant : PdqVariant
        ``FAST`` decodes a JPEG only as far as the hash needs it.

    Returns
    -------
    PdqHash
        Distances are Hamming, in bits; 31 is the usual match radius.

    Raises
    ------
    UnsupportedMedia
        Under 5 pixels on a side, where PDQ is not defined.
    CorruptMedia, LimitExceeded
        The pixels cannot be decoded.
    """
    return media.once(_exact_of if variant is PdqVariant.EXACT else _fast_of)


def _exact_of(media: Media) -> PdqHash:
    return pdq_of_rgb(media.rgb())


def _fast_of(media: Media) -> PdqHash:
    luma = media.luma(min_side=_FAST_MIN_SIDE)
    return pdq_of_luma(luma, orientation=media.header.orientation)


def pdq_of_rgb(rgb: NDArray[np.uint8]) -> PdqHash:
    """Hash pixels with the exact kernel.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)

    Raises
    ------
    UnsupportedMedia
        Under 5 pixels on a side.
    """
    _check_size(*rgb.shape[:2])
    from lightkeeper.hashing import _kernels

    axes = _axis(rgb.shape[0]), _axis(rgb.shape[1])
    return _hash(_kernels.exact_samples(_read_only(rgb), *axes), "full-resolution/exact")


def pdq_of_luma(luma: Luma, *, orientation: int = 1) -> PdqHash:
    """Hash luminance with the linear kernel, at full size or DCT-scaled.

    Parameters
    ----------
    luma : Luma
        Its scale decides the weights: those of the full picture, summed over each block.
    orientation : int
        EXIF orientation that was applied after decoding; it says on which side of a scaled
        decode the incomplete blocks are.

    Raises
    ------
    UnsupportedMedia
        Under 5 pixels on a side.
    """
    _check_size(luma.full_height, luma.full_width)
    from lightkeeper.hashing import _kernels

    rows = _weights(luma.full_height, luma.scale, orientation in (3, 4, 7, 8))
    columns = _weights(luma.full_width, luma.scale, orientation in (2, 3, 6, 7))
    samples = _kernels.linear_samples(_read_only(luma.pixels), *rows, *columns)
    return _hash(samples, f"full-resolution/fast-luma-1:{luma.scale}")


def distance_bits(a: PdqHash, b: PdqHash) -> int:
    """Hamming distance of two hashes, 0-256."""
    return (int.from_bytes(a.bits) ^ int.from_bytes(b.bits)).bit_count()


def warm_up(*variants: PdqVariant) -> None:
    """Compile the kernels of these variants, of all where none is named, or load numba's cache.

    Without it the first hash of a process pays: seconds on the first run on a machine, a fraction
    of one afterwards. The reader of large JPEGs is loaded where the machine has compiled it; the
    first such file pays for it elsewhere.
    """
    black = np.zeros((8, 8, 3), np.uint8)
    if PdqVariant.FAST in (variants or PdqVariant):
        from lightkeeper.media import _jpeg_dc_kernels
        from lightkeeper.media._compile import is_compiled

        pdq_of_luma(Luma(black[..., 0], 8, 8)).dihedral()
        if not variants or is_compiled(_jpeg_dc_kernels.read_dc):
            import simplejpeg

            read_dc_luma(simplejpeg.encode_jpeg(black))
    if PdqVariant.EXACT in (variants or PdqVariant):
        pdq_of_rgb(black).dihedral()


def is_warm() -> bool:
    """Whether numba's cache holds the kernels of a scan, as far as their names tell."""
    from lightkeeper.hashing import _kernels
    from lightkeeper.media._compile import is_compiled

    return is_compiled(_kernels.dct_coefficients)


def _check_size(height: int, width: int) -> None:
    if min(height, width) < _SMALLEST_SIDE:
        raise UnsupportedMedia(
            f"PDQ needs at least {_SMALLEST_SIDE} pixels on each side, this has {width} x {height}"
        )


def _read_only(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Numba compiles a kernel again for each memory layout and for writability: keep to one.
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


_Axis = tuple[int, int, "NDArray[np.float32]", "NDArray[np.int64]"]


@lru_cache(maxsize=64)
def _axis(size: int) -> _Axis:
    """The box filter and the decimation of one axis, as the kernels take them."""
    width = (size + 127) // 128
    ahead = (width + 2) // 2
    reach = np.arange(size) + ahead
    counts = np.minimum(size, reach) - np.maximum(0, reach - width)
    places = (np.arange(64) + 0.5) * size / 64
    return width, ahead, counts.astype(np.float32), places.astype(np.int64)


@lru_cache(maxsize=64)
def _weights(
    size: int, scale: int, from_end: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    from lightkeeper.hashing import _kernels

    first, weights = _kernels.banded_weights(size, _axis(size), scale, from_end)
    return first, weights.astype(np.float32)


def _hash(samples: NDArray[np.float32], variant: str) -> PdqHash:
    from lightkeeper.hashing import _kernels

    coefficients = _kernels.dct_coefficients(samples, _BASIS)
    return PdqHash(_median_bits(coefficients), _quality(samples), variant, coefficients)


def _median_bits(coefficients: NDArray[np.float32]) -> bytes:
    """Bit 16 i + j, counted from the last, is set above the lower median."""
    flat = coefficients.ravel()
    above = flat > np.partition(flat, 127)[127]
    return np.packbits(above[::-1]).tobytes()


def _quality(samples: NDArray[np.float32]) -> int:
    """PDQ's quality: the sum of quantised gradients, 0-100."""
    hundred, white = np.float32(100), np.float32(255)
    total = sum(
        int(np.abs((np.diff(samples, axis=axis) * hundred / white).astype(np.int32)).sum())
        for axis in (0, 1)
    )
    return min(100, total // 90)
