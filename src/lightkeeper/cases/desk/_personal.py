"""What is somebody's own: filters under a name, and settings of the page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.cases.desk._bench import Bench, new_id, not_found
from lightkeeper.cases.people import Actor, Permission

if TYPE_CHECKING:
    from lightkeeper.cases._ports import CaseReader
    from lightkeeper.cases.triage import SavedQueue


class PersonalDesk(Bench):
    """Saved queues and preferences."""

    def saved_queues(self, actor: Actor) -> tuple[SavedQueue, ...]:
        """One's own and those of all."""
        actor.require(Permission.READ_CASES)
        with self._store.reading() as reader:
            return reader.saved_queues(actor.id)

    def save_queue(self, actor: Actor, queue: SavedQueue) -> SavedQueue:
        """Keep a filter under a name; one without an owner is everybody's, and a lead makes it.

        It is kept under its identifier where the actor has one of that identifier, and under a
        new one otherwise.
        """
        _check_owner(actor, queue.owner)
        with self._store.writing() as writer:
            known = _find(writer, actor, queue.id)
            if known is None:
                queue = replace(queue, id=new_id())
            else:
                _check_owner(actor, known.owner)
            writer.save_queue(queue)
            return queue

    def drop_queue(self, actor: Actor, queue_id: str) -> None:
        """Forget a filter."""
        actor.require(Permission.READ_CASES)
        with self._store.writing() as writer:
            known = _find(writer, actor, queue_id)
            if known is None:
                raise not_found()
            _check_owner(actor, known.owner)
            writer.drop_queue(queue_id)

    def preferences(self, actor: Actor) -> dict[str, str]:
        """Personal settings of the page."""
        with self._store.reading() as reader:
            return dict(reader.preferences(actor.id))

    def save_preferences(self, actor: Actor, values: dict[str, str]) -> None:
        """Keep them, in place of those before."""
        with self._store.writing() as writer:
            writer.save_preferences(actor.id, values)


def _find(reader: CaseReader, actor: Actor, queue_id: str) -> SavedQueue | None:
    return next((q for q in reader.saved_queues(actor.id) if q.id == queue_id), None)


def _check_owner(actor: Actor, owner: str | None) -> None:
    actor.require(Permission.READ_CASES)
    if owner is None:
        actor.require(Permission.LEAD)
    elif owner != actor.id:
        raise not_found()
