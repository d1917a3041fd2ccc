"""Handing a case out: who may, what is written down, and the package."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.desk._bench import not_found
from lightkeeper.cases.desk._queues import has_decided
from lightkeeper.cases.people import Actor, Permission
from lightkeeper.cases.record import CaseState
from lightkeeper.errors import InvalidTransition, NotPermitted, StaleCase, VaultError
from lightkeeper.reporting.package._archive import Entry, Package, signed
from lightkeeper.reporting.package._contents import Kept, Record, contents
from lightkeeper.reporting.package._document import document
from lightkeeper.reporting.package._html import to_html
from lightkeeper.reporting.package._pdf import to_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lightkeeper.cases import CaseReader, CaseStore, Clock
    from lightkeeper.cases.custody import Vault
    from lightkeeper.cases.item import Item, MediaFacts
    from lightkeeper.cases.record import Case
    from lightkeeper.reporting.package._organisation import Organisation

_SUFFIX: Final = re.compile(r"[a-z0-9]{1,8}")


class PackageDesk:
    """Makes evidence packages.

    Parameters
    ----------
    key : Ed25519PrivateKey
        The service's signing key.
    sender : Organisation, optional
        Who hands cases out; packages say so on their first page.
    """

    def __init__(
        self,
        store: CaseStore,
        vault: Vault,
        *,
        clock: Clock,
        key: Ed25519PrivateKey,
        sender: Organisation | None = None,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._key = key
        self._sender = sender

    def hand_over(self, actor: Actor, case_id: str, *, with_media: bool = False) -> Package:
        """A case as a package; that it was handed out, and what was in it, is in the audit then.

        Parameters
        ----------
        with_media : bool
            The files themselves too, decrypted: for people, never for a key or a program.

        Raises
        ------
        NotPermitted, CaseNotFound
            There is no right to it, or no such case for this actor.
        InvalidTransition
            The actor may be the one whose blind second opinion is asked for.
        StaleCase
            The case has changed while the package was made.
        """
        if with_media and not actor.is_person:
            raise NotPermitted("only a person may take files out of the vault")
        with self._store.reading() as reader:
            record = _record(reader, actor, case_id)
        made = self._clock().replace(microsecond=0)
        kept = self._in_vault(record.items) if with_media else None
        said = contents(record, at=made, by=actor.id, sender=self._sender, kept=kept)
        media = [self._media(i.media, kept[i.id]) for i in record.items if i.media and kept]
        described = (*_described(said, made), *(each for each in media if each is not None))
        entries = signed(described, case=case_id, made=made, key=self._key)
        package = Package(
            file_name=f"case-{case_id}-{made:%Y%m%dT%H%M%SZ}.zip",
            manifest_sha256=entries[0].sha256,
            made=made,
            entries=entries,
        )
        self._write_down(actor, record.case, package, media=with_media)
        return package

    def _write_down(self, actor: Actor, case: Case, package: Package, *, media: bool) -> None:
        with self._store.writing() as writer:
            now = _reached(writer, actor, case.id)
            if now.version != case.version:
                raise StaleCase(
                    "the case has changed while the package was made", hint="Make it again."
                )
            details = {
                "package": package.file_name,
                "manifest-sha256": package.manifest_sha256,
                "entries": str(len(package.entries)),
                "media": "yes" if media else "no",
            }
            draft = EventDraft(
                at=self._clock(),
                actor=actor.id,
                action=Action.EXPORTED,
                object=f"case:{case.id}",
                case=case.id,
                details=details,
            )
            writer.append([draft])

    def _in_vault(self, items: Sequence[Item]) -> dict[str, Kept]:
        """Each file is read once beforehand: what cannot be handed out whole is said, not sent."""
        found: dict[str, Kept] = {}
        for number, item in enumerate(items, 1):
            if item.media is not None:
                found[item.id] = self._look_at(item.media, number)
        return found

    def _look_at(self, media: MediaFacts, number: int) -> Kept:
        try:
            content = self._vault.get(media.vault_key)
        except VaultError:
            return Kept("missing")
        if hashlib.sha256(content).hexdigest() != media.sha256:
            return Kept("altered")
        suffix = media.format if _SUFFIX.fullmatch(media.format or "") else "bin"
        return Kept("whole", f"media/{number:03}.{suffix}")

    def _media(self, media: MediaFacts, kept: Kept) -> Entry | None:
        if kept.entry is None:
            return None
        return Entry(kept.entry, media.size_bytes, media.sha256, self._reads(media.vault_key))

    def _reads(self, key: str) -> Callable[[], bytes]:
        return lambda: self._vault.get(key)


def _described(said: dict[str, Any], made: datetime) -> tuple[Entry, ...]:
    """One content in three forms."""
    blocks = document(said)
    return (
        Entry.of("case.json", (json.dumps(said, indent=1, allow_nan=False) + "\n").encode()),
        Entry.of("case.html", to_html(blocks)),
        Entry.of("case.pdf", to_pdf(blocks, made=made)),
    )


def _record(reader: CaseReader, actor: Actor, case_id: str) -> Record:
    return Record(
        case=_reached(reader, actor, case_id),
        items=reader.items(case_id),
        decisions=reader.decisions(case_id),
        views=reader.case_views(case_id),
        events=tuple(reader.events(case=case_id)),
        head=reader.head(),
    )


def _reached(reader: CaseReader, actor: Actor, case_id: str) -> Case:
    """The case, where the actor may hand it out."""
    actor.require(Permission.EXPORT)
    case = reader.case(case_id)
    if case is None or not actor.may(Permission.EXPORT, case.queue):
        raise not_found()
    awaited = case.state is CaseState.SECOND_OPINION and actor.may(Permission.REVIEW, case.queue)
    if awaited and not has_decided(actor.id, case, reader):
        raise InvalidTransition(
            "your blind second opinion may still be asked for: the package would tell you the first"
        )
    return case
