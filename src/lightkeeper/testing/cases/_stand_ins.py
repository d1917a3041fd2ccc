"""Benign stand-ins: umbrellas and bicycles, drawn and described."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lightkeeper.cases.desk import NewCase, NewItem
from lightkeeper.cases.item import ItemKind
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import Arising, Intake, Subject, SubjectKind
from lightkeeper.testing._containers import jpeg_bytes
from lightkeeper.testing._draw import photo_like


def person(name: str, *roles: Role, queues: frozenset[str] | None = None) -> Actor:
    """Somebody with roles; a reviewer unless other roles are given."""
    return Actor(id=name, name=name, roles=frozenset(roles or {Role.REVIEWER}), queues=queues)


def new_case(arising: Arising = Arising.UPLOADED, **known: Any) -> NewCase:
    """A case about a user called ``bicycle-17`` that came in over the API."""
    fields: dict[str, Any] = {
        "arising": arising,
        "intake": Intake.API,
        "subject": Subject(SubjectKind.USER, "bicycle-17", {"screen-name": "bicycle"}),
    }
    return NewCase(**(fields | known))


def new_picture(seed: int = 1, **known: Any) -> NewItem:
    """A drawn picture of leaves; a seed is always the same file."""
    fields: dict[str, Any] = {"content": _jpeg(seed), "file_name": f"umbrella-{seed}.jpg"}
    return NewItem(kind=ItemKind.MEDIA, **(fields | known))


def new_prompt(text: str = "a red umbrella on a rainy street", **facts: str) -> NewItem:
    """A prompt; ``facts`` with ``_`` for ``-``, such as ``negative_prompt``."""
    return NewItem(
        kind=ItemKind.PROMPT,
        text=text,
        facts={name.replace("_", "-"): value for name, value in facts.items()},
    )


def scan_row(content: bytes, *findings: dict[str, Any], **known: Any) -> dict[str, Any]:
    """The row that a scan of a picture gives, without its cost; ``findings`` are added."""
    row = dict(_row(content))
    row["findings"] = [*row["findings"], *findings]
    return row | known


@lru_cache(maxsize=64)
def _jpeg(seed: int) -> bytes:
    return jpeg_bytes(photo_like(seed, width=96, height=96))


@lru_cache(maxsize=64)
def _row(content: bytes) -> dict[str, Any]:
    from lightkeeper.assessment import assess
    from lightkeeper.hashing import media_digests, pdq
    from lightkeeper.media import open_media
    from lightkeeper.plain import to_plain

    media = open_media(content, name="picture.jpg")
    value = pdq(media)
    return {
        "schema": "lightkeeper.scan/1",
        "file": "picture.jpg",
        "status": "ok",
        "error": None,
        "format": media.format.value,
        "width": media.header.width,
        "height": media.header.height,
        "digests": to_plain(media_digests(media)),
        "pdq": {"hash": value.hex, "quality": value.quality, "variant": str(value.variant)},
        "problems": [],
        "findings": [],
        "failures": [],
        "assessment": to_plain(assess([], not_examined=[])),
        "seconds": 0.0,
    }
