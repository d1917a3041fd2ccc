"""The folder of an index, and the one file that says which others count."""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._sections import VERSION, damaged

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_NAME = "manifest.json"
_LOCK = "lock"
_OWN_FILE = re.compile(r"(\d{8})\.(segment|marks|log)|manifest\.json\.new")


@dataclass(frozen=True, slots=True)
class SegmentName:
    """A segment, and the file that marks rows of it as dead."""

    segment: str
    marks: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which files make up the index. Later logs overrule earlier ones, logs overrule segments."""

    next_file: int
    revision: int
    """Everything up to here is in the segments."""
    segments: tuple[SegmentName, ...]
    logs: tuple[str, ...]

    def files(self) -> set[str]:
        """Names of all files that count."""
        marks = {names.marks for names in self.segments if names.marks}
        return {names.segment for names in self.segments} | marks | set(self.logs)


def manifest_path(folder: Path) -> Path:
    """The file to watch for changes."""
    return folder / _NAME


def read_manifest(folder: Path) -> Manifest:
    """What makes up the index now.

    Raises
    ------
    MatchError
        There is no index, or its manifest is damaged.
    """
    path = manifest_path(folder)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MatchError(
            f"there is no index in {folder}", hint="build one: lightkeeper index build"
        ) from error
    except OSError as error:
        raise MatchError(f"the index in {folder} cannot be read: {error.strerror}") from error
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> Manifest:
    body, _, digest = content.rstrip(b"\n").rpartition(b"\n")
    if blake3(body).hexdigest().encode() != digest:
        raise damaged(path, "its digest differs")
    found: dict[str, Any] = json.loads(body)
    if found.pop("version") != VERSION:
        raise MatchError(
            f"the index in {path.parent} is of another version",
            hint="rebuild the index from the store: lightkeeper index build",
        )
    found["segments"] = tuple(SegmentName(**names) for names in found["segments"])
    return Manifest(**{**found, "logs": tuple(found["logs"])})


def swap_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step; durable on return, with every file created before."""
    path = manifest_path(folder)
    body = json.dumps({"version": VERSION, **asdict(manifest)}, indent=1).encode()
    new = path.with_name(f"{_NAME}.new")
    with new.open("wb") as file:
        file.write(body + b"\n" + blake3(body).hexdigest().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)  # the files that it names, before itself
    new.replace(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unnamed(folder: Path, manifest: Manifest) -> None:
    """Remove files that do not count; who has them mapped keeps them (POSIX)."""
    kept = manifest.files()
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path.name not in kept:
            path.unlink(missing_ok=True)


def next_file_number(folder: Path) -> int:
    """A number that no file of the index has borne."""
    numbers = (_OWN_FILE.fullmatch(path.name) for path in folder.iterdir())
    return 1 + max((int(found[1]) for found in numbers if found and found[1]), default=0)


def lock_folder(folder: Path) -> BinaryIO:
    """Create the folder where need be and become its only writer until the file is closed.

    Raises
    ------
    MatchError
        Another writer holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("ab")
    except OSError as error:
        raise MatchError(f"the index in {folder} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise MatchError(f"another process writes to the index in {folder}") from error
    return file
