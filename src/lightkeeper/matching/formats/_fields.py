"""From named fields to an entry: the one place where a list's values are checked."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.matching._columns import EntryColumns
from lightkeeper.matching._entry import Entry, EntryLabels, EntryState, Mention
from lightkeeper.matching._guards import HEX_DIGITS, is_lower_hex
from lightkeeper.matching.formats._row import RejectedRowError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LABELS: Final[tuple[str, ...]] = (
    "industry_class",
    "computer_generated",
    "modelled_after_person",
    "age_group",
    "victim_identified",
)
_LABEL_NAMES: Final = frozenset(LABELS)
_CLASSES: Final = frozenset({"A1", "A2", "B1", "B2"})
_KIND = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_OPAQUE = re.compile(r"[!-~]{8,8192}")
_NO_LABELS: Final = EntryLabels()
_TEXT_CHARACTERS: Final = 256

_TIMES: Final = ("added", "seen", "expires", "withdrawn")
_OTHERS: Final = frozenset(
    {"variant", "quality", "labels", "state", "mentions", "votes_for", "votes_against", *_TIMES}
)
_KEYS: Final = frozenset({"kind", "value", "source_id"})
FIELDS: Final = _KEYS | _OTHERS
"""Fields of an entry in the own format; ``source_id`` is the importing source's id."""


def entry_of(fields: Mapping[str, Any], *, source: str | None, now: datetime) -> Entry:
    """Build an entry.

    Parameters
    ----------
    fields : mapping
        Named as in :data:`FIELDS`, JSON types.
    source : str or None
        Who speaks: the entry gets one mention of it. ``None`` keeps the mentions as written.

    Raises
    ------
    RejectedRowError
    """
    kind, value = checked_hash(fields.get("kind"), fields.get("value"))
    rest: dict[str, Any] = {"kind": kind, "value": value}
    for name, said in fields.items():
        if name in _CONVERT:
            if said is not None:
                rest[name] = _CONVERT[name](said)
        elif name not in _KEYS:
            raise RejectedRowError("unknown-field")
    if source is not None:
        own_id = _own_id(fields.get("source_id"), rest.get("mentions", ()), source)
        rest["mentions"] = (Mention(source, own_id, now),)
    return Entry(**rest)


def columns_of(
    kinds: Sequence[Any],
    values: Sequence[Any],
    *,
    source: str | None,
    now: datetime,
    source_ids: Sequence[str | int | None],
    variants: Sequence[str | None],
    qualities: Sequence[int | None],
    labels: Sequence[tuple[Any, ...]],
) -> EntryColumns:
    """Build many entries at once from the fields that most lists have; ``labels`` as in LABELS.

    Raises
    ------
    RejectedRowError
        At least one of them is not as it should be; :func:`entry_of` says which and why.
    """
    kinds, values = _checked_hashes(kinds, values)
    for variant in {*variants}:
        _text(variant)
    for quality in {*qualities} - {None}:
        _quality(quality)
    meant = {said: _labels(*said) for said in {*labels}}
    return EntryColumns(
        source,
        now,
        kinds,
        values,
        _own_ids(source_ids),
        list(variants),
        list(qualities),
        [meant[said] for said in labels],
        [EntryState.ACTIVE] * len(values),
        [None] * len(values),
    )


def _checked_hashes(kinds: Sequence[Any], values: Sequence[Any]) -> tuple[list[str], list[str]]:
    digits = HEX_DIGITS.get(kinds[0]) if len({*kinds}) == 1 else None
    if digits is None:
        pairs = [checked_hash(kind, value) for kind, value in zip(kinds, values, strict=True)]
        return [kind for kind, _ in pairs], [value for _, value in pairs]
    if None in values or {*map(len, values)} != {digits}:
        raise RejectedRowError("bad-value")
    written = "".join(values)
    lower = written.lower()
    if not is_lower_hex(lower):
        raise RejectedRowError("bad-value")
    return list(kinds), list(values) if lower == written else [value.lower() for value in values]


def _own_ids(said: Sequence[str | int | None]) -> list[str | None]:
    own = [value if value is None else str(value) for value in said]
    texts = [value for value in own if value]
    if texts and (max(map(len, texts)) > _TEXT_CHARACTERS or not "".join(texts).isprintable()):
        raise RejectedRowError("bad-field")
    return own


def checked_hash(kind: object, value: object) -> tuple[str, str]:
    """Kind and value in their one spelling.

    Raises
    ------
    RejectedRowError
        ``missing-kind``, ``missing-value``, ``bad-kind`` or ``bad-value``.
    """
    if not isinstance(value, str) or not value:
        raise RejectedRowError("bad-value" if value else "missing-value")
    if not isinstance(kind, str) or not kind:
        raise RejectedRowError("bad-kind" if kind else "missing-kind")
    digits = HEX_DIGITS.get(kind)
    if digits is None:
        return _opaque(kind, value)
    lower = value.lower()
    if len(lower) != digits or not is_lower_hex(lower):
        raise RejectedRowError("bad-value")
    return kind, lower


def labels_of(fields: Mapping[str, Any]) -> EntryLabels:
    """Labels from flat fields.

    Raises
    ------
    RejectedRowError
        ``bad-field`` or ``bad-class``.
    """
    if not fields.keys() <= _LABEL_NAMES:
        raise RejectedRowError("unknown-field")
    get = fields.get
    try:
        return _labels(
            get("industry_class"),
            get("computer_generated"),
            get("modelled_after_person"),
            get("age_group"),
            get("victim_identified"),
        )
    except TypeError:  # unhashable: a list or an object
        raise RejectedRowError("bad-field") from None


def _opaque(kind: str, value: str) -> tuple[str, str]:
    lower = kind.lower()
    if not _KIND.fullmatch(lower):
        raise RejectedRowError("bad-kind")
    if lower in HEX_DIGITS:
        return checked_hash(lower, value)
    if not _OPAQUE.fullmatch(value):
        raise RejectedRowError("bad-value")
    return lower, value


@lru_cache(maxsize=4096, typed=True)
def _labels(
    industry: object, generated: object, modelled: object, age: object, identified: object
) -> EntryLabels:
    if industry is not None and industry not in _CLASSES:
        raise RejectedRowError("bad-class")
    return EntryLabels(
        industry_class=_text(industry),
        computer_generated=_flag(generated),
        modelled_after_person=_flag(modelled),
        age_group=_text(age),
        victim_identified=_flag(identified),
    )


def _own_id(source_id: object, mentions: tuple[Mention, ...], source: str) -> str | None:
    if source_id is None:
        return next((m.source_id for m in mentions if m.source == source), None)
    return _text(str(source_id) if isinstance(source_id, int) else source_id)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or len(value) > _TEXT_CHARACTERS:
        raise RejectedRowError("bad-field")
    return value


def _flag(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise RejectedRowError("bad-field")


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise RejectedRowError("bad-field")
    return value


def _quality(value: object) -> int:
    quality = _count(value)
    if quality > 100:
        raise RejectedRowError("bad-quality")
    return quality


def _state(value: object) -> EntryState:
    try:
        return EntryState(value)  # type: ignore[arg-type]
    except ValueError:
        raise RejectedRowError("bad-field") from None


def moment(value: object) -> datetime:
    """ISO 8601; UTC where the list does not say.

    Raises
    ------
    RejectedRowError
        ``bad-date``.
    """
    try:
        at = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        raise RejectedRowError("bad-date") from None


def _label_fields(value: object) -> EntryLabels:
    if not isinstance(value, dict):
        raise RejectedRowError("bad-field")
    return labels_of(value) if value else _NO_LABELS


def _mentions(value: object) -> tuple[Mention, ...]:
    if not isinstance(value, list):
        raise RejectedRowError("bad-field")
    return tuple(map(_mention, value))


def _mention(value: object) -> Mention:
    if not isinstance(value, dict) or not value.keys() <= {"source", "source_id", "added"}:
        raise RejectedRowError("bad-field")
    source = _text(value.get("source"))
    if not source:
        raise RejectedRowError("bad-field")
    return Mention(source, _text(value.get("source_id")), moment(value.get("added")))


_CONVERT: Final[dict[str, Callable[[Any], Any]]] = {
    "variant": _text,
    "quality": _quality,
    "labels": _label_fields,
    "state": _state,
    "mentions": _mentions,
    "votes_for": _count,
    "votes_against": _count,
    **dict.fromkeys(_TIMES, moment),
}
