"""What an import is to take in: files and texts, and the case that each belongs to."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.record import Arising, Intake, Subject, SubjectKind
from lightkeeper.cli._import_lines import lines_of
from lightkeeper.cli._inputs import Inputs
from lightkeeper.scan._row import valid_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.cases.item import ItemKind

_LINES: Final = frozenset({".jsonl", ".ndjson"})
_MOST_IDENTIFIER: Final = 200
_MOST_NAME: Final = 1_000
_KINDS: Final = {
    Arising.TRAINING_DATA_FIND: SubjectKind.DATA_SET,
    Arising.MODEL_FILE: SubjectKind.MODEL,
    Arising.PROMPT_ONLY: SubjectKind.PROMPT,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one case. ``key`` is the same whenever the same is imported again."""

    key: str
    intake: Intake
    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file or text to take in, or why it is not."""

    where: str
    """The file, or the line that names it."""
    group: Group | None = None
    path: Path | None = None
    in_folder: bool = False
    """It was met in a folder: a link is not followed."""
    name: str | None = None
    sha256: str | None = None
    """As it was when it was scanned."""
    kind: ItemKind | None = None
    """Of a text."""
    text: str | None = field(default=None, repr=False)
    facts: dict[str, str] = field(default_factory=dict)
    problem: tuple[str, str] | None = None
    """Code and message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What was asked for: paths, and what every case of them has in common."""

    paths: Sequence[str]
    origin: Arising
    queue: str
    subject: str | None
    subject_kind: SubjectKind | None
    every_row: bool

    def found(self, passed: Passed) -> Iterator[Found]:
        """Everything, in a fixed order; ``passed`` counts what is left out."""
        for path in self.paths:
            if os.path.isdir(path):
                yield from self._of_folder(path, passed)
            elif Path(path).suffix.lower() in _LINES:
                yield from self._of_lines(path, passed)
            else:
                yield self._of_file(path, Path(path).parent, Intake.FOLDER)

    def count(self) -> int | None:
        """How many files and lines there are at most; ``None`` where one cannot be read."""
        try:
            return sum(_count(path) for path in self.paths)
        except OSError:
            return None

    def _of_folder(self, root: str, passed: Passed) -> Iterator[Found]:
        inputs = Inputs([root])
        for path in inputs:
            passed.no_picture = passed.before + inputs.passed_over
            inside = Path(path).relative_to(root)
            folder = Path(root) / inside.parts[0] if len(inside.parts) > 1 else Path(root)
            yield self._of_file(path, folder, Intake.FOLDER, in_folder=True)
        passed.before += inputs.passed_over
        passed.no_picture = passed.before

    def _of_file(
        self,
        path: str,
        folder: Path,
        intake: Intake,
        *,
        in_folder: bool = False,
        sha256: str | None = None,
        where: str | None = None,
    ) -> Found:
        return Found(
            where=where or path,
            group=self._group(intake, folder),
            path=Path(path),
            in_folder=in_folder,
            name=valid_text(os.path.relpath(path, folder))[-_MOST_NAME:],
            sha256=sha256,
        )

    def _of_lines(self, path: str, passed: Passed) -> Iterator[Found]:
        for line in lines_of(Path(path), every_row=self.every_row):
            if line.left_out:
                passed.rows += 1
                passed.failed_rows += line.left_out == "error"
            elif line.problem is not None:
                yield Found(where=line.where, problem=line.problem)
            elif line.file is not None:
                folder = Path(line.file).parent
                yield self._of_file(
                    line.file, folder, Intake.SCAN, sha256=line.sha256, where=line.file
                )
            else:
                yield Found(
                    where=line.where,
                    group=self._group(Intake.FOLDER, Path(path), named=line.subject),
                    kind=line.kind,
                    text=line.text,
                    facts=line.facts,
                )

    def _group(self, intake: Intake, place: Path, *, named: str | None = None) -> Group:
        """By subject where one is named, and otherwise by the place itself."""
        name = self.subject or named
        real = os.path.realpath(place)
        identifier = valid_text(name or os.path.basename(real) or real)[:_MOST_IDENTIFIER]
        kind = self.subject_kind or _KINDS.get(self.origin, SubjectKind.UNKNOWN)
        by = ("subject", identifier) if name else ("place", real)
        parts = (self.origin.value, self.queue, kind.value, *by)
        made = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape"))
        return Group(made.hexdigest()[:32], intake, Subject(kind, identifier))


@dataclass(slots=True)
class Passed:
    """What is left out, counted."""

    no_picture: int = 0
    before: int = 0
    rows: int = 0
    """Of a scan, with nothing in them that asks for a person."""
    failed_rows: int = 0
    """Those among them that could not be examined."""


def _count(path: str) -> int:
    if Path(path).suffix.lower() not in _LINES or os.path.isdir(path):
        return Inputs([path]).count() or 0
    with Path(path).open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
