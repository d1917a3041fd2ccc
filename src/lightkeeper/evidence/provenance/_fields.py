"""Typed access to the JSON form of a manifest store, where any field may be anything."""

from __future__ import annotations

from typing import Any

from lightkeeper.evidence.provenance._summary import Software


def entries(parent: object, key: str) -> list[dict[str, Any]]:
    """Objects of an array field; everything else in it is dropped."""
    found = mapping(parent).get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def mapping(value: object) -> dict[str, Any]:
    """The value where it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def text(parent: object, key: str) -> str | None:
    """A text field without surrounding blanks; numbers as text, ``None`` where empty."""
    value = mapping(parent).get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def software(value: object) -> Software | None:
    """A software agent or claim generator, which version 1 writes as text and 2 as an object."""
    if isinstance(value, str):
        return Software(value.strip()) if value.strip() else None
    name = text(value, "name")
    return Software(name, text(value, "version")) if name else None


def listed(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or the one object that stands where a list is usual."""
    found = value if isinstance(value, list) else [value]
    return [entry for entry in found if isinstance(entry, dict)]
