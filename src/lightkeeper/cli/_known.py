"""Where the hash sets of this operator are, and how a command opens them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lightkeeper.cli._settings import load_settings
from lightkeeper.scan._examiners import default_examiners, known_examiners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence import Examiner
    from lightkeeper.matching import SetStore
    from lightkeeper.matching._lookup import Lookup
    from lightkeeper.matching.index import IndexReader
    from lightkeeper.scan import Policy

ALL = "all"


@dataclass(frozen=True, slots=True)
class KnownMaterial:
    """A store and the index over it; small enough to be handed to each worker."""

    store: str
    index: Path

    @classmethod
    def from_settings(cls, *, store: str | None = None, index: Path | None = None) -> KnownMaterial:
        """Those that an option names, or else the settings."""
        settings = load_settings()
        return cls(store or settings.store, index or settings.index)

    @property
    def is_there(self) -> bool:
        """Whether the store's file is there; that of one on a server is taken to be."""
        scheme = "sqlite:///"
        file = Path(self.store.removeprefix(scheme))
        return not self.store.startswith(scheme) or file.is_file()

    def parts(self) -> tuple[SetStore, IndexReader]:
        """The store, and the index over it.

        Raises
        ------
        MatchError
            There is no such store.
        """
        from lightkeeper.matching.index import IndexReader
        from lightkeeper.storage import open_store

        return open_store(self.store, create=False), IndexReader(self.index)

    def open(self, sets: Sequence[str], *, warn: bool = False) -> Lookup:
        """Open both to look up in these sets, or in ``all``.

        Raises
        ------
        MatchError
            There is no such set, or the index cannot be read.
        """
        from lightkeeper.matching._lookup import Lookup

        store, reader = self.parts()
        behind = store.last_revision() - reader.stats().revision
        if warn and behind > 0:
            sys.stderr.write(f"The index is {behind:,} changes behind the hash sets.\n")
        return Lookup(store, reader, sets=None if ALL in sets else tuple(sets))


def set_names(text: str | None) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def with_known_material(policy: Policy, *, known: KnownMaterial) -> tuple[Examiner, ...]:
    """All examiners of a policy, and those of known material, in a worker."""
    return (*default_examiners(policy), *known_examiners(known.open(policy.sets)))
