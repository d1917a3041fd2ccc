"""Votes, and how often a set matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from lightkeeper.matching._ports import HourlyCount
from lightkeeper.storage._rows import HOUR, from_time
from lightkeeper.storage._schema import entry, matched_hour, vote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


def cast_vote(connection: Connection, number: int, source_number: int, *, agree: bool) -> None:
    """Count a vote; a source has one on each entry and may change it."""
    own = (vote.c.entry_number == number, vote.c.source_number == source_number)
    if not connection.execute(update(vote).where(*own).values(agree=agree)).rowcount:
        connection.execute(
            insert(vote).values(entry_number=number, source_number=source_number, agree=agree)
        )
    counted = select(func.count()).select_from(vote).where(vote.c.entry_number == number)
    connection.execute(
        update(entry)
        .where(entry.c.number == number)
        .values(
            votes_for=counted.where(vote.c.agree).scalar_subquery(),
            votes_against=counted.where(~vote.c.agree).scalar_subquery(),
        )
    )


def count_matches(
    connection: Connection, set_number: int, matches: int, lookups: int, *, now: int
) -> None:
    """Add to the hour that ``now`` is in."""
    hour = now - now % HOUR
    keyed = (matched_hour.c.set_number == set_number, matched_hour.c.hour == hour)
    added = update(matched_hour).values(
        matches=matched_hour.c.matches + matches, lookups=matched_hour.c.lookups + lookups
    )
    if not connection.execute(added.where(*keyed)).rowcount:
        connection.execute(
            insert(matched_hour).values(
                set_number=set_number, hour=hour, matches=matches, lookups=lookups
            )
        )


def match_history(connection: Connection, set_number: int, *, since: int) -> Sequence[HourlyCount]:
    """Hours from the one that ``since`` is in, oldest first; hours without a look-up are absent."""
    rows = connection.execute(
        select(matched_hour.c.hour, matched_hour.c.matches, matched_hour.c.lookups)
        .where(matched_hour.c.set_number == set_number)
        .where(matched_hour.c.hour >= since - since % HOUR)
        .order_by(matched_hour.c.hour)
    )
    return [HourlyCount(from_time(hour), matches, lookups) for hour, matches, lookups in rows]
