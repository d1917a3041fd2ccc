"""One case as a file for a hotline or the police of any country, and the check of such a file.

``docs/reference/evidence-package.md`` describes it.
"""

from lightkeeper.reporting.package._archive import Package
from lightkeeper.reporting.package._contents import SCHEMA, contents
from lightkeeper.reporting.package._desk import PackageDesk
from lightkeeper.reporting.package._verify import (
    EntryState,
    PackageReport,
    Signature,
    verify_package,
)

__all__ = [
    "SCHEMA",
    "EntryState",
    "Package",
    "PackageDesk",
    "PackageReport",
    "Signature",
    "contents",
    "verify_package",
]
