"""The autoencoders that an operator has registered, each by a folder with one small file."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder, OnnxAutoencoder
from lightkeeper.evidence.detectors.reconstruction._null import Nulls, read_nulls

MANIFEST = "autoencoder.toml"

_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class CardReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card that an entry names: its folder, and the id that it must have."""

    folder: str
    id: _Digest


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$")]
    licence: str
    encoder: str
    decoder: str
    grid: int = 8
    range: Annotated[str, msgspec.Meta(pattern=r"^(0|-1)\.\.1$")] = "0..1"
    lattice: bool = True
    """Whether the grid shows modulo four too; if not, all phases are read."""
    sha256: _Digest | None = None
    """Fingerprint that the weights must have."""
    null: str | None = None
    """File with the calibrated nulls, as ``lightkeeper detector calibrate`` writes it."""
    map_null: str | None = None
    """File with the null of the map of edited regions, from ``calibrate --map``."""
    cards: tuple[CardReference, ...] = ()
    """Cards of its forms, as ``lightkeeper detector evaluate`` writes them."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One autoencoder and what its statistic does on pictures that never met it."""

    autoencoder: Autoencoder
    nulls: Nulls = field(default_factory=Nulls)
    map_null: Path | None = None
    """Read by the map of edited regions, which knows its form."""
    cards: tuple[tuple[Path, str], ...] = ()
    """Folders of cards, each with the id that the card must have."""


def read_autoencoder(path: Path) -> Registered:
    """Read one entry: a folder that holds ``autoencoder.toml``, or that file.

    Raises
    ------
    InvalidConfiguration
        It is missing or wrong, its weights are missing, or they are not the ones it names.
    """
    file = path / MANIFEST if path.is_dir() else path
    entry = _entry(file)
    if entry.grid not in (4, 8, 16, 32):
        raise InvalidConfiguration(f"{file}: grid must be 4, 8, 16 or 32, not {entry.grid}")
    try:
        autoencoder = OnnxAutoencoder(
            entry.name,
            file.parent / entry.encoder,
            file.parent / entry.decoder,
            entry.licence,
            entry.grid,
            entry.range == "-1..1",
            entry.lattice,
        )
    except OSError as error:
        raise InvalidConfiguration(
            f"{file}: cannot read {error.filename}: {error.strerror}",
            hint="weights are the operator's; Lightkeeper never fetches them",
        ) from error
    if entry.sha256 not in (None, autoencoder.fingerprint):
        raise InvalidConfiguration(f"{file}: the weights are not the ones whose sha256 it names")
    nulls = Nulls()
    if entry.null is not None:
        nulls = read_nulls(file.parent / entry.null, autoencoder.fingerprint)
    map_null = file.parent / entry.map_null if entry.map_null else None
    cards = tuple((file.parent / card.folder, card.id) for card in entry.cards)
    return Registered(autoencoder, nulls, map_null, cards)


def attach_card(path: Path, folder: Path, id: str) -> None:
    """Name a card in an entry, in place of another one in the same folder.

    Raises
    ------
    InvalidConfiguration
        The entry is wrong, or says ``cards`` in a form that this does not write.
    """
    file = path / MANIFEST if path.is_dir() else path
    named = os.path.relpath(folder, file.parent)
    kept = [card for card in _entry(file).cards if card.folder != named]
    cards = [*kept, CardReference(folder=named, id=id)]
    values = ", ".join(
        f"{{ folder = {json.dumps(card.folder)}, id = {json.dumps(card.id)} }}" for card in cards
    )
    lines = file.read_text(encoding="utf-8").splitlines()
    others = [line for line in lines if not line.startswith("cards = [")]
    text = "\n".join([*others, f"cards = [{values}]"]) + "\n"
    try:
        msgspec.convert(tomllib.loads(text), _Entry)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidConfiguration(
            f"{file}: the card cannot be named there: {error}",
            hint="write cards = [ { folder = …, id = … } ] on one line, before any table",
        ) from error
    file.write_text(text, encoding="utf-8")


def _entry(file: Path) -> _Entry:
    try:
        document: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(document, _Entry)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {file}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidConfiguration(f"{file}: {error}") from error
