"""Labelled pictures: a folder, or a manifest beside them."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PHOTO = "photo"
"""The kind of real picture that thresholds are fitted on; every other kind is a control."""
DRAWN = "(drawn)"
"""Source of the pictures that the protocol makes itself; no collection has this name."""
_KEYS = frozenset({"path", "label", "source", "generator", "pair", "kind"})
_IMAGES = frozenset({".avif", ".bmp", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


class Label(StrEnum):
    """What a picture is, by the word of whoever made the collection."""

    REAL = "real"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture."""

    path: Path
    label: Label
    source: str
    """Collection that it came from; no source may stand on both sides of a split."""
    generator: str | None = None
    pair: str | None = None
    """Id that a photograph shares with its own re-synthesis."""
    kind: str = PHOTO
    """``photo`` or the kind of non-photograph (``art``, ``plot`` …) of a real picture."""


def read_samples(path: Path) -> tuple[Sample, ...]:
    """Read a manifest (CSV or JSON lines), or a folder of labelled pictures.

    Parameters
    ----------
    path : Path
        ``*.csv`` or ``*.jsonl`` with the keys ``path`` and ``label`` and optionally ``source``,
        ``generator``, ``pair`` and ``kind``, paths relative to it; or a folder
        ``real/SOURCE/…`` and ``generated/GENERATOR/…``.

    Raises
    ------
    InvalidConfiguration
        It cannot be read; the message names the line.
    """
    try:
        if path.is_dir():
            samples = tuple(_from_folder(path))
        else:
            rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
            samples = tuple(_sample(row, line, path) for line, row in rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidConfiguration(f"cannot read the labelled pictures of {path}") from error
    if not samples:
        raise InvalidConfiguration(
            f"{path} names no labelled picture",
            hint="real/SOURCE/… and generated/GENERATOR/…, or a manifest with path and label",
        )
    _check_pairs(samples, path)
    return samples


def _from_folder(folder: Path) -> Iterator[Sample]:
    for label in Label:
        for file in sorted((folder / label.value).glob("*/**/*")):
            if file.suffix.lower() in _IMAGES and file.is_file():
                group = file.relative_to(folder / label.value).parts[0]
                generator = group if label is Label.GENERATED else None
                yield Sample(file, label, group, generator)


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from enumerate(csv.DictReader(stream), start=2)


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8") as stream:
        for line, text in enumerate(stream, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except ValueError as error:
                raise _wrong(path, line, "it is not JSON") from error
            if not isinstance(row, dict):
                raise _wrong(path, line, "it is no object")
            yield line, row


def _sample(row: Mapping[str, Any], line: int, path: Path) -> Sample:
    if unknown := {str(key) for key in row} - _KEYS:
        raise _wrong(path, line, f"unknown keys {', '.join(sorted(unknown))}")
    values = {key: str(value).strip() for key, value in row.items() if value not in (None, "")}
    if "path" not in values or values.get("label") not in set(Label):
        raise _wrong(path, line, "it needs a path, and a label that is 'real' or 'generated'")
    label = Label(values["label"])
    generator = values.get("generator")
    if label is Label.GENERATED and generator is None:
        raise _wrong(path, line, "a generated picture needs its generator")
    source = values.get("source", generator or "unnamed")
    if source == DRAWN:
        raise _wrong(path, line, f"the source {DRAWN} is that of pictures that the protocol draws")
    kind = values.get("kind", PHOTO)
    return Sample(
        path.parent / values["path"],
        label,
        source,
        generator if label is Label.GENERATED else None,
        values.get("pair"),
        kind,
    )


def _check_pairs(samples: tuple[Sample, ...], path: Path) -> None:
    seen = [(sample.pair, sample.label) for sample in samples if sample.pair is not None]
    if len(seen) != len(set(seen)):
        raise InvalidConfiguration(
            f"{path}: a pair holds one photograph and one re-synthesis of it, no more"
        )


def _wrong(path: Path, line: int, what: str) -> InvalidConfiguration:
    return InvalidConfiguration(f"{path}, line {line}: {what}")
