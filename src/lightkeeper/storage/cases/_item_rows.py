"""Items, and the near-duplicates among them."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from lightkeeper.cases import Member
from lightkeeper.cases.item import Item, ItemState
from lightkeeper.errors import CaseNotFound
from lightkeeper.storage.cases._case_values import digest
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_cluster_key, case_item, case_record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement

_ITEMS: Final = Encoding(Item)
_CHUNK: Final = 5000
_AT_ONCE: Final = 1000
_row = case_item.c


class ItemRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def item(self, item_id: str) -> Item | None:
        """See the port."""
        found = self._items(_row.id == item_id)
        return found[0] if found else None

    def items(self, case_id: str) -> tuple[Item, ...]:
        """See the port."""
        if case_id not in self._items_of:
            self._items_of[case_id] = self._items(_row.case_id == case_id)
        return self._items_of[case_id]

    def items_of(self, case_ids: Collection[str]) -> tuple[Item, ...]:
        """See the port."""
        some = _batched(dict.fromkeys(case_ids), _AT_ONCE)
        return tuple(item for batch in some for item in self._items(_row.case_id.in_(batch)))

    def items_waiting(self, limit: int) -> tuple[str, ...]:
        """See the port."""
        waiting = select(_row.id).where(_row.waiting_rank.is_not(None))
        first = waiting.order_by(_row.waiting_rank, _row.number).limit(limit)
        return tuple(self._connection.scalars(first))

    def cluster(self, cluster_id: str) -> tuple[Item, ...]:
        """See the port."""
        return tuple(sorted(self._items(_row.cluster == cluster_id), key=lambda item: item.added))

    def cluster_sizes(self, cluster_ids: Collection[str]) -> Mapping[str, int]:
        """See the port."""
        sizes: dict[str, int] = {}
        for some in _batched(cluster_ids, _AT_ONCE):
            counted = select(_row.cluster, func.count()).where(_row.cluster.in_(some))
            rows: Any = self._connection.execute(counted.group_by(_row.cluster))
            sizes.update(rows.all())
        return sizes

    def cluster_of_digest(self, sha256: str) -> str | None:
        """See the port."""
        same = select(_row.cluster).where(_row.sha256 == bytes.fromhex(sha256))
        held = same.where(_row.cluster.is_not(None)).order_by(_row.number).limit(1)
        found: str | None = self._connection.scalar(held)
        return found

    def cluster_of_key(self, likeness: str, key: str) -> str | None:
        """See the port."""
        same = case_cluster_key.c.key_digest == digest(likeness, key)
        found: str | None = self._connection.scalar(select(case_cluster_key.c.cluster).where(same))
        return found

    def members_since(self, number: int) -> Iterator[tuple[int, Member]]:
        """See the port."""
        self.settle()
        columns = (_row.member, _row.id, _row.case_id, _row.cluster, _row.pdq, _row.pdq_quality)
        present = (_row.pdq.is_not(None), _row.cluster.is_not(None))
        while True:
            some = select(*columns).where(_row.member > number, *present)
            rows = self._connection.execute(some.order_by(_row.member).limit(_CHUNK)).all()
            for number, *member in rows:
                yield number, Member(*member)
            if len(rows) < _CHUNK:
                return

    def add_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """See the port."""
        values = {**_values(item), "id": item.id, "case_id": item.case}
        self._connection.execute(insert(case_item).values(values))
        self._forget()
        self._join(item, cluster_key)

    def save_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """See the port."""
        changed = update(case_item).where(_row.id == item.id).values(_values(item))
        if not self._connection.execute(changed).rowcount:
            raise CaseNotFound("there is no such item")
        self._forget()
        self._join(item, cluster_key)

    def _join(self, item: Item, key: str | None) -> None:
        """Let later items find this one's cluster."""
        if item.cluster is None:
            return
        if item.media is not None and item.media.pdq is not None:
            self._new_members.append(item.id)
        if key is not None and item.likeness is not None:
            same = {"key_digest": digest(item.likeness, key), "cluster": item.cluster}
            added = self._upsert(case_cluster_key).values(same)
            self._connection.execute(added.on_conflict_do_nothing())

    def _items(self, which: ColumnElement[bool]) -> tuple[Item, ...]:
        asked = select(_row.record, _row.examination).where(which).order_by(_row.number)
        return tuple(_to_item(row) for row in self._connection.execute(asked))


def _values(item: Item) -> dict[str, Any]:
    """The columns that may change: the one place that writes them."""
    media, examination = item.media, item.examination
    rank = select(case_record.c.rank).where(case_record.c.id == item.case).scalar_subquery()
    return {
        "record": _ITEMS.dump(replace(item, examination=None)),
        "examination": None if examination is None else _packed(examination),
        "waiting_rank": rank if item.state is ItemState.WAITING else None,
        "sha256": None if media is None else bytes.fromhex(media.sha256),
        "pdq": None if media is None else media.pdq,
        "pdq_quality": None if media is None else media.pdq_quality,
        "cluster": item.cluster,
    }


def _batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, size)):
        yield some


def _packed(examination: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(examination, separators=(",", ":")).encode())


def _to_item(row: Any) -> Item:
    item = _ITEMS.load(row.record)
    if row.examination is None:
        return item
    return replace(item, examination=json.loads(zlib.decompress(row.examination)))
