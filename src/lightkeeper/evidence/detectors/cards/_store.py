"""A card in a folder: the record, the scores that it was computed from, and a page to read."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lightkeeper.errors import EvidenceError, LightkeeperError
from lightkeeper.evidence.detectors.cards._card import SCHEMA, Card, canonical
from lightkeeper.evidence.detectors.cards._controls import controls
from lightkeeper.evidence.detectors.evaluation import ScoreRow, measure
from lightkeeper.evidence.detectors.evaluation._evaluate import PROTOCOL
from lightkeeper.evidence.detectors.evaluation._scores import read_rows, write_rows
from lightkeeper.evidence.detectors.evaluation._whole import check_whole
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CARD_FILE, SCORES_FILE, PAGE_FILE = "card.json", "scores.jsonl", "card.html"
_MOST_RESAMPLES = 20_000
_MOST_BYTES = 512 << 20
_TOLERANCE = 2e-6
"""Another numpy may round the sixth decimal the other way."""


class CardRefused(EvidenceError):
    """A card is damaged, was altered, or does not follow from its scores."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A card that follows from its scores, and these."""

    card: Card
    rows: tuple[ScoreRow, ...]


def card_files(card: Card, rows: Sequence[ScoreRow]) -> dict[str, bytes]:
    """Content of the two files that make a card, by name."""
    document = {"id": card.id, **to_plain(card)}
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return {CARD_FILE: text.encode() + b"\n", SCORES_FILE: write_rows(rows)}


def load_card(folder: Path) -> Measured:
    """Read a card and compute everything that it states again from the scores beside it.

    Raises
    ------
    CardRefused
        It cannot be read, was altered, or its scores give other numbers.
    """
    document = _document(folder)
    if document.pop("id", None) != _computed_id(document):
        raise CardRefused("the card was altered: its id is not that of its content")
    card = _parsed(document)
    content = _read(folder, SCORES_FILE)
    if hashlib.sha256(content).hexdigest() != card.scores:
        raise CardRefused("the scores beside the card were altered, or are those of another card")
    try:
        rows = read_rows(content)
        check_whole(rows, card.setup)
        measured = measure(rows, card.setup)
    except (LightkeeperError, ValueError, OverflowError) as error:
        raise CardRefused(f"the card's scores are not usable: {error}") from error
    _check_seen(card, rows)
    judged = controls(measured, card.trained_on, card.setup)
    expected = {"measurements": to_plain(measured), "controls": to_plain(judged)}
    for part, again in expected.items():
        if where := _difference(document[part], again, part):
            raise CardRefused(f"the card does not follow from its scores: {where} differs")
    return Measured(card, rows)


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read(folder, CARD_FILE))
    except (ValueError, RecursionError) as error:
        raise CardRefused("the card is not JSON") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise CardRefused(f"it is no card of the schema {SCHEMA}")
    return document


def _computed_id(document: dict[str, Any]) -> str:
    try:
        return hashlib.sha256(canonical(document)).hexdigest()
    except ValueError as error:
        raise CardRefused("the card holds what canonical JSON does not") from error


def _parsed(document: dict[str, Any]) -> Card:
    setup = document.get("setup")
    protocol = setup.get("protocol") if isinstance(setup, dict) else None
    if protocol != PROTOCOL:
        raise CardRefused(f"the card is of protocol {protocol}, not {PROTOCOL}: evaluate again")
    try:
        card = msgspec.convert(document, Card)
    except msgspec.ValidationError as error:
        raise CardRefused(f"the card cannot be read: {error}") from error
    if to_plain(card) != document:
        raise CardRefused("the card has keys that no card has")
    if not 0 < card.setup.resamples <= _MOST_RESAMPLES or card.setup.seed < 0:
        raise CardRefused("the card's setup is none that any card has")
    return card


def _check_seen(card: Card, rows: Sequence[ScoreRow]) -> None:
    known = card.trained_on
    for row in rows:
        if row.seen != (row.source in known.sources or row.generator in known.generators):
            raise CardRefused("the scores do not follow what the detector says it was trained on")


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    # A pipe would never end, and the size of a device says nothing.
    if path.exists() and not path.is_file():
        raise CardRefused(f"{name} of the card is no file")
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CardRefused(f"{name} of the card cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise CardRefused(f"{name} of the card is larger than any card")
    return content


def _difference(stated: Any, again: Any, where: str) -> str | None:
    """The first place at which two plain values differ by more than rounding."""
    if isinstance(stated, dict) and isinstance(again, dict) and stated.keys() == again.keys():
        parts = [(f"{where}.{key}", stated[key], again[key]) for key in stated]
    elif isinstance(stated, list) and isinstance(again, list) and len(stated) == len(again):
        parts = [
            (f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(stated, again, strict=True))
        ]
    elif isinstance(stated, float) and isinstance(again, float):
        near = math.isclose(stated, again, rel_tol=1e-12, abs_tol=_TOLERANCE)
        return None if near else where
    else:
        return None if type(stated) is type(again) and stated == again else where
    return next((d for place, a, b in parts if (d := _difference(a, b, place))), None)
