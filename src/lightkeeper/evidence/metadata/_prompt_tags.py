"""Extra networks that a prompt calls: ``<lora:name:weight>``, ``<lyco:…>``, ``<hypernet:…>``."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._numbers import number
from lightkeeper.evidence.metadata._record import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {"lora": "lora", "lyco": "lycoris", "hypernet": "hypernetwork"}
_TAG = re.compile(r"<([^<>]{1,298}+)>")
_MAX_TAGS = 5_000
_MAX_RESOURCES = 500


def extra_networks(prompt: str) -> tuple[Resource, ...]:
    """Resources named by the tags of a prompt, each once, with the first weight it was given."""
    found: dict[tuple[str, str], Resource] = {}
    for resource in islice(_tags(prompt), _MAX_TAGS):
        found.setdefault((resource.kind, resource.name), resource)
        if len(found) >= _MAX_RESOURCES:
            break
    return tuple(found.values())


def _tags(prompt: str) -> Iterator[Resource]:
    for tag in _TAG.finditer(prompt):
        kind, *arguments = tag[1].split(":")
        if kind.lower() in _KINDS and arguments and arguments[0].strip():
            weight = number(arguments[1]) if len(arguments) > 1 else None
            yield Resource(kind=_KINDS[kind.lower()], name=arguments[0].strip(), weight=weight)
