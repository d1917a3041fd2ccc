"""Opening the data base of marked pictures, and bringing its tables up to date."""

from __future__ import annotations

from pathlib import Path

from lightkeeper.errors import MatchError
from lightkeeper.storage._migrations import Chain
from lightkeeper.storage.marks._store import SqlMarkRegistry

CHAIN = Chain(
    folder=Path(__file__).parents[1] / "migrations_marks",
    version_table="marks_version",
    raises=MatchError,
)


def open_marks(url: str, *, create: bool = True) -> SqlMarkRegistry:
    """Open the data base of marked pictures at a URL.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``; hash sets or cases may be in the
        same one.
    create : bool
        Make the tables, or bring them up to date, where needed.

    Returns
    -------
    SqlMarkRegistry
        For any number of threads and processes.

    Raises
    ------
    MatchError
        It cannot be reached, was written by a newer Lightkeeper, or has to be made or migrated
        and ``create`` is false.
    """
    return SqlMarkRegistry(CHAIN.open(url, create=create))
