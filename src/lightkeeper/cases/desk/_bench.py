"""What every part of the desk works with, and the checks that every act begins with."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.likeness import PictureIndex
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import Case, CaseState, Claim
from lightkeeper.errors import CaseNotFound

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases._ports import CaseReader, CaseStore, CaseWriter, Clock
    from lightkeeper.cases.custody import Vault
    from lightkeeper.cases.desk._requests import Rules
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.triage import CaseFilter

DECIDED: Final = frozenset({CaseState.TO_REPORT, CaseState.CLOSED})
"""Decided, and nothing has left the house."""


def new_id() -> str:
    """An identifier that cannot be guessed, and that no command line takes for an option."""
    while (made := secrets.token_urlsafe(12)).startswith("-"):
        pass
    return made


class Bench:
    """Store, vault, clock and rules; base of the desk's parts."""

    def __init__(self, store: CaseStore, vault: Vault, *, clock: Clock, rules: Rules) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._rules = rules
        self._pictures = PictureIndex()

    def now(self) -> datetime:
        """The desk's clock."""
        return self._clock()

    def _case(self, reader: CaseReader, actor: Actor, case_id: str, permission: Permission) -> Case:
        return within_reach(reader.case(case_id), actor, permission)

    def _locked(
        self, writer: CaseWriter, actor: Actor, case_id: str, permission: Permission
    ) -> Case:
        """The case, for a change. Rights are checked first: a refused stranger locks nothing."""
        self._case(writer, actor, case_id, permission)
        return within_reach(writer.lock_case(case_id), actor, permission)

    def _item(
        self, reader: CaseReader, actor: Actor, item_id: str, permission: Permission
    ) -> tuple[Item, Case]:
        actor.require(permission)
        item = reader.item(item_id)
        if item is None:
            raise not_found()
        return item, self._case(reader, actor, item.case, permission)

    def _event(
        self, actor: Actor, action: Action, case: Case, thing: str | None = None, **details: str
    ) -> EventDraft:
        return EventDraft(
            at=self.now(),
            actor=actor.id,
            action=action,
            object=thing or f"case:{case.id}",
            case=case.id,
            details=details,
        )

    def _service_event(self, actor: Actor, action: Action, **details: str) -> EventDraft:
        """Of what belongs to no single case."""
        return EventDraft(
            at=self.now(), actor=actor.id, action=action, object="service", details=details
        )

    def _claim_on(self, case: Case) -> Claim | None:
        """The claim, where it stands."""
        claim = case.claim
        return claim if claim is not None and claim.until > self.now() else None


def not_found() -> CaseNotFound:
    """The same words for what is not there and for what is none of the actor's business."""
    return CaseNotFound("there is no such case")


def visible(actor: Actor, which: CaseFilter) -> CaseFilter | None:
    """The filter, narrowed to the queues that an actor may see; ``None`` where none is left."""
    queues = which.queues
    if actor.queues is not None:
        queues = actor.queues if queues is None else queues & actor.queues
    if queues is not None and not queues:
        return None
    return replace(which, queues=queues)


def within_reach(case: Case | None, actor: Actor, permission: Permission) -> Case:
    """The case, where the actor has this right in its queue."""
    actor.require(permission)
    if case is None or not actor.may(permission, case.queue):
        raise not_found()
    return case
