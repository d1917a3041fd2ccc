"""An exact index over known hashes that stays fast at ten million entries.

PDQ is found within a radius by multi-index hashing, other kinds by equality. An index is a folder:
segments that never change and are mapped by every reader, a log of recent changes, and a manifest
that says which of them count. One process writes; any number read meanwhile.
"""

from lightkeeper.matching.index._hits import Hits
from lightkeeper.matching.index._reader import IndexReader
from lightkeeper.matching.index._stats import IndexStats
from lightkeeper.matching.index._sync import rebuild, sync
from lightkeeper.matching.index._values import Items, pdq_words
from lightkeeper.matching.index._verify import verify
from lightkeeper.matching.index._writer import IndexWriter, bulk_build

__all__ = [
    "Hits",
    "IndexReader",
    "IndexStats",
    "IndexWriter",
    "Items",
    "bulk_build",
    "pdq_words",
    "rebuild",
    "sync",
    "verify",
]
