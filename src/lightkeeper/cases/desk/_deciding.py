"""Deciding."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action
from lightkeeper.cases.decision import Decision, ItemDecision
from lightkeeper.cases.desk._bench import DECIDED, Bench, new_id, within_reach
from lightkeeper.cases.desk._labels import carried_over, labelled
from lightkeeper.cases.desk._outline import retriaged
from lightkeeper.cases.desk._queues import LEADS, check_turn, check_undecided
from lightkeeper.cases.desk._spreading import relatives, spread
from lightkeeper.cases.desk._standing import (
    differ,
    needs_decision,
    opinions,
    second_opinion,
    state_after,
)
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.errors import InvalidTransition, NotPermitted, StaleCase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.cases._ports import CaseWriter
    from lightkeeper.cases.desk._requests import DecisionDraft
    from lightkeeper.cases.item import Item

_FOR_GOOD = timedelta(days=3650)


class DecidingDesk(Bench):
    """Decisions of people.

    A share of the cases, drawn by identifier so that nobody can choose, waits for a blind second
    opinion before it moves on. Where two people agree on the outcome and on every industry
    class, the first decision counts. Where they differ, the case is open again for a lead, who
    sees both.
    """

    def decide(self, actor: Actor, case_id: str, draft: DecisionDraft) -> Decision:
        """Decide, spread to near-duplicates, and move the case on. The actor holds the claim."""
        actor.require(Permission.REVIEW)
        with self._store.writing() as writer:
            seen = self._case(writer, actor, case_id, Permission.REVIEW)
            others = relatives(writer, actor, seen, now=self.now())
            locked = {other: writer.lock_case(other) for other in sorted([case_id, *others])}
            case = within_reach(locked[case_id], actor, Permission.REVIEW)
            self._check_decidable(writer, actor, case, draft)
            decision = self._decision(writer, actor, case, draft)
            before = writer.decisions(case.id)
            writer.add_decision(decision)
            moved = self._moved_on(writer, case, decision, before, others)
            writer.save_case(retriaged(writer, moved, now=self.now()))
            details = {"outcome": decision.outcome.value, "state": moved.state.value}
            if decision.second:
                details["second"] = "yes"
            thing = f"decision:{decision.id}"
            writer.append([self._event(actor, Action.DECIDED, case, thing, **details)])
            return decision

    def reach(self, actor: Actor, case_id: str) -> int:
        """How many other open cases a decision about this one would reach."""
        with self._store.reading() as reader:
            case = self._case(reader, actor, case_id, Permission.REVIEW)
            return len(relatives(reader, actor, case, now=self.now()))

    def ask_second_opinion(self, actor: Actor, case_id: str) -> Case:
        """Have another person decide blindly about a case that has been decided."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.LEAD)
            first = next(iter(opinions(writer.decisions(case.id))), None)
            if case.state not in DECIDED or first is None:
                raise InvalidTransition(
                    "a second opinion is for a case that was decided and not yet reported"
                )
            for decision in opinions(writer.decisions(case.id)):
                writer.add_skip(case.id, decision.person, until=self.now() + _FOR_GOOD)
            details = {"second-opinion": "asked"}
            writer.append([self._event(actor, Action.HANDED_OVER, case, **details)])
            return writer.save_case(replace(case, state=CaseState.SECOND_OPINION, claim=None))

    def _check_decidable(
        self, writer: CaseWriter, actor: Actor, case: Case, draft: DecisionDraft
    ) -> None:
        check_undecided(case)
        check_turn(case, actor, writer)
        claim = self._claim_on(case)
        if claim is None or claim.person != actor.id:
            raise InvalidTransition("claim the case first: your claim is not there or has ended")
        if draft.version != case.version:
            raise StaleCase(
                "the case has changed since you opened it", hint="Look at it again and decide then."
            )

    def _decision(
        self, writer: CaseWriter, actor: Actor, case: Case, draft: DecisionDraft
    ) -> Decision:
        return Decision(
            id=new_id(),
            case=case.id,
            person=actor.id,
            made=self.now(),
            outcome=draft.outcome,
            confidence=draft.confidence,
            items=_parts(writer.items(case.id), draft, actor.id),
            comment=draft.comment,
            second=case.state is CaseState.SECOND_OPINION,
        )

    def _moved_on(
        self,
        writer: CaseWriter,
        case: Case,
        decision: Decision,
        before: Sequence[Decision],
        others: Sequence[str],
    ) -> Case:
        moved = replace(case, claim=None, assigned=None)
        counts = decision
        if decision.second:
            first = opinions(before)[0]
            if differ(first, decision):
                return replace(moved, state=CaseState.OPEN, assigned=LEADS)
            counts = first
        elif second_opinion(before) is None and self._is_drawn(case):
            writer.add_skip(case.id, decision.person, until=self.now() + _FOR_GOOD)
            return replace(moved, state=CaseState.SECOND_OPINION)
        if not any(copy.stands for copy in writer.spread(counts.id)):
            spread(writer, counts, others, now=self.now())
        return replace(moved, state=state_after(counts.outcome))

    def _is_drawn(self, case: Case) -> bool:
        drawn = int.from_bytes(hashlib.sha256(case.id.encode()).digest()[:8], "big")
        return drawn < self._rules.second_opinion_share * 2**64


def _parts(items: Sequence[Item], draft: DecisionDraft, person: str) -> tuple[ItemDecision, ...]:
    """Labels of every item: as handed in, or as those of a near-duplicate in the same case."""
    drafts = {one.item: one for one in draft.items}
    by_id = {item.id: item for item in items}
    if len(drafts) != len(draft.items) or not drafts.keys() <= by_id.keys():
        raise NotPermitted("the decision names an item twice, or one that is not of this case")
    named = {id: labelled(one, by_id[id], person=person) for id, one in drafts.items()}
    of_cluster: dict[str, ItemDecision] = {}
    for item_id, part in named.items():
        of_cluster.setdefault(by_id[item_id].cluster or item_id, part)
    parts, missing = [], 0
    for item in items:
        source = of_cluster.get(item.cluster or item.id)
        if item.id in named:
            parts.append(named[item.id])
        elif source is not None:
            parts.append(carried_over(source, item))
        elif needs_decision(item):
            missing += 1
    if missing:
        raise InvalidTransition(f"{missing} items of the case are not decided about yet")
    return tuple(parts)
