"""What detectors are shown: labelled files, matched re-encodings, drawn non-photographs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation import Label, read_samples
from lightkeeper.evidence.detectors.treatment import (
    DRAWN_KINDS,
    Condition,
    draw_non_photo,
    reencode,
    smooth,
)
from lightkeeper.testing import photo_like

PICTURE = photo_like(1, width=300, height=200)


def treat(condition: Condition, seed: int = 0, crop: int = 128) -> np.ndarray:
    return reencode(PICTURE, condition, rng=np.random.default_rng(seed), crop=crop)


def test_native_pixels_are_not_touched() -> None:
    assert treat(Condition.NATIVE) is PICTURE


def test_shrinking_is_three_quarters_of_the_crop() -> None:
    assert treat(Condition.SHRUNK).shape == (96, 96, 3)


def test_equal_seeds_treat_alike_and_others_do_not() -> None:
    first, again, other = (treat(Condition.MATCHED, seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_matched_pictures_keep_within_the_crop_and_the_scale() -> None:
    shapes = [treat(Condition.MATCHED, seed).shape for seed in range(60)]
    assert all(77 <= height <= 128 and height == width for height, width, _ in shapes)
    assert sum(shape[0] == 128 for shape in shapes) > 4
    assert sum(shape[0] < 128 for shape in shapes) > 30


def test_a_picture_smaller_than_the_crop_stays_whole() -> None:
    assert reencode(PICTURE, Condition.SHRUNK, rng=np.random.default_rng(0), crop=4096).shape == (
        150,
        225,
        3,
    )


@pytest.mark.parametrize("kind", DRAWN_KINDS)
def test_drawn_pictures_are_equal_for_equal_seeds_and_differ_otherwise(kind: str) -> None:
    first, again, other = (draw_non_photo(kind, seed) for seed in (1, 1, 2))
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)
    assert first.std() > 5


def test_kinds_do_not_share_pictures() -> None:
    pictures = [draw_non_photo(kind, 7).tobytes() for kind in DRAWN_KINDS]
    assert len(set(pictures)) == len(DRAWN_KINDS)


def test_smoothing_takes_detail_and_nothing_else() -> None:
    def detail(rgb: np.ndarray) -> float:
        return float(np.abs(np.diff(rgb.astype(float), axis=1)).mean())

    smoothed = [smooth(PICTURE, seed) for seed in range(9)]
    assert np.array_equal(smoothed[0], smooth(PICTURE, 0))
    assert len({picture.tobytes() for picture in smoothed}) > 3
    for picture in smoothed:
        assert picture.shape == PICTURE.shape
        assert detail(picture) < 0.8 * detail(PICTURE)
        assert abs(float(picture.mean()) - float(PICTURE.mean())) < 1


def test_a_csv_manifest_is_read_relative_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "path,label,source,generator,pair,kind\n"
        "a.png,real,lake,,p1,photo\nb.png,generated,,alpha,p1,\nc.png,real,atlas,,,art\n"
    )
    first, second, third = read_samples(path)
    assert (first.path, first.source, first.pair) == (tmp_path / "a.png", "lake", "p1")
    assert (second.label, second.source, second.generator) == (Label.GENERATED, "alpha", "alpha")
    assert (third.kind, third.generator) == ("art", None)


def test_a_json_lines_manifest_means_the_same(tmp_path: Path) -> None:
    rows = [{"path": "a.png", "label": "real", "source": "lake", "pair": 3}]
    path = tmp_path / "list.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert read_samples(path)[0].pair == "3"


def test_a_folder_names_sources_and_generators(tmp_path: Path) -> None:
    for name in ("real/lake/x/1.png", "generated/alpha/2.jpg", "real/lake/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name, "PNG")
    real, generated = read_samples(tmp_path)
    assert (real.source, real.generator) == ("lake", None)
    assert (generated.source, generated.generator) == ("alpha", "alpha")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"path": "a.png"}', "line 1: it needs a path, and a label"),
        ('{"path": "a.png", "label": "fake"}', "label that is 'real' or 'generated'"),
        ('{"path": "a.png", "label": "generated"}', "needs its generator"),
        ('{"path": "a.png", "label": "real", "mood": 1}', "unknown keys mood"),
        ('{"path": "a.png", "label": "real", "source": "(drawn)"}', "the protocol draws"),
        ("{", "line 1: it is not JSON"),
        ("[]", "line 1: it is no object"),
        ("", "names no labelled picture"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration, match=words):
        read_samples(path)


def test_a_pair_has_two_halves(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label,pair\na.png,real,1\nb.png,real,1\n")
    with pytest.raises(InvalidConfiguration, match="one photograph and one re-synthesis"):
        read_samples(path)


def test_a_missing_manifest_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="cannot read"):
        read_samples(tmp_path / "absent.csv")
