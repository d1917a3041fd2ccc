"""The store that ``lightkeeper sets`` works on, and the index that follows it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._printable import printable
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import MatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.matching import SetStore

StoreOption = Annotated[
    str | None, typer.Option(help="Data base of the hash sets (URL) [default: setting].")
]
IndexOption = Annotated[
    Path | None, typer.Option(help="Folder of the index that follows [default: setting].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, one line per row.")]


@contextmanager
def opened(url: str | None, *, create: bool = False) -> Iterator[SetStore]:
    """The store of an option, or of the settings.

    Raises
    ------
    MatchError
        It cannot be opened.
    """
    from lightkeeper.storage import open_store

    store = open_store(url or load_settings().store, create=create)
    try:
        yield store
    finally:
        store.close()


def follow(store: SetStore, index: Path | None) -> int | None:
    """Bring the index up to the store; ``None`` where another process holds it.

    A process that holds the index, such as the service, follows the store by itself.
    """
    from lightkeeper.matching.index import IndexWriter, sync

    try:
        with IndexWriter(index or load_settings().index) as writer:
            return sync(store, writer)
    except MatchError as error:
        sys.stderr.write(printable(f"The index was not updated: {error}") + "\n")
        return None
