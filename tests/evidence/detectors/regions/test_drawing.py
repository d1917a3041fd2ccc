from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lightkeeper.evidence.detectors.regions import draw
from lightkeeper.evidence.detectors.regions._overlay import overlay
from lightkeeper.plain import to_plain

REGION = {"top": 8, "left": 16, "height": 24, "width": 8}


def details(*tones: str, cell: object = 8, **known: object) -> dict[str, object]:
    return {"overlay": {"tones": list(tones), "cell": cell}, **known}


def covered(path: str) -> int:
    return sum(int(length) for length in re.findall(r"h(\d+)v1", path))


def test_runs_of_one_tone_are_one_path_and_empty_cells_are_not_drawn():
    drawing = draw(details("0ff0", "00f8", region=REGION))
    assert (drawing.columns, drawing.rows) == (4, 2)
    assert drawing.paths == ((0.53, "M3 1h1v1h-1z"), (1.0, "M1 0h2v1h-2zM2 1h1v1h-1z"))
    assert drawing.frame == (2.0, 1.0, 1.0, 3.0)


def test_the_words_say_where_and_how_much():
    assert draw(details("000", "000", "00f")).words == (
        "Map of 3 rows by 3 columns of cells of 8 pixels. "
        "11% of them stand out, around the bottom right."
    )
    assert draw(details("070")).words.endswith("No cell stands out.")
    assert "around the middle." in draw(details("000", "0f0", "000")).words


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=150),
        elements=st.floats(-5, 40, width=32),
    )
)
def test_every_cell_with_a_tone_is_drawn_once(surprise):
    drawn = overlay(surprise)
    drawing = draw(to_plain({"overlay": drawn}))
    assert max(drawing.rows, drawing.columns) <= 64
    assert drawing.columns * drawn.cell >= 8 * surprise.shape[1]
    toned = sum(tone != "0" for row in drawn.tones for tone in row)
    assert sum(covered(path) for _, path in drawing.paths) == toned


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"overlay": "89504e47"},
        {"overlay": {"tones": "ff"}},
        {"overlay": {"tones": []}},
        {"overlay": {"tones": ["00", "0"]}},
        {"overlay": {"tones": ["<script>"]}},
        {"overlay": {"tones": ["0\n"]}},
        {"overlay": {"tones": [["0"]]}},
        {"overlay": {"tones": ["0" * 65]}},
        {"overlay": {"tones": ["0"] * 65}},
    ],
)
def test_what_is_no_overlay_is_not_drawn(plain):
    assert draw(plain) is None


@pytest.mark.parametrize(
    "region",
    [None, "all", {}, REGION | {"top": "8"}, REGION | {"left": -1}, REGION | {"width": True}],
)
def test_a_wrong_region_has_no_frame(region):
    assert draw(details("0f", region=region)).frame is None


@pytest.mark.parametrize("cell", [None, 0, -8, "8", 8.5, True])
def test_a_wrong_cell_has_no_unit_and_no_frame(cell):
    drawing = draw(details("0f", cell=cell, region=REGION))
    assert drawing.frame is None
    assert "pixels" not in drawing.words or cell is True
