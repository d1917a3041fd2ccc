"""Opening the cases' data base, and bringing its tables up to date."""

from __future__ import annotations

from pathlib import Path

from lightkeeper.errors import CaseError
from lightkeeper.storage._migrations import Chain
from lightkeeper.storage.cases._store import SqlCaseStore

CHAIN = Chain(
    folder=Path(__file__).parents[1] / "migrations_cases",
    version_table="cases_version",
    raises=CaseError,
)


def open_cases(url: str, *, audit_key: bytes, create: bool = True) -> SqlCaseStore:
    """Open the data base of cases, reports and accounts at a URL.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``; hash sets may be in the same one.
    audit_key : bytes
        What the end of the audit is sealed with; kept outside of the data base.
    create : bool
        Make the tables, or bring them up to date, where needed.

    Raises
    ------
    CaseError
        It cannot be reached, was written by a newer Lightkeeper, or has to be made or migrated
        and ``create`` is false.
    """
    return SqlCaseStore(CHAIN.open(url, create=create), audit_key)
