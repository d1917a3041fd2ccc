"""Keeping a case, or destroying what it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightkeeper.cases.audit import Action
from lightkeeper.cases.custody import certificate, may_destroy
from lightkeeper.cases.custody._retention import is_past_retention
from lightkeeper.cases.desk._bench import Bench
from lightkeeper.cases.people import SERVICE, Actor, Permission
from lightkeeper.cases.record import Case, CaseState
from lightkeeper.errors import InvalidTransition

if TYPE_CHECKING:
    from lightkeeper.cases.item import Item


class CustodyDesk(Bench):
    """Legal holds and destruction."""

    def hold(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """Nothing of it may be destroyed."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.KEEP)
            if not because.strip():
                raise InvalidTransition("a hold needs its reason")
            if case.state is CaseState.DESTROYED:
                raise InvalidTransition("its media and texts are gone already")
            writer.append([self._event(actor, Action.HELD, case, because=because)])
            # Once the hold is released, people are told again.
            return writer.save_case(replace(case, hold=because, put_forward=None))

    def release_hold(self, actor: Actor, case_id: str, *, because: str) -> Case:
        """End a hold."""
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.KEEP)
            if case.hold is None:
                raise InvalidTransition("no hold stands on this case")
            writer.append([self._event(actor, Action.HOLD_RELEASED, case, because=because)])
            return writer.save_case(replace(case, hold=None))

    def destroy(
        self, actor: Actor, case_id: str, *, request: str, by_law_enforcement: bool = False
    ) -> dict[str, Any]:
        """Destroy media and texts; the certificate. ``request`` says on whose demand.

        Refused while a hold stands. Before ``preserve_until`` it needs the request of law
        enforcement, which the actor states by ``by_law_enforcement``.
        """
        with self._store.writing() as writer:
            case = self._locked(writer, actor, case_id, Permission.KEEP)
            if not request.strip():
                raise InvalidTransition("destruction needs the request on which it rests")
            now = self.now()
            refusal = may_destroy(case, now=now, lawful_request=by_law_enforcement)
            if refusal is not None:
                raise InvalidTransition(refusal)
            items = writer.items(case.id)
            # Within the transaction: should it fail after this, it is done again and completes,
            # while a certificate for files that are still there would be a lie.
            for item in items:
                self._destroy_media(item)
                writer.save_item(_emptied(item))
            certified = certificate(case, items, actor=actor, at=self.now(), request=request)
            details = {"request": request, "items": str(len(items))}
            details |= {"law-enforcement": "yes"} if by_law_enforcement else {}
            writer.append([self._event(actor, Action.DESTROYED, case, **details)])
            writer.save_case(
                replace(case, state=CaseState.DESTROYED, claim=None, assigned=None, note="")
            )
            return certified

    def put_forward(self, *, limit: int = 10_000) -> int:
        """Tell people, once for each, of cases that need not be kept any longer; how many.

        For the jobs alone. Nothing is destroyed: that is for a person to ask for.
        """
        with self._store.reading() as reader:
            due = [reader.case(found) for found in reader.due_for_destruction(self.now(), limit)]
        told = 0
        for known in due:
            if known is None or known.put_forward is not None:
                continue
            with self._store.writing() as writer:
                case = writer.lock_case(known.id)
                if case is None or case.put_forward or not is_past_retention(case, self.now()):
                    continue
                writer.append([self._event(SERVICE, Action.RETENTION_OVER, case)])
                writer.save_case(replace(case, put_forward=self.now()))
                told += 1
        return told

    def _destroy_media(self, item: Item) -> None:
        media = item.media
        if media is not None:
            for key in (media.vault_key, media.preview_key, media.view_key):
                if key is not None:
                    self._vault.destroy(key)


def _emptied(item: Item) -> Item:
    """Without what can be read or seen: examinations hold prompts, and names are texts too."""
    media = item.media
    if media is not None:
        media = replace(media, preview_key=None, view_key=None)
    return replace(item, media=media, text=None, file_name=None, facts={}, examination=None)
