"""What ``sets`` prints of sets: descriptions and numbers, and hashes only where asked for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lightkeeper.matching._guards import FloodGuard
from lightkeeper.matching.formats import plain_entry
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lightkeeper.matching import HashSet, SetStore

_HIDDEN = frozenset({"number"})


def set_row(hash_set: HashSet) -> dict[str, Any]:
    """What is known of a set."""
    return {name: v for name, v in to_plain(hash_set).items() if name not in _HIDDEN}


def render_line(row: dict[str, Any]) -> str:
    """A set in one line."""
    polarity = "negative" if row["negative"] else "positive"
    return (
        f"{row['name']:<28} {row['origin']:<13} {polarity:<9} {row['state']:<7} "
        f"{row['handling']:<17} {row['owner']}"
    )


def render_set(row: dict[str, Any]) -> str:
    """A set in full, without what it leaves open."""
    told = {name: value for name, value in row.items() if value is not None and name != "name"}
    return "\n".join([row["name"], *(f"  {k.replace('_', ' '):<20} {v}" for k, v in told.items())])


def entry_rows(store: SetStore, name: str) -> Iterator[dict[str, Any]]:
    """Every entry, hashes and all."""
    for entry in store.entries(name):
        yield {"set": name, "number": entry.number, **plain_entry(entry)}


def render_entry(row: dict[str, Any]) -> str:
    """An entry in one line."""
    return f"  {row['kind']} {row['value']} {row.get('state', 'active')}"


def stats_row(store: SetStore, name: str, *, now: datetime) -> dict[str, Any]:
    """Entries by state, kind and source, and how often the set matched. Reads every entry."""
    states: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for entry in store.entries(name):
        states[entry.state.value] += 1
        kinds[entry.kind] += 1
        sources.update(mention.source for mention in entry.mentions)
    return {
        "set": name,
        "entries": states.total(),
        "states": dict(sorted(states.items())),
        "kinds": dict(sorted(kinds.items())),
        "sources": dict(sorted(sources.items())),
        "last_day": _matched(store, name, since=now - timedelta(days=1)),
        "last_week": _matched(store, name, since=now - timedelta(days=7)),
        "floods": FloodGuard().flood(
            store.match_history(name, since=now - timedelta(days=7)), now=now
        ),
    }


def render_stats(row: dict[str, Any]) -> str:
    """Numbers of a set in a few lines."""
    lines = [f"{row['set']}: {row['entries']:,} entries"]
    for name in ("states", "kinds", "sources"):
        told = ", ".join(f"{key} {count:,}" for key, count in row[name].items())
        lines.append(f"  {name:<10} {told or '-'}")
    for name in ("last_day", "last_week"):
        told = f"{row[name]['matches']:,} matches in {row[name]['lookups']:,} look-ups"
        lines.append(f"  {name.replace('_', ' '):<10} {told}")
    if row["floods"]:
        lines.append(f"  floods     {row['floods']}")
    return "\n".join(lines)


def _matched(store: SetStore, name: str, *, since: datetime) -> dict[str, int]:
    hours = store.match_history(name, since=since)
    return {
        "matches": sum(hour.matches for hour in hours),
        "lookups": sum(hour.lookups for hour in hours),
    }
