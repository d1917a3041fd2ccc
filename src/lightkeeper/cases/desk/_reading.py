"""Reading cases, and looking at what is in them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action
from lightkeeper.cases.desk._bench import Bench, new_id, not_found
from lightkeeper.cases.desk._earlier import earlier_decision
from lightkeeper.cases.desk._queues import has_decided
from lightkeeper.cases.desk._requests import CaseFile, Group, Shown
from lightkeeper.cases.desk._severity import severity
from lightkeeper.cases.item import Item, View, ViewMode
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.errors import InvalidTransition

if TYPE_CHECKING:
    from lightkeeper.cases._ports import CaseReader

_TYPES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF", "image/webp"),
)


class ReadingDesk(Bench):
    """Case files and pixels."""

    def case_file(self, actor: Actor, case_id: str) -> CaseFile:
        """Everything about a case that the actor may see. It is written to the audit.

        While a second opinion is asked for, whoever could give it sees no earlier decision.
        """
        with self._store.reading() as reader:
            case = self._case(reader, actor, case_id, Permission.READ_CASES)
            file = self._file(reader, actor, case)
        with self._store.writing() as writer:
            writer.append([self._event(actor, Action.READ, case)])
        return file

    def show(self, actor: Actor, item_id: str, mode: ViewMode) -> Shown:
        """Pixels of an item; the view and the audit are durable before they leave."""
        right = Permission.VIEW_MEDIA
        with self._store.reading() as reader:
            item, case = self._item(reader, actor, item_id, right)
        content = self._vault.get(_key_of(item, case, mode))
        clear = mode is ViewMode.CLEAR
        with self._store.writing() as writer:
            item, case = self._item(writer, actor, item_id, right)
            _key_of(item, case, mode)
            view = self._view(actor, item, mode, severity(item, case, writer))
            writer.add_view(view)
            action = Action.REVEALED if clear else Action.VIEWED
            writer.append([self._event(actor, action, case, f"item:{item.id}", view=view.id)])
        return Shown(content, _media_type(content), view)

    def end_view(self, actor: Actor, view_id: str, *, seconds: float, entire: bool) -> None:
        """How long one's own view lasted, and whether all was seen. It only ever grows."""
        actor.require(Permission.VIEW_MEDIA)
        with self._store.writing() as writer:
            view = writer.view(view_id)
            if view is None or view.person != actor.id:
                raise not_found()
            case = self._case(writer, actor, view.case, Permission.VIEW_MEDIA)
            elapsed = max((self.now() - view.started).total_seconds(), 0.0)
            lasted = min(seconds, elapsed) if math.isfinite(seconds) else 0.0
            sees_all = entire and view.mode is ViewMode.CLEAR
            ended = replace(view, seconds=max(view.seconds, lasted), entire=view.entire or sees_all)
            writer.save_view(ended)
            if ended.entire and not view.entire:
                # A report says that a person saw all of it: that has to be in the chain.
                details = {"view": view.id, "entire": "yes"}
                event = self._event(actor, Action.REVEALED, case, f"item:{view.item}", **details)
                writer.append([event])

    def _file(self, reader: CaseReader, actor: Actor, case: Case) -> CaseFile:
        items = reader.items(case.id)
        blind = (
            case.state is CaseState.SECOND_OPINION
            and actor.may(Permission.REVIEW, case.queue)
            and not has_decided(actor.id, case, reader)
        )
        return CaseFile(
            case=case,
            items=items,
            groups=self._groups(reader, actor, case, items, blind=blind),
            decisions=() if blind else reader.decisions(case.id),
            viewed=frozenset(view.item for view in reader.case_views(case.id) if view.entire),
            blind=blind,
        )

    def _groups(
        self,
        reader: CaseReader,
        actor: Actor,
        case: Case,
        items: tuple[Item, ...],
        *,
        blind: bool,
    ) -> tuple[Group, ...]:
        members: dict[str, list[Item]] = {}
        for item in items:
            members.setdefault(item.cluster or item.id, []).append(item)
        sizes = reader.cluster_sizes([name for name in members if name not in _ids(items)])
        groups = []
        for cluster, own in members.items():
            elsewhere = max(sizes.get(cluster, 0) - len(own), 0)
            earlier = None
            if elsewhere and not blind:
                earlier = earlier_decision(
                    reader, cluster, case, queues=actor.queues, now=self.now()
                )
            groups.append(
                Group(
                    cluster=cluster,
                    likeness=own[0].likeness,
                    items=tuple(own),
                    elsewhere=elsewhere,
                    earlier=earlier[0] if earlier else None,
                )
            )
        return tuple(groups)

    def _view(self, actor: Actor, item: Item, mode: ViewMode, severity: int) -> View:
        return View(
            id=new_id(),
            item=item.id,
            case=item.case,
            person=actor.id,
            mode=mode,
            started=self.now(),
            severity=severity,
        )


def _ids(items: tuple[Item, ...]) -> frozenset[str]:
    """Items without a cluster stand under their own identifier, which is no cluster's."""
    return frozenset(item.id for item in items if item.cluster is None)


def _key_of(item: Item, case: Case, mode: ViewMode) -> str:
    media = item.media
    if media is None or case.state is CaseState.DESTROYED:
        raise InvalidTransition("there is nothing to look at")
    key = media.view_key if mode is ViewMode.CLEAR else media.preview_key
    if key is None:
        raise InvalidTransition("there is no picture of it yet, or it could not be made")
    return key


def _media_type(content: bytes) -> str:
    found = (name for start, name in _TYPES if content.startswith(start))
    return next(found, "application/octet-stream")
