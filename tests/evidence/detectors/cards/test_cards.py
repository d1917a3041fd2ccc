from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightkeeper.evidence.detectors.cards import (
    Card,
    CardRefused,
    Measured,
    card_files,
    load_card,
    render_html,
)
from lightkeeper.evidence.detectors.cards._card import canonical
from lightkeeper.evidence.detectors.evaluation import Label, Run, ScoreRow, Setup, TrainedOn
from lightkeeper.evidence.detectors.evaluation._scores import write_rows
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS, Condition

SETUP = Setup(resamples=12, crop=128)
Rows = tuple[ScoreRow, ...]


class Named:
    name, version, fingerprint = "lamp <b>", "7", "ab" * 32

    def score(self, rgb: Any) -> float | None:
        raise NotImplementedError


def card_of(rows: Rows, trained_on: TrainedOn | None = None) -> Card:
    drawn = sum(row.kind == "plot" for row in rows) // len(Condition)
    setup = replace(SETUP, drawn_per_kind=drawn)
    return Card.of(Named(), Run(setup, trained_on or TrainedOn(True), "cd" * 32, 1, rows))


def save(folder: Path, card: Card, rows: Rows) -> Path:
    for name, content in card_files(card, rows).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def saved(tmp_path: Path, honest: Callable[..., Rows]) -> Path:
    rows = honest()
    return save(tmp_path, card_of(rows), rows)


def test_a_detector_that_meets_every_control_may_weigh(honest: Callable[..., Rows]) -> None:
    card = card_of(honest())
    assert card.may_say().likelihood_ratio, card.may_say().reasons
    weight = card.log10_lr(9.0)
    assert weight is not None
    assert 0 < weight < math.log10(card.measurements.null_size)


def test_a_detector_that_keeps_its_training_to_itself_never_weighs(
    honest: Callable[..., Rows],
) -> None:
    card = card_of(honest(), TrainedOn())
    assert card.may_say().reasons == ("training: what it was trained on is not declared",)
    assert card.log10_lr(9.0) is None


def test_a_low_score_never_speaks_for_a_camera(honest: Callable[..., Rows]) -> None:
    card = card_of(honest())
    assert card.log10_lr(-50.0) is None
    assert card.log10_lr(0.0) is None


def others(**changes: Any) -> dict[str, Any]:
    quiet = dict.fromkeys(CONTROL_KINDS, np.linspace(-2, -1, 60).tolist())
    return {k: v for k, v in {**quiet, **changes}.items() if v}


@pytest.mark.parametrize(
    ("changes", "control"),
    [
        ({"photographs": {"lake": [0.0, 1.0] * 40, "street": [0.0, 1.0] * 10}}, "null"),
        ({"pairs": {"made": [0.5] * 99, "taken": [0.0] * 99}}, "content"),
        ({"pairs": {"made": [0.5, 0.4] * 60, "taken": [0.4, 0.5] * 60}}, "content"),
        ({"others": others(plot=[9.0] * 2 + [-1.0] * 58)}, "non-photo"),
        ({"others": others(plot=[-1.0] * 39)}, "non-photo"),
        ({"others": others(document=None)}, "non-photo"),
        ({"others": others(smoothed=[9.0] * 60)}, "non-photo"),
        (
            {"photographs": {"lake": np.linspace(0, 1, 400), "street": np.linspace(0.8, 2, 100)}},
            "sources",
        ),
        ({"photographs": {"lake": np.linspace(0, 1, 400)}, "pairs": None}, "sources"),
    ],
)
def test_each_failing_control_takes_all_weight(
    fabricate: Callable[..., Rows], changes: dict[str, Any], control: str
) -> None:
    good = {
        "generated": {"a": np.linspace(8, 9, 80), "b": np.linspace(8, 9, 80)},
        "photographs": {"lake": np.linspace(0, 1, 400), "street": np.linspace(0, 1, 100)},
        "others": others(),
        "pairs": {"made": np.linspace(8, 9, 120), "taken": np.linspace(0, 1, 120)},
    }
    assert card_of(fabricate(**good)).may_say().likelihood_ratio
    card = card_of(fabricate(**{**good, **changes}))
    assert control in {c.name for c in card.controls if not c.passed}
    assert any(reason.startswith(control) for reason in card.may_say().reasons)
    assert card.log10_lr(100.0) is None


def test_a_detector_of_chance_may_say_nothing(honest: Callable[..., Rows]) -> None:
    card = card_of(honest(0.0))
    assert "bands: no range of scores weighs anything" in card.may_say().reasons


def test_a_card_comes_back_as_it_was(saved: Path, honest: Callable[..., Rows]) -> None:
    measured = load_card(saved)
    assert measured.card == card_of(honest())
    assert measured.rows == honest()
    assert json.loads((saved / "card.json").read_text())["id"] == measured.card.id


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (dict, list)):
            yield from leaves(item, (*path, key))
        else:
            yield (*path, key)


def altered(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    value = holder[path[-1]]
    holder[path[-1]] = (
        not value
        if isinstance(value, bool)
        else value + 1
        if isinstance(value, (int, float))
        else f"{value}x"
    )
    return changed


UNCHECKABLE = {"name", "version", "fingerprint", "data", "unreadable", "trained_on", "setup"}
"""What the scores cannot tell; altering it still changes the id that findings carry."""


def test_no_number_can_be_altered_even_with_a_new_id(
    saved: Path, fabricate: Callable[..., Rows]
) -> None:
    few = np.arange(20.0)
    rows = fabricate(
        generated={"a": few, "b": few + 1},
        photographs={"lake": few, "street": few},
        others=dict.fromkeys(CONTROL_KINDS, few),
        pairs={"made": few, "taken": few},
    )
    save(saved, card_of(rows), rows)
    assert load_card(saved).rows == rows
    document = json.loads((saved / "card.json").read_text())
    before = document.pop("id")
    paths = [p for p in leaves(document) if p[0] not in UNCHECKABLE]
    assert len(paths) > 120
    # Every kind of place once: computing all again for each of hundreds would take a minute.
    chosen = {tuple(k for k in p if isinstance(k, str)): p for p in paths}
    for path in chosen.values():
        changed = altered(document, path)
        forged = hashlib.sha256(canonical(changed)).hexdigest()
        assert forged != before
        for stated in (before, forged):
            (saved / "card.json").write_text(json.dumps({"id": stated, **changed}))
            with pytest.raises(CardRefused):
                load_card(saved)


def test_who_was_measured_cannot_be_altered_under_the_same_id(saved: Path) -> None:
    document = json.loads((saved / "card.json").read_text())
    for path in (p for p in leaves(document) if p[0] in UNCHECKABLE):
        (saved / "card.json").write_text(json.dumps(altered(document, path)))
        with pytest.raises(CardRefused, match="its id is not that of its content"):
            load_card(saved)


def test_altered_scores_are_refused(saved: Path) -> None:
    content = (saved / "scores.jsonl").read_bytes()
    (saved / "scores.jsonl").write_bytes(content[: len(content) // 2])
    with pytest.raises(CardRefused, match="scores beside the card were altered"):
        load_card(saved)


def test_training_that_is_hidden_after_the_fact_is_refused(
    tmp_path: Path, fabricate: Callable[..., Rows]
) -> None:
    rows = fabricate(
        generated={"a": [1.0], "b": [2.0]},
        photographs={"lake": [0.0]},
        others={kind: [0.0] for kind in CONTROL_KINDS},
        seen=frozenset({"b"}),
    )
    save(tmp_path, card_of(rows, TrainedOn(True, (), ())), rows)
    with pytest.raises(CardRefused, match="trained on"):
        load_card(tmp_path)


def without(row: ScoreRow) -> bool:
    """The worst photographs, where the files were shrunk."""
    return row.condition is Condition.SHRUNK and row.label is Label.REAL and (row.score or 0) > 1


def numbered(rows: list[ScoreRow]) -> Rows:
    return tuple(replace(row, picture=at // 3) for at, row in enumerate(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: tuple(r for r in rows if not without(r)), "once under every condition"),
        (lambda rows: rows + rows[:3], "out of place"),
        (lambda rows: (*rows[3:6], *rows[:3], *rows[6:]), "out of place"),
        (lambda rows: numbered([r for r in rows if r.kind != "plot"]), "drawn pictures"),
        (lambda rows: tuple(replace(r, pair=r.pair and "1") for r in rows), "a pair holds"),
        (lambda rows: tuple(replace(r, drawn=False) for r in rows), "drawn and is not"),
    ],
)
def test_a_card_on_chosen_rows_is_refused(
    tmp_path: Path, honest: Callable[..., Rows], change: Callable[[Rows], Rows], words: str
) -> None:
    whole = honest(photographs=60)
    rows = change(whole)
    card = replace(card_of(rows), setup=card_of(whole).setup)
    save(tmp_path, card, rows)
    with pytest.raises(CardRefused, match=words):
        load_card(tmp_path)


def test_a_card_that_is_a_pipe_is_refused_and_not_waited_for(saved: Path) -> None:
    (saved / "scores.jsonl").unlink()
    os.mkfifo(saved / "scores.jsonl")
    with pytest.raises(CardRefused, match=r"scores\.jsonl of the card is no file"):
        load_card(saved)


def test_a_card_of_one_photograph_can_be_drawn(fabricate: Callable[..., Rows]) -> None:
    rows = fabricate(generated={"a": [1.0]}, photographs={"lake": [0.0]})
    assert "not measurable with n=1" in render_html(Measured(card_of(rows), rows))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no card of the schema"),
        ('{"schema": "lightkeeper.card/9"}', "no card of the schema"),
    ],
)
def test_what_is_no_card_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(CardRefused, match=words):
        load_card(tmp_path)


def test_extra_keys_are_refused(saved: Path) -> None:
    document = json.loads((saved / "card.json").read_text())
    document.pop("id")
    document["certified"] = True
    stated = hashlib.sha256(canonical(document)).hexdigest()
    (saved / "card.json").write_text(json.dumps({"id": stated, **document}))
    with pytest.raises(CardRefused, match="keys that no card has"):
        load_card(saved)


def test_a_missing_file_is_refused(saved: Path) -> None:
    (saved / "scores.jsonl").unlink()
    with pytest.raises(CardRefused, match=r"scores\.jsonl of the card cannot be read"):
        load_card(saved)


def test_scores_hold_no_path_and_no_hash(saved: Path) -> None:
    lines = (saved / "scores.jsonl").read_text().splitlines()
    keys = {key for line in lines for key in json.loads(line)}
    assert not {key for key in keys if "path" in key or "sha" in key or "hash" in key}


def test_the_page_needs_nothing_from_outside_and_runs_nothing(honest: Callable[..., Rows]) -> None:
    rows = honest()
    page = render_html(Measured(card_of(rows), rows))
    assert not re.search(r"https?:|<script|src=|@import|url\(", page)
    assert "Content-Security-Policy" in page
    assert "lamp &lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<svg") == 4
    # Each condition is a curve and, in the key, a sample of the curve's own style.
    assert [page.count(f'class="curve c-{n}"') for n in range(3)] == [2, 2, 2]
    assert not re.search(r"[ \"](nan|inf)", page)


def test_the_page_says_first_that_scores_carry_no_weight(honest: Callable[..., Rows]) -> None:
    rows = honest(0.0)
    card = card_of(rows)
    page = render_html(Measured(card, rows))
    assert page.index("carry no weight") < page.index("<table")
    assert "Its scores may weigh" not in page


def test_the_id_is_that_of_the_written_rows(honest: Callable[..., Rows]) -> None:
    rows = honest()
    assert card_of(rows).scores == hashlib.sha256(write_rows(rows)).hexdigest()
