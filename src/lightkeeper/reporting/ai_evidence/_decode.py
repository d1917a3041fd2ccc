"""From plain JSON values to frozen dataclasses, strictly; unknown keys are passed over."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")


def decoded(kind: type[_T], value: object) -> _T:
    """An instance of a dataclass.

    Raises
    ------
    ValueError
        A key is missing, or a value is of another type.
    """
    if not isinstance(value, dict):
        raise ValueError("not an object")
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for each in fields(cast(Any, kind)):
        if each.name in value:
            found[each.name] = _value(hints[each.name], value[each.name])
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError("a key is missing")
    return kind(**found)


def _value(hint: Any, value: object) -> Any:
    if isinstance(hint, UnionType):
        return _one_of(get_args(hint), value)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError("not a list")
        return tuple(_value(get_args(hint)[0], each) for each in value)
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return {key: _value(get_args(hint)[1], each) for key, each in value.items()}
    if is_dataclass(hint):
        return decoded(cast(Any, hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ValueError("a value is of another type")
    return value


def _one_of(kinds: tuple[Any, ...], value: object) -> Any:
    """The value as the exact type among several, or as the only one that is no ``None``."""
    if value is None or type(value) in kinds:
        if type(value) not in kinds:
            raise ValueError("a value is missing")
        return value
    others = [kind for kind in kinds if kind is not NoneType]
    if len(others) != 1:
        raise ValueError("a value is of another type")
    return _value(others[0], value)
