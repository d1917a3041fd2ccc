"""Cases without a data base: stores, a vault and a clock in memory, and benign stand-ins."""

from lightkeeper.testing.cases._accounts import MemoryAccounts
from lightkeeper.testing.cases._clock import SettableClock
from lightkeeper.testing.cases._office import Office
from lightkeeper.testing.cases._stand_ins import (
    new_case,
    new_picture,
    new_prompt,
    person,
    scan_row,
)
from lightkeeper.testing.cases._store import MemoryCases
from lightkeeper.testing.cases._vault import MemoryVault

__all__ = [
    "MemoryAccounts",
    "MemoryCases",
    "MemoryVault",
    "Office",
    "SettableClock",
    "new_case",
    "new_picture",
    "new_prompt",
    "person",
    "scan_row",
]
