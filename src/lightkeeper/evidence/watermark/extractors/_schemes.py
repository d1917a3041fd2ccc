"""What each family of learned marks expects of a picture, and how its bits are to be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from lightkeeper.evidence.watermark.extractors._bch import Bch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_SIGNED_MEAN = _SIGNED_DEVIATION = np.full(3, 0.5, np.float32)
_LARGEST_NATIVE = 1024
"""Longer side up to which a network without a size of its own sees the picture as it is."""


class Family(StrEnum):
    """Families whose weights were published, read by an operator's own copy."""

    TRUSTMARK = "trustmark"
    """Adobe's TrustMark P, Q, B and C: 100 bits, of them 96 of a BCH code and 4 of its version."""
    INVISMARK = "invismark"
    """Microsoft's InvisMark: 100 bits without a code."""
    VIDEOSEAL = "videoseal"
    """Meta's PixelSeal and VideoSeal: one output for presence, then the bits (256, or 96)."""
    WAM = "wam"
    """Meta's Watermark Anything: presence and 32 bits for each pixel."""
    STABLE_SIGNATURE = "stable-signature"
    """The extractor of Stable Signature: 48 bits of a mark that is rooted in a decoder."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a family's network is fed and read.

    ``size`` is the side that pictures are scaled to, ``None`` for their own. ``threshold`` parts
    zeros from ones; ``presence`` says that the first channel is not a bit.
    """

    bits: tuple[int, ...]
    size: int | None
    mean: NDArray[np.float32] | None
    deviation: NDArray[np.float32] | None
    threshold: float
    presence: bool = False


SCHEMES: dict[Family, Scheme] = {
    Family.TRUSTMARK: Scheme((100,), 256, _SIGNED_MEAN, _SIGNED_DEVIATION, 0.0),
    Family.INVISMARK: Scheme((100,), 256, _SIGNED_MEAN, _SIGNED_DEVIATION, 0.5),
    Family.VIDEOSEAL: Scheme((96, 256), 256, None, None, 0.0, presence=True),
    Family.WAM: Scheme((32,), 256, _IMAGENET_MEAN, _IMAGENET_DEVIATION, 0.0, presence=True),
    Family.STABLE_SIGNATURE: Scheme((48,), None, _IMAGENET_MEAN, _IMAGENET_DEVIATION, 0.0),
}
"""From the families' own inference code, read in November 2026."""


def prepared(
    rgb: NDArray[np.uint8], family: Family, *, side: int | None, square: bool
) -> NDArray[np.float32]:
    """The batch of one picture that a network takes, shape (1, 3, H, W).

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    family : Family
    side : int, optional
        Side that the network itself is fixed to, in place of the family's.
    square : bool
        Look at the middle square only, as TrustMark P does always and its siblings do where one
        side is more than twice the other.
    """
    scheme = SCHEMES[family]
    height, width = rgb.shape[:2]
    if square or (family is Family.TRUSTMARK and max(height, width) > 2 * min(height, width)):
        least = min(height, width)
        top, left = (height - least) // 2, (width - least) // 2
        rgb = rgb[top : top + least, left : left + least]
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    if side := side or scheme.size:
        picture = picture.resize((side, side), Image.Resampling.BILINEAR)
    else:
        picture.thumbnail((_LARGEST_NATIVE, _LARGEST_NATIVE), Image.Resampling.BILINEAR)
    values = np.asarray(picture, np.float32) / np.float32(255)
    if scheme.mean is not None and scheme.deviation is not None:
        values = (values - scheme.mean) / scheme.deviation
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def bits_of(output: NDArray[np.float32], family: Family) -> NDArray[np.uint8] | None:
    """Zeros and ones of a network's output for one picture; ``None`` where its shape is wrong.

    Where a network answers for each pixel, its bits are averaged over the pixels that it holds
    to be marked, over all where it holds none to be.
    """
    scheme = SCHEMES[family]
    values = output.astype(np.float64)
    if values.shape[:1] != (1,) or values.ndim not in (2, 4) or not np.isfinite(values).all():
        return None
    planes = values.reshape(values.shape[1], -1)
    if scheme.presence:
        marked = planes[0] > 0
        planes = planes[1:, marked] if marked.any() else planes[1:]
    if planes.shape[0] not in scheme.bits or not planes.shape[1]:
        return None
    means: NDArray[np.float64] = planes.mean(axis=1)
    return (means > scheme.threshold).astype(np.uint8)


class TrustMarkPacket(NamedTuple):
    """A packet whose code word is within reach."""

    schema: str
    payload: str
    """Zeros and ones, 40 to 75 of them."""
    corrected_bits: int
    chance: float
    """At most this share of random words of 100 bits would be as near to a code word."""


_TRUSTMARK = {0: ("BCH_SUPER", 8), 1: ("BCH_5", 5), 2: ("BCH_4", 4), 3: ("BCH_3", 3)}
_CODED = 96
_VERSION_BITS = 4


def trustmark_packet(bits: NDArray[np.uint8]) -> TrustMarkPacket | None:
    """Read TrustMark's data layer: payload, check bits, two reserved bits and the schema's number.

    The payload is filled up to whole bytes with zeros before it is coded; those are not sent.

    References
    ----------
    .. [1] adobe/trustmark, ``python/trustmark/datalayer.py`` (the layout only).
    """
    text = "".join(map(str, bits))
    schema = _TRUSTMARK.get(int(text[_CODED:], 2))
    if len(text) != _CODED + _VERSION_BITS or schema is None:
        return None
    name, t = schema
    code = Bch(t)
    data = _CODED - code.check_bits
    filling = -data % 8
    word = int(text[:data] + "0" * filling + text[data:_CODED], 2)
    found = code.corrected(word, _CODED + filling)
    if found is None:
        return None
    repaired = f"{found[0]:0{_CODED + filling}b}"
    if int(repaired[data : data + filling] or "0", 2):
        return None  # it would have changed bits that are never sent
    # Of four schemas in sixteen numbers: a bound on all words that are as near or nearer.
    chance = len(_TRUSTMARK) / 2**_VERSION_BITS * code.chance(_CODED, found[1])
    return TrustMarkPacket(name, repaired[:data], found[1], min(1.0, chance))
