"""Opening cases and adding to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.cases.audit import Action
from lightkeeper.cases.desk._bench import Bench, new_id, not_found
from lightkeeper.cases.desk._outline import renewed, retriaged
from lightkeeper.cases.desk._policy import moved_by_policy
from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts
from lightkeeper.cases.likeness import place
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import Case, CaseState, Signal, Triage
from lightkeeper.errors import CaseError, InvalidTransition, NotPermitted
from lightkeeper.hashing import digests

if TYPE_CHECKING:
    from lightkeeper.cases._ports import CaseReader, CaseWriter
    from lightkeeper.cases.desk._requests import NewCase, NewItem

_SENT = frozenset({CaseState.REPORTING, CaseState.REPORTED})


class IntakeDesk(Bench):
    """How cases come in."""

    def open_case(self, actor: Actor, new: NewCase) -> Case:
        """Open a case, or give the one that the same source has opened under the same id."""
        if not any(actor.may(right, new.queue) for right in (Permission.OPEN_CASES, _REVIEW)):
            raise NotPermitted("this needs the right 'open-cases' in that queue")
        if new.source is not None:
            actor.require(_REVIEW, new.queue)
        _check_case(new)
        try:
            with self._store.writing() as writer:
                return self._known(writer, actor, new) or self._opened(writer, actor, new)
        except CaseError:
            # Another thread of the same source was faster.
            with self._store.reading() as reader:
                known = self._known(reader, actor, new)
            if known is None:
                raise
            return known

    def add_item(self, actor: Actor, case_id: str, new: NewItem) -> Item:
        """Add an item; media goes to the vault before anything is written.

        The same item twice is one. A case that was decided, and of which no report has been
        sent, is open again: there is something new to decide about.
        """
        _check_item(new)
        media = None
        if new.content is not None:
            with self._store.reading() as reader:
                self._open_to(reader.case(case_id), actor)
            media = self.media_facts(new.content)
        try:
            with self._store.writing() as writer:
                item = self._added(writer, actor, case_id, new, media)
        except CaseError:
            # Nothing was written. Of any other failure that is not sure, and the file stays.
            self._forget(media)
            raise
        if item.media != media:
            self._forget(media)
        return item

    def media_facts(self, content: bytes) -> MediaFacts:
        """Digests and size of a file, put into the vault."""
        known = digests(content)
        return MediaFacts(
            size_bytes=known.size_bytes,
            sha256=known.sha256,
            sha1=known.sha1,
            md5=known.md5,
            vault_key=self._vault.put(content),
        )

    def signal(
        self, actor: Actor, case_id: str, signals: frozenset[Signal], *, because: str
    ) -> Case:
        """Set the signals of a case; a lead or reviewer does it, and triage follows."""
        actor.require(_REVIEW)
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, _REVIEW)
            if case.state in _SENT or case.state is CaseState.DESTROYED:
                raise InvalidTransition("what a report says of its urgency has left the house")
            case = retriaged(writer, replace(case, signals=signals), now=self.now())
            names = " ".join(sorted(signal.value for signal in signals))
            writer.append(
                [self._event(actor, Action.SIGNALLED, case, signals=names, because=because)]
            )
            return writer.save_case(case)

    def _known(self, reader: CaseReader, actor: Actor, new: NewCase) -> Case | None:
        if not new.source_id:
            return None
        return reader.case_of_source(new.source or actor.id, new.source_id)

    def _opened(self, writer: CaseWriter, actor: Actor, new: NewCase) -> Case:
        now = self.now()
        case = Case(
            id=new_id(),
            arising=new.arising,
            intake=new.intake,
            subject=new.subject,
            queue=new.queue,
            opened=now,
            occurred=new.occurred,
            source=new.source or actor.id,
            source_id=new.source_id or None,
            times_reported=new.times_reported,
            signals=new.signals,
            triage=Triage(score=0, reasons=(), due=now, rank=0.0),
            note=new.note,
        )
        case = renewed(case, ())
        writer.add_case(case)
        writer.append([self._event(actor, Action.OPENED, case, intake=new.intake.value)])
        return case

    def _open_to(self, case: Case | None, actor: Actor) -> Case:
        """The case, where the actor may add to it: a program only to those that it opened."""
        if not (actor.may(_REVIEW) or actor.may(Permission.OPEN_CASES)):
            raise NotPermitted("this needs the right 'open-cases'")
        if case is None:
            raise not_found()
        own = actor.may(Permission.OPEN_CASES, case.queue) and case.source == actor.id
        if not (own or actor.may(_REVIEW, case.queue)):
            raise not_found()
        if case.state in _SENT or case.state is CaseState.DESTROYED:
            raise InvalidTransition(
                "a report of this case has left the house, or its media is gone: open a new case"
            )
        return case

    def _added(
        self,
        writer: CaseWriter,
        actor: Actor,
        case_id: str,
        new: NewItem,
        media: MediaFacts | None,
    ) -> Item:
        # Rights first: a refused stranger locks nothing.
        self._open_to(writer.case(case_id), actor)
        case = self._open_to(writer.lock_case(case_id), actor)
        items = writer.items(case.id)
        known = next((item for item in items if _is_same(item, new, media)), None)
        if known is not None:
            return known
        item, key = self._placed(writer, _new_item(case, new, media, self), media)
        writer.add_item(item, cluster_key=key)
        if case.state is not CaseState.OPEN:
            case = self._reopened(writer, case)
        writer.save_case(moved_by_policy(writer, case, rules=self._rules, now=self.now()))
        details = {"kind": item.kind.value}
        writer.append([self._event(actor, Action.ITEM_ADDED, case, f"item:{item.id}", **details)])
        return item

    def _reopened(self, writer: CaseWriter, case: Case) -> Case:
        for decision in writer.decisions(case.id):
            writer.add_skip(case.id, decision.person, until=self.now())
        return replace(case, state=CaseState.OPEN)

    def _placed(
        self, writer: CaseWriter, item: Item, media: MediaFacts | None
    ) -> tuple[Item, str | None]:
        """Media finds its near-duplicates once it has been examined, everything else at once."""
        if media is not None:
            return item, None
        found = place(item, writer, self._pictures, new_id=new_id)
        return replace(item, cluster=found.cluster, likeness=found.likeness.value), found.key

    def _forget(self, media: MediaFacts | None) -> None:
        if media is not None:
            self._vault.destroy(media.vault_key)


_REVIEW = Permission.REVIEW


def _new_item(case: Case, new: NewItem, media: MediaFacts | None, bench: Bench) -> Item:
    return Item(
        id=new_id(),
        case=case.id,
        kind=new.kind,
        state=ItemState.WAITING if media is not None else ItemState.EXAMINED,
        added=bench.now(),
        file_name=new.file_name,
        media=media,
        text=new.text,
        facts=dict(new.facts),
    )


def _is_same(item: Item, new: NewItem, media: MediaFacts | None) -> bool:
    told = (item.kind, item.text, item.file_name, item.facts)
    content = item.media.sha256 if item.media else None
    return told == (new.kind, new.text, new.file_name, new.facts) and content == (
        media.sha256 if media else None
    )


def _check_case(new: NewCase) -> None:
    if new.times_reported < 1:
        raise CaseError("a case was reported at least once")
    if new.occurred is not None and new.occurred.tzinfo is None:
        raise CaseError("the time of what happened lacks its zone")


def _check_item(new: NewItem) -> None:
    if (new.kind is ItemKind.MEDIA) != (new.content is not None) or new.content == b"":
        raise CaseError("media comes with its content, and nothing else does")
    if (new.kind in (ItemKind.PROMPT, ItemKind.TEXT)) != bool(new.text):
        raise CaseError("prompts and texts come with their text, and nothing else does")
    if new.kind is ItemKind.MODEL and not new.facts:
        raise CaseError("a model comes with its names or hashes as facts")
