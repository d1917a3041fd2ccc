"""The open mark's examiner with registries, over a stand-in for it."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence import Claim, Details, Examiner, Finding, Tier
from lightkeeper.evidence._examine import Searches
from lightkeeper.evidence.watermark import load_marks, read_marks
from lightkeeper.evidence.watermark.registry import RegisteredMarks, RegistryFile
from lightkeeper.media import Media, open_media
from lightkeeper.scan import Policy
from lightkeeper.scan import _examiners as built_in

from .conftest import PUBLIC, entry, picture, written
from .test_examine import MARK


@dataclass(frozen=True)
class Transform:
    matrix: tuple[float, float, float, float]


@dataclass(frozen=True)
class Reading(Details):
    payload: int
    transform: Transform


class StandIn:
    """Reads the payload that it was made with."""

    version = "1"
    tier = Tier.PIXELS

    def __init__(self, *findings: Finding, name: str = "open-mark") -> None:
        self._findings = findings
        self.name = name

    def unavailable(self) -> str | None:
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        return self._findings


def reading(payload: int, *matrix: float) -> Finding:
    a, b, c, d = matrix or (1.0, 0.0, 0.0, 1.0)
    return replace(MARK, details=Reading(payload, Transform((a, b, c, d))))


def media(seed: int, *, turn: bool = False) -> Media:
    buffer = io.BytesIO()
    rgb = np.rot90(picture(seed)) if turn else picture(seed)
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, "JPEG", quality=85)
    return open_media(buffer.getvalue())


def test_each_payload_is_followed_by_what_its_entry_says(registry: RegistryFile) -> None:
    examiner = RegisteredMarks(StandIn(reading(1), MARK), [registry])
    assert isinstance(examiner, Examiner)
    own = [f.claim for f in examiner.examine(media(1))]
    assert own == [Claim.CARRIES_MARK, Claim.PROVENANCE, Claim.CARRIES_MARK]
    other = examiner.examine(media(4))
    assert [f.conflict for f in other] == [None, "copied-mark", None]
    assert other[0].supports is None
    assert other[2].supports is not None


def test_the_geometry_of_the_reading_is_undone(registry: RegistryFile) -> None:
    crop = np.ascontiguousarray(np.rot90(picture(1))[100:400, 60:340])
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "PNG")
    shown = open_media(buffer.getvalue())
    turned = RegisteredMarks(StandIn(reading(1, 0.0, 1.0, -1.0, 0.0)), [registry])
    assert turned.examine(shown)[1].conflict is None
    wrong = RegisteredMarks(StandIn(reading(1)), [registry])
    assert wrong.examine(shown)[1].conflict == "copied-mark"


def test_what_two_examiners_read_in_one_picture_is_taken_together() -> None:
    shown = media(1)
    quick = RegisteredMarks(StandIn(reading(1)), [])
    search = RegisteredMarks(StandIn(reading(2), name="open-mark-search"), [])
    (first,) = quick.examine(shown)
    second, together = search.examine(shown)
    assert (first.claim, second.claim) == (Claim.CARRIES_MARK, Claim.CARRIES_MARK)
    assert together.examiner == "open-mark-search"
    assert "Carries 2 open marks, 000000000001 and 000000000002" in together.summary
    # Of another picture, nothing is known.
    (alone,) = search.examine(media(2))
    assert alone.claim is Claim.CARRIES_MARK


def test_a_search_that_reads_no_more_adds_nothing() -> None:
    shown = media(1)
    quick = RegisteredMarks(StandIn(reading(1), reading(2)), [])
    assert len(quick.examine(shown)) == 3
    assert RegisteredMarks(StandIn(name="open-mark-search"), []).examine(shown) == ()


def test_both_examiners_of_a_policy_look_payloads_up() -> None:
    examiners = {e.name: e for e in built_in.default_examiners(Policy(tier=Tier.MODEL))}
    both = [examiners["open-mark"], examiners["open-mark-search"]]
    assert all(isinstance(examiner, RegisteredMarks) for examiner in both)
    assert isinstance(both[1], Searches)
    assert both[1].looks_for.startswith("open marks in turned")


def test_another_version_of_a_registry_is_another_version_of_the_examiner(
    registry: RegistryFile,
) -> None:
    assert RegisteredMarks(StandIn(), []).version == "1"
    assert RegisteredMarks(StandIn(), [registry]).version == f"1+{registry.sha256[:12]}"


def policy_of(tmp_path: Path, key: str) -> Policy:
    (tmp_path / "studio.marks").write_bytes(written(entry(1)))
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[mark_registry]]\nfile = "studio.marks"\nkey = "{key}"\n')
    return Policy.from_toml(policy)


def test_a_policy_names_registries_and_pins_their_keys(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, PUBLIC.hex().upper())
    assert policy.mark_registries == ((tmp_path / "studio.marks", PUBLIC.hex()),)
    (examiner,) = built_in._registered(policy, [StandIn(reading(1))])
    assert [f.conflict for f in examiner.examine(media(4))] == [None, "copied-mark"]
    assert policy.fingerprint({}) == Policy().fingerprint({})
    with pytest.raises(InvalidConfiguration, match="needs the examiner open-mark"):
        list(built_in._registered(policy, []))


def test_a_registry_that_another_signed_ends_the_scan_before_it_begins(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, "00" * 32)
    with pytest.raises(EvidenceError, match="signed by another key"):
        list(built_in._registered(policy, [StandIn()]))


@pytest.mark.parametrize(
    "text",
    [
        'mark_registry = "studio.marks"',
        '[[mark_registry]]\nfile = "studio.marks"',
        '[[mark_registry]]\nfile = "studio.marks"\nkey = "ab"',
        f'[[mark_registry]]\nfile = "s"\nkey = "{"ab" * 32}"\nprompt = "x"',
        "mark_registry = [1]",
    ],
)
def test_a_policy_that_pins_no_key_is_refused(tmp_path: Path, text: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    with pytest.raises(InvalidConfiguration, match="mark_registry"):
        Policy.from_toml(policy)


VENDORS = """
[[mark]]
id = "studio-z"
method = "lattice"
hex = "0000000000ff"
description = "All pictures of Studio Z."

[[mark]]
id = "studio-y"
method = "dwtDct"
text = "LIGHTHOUSE-Y"
"""


def test_a_vendor_with_one_payload_is_named_from_the_table_of_marks(
    tmp_path: Path, registry: RegistryFile
) -> None:
    path = tmp_path / "marks.toml"
    path.write_text(VENDORS)
    examiner = RegisteredMarks(StandIn(reading(255)), [registry], marks=load_marks(path))
    (found,) = examiner.examine(media(1))
    assert "'studio-z' (All pictures of Studio Z.)" in found.summary
    assert found.limits == ("key-is-public", "one-payload-for-all")
    policy = Policy(marks=path)
    (built,) = built_in._registered(policy, [StandIn(reading(255))])
    assert built.examine(media(1)) == (found,)


def test_the_walk_over_blocks_passes_payloads_over(tmp_path: Path) -> None:
    path = tmp_path / "marks.toml"
    path.write_text(VENDORS)
    readings = read_marks(media(1), marks=load_marks(path))
    assert [r.mark for r in readings] == ["studio-y"]


def test_a_payload_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "marks.toml"
    path.write_text('[[mark]]\nid = "z"\nmethod = "lattice"\nhex = "00000000ff"\n')
    with pytest.raises(InvalidConfiguration, match="48 bits, not 40"):
        load_marks(path)
