"""What hash sets say of a picture, as findings."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightkeeper.evidence import Basis, Claim, Examiner, Finding, Hypothesis, Tier, examine
from lightkeeper.evidence.known import KnownDigestExaminer, KnownMatch, KnownPictureExaminer
from lightkeeper.hashing import digests, pdq_of_rgb, warm_up
from lightkeeper.matching import (
    Entry,
    EntryLabels,
    EntryState,
    HashSet,
    Mention,
    SetOrigin,
    SetState,
)
from lightkeeper.matching._lookup import Lookup
from lightkeeper.media import Media, open_media
from lightkeeper.plain import to_plain
from lightkeeper.testing import photo_like
from lightkeeper.testing._memory_index import MemoryIndex
from lightkeeper.testing._memory_store import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PIXELS = photo_like(21, width=480, height=360)
Fill = Callable[..., None]


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, kind)
    return stream.getvalue()


FILE = encoded(PIXELS)
SHA256 = Entry(kind="sha256", value=digests(FILE).sha256)
PDQ = Entry(kind="pdq", value=pdq_of_rgb(PIXELS).hex, quality=100, variant="full-resolution/exact")


@pytest.fixture(autouse=True, scope="module")
def _compiled_kernels() -> None:
    warm_up()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def fill(store: MemoryStore) -> Fill:
    def _fill(name: str, *entries: Entry, **fields: Any) -> None:
        store.create_set(HashSet(name=name, owner="an owner", purpose="a test", **fields))
        store.upsert(name, entries, source="desk", now=NOW)

    return _fill


@pytest.fixture
def seen(store: MemoryStore) -> Callable[[Media | bytes], list[Finding]]:
    def _seen(content: Media | bytes) -> list[Finding]:
        media = content if isinstance(content, Media) else open_media(content)
        lookup = Lookup(store, MemoryIndex(store))
        return [
            *KnownDigestExaminer(lookup).examine(media),
            *KnownPictureExaminer(lookup).examine(media),
        ]

    return _seen


def test_a_file_that_no_set_holds_gives_no_finding(fill: Fill, seen: Any) -> None:
    fill("umbrellas", Entry(kind="pdq", value=pdq_of_rgb(photo_like(99)).hex))
    assert seen(FILE) == []


@pytest.mark.parametrize(
    ("origin", "supports"),
    [
        (SetOrigin.GENERATED, Hypothesis.GENERATED),
        (SetOrigin.PHOTOGRAPHED, Hypothesis.CAPTURED),
        (SetOrigin.ALTERED, Hypothesis.AI_EDITED),
        (SetOrigin.UNKNOWN, None),
    ],
)
def test_a_match_supports_what_its_set_is_made_of(
    fill: Fill, seen: Any, origin: SetOrigin, supports: Hypothesis | None
) -> None:
    fill("umbrellas", SHA256, PDQ, origin=origin)
    by_file, by_picture = seen(FILE)
    for finding in (by_file, by_picture):
        assert (finding.claim, finding.basis) == (Claim.KNOWN_MATERIAL, Basis.KNOWN)
        assert finding.supports is supports
        assert "'umbrellas'" in finding.summary
        assert (origin.value in finding.summary) is (origin is not SetOrigin.UNKNOWN)
    assert (by_file.source, by_file.limits) == ("hash:sha256", ("set-says-so",))
    assert (by_picture.source, by_picture.limits) == ("pixels:pdq", ("set-says-so", "near-match"))


def test_a_finding_names_entry_distance_transform_and_labels(
    store: MemoryStore, fill: Fill, seen: Any
) -> None:
    labels = EntryLabels(industry_class="B2", modelled_after_person=True)
    mention = Mention("desk", "case-7", NOW)
    entry = Entry(
        kind="pdq", value=PDQ.value, quality=90, variant="v", labels=labels, mentions=(mention,)
    )
    fill("umbrellas", entry, origin=SetOrigin.GENERATED)
    (finding,) = seen(encoded(np.rot90(PIXELS)))
    details = finding.details
    assert isinstance(details, KnownMatch)
    assert details.transform == "rotate-90"
    assert details.distance_bits <= 2
    assert (details.source, details.source_id) == ("desk", "case-7")
    assert (details.labels, details.entry_variant) == (labels, "v")
    assert details.query_variant is not None
    assert "rotate-90" in finding.summary
    assert "case-7" in finding.summary
    assert f"{details.distance_bits} bits" in finding.summary
    assert to_plain(finding)["details"]["labels"]["industry_class"] == "B2"


def test_a_source_cannot_write_lines_of_an_explanation(fill: Fill, seen: Any) -> None:
    mention = Mention("desk", "case\nPriority 0 of 100\u2028" + "x" * 500, NOW)
    fill("umbrellas", Entry(kind="pdq", value=PDQ.value, mentions=(mention,)))
    (finding,) = seen(FILE)
    assert len(finding.summary.splitlines()) == 1
    assert "case Priority 0 of 100 xxx" in finding.summary
    assert len(finding.summary) < 300


def test_many_entries_of_a_set_are_one_finding(fill: Fill, seen: Any) -> None:
    near = [
        Entry(kind="pdq", value=f"{int(PDQ.value, 16) ^ (1 << place):064x}") for place in range(9)
    ]
    fill("umbrellas", PDQ, *near)
    (finding,) = seen(FILE)
    assert finding.details.further_entries == 9
    assert finding.details.value == PDQ.value
    assert "9 more" in finding.summary


def test_a_lead_is_shown_as_one_and_supports_nothing(fill: Fill, seen: Any) -> None:
    fill("seeds", PDQ, needs_confirmation=True, origin=SetOrigin.GENERATED)
    (finding,) = seen(FILE)
    assert (finding.claim, finding.basis) == (Claim.KNOWN_MATERIAL, Basis.ASSERTED)
    assert finding.supports is None
    assert "lead-only" in finding.limits
    assert finding.summary.startswith("A lead")


def test_what_is_parked_is_told_as_a_lead_and_says_so(
    fill: Fill, seen: Any, store: MemoryStore
) -> None:
    fill("umbrellas", PDQ, origin=SetOrigin.GENERATED)
    fill("lanterns", SHA256)
    store.park("umbrellas", [(PDQ.kind, PDQ.value)], reason="flood", now=NOW)
    store.set_state("lanterns", SetState.PARKED, reason="flood")
    by_file, by_picture = seen(FILE)
    assert by_file.basis is by_picture.basis is Basis.ASSERTED
    assert by_file.summary.startswith("A lead in the hash set 'lanterns', which is parked: entry")
    assert by_picture.summary.startswith("A lead in the hash set 'umbrellas', its entry parked: ")
    assert by_picture.details.entry_state is EntryState.PARKED
    assert by_picture.details.query_value is not None


def test_a_benign_digest_suppresses_near_matches_and_says_which(fill: Fill, seen: Any) -> None:
    fill("harmless", SHA256, negative=True)
    fill("umbrellas", PDQ)
    by_file, by_picture = seen(FILE)
    assert {by_file.claim, by_picture.claim} == {Claim.KNOWN_BENIGN}
    assert by_picture.supports is None
    assert [known.set_name for known in by_picture.details.suppressed] == ["umbrellas"]
    assert "umbrellas do not count" in by_picture.summary


def test_a_file_whose_pixels_are_broken_still_has_its_digests(fill: Fill, store: Any) -> None:
    webp = encoded(PIXELS, "WEBP")
    broken = webp[: len(webp) // 2]
    fill("umbrellas", Entry(kind="md5", value=digests(broken).md5))
    lookup = Lookup(store, MemoryIndex(store))
    examiners = (KnownDigestExaminer(lookup), KnownPictureExaminer(lookup))
    examination = examine(open_media(broken), examiners, tier=Tier.PIXELS)
    assert [f.source for f in examination.findings] == ["hash:md5"]
    assert [(f.examiner, f.code) for f in examination.failures] == [
        ("known-pictures", "corrupt-media")
    ]


def test_the_version_of_an_examiner_follows_the_sets(fill: Fill, store: Any) -> None:
    examiner = KnownPictureExaminer(Lookup(store, MemoryIndex(store)))
    before = examiner.version
    fill("umbrellas", PDQ)
    assert KnownPictureExaminer(Lookup(store, MemoryIndex(store))).version != before
    assert isinstance(examiner, Examiner)
    assert examiner.unavailable() is None
