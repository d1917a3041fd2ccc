"""The manifest of a trained plug-in."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Value = str | int | float | Sequence[str] | Sequence[float]

MANIFEST = "plugin.toml"
TEXTURED = 0.2
"""Share of a picture that must not be flat; a decoder's periods cannot be read in what is."""


def write_manifest(
    out: Path,
    name: str,
    said: str,
    files: Sequence[str],
    tables: Mapping[str, Mapping[str, Value]],
    *,
    licence: str,
    sources: Iterable[str],
    generators: Iterable[str] = (),
    head: str | None = None,
) -> Path:
    """Write a manifest beside the files that it pins.

    Parameters
    ----------
    files : sequence of str
        Names beside the manifest; the first one is the model.
    tables : mapping
        ``input`` and, where there is a head, ``features``.
    generators : iterable of str
        Autoencoders that it was fitted on, where its card is of others.
    """
    digests = {}
    for file in files:
        with (out / file).open("rb") as stream:
            digests[file] = hashlib.file_digest(stream, "sha256").hexdigest()
    # The version follows what was learned: the head where there is one.
    version = digests[head or files[0]][:12]
    identity = re.sub(r"[^a-z0-9.-]+", "-", name.lower())[-64:].lstrip(".-")
    top: dict[str, Value] = {
        "id": identity, "version": version, "licence": licence, "description": said,
        "backend": "onnx", "model": files[0],
    }  # fmt: skip
    if head is not None:
        top["head"] = head
    top["card"] = "card"
    training: dict[str, Value] = {"sources": sorted(set(sources))}
    if seen := sorted(set(generators)):
        training["generators"] = seen
    whole: dict[str, Mapping[str, Value]] = {
        "files": digests,
        **tables,
        "score": {"meaning": "logit", "higher": "generated"},
        "training": training,
    }
    lines = _lines(top)
    for title, table in whole.items():
        lines += ["", f"[{title}]", *_lines(table)]
    manifest = out / MANIFEST
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def _lines(table: Mapping[str, Value]) -> list[str]:
    plain = re.compile(r"[A-Za-z0-9_-]+")
    # JSON's texts, numbers and lists are TOML's too.
    return [
        f"{key if plain.fullmatch(key) else json.dumps(key)} = {json.dumps(value)}"
        for key, value in table.items()
    ]
