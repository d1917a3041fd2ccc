"""Taking in: each file and text once, whatever stops the run and however often it is made."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.desk import NewCase, NewItem
from lightkeeper.cases.item import ItemKind
from lightkeeper.cases.record import CaseState
from lightkeeper.errors import InvalidTransition

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case
    from lightkeeper.cli._import_plan import Found, Group, ImportPlan
    from lightkeeper.cli._local_desk import LocalDesk

MOST_ITEMS: Final = 500
"""Of a case that an import fills: more is nobody's one review. The next case goes on."""

_SOURCE: Final = "local"
"""Of all imports: who runs one is in the audit, and makes no other case of the same folder."""
_CLOSED_TO_MORE: Final = frozenset({CaseState.REPORTING, CaseState.REPORTED, CaseState.DESTROYED})


class Refused(Exception):
    """One file or text is not taken in. The run goes on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Tally:
    """What has become of everything so far."""

    files: int = 0
    taken: int = 0
    known: int = 0
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Gathered:
    """Cases of one group: what they hold, and the one that is being filled."""

    holds: dict[bytes, tuple[str, str]]
    """Case and item, by what makes an item the same."""
    gone: set[str]
    """Digests of files that were destroyed."""
    texts_gone: bool
    """Texts were destroyed: nothing is left by which they could be known again."""
    case: Case | None
    """Takes more, until it is full."""
    items: int
    number: int
    """Of the last case."""


class ImportRun:
    """Takes what a plan finds to the desk.

    The intake key of a case is its source's identifier: the same group, imported again by whomever,
    meets the same cases, and what they hold already is not taken again.
    """

    def __init__(self, local: LocalDesk, plan: ImportPlan, *, most_bytes: int) -> None:
        self._local = local
        self._plan = plan
        self._most_bytes = most_bytes
        self._groups: dict[str, _Gathered] = {}
        self.tally = Tally()
        self.cases: dict[str, tuple[Group, Tally]] = {}
        """Cases that anything was put into, or found in."""

    def take(self, found: Found) -> dict[str, Any]:
        """Take one in; its row. A refusal is a row with ``error``.

        Raises
        ------
        LightkeeperError
            The vault or the data base fails: it is no fault of the file, and nothing is lost.
        """
        self.tally.files += 1
        try:
            return {"file": found.where, **self._taken(found)}
        except Refused as refusal:
            self.tally.errors[refusal.code] += 1
            error = {"code": refusal.code, "message": str(refusal)}
            return {"file": found.where, "error": error}

    def _taken(self, found: Found) -> dict[str, Any]:
        if found.problem is not None or found.group is None:
            raise Refused(*(found.problem or ("no-case", "it belongs to no case")))
        new, sha256 = self._item(found)
        gathered = self._gathered(found.group)
        known = gathered.holds.get(_same(new, sha256))
        if known is not None:
            return self._told(found.group, *known, "known")
        if sha256 in gathered.gone:
            raise Refused("destroyed", "it was destroyed on request, and is not taken in again")
        if sha256 is None and gathered.texts_gone:
            raise Refused(
                "destroyed",
                "texts of this subject were destroyed, and none can be told from them: "
                "name what is new with another --subject",
            )
        before = self._local.desk.now()
        case, item = self._added(found.group, gathered, new)
        gathered.holds[_same(new, sha256)] = (case.id, item.id)
        gathered.items += 1
        # Another import of the same may have been faster.
        status = "known" if item.added < before else "taken"
        return self._told(found.group, case.id, item.id, status)

    def _told(self, group: Group, case: str, item: str, status: str) -> dict[str, Any]:
        _, tally = self.cases.setdefault(case, (group, Tally()))
        for each in (self.tally, tally):
            each.taken += status == "taken"
            each.known += status == "known"
        return {"case": case, "item": item, "status": status}

    def _item(self, found: Found) -> tuple[NewItem, str | None]:
        if found.path is None:
            kind = found.kind or ItemKind.TEXT
            return NewItem(kind=kind, text=found.text, facts=found.facts), None
        content = read_file(found.path, most=self._most_bytes, follow=not found.in_folder)
        sha256 = hashlib.sha256(content).hexdigest()
        if found.sha256 not in (None, sha256):
            raise Refused("changed", "it is not the file that was scanned: scan it again")
        return NewItem(kind=ItemKind.MEDIA, content=content, file_name=found.name), sha256

    def _added(self, group: Group, gathered: _Gathered, new: NewItem) -> tuple[Case, Item]:
        desk, operator = self._local.desk, self._local.operator
        while True:
            case = gathered.case
            if case is None or gathered.items >= MOST_ITEMS:
                case = self._next_case(group, gathered)
            try:
                return case, desk.add_item(operator, case.id, new)
            except InvalidTransition:
                # A report of it has left the house in the meantime.
                gathered.case = None

    def _next_case(self, group: Group, gathered: _Gathered) -> Case:
        gathered.number += 1
        gathered.items = 0
        new = NewCase(
            arising=self._plan.origin,
            intake=group.intake,
            subject=group.subject,
            queue=self._plan.queue,
            source=_SOURCE,
            source_id=_source_id(group, gathered.number),
        )
        gathered.case = self._local.desk.open_case(self._local.operator, new)
        return gathered.case

    def _gathered(self, group: Group) -> _Gathered:
        """What earlier runs have taken in of a group."""
        if group.key in self._groups:
            return self._groups[group.key]
        gathered = _Gathered({}, set(), False, None, 0, 0)
        with self._local.store.reading() as reader:
            while case := reader.case_of_source(_SOURCE, _source_id(group, gathered.number + 1)):
                gathered.number += 1
                items = reader.items(case.id)
                _remember(gathered, case, items)
        self._groups[group.key] = gathered
        return gathered


def read_file(path: Path, *, most: int, follow: bool) -> bytes:
    """All of a regular file, which is never waited for and never larger than ``most``.

    Raises
    ------
    Refused
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Refused("no-file", "it is not a regular file")
            content = stream.read(most + 1)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise Refused("link", "it is a link: name the file itself") from None
        raise Refused("unreadable", error.strerror or "it cannot be read") from None
    except ValueError:
        raise Refused("unreadable", "its name cannot be one") from None
    if len(content) > most:
        raise Refused("limit-exceeded", f"it has more than {most:,} bytes")
    if not content:
        raise Refused("empty", "it is empty")
    return content


def _remember(gathered: _Gathered, case: Case, items: tuple[Item, ...]) -> None:
    for item in items:
        sha256 = item.media.sha256 if item.media else None
        if case.state is CaseState.DESTROYED:
            gathered.gone |= {sha256} if sha256 else set()
            gathered.texts_gone |= item.media is None
        else:
            gathered.holds[_same(item, sha256)] = (case.id, item.id)
    gathered.items = len(items)
    gathered.case = None if case.state in _CLOSED_TO_MORE else case


def _same(item: Item | NewItem, sha256: str | None) -> bytes:
    """What the desk goes by when it says that an item is the same, in a few bytes."""
    facts = sorted(item.facts.items())
    named = json.dumps([item.kind.value, item.text, item.file_name, facts, sha256])
    return hashlib.sha256(named.encode()).digest()


def _source_id(group: Group, number: int) -> str:
    return f"import:{group.key}:{number}"
