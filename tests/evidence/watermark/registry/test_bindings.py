"""Manifests that name a mark, and pictures with several marks."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from lightkeeper.assessment import Origin, assess
from lightkeeper.evidence import Claim, Finding
from lightkeeper.evidence.provenance import SoftBinding
from lightkeeper.evidence.watermark.registry import RegisteredMarks, RegistryFile
from lightkeeper.evidence.watermark.registry._bindings import BoundMark
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM
from lightkeeper.evidence.watermark.registry._file import parse_registry
from lightkeeper.evidence.watermark.registry._several import SeveralMarks
from lightkeeper.labelling import sign_generated
from lightkeeper.media import Media, open_media
from lightkeeper.testing import signing_credentials

from .conftest import PUBLIC, entry, picture, withdrawn, written
from .test_examine import MARK
from .test_registered_marks import StandIn, reading


def signed(value: str | None, *, algorithm: str = SOFT_BINDING_ALGORITHM) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(picture(1)).save(buffer, "PNG")
    credentials = signing_credentials()
    made = sign_generated(
        open_media(buffer.getvalue()),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Harbour",
        soft_binding=None if value is None else SoftBinding(algorithm, value),
    )
    return open_media(made.content)


def examined(media: Media, *payloads: int, registry: RegistryFile | None = None) -> list[Finding]:
    examiner = RegisteredMarks(
        StandIn(*(reading(payload) for payload in payloads)), [registry] if registry else []
    )
    return list(examiner.examine(media))


def test_a_manifest_that_names_the_mark_is_said_and_adds_no_weight() -> None:
    mark, told = examined(signed("000000000001"), 1)
    assert (told.claim, told.supports, told.conflict) == (Claim.PROVENANCE, None, None)
    assert "An intact manifest names the open mark 000000000001, which was read." in told.summary
    assert assess([mark, told]).log10_lr == assess([mark]).log10_lr


def test_a_manifest_that_names_another_mark_is_a_conflict() -> None:
    mark, told = examined(signed("000000000002"), 1)
    assert (told.claim, told.conflict) == (Claim.CONTRADICTION, "manifest-names-another-mark")
    assert isinstance(told.details, BoundMark)
    assert (told.details.bound, told.details.read) == (("000000000002",), ("000000000001",))
    before, after = assess([mark]), assess([mark, told])
    assert "manifest-names-another-mark" in {c.code for c in after.conflicts}
    assert after.routing.priority >= before.routing.priority
    assert after.origin is before.origin


def test_a_mark_that_the_manifest_names_and_nobody_reads_is_no_verdict() -> None:
    (told,) = examined(signed("000000000002"))
    assert (told.claim, told.supports, told.conflict) == (Claim.PROVENANCE, None, None)
    assert "which open-mark did not read" in told.summary
    assert "bound-mark-not-read" in told.limits
    assert assess([told]).origin is Origin.UNDETERMINED


def test_one_of_several_marks_is_enough() -> None:
    *_, told = examined(signed("000000000002"), 1, 2)
    assert told.conflict is None
    assert "which was read" in told.summary


def test_a_changed_file_is_said_to_carry_a_manifest_that_does_not_hold() -> None:
    content = bytearray(signed("000000000002").content)
    content[-20] ^= 1  # in the check of the last chunk, which no reader of pixels needs
    (told,) = [f for f in examined(open_media(bytes(content)), 1) if f.conflict]
    assert "A manifest that does not hold" in told.summary


def test_a_value_that_is_no_payload_is_said() -> None:
    *_, told = examined(signed("lighthouse"), 1)
    assert told.conflict is None
    assert "a value that is no payload" in told.summary


def test_other_algorithms_and_manifests_without_a_binding_say_nothing() -> None:
    assert len(examined(signed(None), 1)) == 1
    assert len(examined(signed("000000000002", algorithm="com.example.mark.1"), 1)) == 1


def plain() -> Media:
    buffer = io.BytesIO()
    Image.fromarray(picture(1)).save(buffer, "PNG")
    return open_media(buffer.getvalue())


def of(told: Finding) -> dict[str, str | None]:
    assert isinstance(told.details, SeveralMarks)
    return dict(told.details.makers)


def test_several_marks_are_each_looked_up_and_said() -> None:
    registry = parse_registry(written(entry(1)), key=PUBLIC)
    told = examined(plain(), 1, 99, registry=registry)
    assert [f.conflict for f in told] == [None] * 4
    assert of(told[-1]) == {
        "000000000001": "Studio A, Harbour 2.1",
        "000000000063": None,
    }
    assert "several-marks" in told[-1].limits


def test_two_makers_of_one_picture_are_a_conflict() -> None:
    both = written(entry(1), entry(1, 2, organisation="Studio B"))
    told = examined(plain(), 1, 2, registry=parse_registry(both, key=PUBLIC))
    assert told[-1].conflict == "marks-disagree"
    assert "Studio A, Harbour 2.1; Studio B, Harbour 2.1" in told[-1].summary
    assert told[-1].supports is None


@pytest.mark.parametrize("second", [entry(1, 2), entry(4, 2), withdrawn(1, 2)])
def test_one_maker_or_a_mark_that_names_another_picture_is_no_disagreement(second: object) -> None:
    assert isinstance(second, type(entry(1)))
    registry = parse_registry(written(entry(1), second), key=PUBLIC)
    told = examined(plain(), 1, 2, registry=registry)
    assert told[-1].conflict is None


def test_the_same_mark_twice_is_one() -> None:
    assert len(examined(plain(), 1, 1)) == 2


def test_a_finding_without_a_payload_passes_through() -> None:
    other = replace(MARK, summary="Other.")
    assert RegisteredMarks(StandIn(other), []).examine(plain()) == (other,)
