"""Write a file in one step, for every command that makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.errors import OutputError
from lightkeeper.scan._output import AtomicFile

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(target: Path, content: bytes) -> None:
    """Write beside the target and rename, so that nobody ever sees half a file.

    Raises
    ------
    OutputError
        It cannot be written; nothing is left behind.
    """
    file = AtomicFile(target)
    try:
        file.stream.write(content)
        file.commit()
    except BaseException as error:
        file.discard()
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {target}: {error.strerror}") from error
        raise
