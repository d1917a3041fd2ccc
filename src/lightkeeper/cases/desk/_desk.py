"""Every act on a case: checked for rights, written to the audit, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases._ports import CaseStore, Clock, Page
    from lightkeeper.cases.custody import Vault
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.desk._requests import (
        CaseFile,
        DecisionDraft,
        NewCase,
        NewItem,
        Rules,
        Shown,
    )
    from lightkeeper.cases.item import Item, MediaFacts, ViewMode
    from lightkeeper.cases.people import Actor
    from lightkeeper.cases.record import Case, Signal
    from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort


class Desk:
    """Where people and programs work on cases.

    Every method raises :class:`lightkeeper.errors.NotPermitted` where the actor has no right to
    it, :class:`lightkeeper.errors.CaseNotFound` for an object that is not there *or* that lies in a
    queue which the actor may not see (so that guessing teaches nothing), and
    :class:`lightkeeper.errors.InvalidTransition` where the case is in another state.
    """

    def __init__(self, store: CaseStore, vault: Vault, *, clock: Clock, rules: Rules) -> None:
        raise NotImplementedError

    # Intake
    def open_case(self, actor: Actor, new: NewCase) -> Case:
        """Open a case, or give the one that the same source has opened under the same id."""
        raise NotImplementedError

    def add_item(self, actor: Actor, case_id: str, new: NewItem) -> Item:
        """Add an item; media goes to the vault before anything is written."""
        raise NotImplementedError

    def items_waiting(self, limit: int = 100) -> tuple[str, ...]:
        """Items that wait for an examination."""
        raise NotImplementedError

    def content_to_examine(self, item_id: str) -> bytes | None:
        """For the examiner alone; ``None`` where it no longer waits."""
        raise NotImplementedError

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
        raise NotImplementedError

    def signal(
        self, actor: Actor, case_id: str, signals: frozenset[Signal], *, because: str
    ) -> Case:
        """Set the signals of a case; a lead or reviewer does it, and triage follows."""
        raise NotImplementedError

    # Queues
    def queue(
        self,
        actor: Actor,
        which: CaseFilter,
        *,
        sort: Sort,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Part of a queue, of cases that the actor may see."""
        raise NotImplementedError

    def count(self, actor: Actor, which: CaseFilter) -> int:
        """How many, counted up to 10,000."""
        raise NotImplementedError

    def take_next(self, actor: Actor, which: CaseFilter, *, sort: Sort) -> Case | None:
        """Claim the first case that is free."""
        raise NotImplementedError

    def claim(self, actor: Actor, case_id: str) -> Case:
        """Claim or renew. A lead may take over."""
        raise NotImplementedError

    def release(self, actor: Actor, case_id: str) -> Case:
        """Give a claim back."""
        raise NotImplementedError

    def skip(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """Give it back and not see it next; no reason has to be more than a word."""
        raise NotImplementedError

    def hand_over(self, actor: Actor, case_id: str, *, to: str, because: str) -> Case:
        """Assign it to another person."""
        raise NotImplementedError

    # Reading
    def case_file(self, actor: Actor, case_id: str) -> CaseFile:
        """Everything about a case that the actor may see. It is written to the audit."""
        raise NotImplementedError

    def show(self, actor: Actor, item_id: str, mode: ViewMode) -> Shown:
        """Pixels of an item; the view and the audit are durable before they leave."""
        raise NotImplementedError

    def end_view(self, actor: Actor, view_id: str, *, seconds: float, entire: bool) -> None:
        """How long one's own view lasted, and whether all was seen. It only ever grows."""
        raise NotImplementedError

    # Deciding
    def decide(self, actor: Actor, case_id: str, draft: DecisionDraft) -> Decision:
        """Decide, spread to near-duplicates, and move the case on. The actor holds the claim."""
        raise NotImplementedError

    def undo(self, actor: Actor, decision_id: str, *, because: str) -> Case:
        """Undo a decision and all that was spread from it; not once a report has been sent."""
        raise NotImplementedError

    def ask_second_opinion(self, actor: Actor, case_id: str) -> Case:
        """Have another person decide blindly."""
        raise NotImplementedError

    # Custody
    def hold(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """Nothing of it may be destroyed."""
        raise NotImplementedError

    def release_hold(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """End a hold."""
        raise NotImplementedError

    def destroy(self, actor: Actor, case_id: str, *, request: str) -> dict[str, Any]:
        """Destroy media and texts; the certificate. ``request`` says on whose demand.

        Refused while a hold stands. Before ``preserve_until`` it needs the request of law
        enforcement, which the actor states.
        """
        raise NotImplementedError

    # Personal
    def saved_queues(self, actor: Actor) -> tuple[SavedQueue, ...]:
        """One's own and those of all."""
        raise NotImplementedError

    def save_queue(self, actor: Actor, queue: SavedQueue) -> None:
        """Keep a filter under a name."""
        raise NotImplementedError

    def preferences(self, actor: Actor) -> dict[str, str]:
        """Personal settings of the page."""
        raise NotImplementedError

    def save_preferences(self, actor: Actor, values: dict[str, str]) -> None:
        """Keep them."""
        raise NotImplementedError

    def media_facts(self, content: bytes) -> MediaFacts:
        """Digests and size of a file, put into the vault."""
        raise NotImplementedError

    def now(self) -> datetime:
        """The desk's clock."""
        raise NotImplementedError
