"""Items, and the near-duplicates among them."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from lightkeeper.cases import Member
from lightkeeper.cases.item import Item, ItemState
from lightkeeper.errors import CaseNotFound
from lightkeeper.storage.cases._case_values import digest
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_item, case_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

_ITEMS: Final = Encoding(Item)
_CHUNK: Final = 5000
_row = case_item.c


class ItemRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""

    def item(self, item_id: str) -> Item | None:
        """See the port."""
        found = self._items(_row.id == item_id)
        return found[0] if found else None

    def items(self, case_id: str) -> tuple[Item, ...]:
        """See the port."""
        return self._items(_row.case_id == case_id)

    def items_waiting(self, limit: int) -> tuple[str, ...]:
        """See the port."""
        waiting = select(_row.id).where(_row.waiting_rank.is_not(None))
        first = waiting.order_by(_row.waiting_rank, _row.number).limit(limit)
        return tuple(self._connection.scalars(first))

    def cluster(self, cluster_id: str) -> tuple[Item, ...]:
        """See the port."""
        return self._items(_row.cluster == cluster_id)

    def cluster_size(self, cluster_id: str) -> int:
        """See the port."""
        counted = select(func.count()).where(_row.cluster == cluster_id)
        return self._connection.scalar(counted) or 0

    def cluster_of_digest(self, sha256: str) -> str | None:
        """See the port."""
        return self._first_cluster(_row.sha256 == bytes.fromhex(sha256))

    def cluster_of_key(self, likeness: str, key: str) -> str | None:
        """See the port."""
        return self._first_cluster(_row.key_digest == digest(key), _row.likeness == likeness)

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
        key = None if cluster_key is None else digest(cluster_key)
        values = {**_values(item), "id": item.id, "case_id": item.case, "key_digest": key}
        self._connection.execute(insert(case_item).values(values))
        self._note_member(item)

    def save_item(self, item: Item, *, cluster_key: str | None = None) -> None:
        """See the port."""
        values = _values(item)
        if cluster_key is not None:
            values["key_digest"] = digest(cluster_key)
        changed = update(case_item).where(_row.id == item.id).values(values)
        if not self._connection.execute(changed).rowcount:
            raise CaseNotFound("there is no such item")
        self._note_member(item)

    def _note_member(self, item: Item) -> None:
        if item.media is not None and item.media.pdq is not None and item.cluster is not None:
            self._new_members.append(item.id)

    def _items(self, which: ColumnElement[bool]) -> tuple[Item, ...]:
        asked = select(_row.record, _row.examination).where(which).order_by(_row.number)
        return tuple(_to_item(row) for row in self._connection.execute(asked))

    def _first_cluster(self, *which: ColumnElement[bool]) -> str | None:
        asked = select(_row.cluster).where(*which, _row.cluster.is_not(None))
        found: str | None = self._connection.scalar(asked.order_by(_row.number).limit(1))
        return found


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
        "likeness": item.likeness,
    }


def _packed(examination: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(examination, separators=(",", ":")).encode())


def _to_item(row: Any) -> Item:
    item = _ITEMS.load(row.record)
    if row.examination is None:
        return item
    return replace(item, examination=json.loads(zlib.decompress(row.examination)))
