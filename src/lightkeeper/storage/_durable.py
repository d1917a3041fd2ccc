"""Write a small file for good: whole or not at all, and there after a power cut."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPORARY = ".unfinished-"
"""How names begin of files that a crash may leave."""


def write_durably(target: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, replacing what was there in one step.

    A replaced file keeps its owner, so that an administrator's command does not lock the service
    out of its own files.
    """
    unfinished = target.with_name(TEMPORARY + secrets.token_hex(8))
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _keep_owner(target, stream.fileno())
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for its owner alone; durable when it returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_owner(target: Path, descriptor: int) -> None:
    try:
        before = target.stat()
    except FileNotFoundError:
        return
    own = os.fstat(descriptor)
    if (before.st_uid, before.st_gid) != (own.st_uid, own.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)
