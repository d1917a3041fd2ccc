"""Taking in what an examination found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightkeeper.cases.audit import Action
from lightkeeper.cases.desk._bench import Bench, new_id, not_found
from lightkeeper.cases.desk._policy import moved_by_policy
from lightkeeper.cases.item import Item, ItemState, MediaFacts
from lightkeeper.cases.likeness import place
from lightkeeper.cases.people import SERVICE
from lightkeeper.cases.record import CaseState, Intake
from lightkeeper.errors import CaseError

if TYPE_CHECKING:
    from lightkeeper.cases._ports import CaseWriter


class ExaminingDesk(Bench):
    """For the examiner alone: it has no actor, and nothing of it is reachable from outside."""

    def items_waiting(self, limit: int = 100) -> tuple[str, ...]:
        """Items that wait for an examination."""
        with self._store.reading() as reader:
            return reader.items_waiting(limit)

    def content_to_examine(self, item_id: str) -> bytes | None:
        """For the examiner alone; ``None`` where it no longer waits."""
        with self._store.reading() as reader:
            item = reader.item(item_id)
        if item is None or item.media is None or item.state is not ItemState.WAITING:
            return None
        return self._vault.get(item.media.vault_key)

    def was_reported(self, item_id: str) -> bool:
        """Whether a person reported it, by whatever way the case came in."""
        with self._store.reading() as reader:
            item = reader.item(item_id)
            case = None if item is None else reader.case(item.case)
        return case is not None and case.intake is Intake.USER_REPORT

    def record_examination(
        self,
        item_id: str,
        row: dict[str, Any],
        *,
        preview: bytes | None = None,
        view: bytes | None = None,
    ) -> Item:
        """Keep what an examination found (schema ``lightkeeper.scan/1``), find near-duplicates,
        and triage the case anew. Doing it twice changes nothing."""
        if not str(row.get("schema", "")).startswith("lightkeeper.scan/"):
            raise CaseError("this is no row of a scan")
        with self._store.reading() as reader:
            item = reader.item(item_id)
        if item is None:
            raise not_found()
        if item.state is not ItemState.WAITING:
            return item
        keys = [
            None if content is None else self._vault.put(content) for content in (preview, view)
        ]
        with self._store.writing() as writer:
            examined = self._examined(writer, item, row, keys[0], keys[1])
        if examined.media is None or examined.media.preview_key != keys[0]:
            for key in filter(None, keys):
                self._vault.destroy(key)
        return examined

    def _examined(
        self,
        writer: CaseWriter,
        item: Item,
        row: dict[str, Any],
        preview: str | None,
        view: str | None,
    ) -> Item:
        case, known = writer.lock_case(item.case), writer.item(item.id)
        if case is None or known is None:
            raise not_found()
        if known.state is not ItemState.WAITING or case.state is CaseState.DESTROYED:
            return known
        state = ItemState.EXAMINED if row.get("status") == "ok" else ItemState.FAILED
        media = _media_facts(known.media, row, preview, view)
        item = replace(known, state=state, media=media, examination=row)
        found = place(item, writer, self._pictures, new_id=new_id)
        item = replace(item, cluster=found.cluster, likeness=found.likeness.value)
        writer.save_item(item, cluster_key=found.key)
        details = {"state": state.value, "likeness": found.likeness.value}
        writer.append([self._event(SERVICE, Action.EXAMINED, case, f"item:{item.id}", **details)])
        writer.save_case(moved_by_policy(writer, case, rules=self._rules, now=self.now()))
        return item


def _media_facts(
    media: MediaFacts | None, row: dict[str, Any], preview: str | None, view: str | None
) -> MediaFacts | None:
    if media is None:
        return None
    pdq = row.get("pdq") or {}
    return replace(
        media,
        format=row.get("format"),
        width=row.get("width"),
        height=row.get("height"),
        pdq=pdq.get("hash"),
        pdq_quality=pdq.get("quality"),
        preview_key=preview,
        view_key=view,
    )
