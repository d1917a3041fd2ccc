"""What the schema itself says: types, ranges, codes and patterns, read off the elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from lightkeeper.reporting.cybertipline.elements._element import (
    Part,
    Place,
    Spec,
    element_name,
    parts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_INT: Final = 2**31
_LONG: Final = 2**63
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that a report breaks: where, and a sentence that names no content."""

    path: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """A field's type: one of ``types``, once or many times."""

    types: tuple[type, ...]
    many: bool


def shape_problems(element: object, path: str) -> Iterator[Problem]:
    """What of an element and all within it is not of the schema."""
    for part in parts(type(element)):
        value = getattr(element, part.attribute)
        kind = _kind(part.hint)
        if kind.many and not isinstance(value, tuple):
            yield Problem(f"{path}/{part.name}", "is not a sequence")
        elif kind.many:
            if part.required and not value:
                yield Problem(f"{path}/{part.name}", "is missing: there has to be at least one")
            for number, each in enumerate(value, 1):
                yield from _value(part, kind, each, f"{path}/{part.name}[{number}]")
        elif value is None:
            if part.required:
                yield Problem(f"{path}/{part.name}", "is missing")
        else:
            yield from _value(part, kind, value, _place(path, part, value))


def walk(element: object, path: str) -> Iterator[tuple[str, object]]:
    """An element and all elements within it, with their paths."""
    yield path, element
    for part in parts(type(element)):
        value = getattr(element, part.attribute)
        if isinstance(value, tuple):
            for number, each in enumerate(value, 1):
                if is_dataclass(each):
                    yield from walk(each, f"{path}/{part.name}[{number}]")
        elif is_dataclass(value):
            yield from walk(value, _place(path, part, value))


def _place(path: str, part: Part, value: object) -> str:
    match part.spec.place:
        case Place.TEXT:
            return path
        case Place.ATTRIBUTE:
            return f"{path}/@{part.name}"
        case Place.CHOICE:
            return f"{path}/{element_name(type(value))}"
        case _:
            return f"{path}/{part.name}"


def _value(part: Part, kind: _Kind, value: object, path: str) -> Iterator[Problem]:
    if not _is_of(kind, value):
        yield Problem(path, "is of the wrong type")
    elif is_dataclass(value):
        yield from shape_problems(value, path)
    elif sentence := _wrong(part.spec, value):
        yield Problem(path, sentence)


def _wrong(spec: Spec, value: object) -> str | None:
    match value:
        case Enum() | bool():
            return None
        case int():
            bound = _LONG if spec.long else _INT
            return None if -bound <= value < bound else "is outside the range of its type"
        case float():
            return None if math.isfinite(value) else "is not a finite number"
        case datetime():
            return _wrong_time(value)
        case str() if spec.codes is not None and value not in spec.codes:
            return "is not one of the codes that are admitted"
        case str() if spec.pattern is not None and not spec.pattern.fullmatch(value):
            return "has not the form that is asked for"
        case _:
            return None


def _wrong_time(value: datetime) -> str | None:
    if value.utcoffset() is None:
        return "has no time zone"
    return None if _FIRST <= value < _LAST else "is not a time at which anything was recorded"


def _is_of(kind: _Kind, value: object) -> bool:
    if isinstance(value, bool):
        return bool in kind.types
    if isinstance(value, datetime):
        return datetime in kind.types
    if float in kind.types and isinstance(value, int):
        return True
    return isinstance(value, kind.types)


@cache
def _kind(hint: Any) -> _Kind:
    if get_origin(hint) is tuple:
        return _Kind(_kind(get_args(hint)[0]).types, many=True)
    if isinstance(hint, UnionType):
        return _Kind(tuple(t for t in get_args(hint) if t is not NoneType), many=False)
    return _Kind((hint,), many=False)
