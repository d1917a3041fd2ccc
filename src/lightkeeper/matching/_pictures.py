"""All hashes under which a picture is looked up."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.hashing import media_digests, pdq_of_luma
from lightkeeper.matching._letterbox import inner_boxes
from lightkeeper.matching._lookup import PDQ, HashQuery, Lookup, LookupResult, sift
from lightkeeper.media import Luma

if TYPE_CHECKING:
    from lightkeeper.hashing import PdqHash
    from lightkeeper.media import Media

_SMALLEST_SIDE = 5
_MIN_SIDE = 320
"""Shorter side, in pixels, of the decode that is hashed: that of the fast PDQ variant."""
_FULL_SIZE = 1 << 30
_FLIPS = (
    # Name, name of its transpose, rows and columns reversed, and the EXIF orientation that says
    # on which side of a scaled decode the incomplete blocks are after that.
    ("identity", "transpose", False, False),
    ("flip-horizontal", "rotate-270", False, True),
    ("rotate-180", "transverse", True, True),
    ("flip-vertical", "rotate-90", True, False),
)
_ENDS = {(False, False): 1, (False, True): 2, (True, True): 3, (True, False): 4}


def digest_queries(media: Media) -> list[HashQuery]:
    """The file's digests, strongest first."""
    found = media_digests(media)
    return [
        HashQuery(kind="sha256", value=found.sha256),
        HashQuery(kind="sha1", value=found.sha1),
        HashQuery(kind="md5", value=found.md5),
    ]


def picture_queries(media: Media) -> list[HashQuery]:
    """PDQ of the picture as it is, turned and mirrored, and without its bars if it has any.

    A picture under five pixels on a side has no PDQ and gives no queries.

    Raises
    ------
    MediaError
        Its pixels cannot be decoded.
    """
    if min(media.header.width, media.header.height) < _SMALLEST_SIDE:
        return []
    luma = media.luma(min_side=_MIN_SIDE)
    queries = _turned(luma, media.header.orientation)
    if inner_boxes(luma.pixels):
        # The edge of a bar is found where it is sharp: at full size, not in means of 8x8.
        whole = media.luma(min_side=_FULL_SIZE).pixels
        for top, bottom, left, right in inner_boxes(whole):
            inside = np.ascontiguousarray(whole[top:bottom, left:right])
            queries += _turned(Luma(inside, *inside.shape), 1, prefix="unletterboxed")
    return queries


def digest_matches(media: Media, lookup: Lookup) -> LookupResult:
    """What a file's digests meet."""
    return sift(chain(*lookup.found(digest_queries(media))))


def picture_matches(media: Media, lookup: Lookup) -> LookupResult:
    """What a picture meets by PDQ; benign digests of its file suppress too.

    Raises
    ------
    MediaError
        Its pixels cannot be decoded.
    """
    found = list(chain(*lookup.found(picture_queries(media))))
    benign = digest_matches(media, lookup).benign if found else ()
    return sift(found, benign=benign)


def media_matches(media: Media, lookup: Lookup) -> LookupResult:
    """What a file's digests and its picture meet.

    Raises
    ------
    MediaError
        Its pixels cannot be decoded; its digests can still be looked up.
    """
    queries = digest_queries(media) + picture_queries(media)
    return sift(chain(*lookup.found(queries)))


def _turned(luma: Luma, orientation: int, *, prefix: str | None = None) -> list[HashQuery]:
    """Hashes of all eight orientations, each from pixels that were really flipped.

    PDQ filters rows and columns apart, so transposing the picture transposes its frequencies
    exactly, and four flips are enough. Mirroring does not do as much for them: an even filter
    window is not centred, and signs changed in the frequencies of one picture would be up to 30
    bits off around 512 pixels.
    """
    queries = []
    for name, transposed, rows, columns in _FLIPS:
        pixels = luma.pixels[:: -1 if rows else 1, :: -1 if columns else 1]
        ends = (orientation in (3, 4, 7, 8)) ^ rows, (orientation in (2, 3, 6, 7)) ^ columns
        flipped = replace(luma, pixels=np.ascontiguousarray(pixels))
        value = pdq_of_luma(flipped, orientation=_ENDS[ends])
        queries.append(_query(name, value, prefix))
        queries.append(_query(transposed, value.transposed(), prefix))
    return queries


def _query(name: str, value: PdqHash, prefix: str | None) -> HashQuery:
    names = [part for part in (prefix, None if name == "identity" else name) if part]
    return HashQuery(
        kind=PDQ,
        value=value.hex,
        quality=value.quality,
        variant=value.variant,
        transform="+".join(names) or "identity",
    )
