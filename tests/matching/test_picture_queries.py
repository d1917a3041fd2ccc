"""Which hashes stand for a picture that was turned, mirrored or put between bars."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.hashing import pdq_of_rgb, warm_up
from lightkeeper.matching import Entry, HashSet
from lightkeeper.matching._letterbox import inner_boxes
from lightkeeper.matching._lookup import HashQuery, Lookup
from lightkeeper.matching._pictures import media_matches, picture_queries
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like
from lightkeeper.testing._memory_index import MemoryIndex
from lightkeeper.testing._memory_store import MemoryStore

Pixels = NDArray[np.uint8]
TURNS: dict[str, Any] = {
    "identity": lambda p: p,
    "flip-horizontal": lambda p: p[:, ::-1],
    "rotate-180": lambda p: p[::-1, ::-1],
    "flip-vertical": lambda p: p[::-1],
    "transpose": lambda p: p.transpose(1, 0, 2),
    "rotate-90": lambda p: np.rot90(p, -1),
    "transverse": lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    "rotate-270": np.rot90,
}


@pytest.fixture(autouse=True, scope="module")
def _compiled_kernels() -> None:
    warm_up()


def encoded(pixels: Pixels, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, kind, **options)
    return stream.getvalue()


def distance(query: HashQuery, pixels: Pixels) -> int:
    other = pdq_of_rgb(np.ascontiguousarray(pixels)).hex
    return (int(query.value, 16) ^ int(other, 16)).bit_count()


def between_bars(pixels: Pixels, sides: tuple[int, int, int, int], colour: Any) -> Pixels:
    top, bottom, left, right = sides
    height, width = pixels.shape[:2]
    framed = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    framed[:] = colour
    framed[top : top + height, left : left + width] = pixels
    return framed


@pytest.mark.parametrize(("width", "height"), [(512, 512), (640, 427), (1500, 1000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_each_orientation_is_hashed_as_if_the_picture_were_really_turned(
    width: int, height: int, kind: str
) -> None:
    media = open_media(encoded(photo_like(width, width=width, height=height), kind))
    queries = {query.transform: query for query in picture_queries(media)}
    assert queries.keys() == TURNS.keys()
    for name, turn in TURNS.items():
        assert distance(queries[name], turn(media.rgb())) <= 2


def test_a_turned_copy_with_an_orientation_tag_is_hashed_upright() -> None:
    pixels = photo_like(4, width=1400, height=933)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = encoded(np.rot90(pixels), "JPEG", quality=92, exif=exif)
    queries = {query.transform: query for query in picture_queries(open_media(stored))}
    for name, turn in TURNS.items():
        assert distance(queries[name], turn(pixels)) <= 6


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (20, 90, 40)])
@pytest.mark.parametrize("sides", [(60, 60, 0, 0), (0, 0, 90, 90), (41, 57, 33, 78), (0, 70, 0, 0)])
@pytest.mark.parametrize("quality", [None, 85, 50])
def test_a_picture_between_bars_is_hashed_without_them(
    colour: Any, sides: tuple[int, int, int, int], quality: int | None
) -> None:
    pixels = photo_like(7, width=480, height=360)
    framed = between_bars(pixels, sides, colour)
    content = encoded(framed, "JPEG", quality=quality) if quality else encoded(framed)
    queries = [q for q in picture_queries(open_media(content)) if q.transform == "unletterboxed"]
    assert min(distance(query, pixels) for query in queries) <= 20


def test_a_mirrored_picture_between_bars_is_found_under_both_names() -> None:
    pixels = photo_like(8, width=480, height=360)
    media = open_media(encoded(between_bars(pixels[:, ::-1], (50, 50, 0, 0), 0)))
    queries = picture_queries(media)
    best = min(queries, key=lambda query: distance(query, pixels))
    assert best.transform == "unletterboxed+flip-horizontal"
    assert distance(best, pixels) <= 2


def test_bars_are_found_to_the_line_in_a_lossless_picture() -> None:
    luma = between_bars(photo_like(3, width=200, height=160), (20, 31, 12, 25), 9)[..., 0]
    assert (20, 180, 12, 212) in inner_boxes(luma)


def test_bars_of_different_greys_are_found() -> None:
    luma = photo_like(3, width=200, height=160)[..., 0].copy()
    luma[:20], luma[-20:] = 0, 255
    assert (20, 140, 0, 200) in inner_boxes(luma)


@pytest.mark.parametrize(
    "luma",
    [
        photo_like(5, width=300, height=200)[..., 0],
        np.zeros((300, 200), np.uint8),
        np.full((1, 1), 255, np.uint8),
        np.zeros((0, 0), np.uint8),
    ],
)
def test_pictures_without_bars_and_flat_ones_have_no_inside(luma: NDArray[np.uint8]) -> None:
    assert inner_boxes(luma) == ()


def test_a_picture_too_small_for_pdq_gives_no_queries() -> None:
    assert picture_queries(open_media(encoded(np.zeros((4, 40, 3), np.uint8)))) == []


@pytest.mark.shared
def test_every_edit_of_a_planted_picture_is_met(shared: Path) -> None:
    folder = shared / "pdq" / "bridge-mods"
    expected = json.loads((folder / "expected.json").read_text())
    store = MemoryStore()
    store.create_set(HashSet(name="bridges", owner="o", purpose="p"))
    planted = Entry(kind="pdq", value=expected["aaa-orig.jpg"]["pdq"], quality=100)
    store.upsert("bridges", [planted], source="desk", now=datetime.now(UTC))
    lookup = Lookup(store, MemoryIndex(store))
    for file in sorted(folder.glob("*.jpg")):
        (match,) = media_matches(open_media(file), lookup).matches
        assert match.transform == "identity"
        reference = int(expected[file.name]["pdq"], 16) ^ int(planted.value, 16)
        assert abs(match.distance_bits - reference.bit_count()) <= 4
    assert media_matches(open_media(shared / "pdq/labelme-subset/q0004.jpg"), lookup).matches == ()


def test_transposing_a_hash_is_transposing_its_picture() -> None:
    pixels = photo_like(6, width=300, height=200)
    turned = pdq_of_rgb(np.ascontiguousarray(pixels.transpose(1, 0, 2)))
    assert pdq_of_rgb(pixels).transposed().bits == turned.bits
