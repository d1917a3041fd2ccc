"""Where sealed objects lie: the port, and a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from lightkeeper.errors import VaultError
from lightkeeper.storage._durable import TEMPORARY, make_folder, sync_folder, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Objects(Protocol):
    """Named bytes. Every change is whole and durable when its method returns.

    Every method raises ``VaultError`` where the place cannot be used.
    """

    def put(self, name: str, content: bytes) -> None:
        """Keep, replacing what was there in one step."""

    def get(self, name: str) -> bytes | None:
        """The bytes; ``None`` where there are none."""

    def exists(self, name: str) -> bool:
        """Whether it is there."""

    def delete(self, name: str) -> None:
        """Remove it; nothing happens where it is gone."""

    def names(self, prefix: str) -> Iterator[str]:
        """Names under a folder, in no order."""


class FolderObjects:
    """Objects as files that their owner alone may read.

    This does not go through obstore: its local store reports a file as written before it is on
    the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Write beside and rename, both durable."""
        target = self._folder / name
        try:
            make_folder(target.parent)
            write_durably(target, content)
        except OSError as error:
            raise _unusable(error) from error

    def get(self, name: str) -> bytes | None:
        """Read a file."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(error) from error

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        try:
            return (self._folder / name).is_file()
        except OSError as error:
            raise _unusable(error) from error

    def delete(self, name: str) -> None:
        """Unlink, and make that durable."""
        target = self._folder / name
        try:
            target.unlink()
            sync_folder(target.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error) from error

    def names(self, prefix: str) -> Iterator[str]:
        """Every file under a folder; what a crash left unfinished is none."""
        try:
            for folder, _, files in os.walk(self._folder / prefix, onerror=_raise):
                place = os.path.relpath(folder, self._folder)
                yield from (f"{place}/{file}" for file in files if not file.startswith(TEMPORARY))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error) from error


def _raise(error: OSError) -> None:
    raise error


def _unusable(error: OSError) -> VaultError:
    return VaultError(f"the vault's folder cannot be used: {error.strerror}")
