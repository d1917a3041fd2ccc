"""One way to write a record as bytes, for digests and signatures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no white space, in UTF-8: equal bytes mean equal values.

    Parameters
    ----------
    value : mapping, list, str, int, bool or None
        Nothing else: a float has more than one spelling, and a key that is no text has two.

    Raises
    ------
    ValueError
        The value holds something else, or half of a surrogate pair.

    References
    ----------
    .. [1] RFC 8785, JSON Canonicalization Scheme; keys are sorted by code point here.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def _check(value: Any) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, list):
        for part in value:
            _check(part)
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str):
                raise ValueError("a key is no text")
            _check(part)
        return
    raise ValueError(f"{type(value).__name__} has no canonical form")
