"""How a dataclass stands for an XML element: its fields, in their order, are the content."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum, auto
from functools import cache
from re import Pattern
from typing import Any, Final, get_type_hints

_KEY: Final = "xml"


class Place(Enum):
    """Where a field's value goes."""

    CHILD = auto()
    ATTRIBUTE = auto()
    TEXT = auto()
    """The element's own text."""
    FLAG = auto()
    """A child that says ``true`` or is left out: ``false`` does not exist."""
    CHOICE = auto()
    """One child, named after the class of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the schema says of one field, beyond its type."""

    place: Place = Place.CHILD
    name: str | None = None
    long: bool = False
    """64 bits instead of 32."""
    codes: frozenset[str] | None = None
    pattern: Pattern[str] | None = None
    assigned: bool = False
    """Required, but only the receiver knows it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of an element as the serializer and the rules walk over it."""

    attribute: str
    name: str
    spec: Spec
    hint: Any
    required: bool


def part(spec: Spec, *, default: Any = MISSING) -> Any:
    """A dataclass field with a specification."""
    if default is MISSING:
        return field(metadata={_KEY: spec})
    return field(default=default, metadata={_KEY: spec})


def attribute(name: str | None = None, *, required: bool = False, **more: Any) -> Any:
    """A field that is an XML attribute."""
    spec = Spec(place=Place.ATTRIBUTE, name=name, **more)
    return part(spec) if required else part(spec, default=None)


def text() -> Any:
    """The field that holds the element's own text."""
    return part(Spec(place=Place.TEXT))


def flag() -> Any:
    """A child that is present and true, or absent."""
    return part(Spec(place=Place.FLAG), default=False)


def optional(name: str | None = None, **more: Any) -> Any:
    """A child that may be absent."""
    return part(Spec(name=name, **more), default=None)


def many(name: str | None = None, **more: Any) -> Any:
    """A child that may stand any number of times."""
    return part(Spec(name=name, **more), default=())


def parts(element: type) -> tuple[Part, ...]:
    """The fields of an element's class, in the schema's order."""
    # Any: mypy takes a class for unhashable where it knows the class of its instances.
    known: Any = element
    return _parts(known)


def element_name(element: type) -> str:
    """``WebPageIncident`` is ``webPageIncident``."""
    return element.__name__[0].lower() + element.__name__[1:]


@cache
def _parts(element: type) -> tuple[Part, ...]:
    hints = get_type_hints(element)
    return tuple(_part(each, hints[each.name]) for each in fields(element))


def _part(each: Field[Any], hint: Any) -> Part:
    spec: Spec = each.metadata.get(_KEY, Spec())
    first, *rest = each.name.split("_")
    name = spec.name or first + "".join(word.capitalize() for word in rest)
    required = each.default is MISSING and each.default_factory is MISSING
    return Part(each.name, name, spec, hint, required)
