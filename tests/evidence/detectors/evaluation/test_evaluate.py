from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation import (
    Label,
    Sample,
    Setup,
    TrainedOn,
    Twin,
    evaluate,
)
from lightkeeper.evidence.detectors.evaluation._scores import Outcome, read_rows, write_rows
from lightkeeper.evidence.detectors.evaluation._whole import check_whole
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS, Condition
from lightkeeper.testing import photo_like, synthetic_like

SETUP = Setup(drawn_per_kind=1)


class Brightness:
    name, version, fingerprint = "brightness", "1", "0" * 64

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def score(self, rgb: np.ndarray) -> float | None:
        self.shapes.append(rgb.shape)
        return float(rgb.mean())


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    made = []
    for number in range(2):
        for label, draw in ((Label.REAL, photo_like), (Label.GENERATED, synthetic_like)):
            path = tmp_path / f"{label}-{number}.png"
            Image.fromarray(draw(number, width=200, height=120 + 40 * number)).save(path)
            generator = f"gen-{number}" if label is Label.GENERATED else None
            made.append(Sample(path, label, f"{label}-{number}", generator, pair=str(number)))
    return made


def test_every_picture_is_shown_under_every_condition(samples: list[Sample]) -> None:
    run = evaluate(Brightness(), samples, setup=SETUP)
    assert len(run.rows) == (len(samples) + len(CONTROL_KINDS)) * len(Condition)
    drawn = [row for row in run.rows if row.drawn]
    assert {row.kind for row in drawn} == set(CONTROL_KINDS)
    assert all(row.label is Label.REAL and row.outcome is Outcome.SCORED for row in drawn)


def test_the_order_and_place_of_files_change_nothing(samples: list[Sample]) -> None:
    first = evaluate(Brightness(), samples, setup=SETUP)
    again = evaluate(Brightness(), samples[::-1], setup=SETUP)
    assert [row.score for row in first.rows] == [row.score for row in again.rows]
    assert first.data == again.data


def test_another_label_is_another_collection(samples: list[Sample]) -> None:
    other = [*samples[:-1], Sample(samples[-1].path, Label.GENERATED, "x", "other", pair="1")]
    first, second = (evaluate(Brightness(), s, setup=SETUP) for s in (samples, other))
    assert first.data != second.data


def test_the_crop_suits_the_smaller_class(samples: list[Sample]) -> None:
    detector = Brightness()
    run = evaluate(detector, samples, setup=SETUP)
    assert run.setup.crop == 140
    assert max(shape[0] for shape in detector.shapes[1::3]) <= 140


def test_both_halves_of_a_pair_are_treated_alike(samples: list[Sample], tmp_path: Path) -> None:
    twins = []
    for label, generator in ((Label.REAL, None), (Label.GENERATED, "gen")):
        path = tmp_path / f"twin-{label}.png"
        twin = Image.fromarray(photo_like(9, width=160, height=160))
        twin.save(path, compress_level=1 if generator else 9)
        twins.append(Sample(path, label, "s", generator, pair="twin"))
    rows = evaluate(Brightness(), twins, setup=SETUP).rows
    for condition in Condition:
        scores = {r.score for r in rows if r.pair == "twin" and r.condition is condition}
        assert len(scores) == 1


@pytest.mark.parametrize("label", list(Label))
def test_no_picture_counts_twice(samples: list[Sample], tmp_path: Path, label: Label) -> None:
    (tmp_path / "copy.png").write_bytes(samples[0].path.read_bytes())
    generator = "g" if label is Label.GENERATED else None
    again = Sample(tmp_path / "copy.png", label, "s", generator)
    with pytest.raises(InvalidConfiguration, match="is the same file as"):
        evaluate(Brightness(), [*samples, again], setup=SETUP)


def test_silence_and_failure_are_rows(samples: list[Sample]) -> None:
    class Moody(Brightness):
        def score(self, rgb: np.ndarray) -> float | None:
            self.shapes.append(rgb.shape)
            place = len(self.shapes) % 3
            if place == 0:
                raise EvidenceError("no")
            return None if place == 1 else float("nan")

    outcomes = {row.outcome for row in evaluate(Moody(), samples, setup=SETUP).rows}
    assert outcomes == {Outcome.ABSTAINED, Outcome.FAILED}


def test_a_bug_in_a_detector_is_no_abstention(samples: list[Sample]) -> None:
    class Broken(Brightness):
        def score(self, rgb: np.ndarray) -> float | None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evaluate(Broken(), samples, setup=SETUP)


def test_what_a_detector_was_trained_on_is_marked(samples: list[Sample]) -> None:
    known = TrainedOn(True, ("real-0",), ("gen-1",))
    rows = evaluate(Brightness(), samples, setup=SETUP, trained_on=known).rows
    assert {row.source for row in rows if row.seen} == {"real-0", "generated-1"}


def test_unreadable_files_are_counted(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    more = [
        Sample(tmp_path / "bad.png", Label.REAL, "s"),
        Sample(tmp_path / "absent.png", Label.REAL, "s"),
    ]
    assert evaluate(Brightness(), [*samples, *more], setup=SETUP).unreadable == 2


def test_one_class_alone_is_refused(samples: list[Sample]) -> None:
    only = [sample for sample in samples if sample.label is Label.REAL]
    with pytest.raises(InvalidConfiguration, match="no generated picture"):
        evaluate(Brightness(), only, setup=SETUP)


def test_rows_come_back_from_their_file_as_they_were(samples: list[Sample]) -> None:
    rows = evaluate(Brightness(), samples, setup=SETUP).rows
    assert read_rows(write_rows(rows)) == rows


@pytest.mark.parametrize("line", [b"{", b"{}", b'{"picture": "x"}'])
def test_a_line_that_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_rows(line)


def test_a_row_that_contradicts_itself_is_refused(samples: list[Sample]) -> None:
    content = write_rows(evaluate(Brightness(), samples, setup=SETUP).rows)
    with pytest.raises(EvidenceError, match="contradict"):
        read_rows(content.replace(b'"scored"', b'"failed"', 1))


def test_a_twin_makes_the_generated_half_of_every_photograph(samples: list[Sample]) -> None:
    real = [replace(s, pair=None) for s in samples if s.label is Label.REAL]
    art = replace(real[0], kind="art", path=samples[1].path)
    assert art.path != real[0].path
    twin = Twin("ours", lambda rgb: (rgb // 2).astype(np.uint8))
    run = evaluate(Brightness(), [*real, art], setup=SETUP, twin=twin)
    made = [r for r in run.rows if r.label is Label.GENERATED]
    assert {r.generator for r in made} == {"ours"}
    assert len(made) == len(real) * len(Condition)
    taken = {(r.pair, r.condition): r for r in run.rows if r.label is Label.REAL and r.pair}
    for row in made:
        half = taken.pop((row.pair, row.condition))
        assert row.score == pytest.approx(half.score / 2, abs=6)
    assert not taken
    check_whole(run.rows, run.setup)
    assert evaluate(Brightness(), [*real, art], setup=SETUP, twin=twin).data == run.data
