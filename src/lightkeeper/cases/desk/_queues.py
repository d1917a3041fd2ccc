"""Finding work, and taking it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.cases._ports import Page
from lightkeeper.cases.audit import Action
from lightkeeper.cases.audit._chain import keepable
from lightkeeper.cases.desk._bench import Bench, visible
from lightkeeper.cases.desk._standing import in_dispute
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import UNDECIDED, Arising, Case, CaseState, Claim
from lightkeeper.errors import InvalidTransition, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.cases._ports import CaseReader, CaseWriter
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.triage import CaseFilter, Sort

LEADS: Final = "lead"
"""Stands in ``Case.assigned`` where any lead may take the case, and nobody else."""

_SKIP_LASTS = timedelta(hours=4)
"""A shift: whoever skipped a case is not offered it again in the same one."""


class QueueDesk(Bench):
    """Queues and claims."""

    def queue(
        self,
        actor: Actor,
        which: CaseFilter,
        *,
        sort: Sort,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Part of a queue, of cases that the actor may see. It is written to the audit."""
        actor.require(Permission.READ_CASES)
        seen = visible(actor, which)
        if seen is None:
            return Page((), None)
        with self._store.reading() as reader:
            page = reader.page(seen, sort=sort, now=self.now(), after=after, limit=limit)
        with self._store.writing() as writer:
            writer.append([self._service_event(actor, Action.LISTED, cases=str(len(page.cases)))])
        return page

    def count(self, actor: Actor, which: CaseFilter) -> int:
        """How many, counted up to 10,000."""
        actor.require(Permission.READ_CASES)
        seen = visible(actor, which)
        if seen is None:
            return 0
        with self._store.reading() as reader:
            return reader.count(seen, now=self.now())

    def count_by_arising(self, actor: Actor, which: CaseFilter) -> dict[Arising, int]:
        """Each way of arising apart, whichever of them the filter shows."""
        actor.require(Permission.READ_CASES)
        seen = visible(actor, which)
        if seen is None:
            return dict.fromkeys(Arising, 0)
        asked = [replace(seen, arising=frozenset({arising})) for arising in Arising]
        with self._store.reading() as reader:
            return dict(zip(Arising, reader.counts(asked, now=self.now()), strict=True))

    def take_next(self, actor: Actor, which: CaseFilter, *, sort: Sort) -> Case | None:
        """Claim the first case that is free, not skipped, and not handed over to others."""
        actor.require(Permission.REVIEW)
        seen = visible(actor, which)
        states = (which.states or UNDECIDED) & UNDECIDED
        if seen is None or not states:
            return None
        seen = replace(seen, states=frozenset(states))
        with self._store.writing() as writer:
            case = writer.next_unclaimed(seen, person=actor.id, sort=sort, now=self.now())
            return None if case is None else self._claimed(writer, actor, case)

    def claim(self, actor: Actor, case_id: str) -> Case:
        """Claim or renew. A lead may take over."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.REVIEW)
            self._check_free(case, actor)
            check_turn(case, actor, writer)
            return self._claimed(writer, actor, case)

    def release(self, actor: Actor, case_id: str) -> Case:
        """Give a claim back. A lead may give back anybody's."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.REVIEW)
            if case.claim is None:
                return case
            self._check_holder(case, actor)
            writer.append([self._event(actor, Action.RELEASED, case)])
            return writer.save_case(replace(case, claim=None))

    def skip(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """Give it back and not see it next; no reason has to be more than a word."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.REVIEW)
            check_undecided(case)
            self._check_holder(case, actor)
            writer.add_skip(case.id, actor.id, until=self.now() + _SKIP_LASTS)
            writer.append([self._event(actor, Action.SKIPPED, case, because=because)])
            assigned = None if case.assigned == actor.id else case.assigned
            return writer.save_case(replace(case, claim=None, assigned=assigned))

    def hand_over(self, actor: Actor, case_id: str, *, to: str, because: str) -> Case:
        """Assign it to another person."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.REVIEW)
            check_undecided(case)
            self._check_holder(case, actor)
            # PostgreSQL keeps no name with NUL in a column.
            if not to or keepable(to) != to:
                raise InvalidTransition("handing over needs a person to hand over to")
            if has_decided(to, case, writer):
                raise NotPermitted("whoever decided first cannot give the second opinion")
            writer.add_skip(case.id, to, until=self.now())
            writer.append([self._event(actor, Action.HANDED_OVER, case, to=to, because=because)])
            return writer.save_case(replace(case, claim=None, assigned=to))

    def _claimed(self, writer: CaseWriter, actor: Actor, case: Case) -> Case:
        """Claims are audited once; renewing one is no news."""
        until = self.now() + self._rules.claim_lasts
        standing = self._claim_on(case)
        if standing is None or standing.person != actor.id:
            details = {"from": standing.person} if standing is not None else {}
            writer.append([self._event(actor, Action.CLAIMED, case, **details)])
        return writer.save_case(replace(case, claim=Claim(person=actor.id, until=until)))

    def _check_free(self, case: Case, actor: Actor) -> None:
        check_undecided(case)
        if actor.may(Permission.LEAD, case.queue):
            return
        claim = self._claim_on(case)
        if claim is not None and claim.person != actor.id:
            raise InvalidTransition("somebody else works on this case")
        if case.assigned not in (None, actor.id):
            raise InvalidTransition("this case was handed over to somebody else")

    def _check_holder(self, case: Case, actor: Actor) -> None:
        claim = self._claim_on(case)
        if claim is None or claim.person == actor.id or actor.may(Permission.LEAD, case.queue):
            return
        raise InvalidTransition("somebody else works on this case")


def check_undecided(case: Case) -> None:
    """Pass where a case waits for a decision."""
    if case.state not in UNDECIDED:
        raise InvalidTransition("this case has been decided")


def check_turn(case: Case, actor: Actor, reader: CaseReader) -> None:
    """Pass where it is for this person to decide: a second opinion is another person's, and what
    two people dispute is a lead's."""
    if has_decided(actor.id, case, reader):
        raise NotPermitted("whoever decided first cannot give the second opinion")
    if case.state is CaseState.OPEN and in_dispute(reader.decisions(case.id)):
        actor.require(Permission.LEAD, case.queue)


def has_decided(person: str, case: Case, reader: CaseReader) -> bool:
    """Whether a person's own decision is what a second opinion is asked about."""
    return case.state is CaseState.SECOND_OPINION and _is_by(person, reader.decisions(case.id))


def _is_by(person: str, decisions: Sequence[Decision]) -> bool:
    return any(decision.stands and decision.person == person for decision in decisions)
