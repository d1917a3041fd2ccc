"""Opening a store, and bringing its tables up to date."""

from __future__ import annotations

from pathlib import Path

from lightkeeper.errors import MatchError
from lightkeeper.storage._migrations import Chain
from lightkeeper.storage._store import SqlSetStore

CHAIN = Chain(
    folder=Path(__file__).parent / "migrations" / "versions",
    version_table="alembic_version",
    raises=MatchError,
)
VERSION = CHAIN.newest
"""The newest migration, which this version of the code is written for."""


def open_store(url: str, *, create: bool = True) -> SqlSetStore:
    """Open the store of hash sets at a URL.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
    create : bool
        Make the tables, or bring them up to date, where needed.

    Returns
    -------
    SqlSetStore
        A :class:`lightkeeper.matching.SetStore`, for any number of threads and processes.

    Raises
    ------
    MatchError
        It cannot be reached, was written by a newer Lightkeeper, or has to be made or migrated
        and ``create`` is false.
    """
    return SqlSetStore(CHAIN.open(url, create=create))
