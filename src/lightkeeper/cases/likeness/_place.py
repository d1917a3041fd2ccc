"""Which near-duplicates an item belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lightkeeper.cases._ports import CaseReader
from lightkeeper.cases.item import Item, ItemKind, MediaFacts
from lightkeeper.cases.likeness._index import LEAST_QUALITY, PictureIndex
from lightkeeper.cases.likeness._keys import model_key, parameters_key


class Likeness(StrEnum):
    """What holds an item in its cluster; of a cluster's first item, by what others may join."""

    DIGEST = "digest"
    """Exactly the same file."""
    PDQ = "pdq"
    """The same picture to the eye."""
    PARAMETERS = "parameters"
    """The same prompt, negative prompt and model."""
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Placement:
    """An item's cluster, and the key under which later items find it."""

    cluster: str
    likeness: Likeness
    key: str | None = None


def place(
    item: Item, reader: CaseReader, index: PictureIndex, *, new_id: Callable[[], str]
) -> Placement:
    """The cluster that an item joins, or a new one.

    The same file goes first, then the picture as PDQ sees it, and only then how it was made. A
    cluster is for looking at things together and may hold items of cases that arose differently;
    a decision never spreads between those, and nothing counts them together. Text stands by
    itself: the same words mean something else in another talk.
    """
    if item.media is not None and (found := _of_picture(item.media, reader, index)) is not None:
        return found
    key, likeness = _key(item)
    if key is not None:
        known = reader.cluster_of_key(likeness.value, key)
        return Placement(known or new_id(), likeness, key)
    return Placement(new_id(), Likeness.PDQ if _is_clear(item.media) else Likeness.DIGEST)


def _of_picture(media: MediaFacts, reader: CaseReader, index: PictureIndex) -> Placement | None:
    same = reader.cluster_of_digest(media.sha256)
    if same is not None:
        return Placement(same, Likeness.DIGEST)
    if media.pdq is None or not _is_clear(media):
        return None
    index.feed(reader.members_since(index.read))
    near = index.nearest(media.pdq)
    return Placement(near, Likeness.PDQ) if near is not None else None


def _is_clear(media: MediaFacts | None) -> bool:
    return media is not None and media.pdq is not None and (media.pdq_quality or 0) >= LEAST_QUALITY


def _key(item: Item) -> tuple[str | None, Likeness]:
    if item.kind is ItemKind.MODEL:
        return model_key(item), Likeness.MODEL
    if item.kind is ItemKind.TEXT:
        return None, Likeness.DIGEST
    return parameters_key(item), Likeness.PARAMETERS
