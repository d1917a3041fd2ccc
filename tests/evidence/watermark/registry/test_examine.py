from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.assessment import Origin, assess, explain
from lightkeeper.evidence import Basis, Claim, Finding, Hypothesis
from lightkeeper.evidence.watermark.registry import (
    Fingerprint,
    MarkEntry,
    RegisteredMark,
    RegistryFile,
    Standing,
    look_up,
)
from lightkeeper.evidence.watermark.registry._examine import with_registries
from lightkeeper.evidence.watermark.registry._file import parse_registry

from .conftest import PUBLIC, entry, fingerprint, picture, withdrawn, written

MARK = Finding(
    claim=Claim.CARRIES_MARK,
    basis=Basis.PUBLIC_MARK,
    summary="Carries the open mark.",
    examiner="open-mark",
    version="1",
    source="pixels:lattice",
    supports=Hypothesis.GENERATED,
    p_value=1e-9,
    limits=("key-is-public",),
)


def findings(payload: int, shown: int, *registries: RegistryFile) -> tuple[Finding, ...]:
    answer = look_up(payload, picture(shown), registries)
    return with_registries(MARK, answer, payload=payload)


def details(finding: Finding) -> RegisteredMark:
    assert isinstance(finding.details, RegisteredMark)
    return finding.details


def test_a_registered_picture_names_its_entry(registry: RegistryFile) -> None:
    mark, told = findings(1, 1, registry)
    assert mark == MARK
    assert told.claim is Claim.PROVENANCE
    assert told.conflict is None
    assert "Studio A, Harbour 2.1, 2026-03" in told.summary
    assert details(told).standing is Standing.REGISTERED
    assert details(told).payload == "000000000001"


def test_a_copied_mark_is_a_conflict_and_supports_no_origin(registry: RegistryFile) -> None:
    mark, told = findings(1, 4, registry)
    assert told.conflict == "copied-mark"
    assert details(told).standing is Standing.COPIED
    assert mark.supports is None
    assessment = assess([mark, told])
    assert "copied-mark" in {c.code for c in assessment.conflicts}
    assert assessment.origin is Origin.UNDETERMINED
    assert assessment.routing.priority > assess([MARK]).routing.priority
    assert "resolve-conflicts" in assessment.routing.needs
    assert "lifted" not in explain(assessment, [mark, told])


def test_an_unknown_payload_changes_nothing_but_a_limit(registry: RegistryFile) -> None:
    (mark,) = findings(99, 1, registry)
    assert mark.limits == ("key-is-public", "payload-unknown")
    assert assess([mark]).log10_lr == assess([MARK]).log10_lr


def test_what_cannot_be_told_is_said_and_is_no_conflict(registry: RegistryFile) -> None:
    crop = np.ascontiguousarray(picture(4)[150:200, 200:260])
    mark, told = with_registries(MARK, look_up(1, crop, [registry]), payload=1)
    assert (mark.supports, told.supports, told.conflict) == (None, None, None)
    assert "cannot be told" in told.summary
    assert "fingerprint-cannot-tell" in told.limits
    assert "fingerprint-cannot-tell" in mark.limits


@pytest.mark.parametrize("shown", [1, 4])
def test_a_published_registry_vouches_for_nothing(shown: int) -> None:
    public = parse_registry(written(entry(1), sketches=False), key=PUBLIC)
    mark, told = findings(1, shown, public)
    assert details(told).standing is Standing.WITHHELD
    assert (mark.supports, told.supports, told.conflict) == (None, None, None)
    assert "only the registry's holder can say" in told.summary
    assert ("consistent with the entry" in told.summary) is (shown == 1)
    assert "sketch-withheld" in told.limits
    assert assess([mark, told]).origin is Origin.UNDETERMINED


def test_one_entry_that_fits_settles_it(registry: RegistryFile) -> None:
    other = parse_registry(written(entry(5, 1), name="Studio B"), key=PUBLIC)
    _, told = findings(1, 1, other, registry)
    assert (details(told).standing, details(told).registry) == (Standing.REGISTERED, "Studio A")


def test_a_mark_is_copied_only_where_no_entry_fits(registry: RegistryFile) -> None:
    other = parse_registry(written(entry(5, 1), name="Studio B"), key=PUBLIC)
    assert details(findings(1, 4, other, registry)[1]).standing is Standing.COPIED


def of(*entries: MarkEntry) -> RegistryFile:
    return parse_registry(written(*entries), key=PUBLIC)


@pytest.mark.parametrize("shown", [1, 4])
def test_a_withdrawn_entry_is_neither_a_match_nor_a_copy(shown: int) -> None:
    mark, told = findings(1, shown, of(withdrawn(1)))
    assert mark.supports is None
    assert details(told).standing is Standing.WITHDRAWN
    assert (told.conflict, told.supports) == (None, None)
    assert "withdrawn on 2026-03-15 (mistake)" in told.summary
    assert "entry-withdrawn" in told.limits
    assert assess([mark, told]).routing.priority == assess([MARK]).routing.priority


@given(
    shown=st.sampled_from([1, 2, 4]),
    others=st.lists(st.sampled_from([1, 2, 3]), max_size=3, unique=True),
    gone=st.sampled_from([1, 2, 3]),
    crop=st.booleans(),
    public=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_withdrawal_never_raises_support(
    shown: int, others: list[int], gone: int, crop: bool, public: bool
) -> None:
    rgb = np.ascontiguousarray(picture(shown)[60:250, 80:330]) if crop else picture(shown)
    kept = [entry(seed, 1) for seed in others if seed != gone]

    def support(last: MarkEntry) -> float:
        file = parse_registry(written(*kept, last, sketches=not public), key=PUBLIC)
        told = with_registries(MARK, look_up(1, rgb, [file]), payload=1)
        return assess(list(told)).log10_lr or 0.0

    assert support(withdrawn(gone, 1)) <= support(entry(gone, 1))


def test_an_entry_that_takes_the_place_of_a_withdrawn_one_counts() -> None:
    registry = of(withdrawn(1), entry(2, 1))
    assert details(findings(1, 2, registry)[1]).standing is Standing.REGISTERED
    copied = details(findings(1, 4, registry)[1])
    assert (copied.standing, copied.withdrawn) == (Standing.COPIED, None)
    # The picture that the withdrawn entry was about may have been marked in good faith.
    kept = details(findings(1, 1, registry)[1])
    assert kept.standing is Standing.WITHDRAWN
    assert kept.withdrawn is not None


class Flood:
    """Many entries of one payload."""

    name = "flood"
    revision = "1"

    def __init__(self) -> None:
        self.many = [entry(2, 1, period=f"2026-03-{day:02}") for day in range(1, 21)]

    def find(self, payload: int) -> list[MarkEntry]:
        return self.many if payload == 1 else []

    def decoys(self, payload: int) -> list[Fingerprint]:
        return []

    def __len__(self) -> int:
        return len(self.many)


def test_more_entries_than_are_compared_prove_no_copy() -> None:
    assert look_up(1, picture(4), [Flood()]).standing is Standing.UNTOLD


def test_a_flood_in_one_registry_hides_no_entry_of_another(registry: RegistryFile) -> None:
    answer = look_up(1, picture(1), [Flood(), registry])
    assert (answer.standing, answer.registry) == (Standing.REGISTERED, "Studio A")


@given(
    payload=st.sampled_from([1, 2, 99]),
    shown=st.sampled_from([1, 2, 4]),
    camera=st.booleans(),
    basis=st.sampled_from([Basis.ASSERTED, Basis.SIGNED]),
)
@settings(max_examples=30, deadline=None)
def test_no_answer_of_a_registry_lowers_a_priority_or_lifts_the_cap(
    payload: int, shown: int, camera: bool, basis: Basis
) -> None:
    registry = parse_registry(written(entry(1), entry(2)), key=PUBLIC)
    others = [
        Finding(
            claim=Claim.CAPTURED,
            basis=basis,
            summary="Camera fields.",
            examiner="metadata",
            version="1",
            source="exif",
            supports=Hypothesis.CAPTURED,
        )
    ] * camera
    before = assess([*others, MARK])
    after = assess([*others, *findings(payload, shown, registry)])
    assert after.routing.priority >= before.routing.priority
    assert (after.log10_lr or 0) <= 1.9 or basis is Basis.SIGNED


def test_every_finding_says_who_says_so(registry: RegistryFile) -> None:
    for payload, shown in ((1, 1), (1, 4)):
        assert "registry-says-so" in findings(payload, shown, registry)[1].limits


def test_fingerprints_are_made_of_the_pixels_alone() -> None:
    assert fingerprint(1) != fingerprint(2)


@pytest.mark.parametrize(
    "code",
    [
        "payload-unknown",
        "fingerprint-cannot-tell",
        "copied-mark",
        "entry-withdrawn",
        "sketch-withheld",
        "bound-mark-not-read",
        "several-marks",
    ],
)
def test_every_limit_has_words(code: str) -> None:
    from lightkeeper.assessment._limits import LIMITS

    assert LIMITS[code].endswith(".")
