"""Published hashes and photographs, found over HTTP through a real store and a real index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightkeeper.matching import Entry, HashSet
from lightkeeper.matching.index import IndexReader, rebuild
from lightkeeper.storage import open_store

from .conftest import NOW, Client, serving

RADIUS_BITS = 31
pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def known(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service over the hay, and the photograph that the edited copies were made of."""
    folder = tmp_path_factory.mktemp("known")
    store = open_store(f"sqlite:///{folder / 'sets.sqlite'}")
    for name in ("bridge", "hay"):
        store.create_set(HashSet(name=name, owner="Publisher", purpose="tests"))
    bridge = json.loads((shared / "pdq/bridge-mods/expected.json").read_text())["aaa-orig.jpg"]
    store.upsert("bridge", [_entry(bridge["pdq"])], source="publisher", now=NOW)
    store.upsert("hay", [_entry(value) for value in _hay(shared)], source="publisher", now=NOW)
    rebuild(store, folder / "index")
    with serving(store, index=IndexReader(folder / "index")) as client:
        yield client


def _entry(value: str) -> Entry:
    return Entry(kind="pdq", value=value)


def _hay(shared: Path) -> list[str]:
    return sorted(set((shared / "pdq/haystack.txt").read_text().split()))


def test_every_needle_meets_exactly_what_lies_within_the_radius(
    known: Client, shared: Path
) -> None:
    needles = (shared / "pdq/needles.txt").read_text().split()
    hay = [int(value, 16) for value in _hay(shared)]
    asked = {"hashes": [{"kind": "pdq", "value": value} for value in needles], "sets": ["hay"]}
    results = known.post("/v1/lookup", json=asked).json()["results"]
    distances = [sorted(m["distance_bits"] for m in result["matches"]) for result in results]
    expected = [
        sorted(d for other in hay if (d := (int(value, 16) ^ other).bit_count()) <= RADIUS_BITS)
        for value in needles
    ]
    assert distances == expected
    assert any(expected)


def test_edited_copies_are_found_as_far_as_their_hashes_are_within_the_radius(
    known: Client, shared: Path
) -> None:
    folder = shared / "pdq" / "bridge-mods"
    hashes = {n: e["pdq"] for n, e in json.loads((folder / "expected.json").read_text()).items()}
    original = int(hashes["aaa-orig.jpg"], 16)
    for name, value in hashes.items():
        content = (folder / name).read_bytes()
        assert known.post("/h/hash", files={"photo": content}).json() == {"pdq": value}, name
        found = known.post("/v1/match?sets=bridge", content=content).json()["matches"]
        near = (int(value, 16) ^ original).bit_count()
        assert [m["set"] for m in found] == (["bridge"] if near <= RADIUS_BITS else []), name
