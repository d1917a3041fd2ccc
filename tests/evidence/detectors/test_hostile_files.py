"""Files that describe detectors may hold anything; what reads them fails in one way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.assessment.policy import CascadePolicy, read_matrix
from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.detectors.cards import Card, CardRefused, card_files, load_card
from lightkeeper.evidence.detectors.cards._card import canonical
from lightkeeper.evidence.detectors.evaluation import Run, Setup, TrainedOn, read_samples
from lightkeeper.evidence.detectors.evaluation._scores import read_rows
from lightkeeper.evidence.detectors.plugins import read_manifest
from lightkeeper.evidence.detectors.plugins._wire import decode
from lightkeeper.plain import to_plain

FEW = settings(max_examples=60, deadline=None)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@FEW
@given(
    st.sampled_from(
        [(read_manifest, "m.toml"), (CascadePolicy.from_toml, "p.toml"), (read_matrix, "m.csv"),
         (read_samples, "s.csv"), (read_samples, "s.jsonl")]
    ),
    st.binary(max_size=80) | st.text(max_size=80).map(lambda t: t.encode("utf-8", "surrogatepass")),
)  # fmt: skip
def test_any_bytes_are_refused_as_configuration(
    folder: Path, reader: tuple[Callable[[Path], Any], str], content: bytes
) -> None:
    read, name = reader
    with suppress(InvalidConfiguration):
        read(write(folder, name, content))


@FEW
@given(values)
def test_any_json_in_place_of_a_card_or_its_rows_is_refused(folder: Path, value: Any) -> None:
    content = json.dumps(value).encode()
    with pytest.raises(CardRefused):
        load_card(write(folder, "card.json", content).parent)
    with suppress(EvidenceError):
        read_rows(content)
    with suppress(ValueError):
        decode(content)


class Named:
    name, version, fingerprint = "lamp", "1", "ab" * 32

    def score(self, rgb: Any) -> float | None:
        raise NotImplementedError


@FEW
@given(data=st.data(), value=values)
def test_any_value_in_a_card_is_refused_even_with_a_new_id(
    folder: Path, small_card: dict[str, bytes], data: st.DataObject, value: Any
) -> None:
    document = json.loads(small_card["card.json"])
    before = json.dumps(document, sort_keys=True)
    document.pop("id")
    holder: Any = document
    for _ in range(4):
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(holder[key], (dict, list)) or not holder[key]:
            break
        holder = holder[key]
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    holder[data.draw(st.sampled_from(list(keys)))] = value
    with suppress(ValueError):
        document["id"] = hashlib.sha256(canonical(document)).hexdigest()
    write(folder, "card.json", json.dumps(document).encode())
    write(folder, "scores.jsonl", small_card["scores.jsonl"])
    try:
        read = load_card(folder)
    except CardRefused:
        return
    # Only what no score can tell was altered, and then it is the card of something else.
    first = json.loads(before)
    assert to_plain(read.card.measurements) == first["measurements"]
    assert to_plain(read.card.controls) == first["controls"]
    assert json.dumps(document, sort_keys=True) == before or read.card.id != first["id"]


@pytest.fixture(scope="module")
def small_card() -> dict[str, bytes]:
    from lightkeeper.evidence.detectors.evaluation import Label, ScoreRow
    from lightkeeper.evidence.detectors.evaluation._scores import Outcome
    from lightkeeper.evidence.detectors.treatment import Condition

    rows = tuple(
        ScoreRow(
            picture=n,
            condition=condition,
            label=Label.GENERATED if n % 2 else Label.REAL,
            kind="photo",
            source=f"s{n % 4}",
            generator="g" if n % 2 else None,
            pair=None,
            drawn=False,
            seen=False,
            outcome=Outcome.SCORED,
            score=float(n),
            seconds=0.01,
        )
        for n in range(24)
        for condition in Condition
    )
    setup = Setup(resamples=5, crop=64)
    return card_files(Card.of(Named(), Run(setup, TrainedOn(True), "cd" * 32, 0, rows)), rows)
