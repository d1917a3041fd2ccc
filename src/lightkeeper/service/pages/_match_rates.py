"""How often each hash set matches, and how often people confirm it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.cases.triage import findings_of

if TYPE_CHECKING:
    from datetime import datetime

    from lightkeeper.cases import CaseReader
    from lightkeeper.cases.item import Item
    from lightkeeper.matching import SetStore

WINDOW: Final = timedelta(days=7)
_SHOWN: Final = 50
_NOT_CONFIRMED: Final = frozenset({"none", "cannot-tell"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRate:
    """One set."""

    name: str
    origin: str
    owner: str | None
    matches: int | None
    """Different entries that look-ups met, hour by hour; ``None`` where no store says it."""
    lookups: int | None
    files: int
    """Of the newest cases."""
    decided: int
    """Files of these that a person has classified."""
    confirmed: int
    """Files of these that a person has given a class of illegal material."""

    @property
    def share(self) -> float | None:
        """Of look-ups that matched."""
        return self.matches / self.lookups if self.matches is not None and self.lookups else None


def match_rates(
    reader: CaseReader, items: Iterable[Item], sets: SetStore | None, *, now: datetime
) -> tuple[MatchRate, ...]:
    """Of the sets that these items match, and of all sets of the store."""
    found: dict[tuple[str, str], set[str]] = {}
    cases: dict[str, None] = {}
    for item in items:
        for details in _matches_of(item):
            key = (str(details.get("set_name", "a hash set")), str(details.get("origin")))
            found.setdefault(key, set()).add(item.id)
            cases[item.case] = None
    classes = _classes(reader, cases)
    known = {each.name: each for each in sets.sets()} if sets is not None else {}
    keys = [key for key, _ in Counter({k: len(v) for k, v in found.items()}).most_common()]
    met = {name for name, _ in keys}
    keys += [(name, each.origin.value) for name, each in known.items() if name not in met]
    rates = []
    for name, origin in keys[:_SHOWN]:
        files = found.get((name, origin), set())
        decided = [classes[item] for item in files if item in classes]
        here = known.get(name)
        hours = sets.match_history(name, since=now - WINDOW) if sets and here else None
        rates.append(
            MatchRate(
                name=name,
                origin=origin,
                owner=here.owner if here else None,
                matches=None if hours is None else sum(hour.matches for hour in hours),
                lookups=None if hours is None else sum(hour.lookups for hour in hours),
                files=len(files),
                decided=len(decided),
                confirmed=sum(code not in _NOT_CONFIRMED for code in decided),
            )
        )
    return tuple(rates)


def _matches_of(item: Item) -> Iterable[dict[str, Any]]:
    for finding in findings_of(item):
        if finding.get("claim") == "known-material" and finding.get("details"):
            yield finding["details"]


def _classes(reader: CaseReader, cases: Iterable[str]) -> dict[str, Any]:
    """What people call each item, in the newest decision that stands."""
    return {
        part.item: part.labels.industry_class.value
        for case in cases
        for decision in reader.decisions(case)
        if decision.stands
        for part in decision.items
        if part.labels.industry_class.value is not None
    }
