"""Durable credentials: from a mark to the manifest that a copy was stripped of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.provenance import SoftBinding
from lightkeeper.evidence.provenance._read import read_detached
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM, payload_hex
from lightkeeper.evidence.watermark.registry._examine import Standing, look_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightkeeper.evidence.provenance import ManifestSummary, Trust
    from lightkeeper.evidence.watermark.registry._compare import Comparison
    from lightkeeper.evidence.watermark.registry._entry import MarkEntry
    from lightkeeper.evidence.watermark.registry._open_mark import OpenMark
    from lightkeeper.evidence.watermark.registry._ports import MarkRegistry
    from lightkeeper.media import Media

_LEADS_ON: Final = (Standing.REGISTERED, Standing.UNTOLD, Standing.WITHHELD)
_LARGEST_MANIFEST: Final = 64 << 20
# That the bytes are others is what a copy is; anything else speaks against the manifest.
_OF_A_COPY: Final = frozenset(
    {"assertion.dataHash.mismatch", "assertion.boxesHash.mismatch", "assertion.bmffHash.mismatch"}
)


@dataclass(frozen=True, slots=True)
class RecoveredManifest:
    """A manifest that an entry names, held against a copy of its picture.

    ``holds`` says that signature and assertions are intact, the bytes of the picture aside;
    ``names_mark`` that its own soft binding is the mark that led to it. Only with both does the
    signer vouch for the link.
    """

    sha256: str
    summary: ManifestSummary
    holds: bool
    names_mark: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a mark in a picture led to."""

    payload: str
    standing: Standing
    registry: str | None
    maker: str | None
    comparison: Comparison | None
    manifest: RecoveredManifest | None


def recover(
    media: Media,
    mark: OpenMark,
    registries: Sequence[MarkRegistry],
    *,
    folder: Path | None,
    trust: Trust | None = None,
) -> Recovered:
    """Go from a mark to its entry, and from there to the manifest.

    The manifest of another picture says nothing about one that a mark was copied onto, and nobody
    stands for the link of an entry that was withdrawn: neither brings a manifest.

    Parameters
    ----------
    media : Media
    mark : OpenMark
        As read from it.
    registries : sequence of MarkRegistry
    folder : Path, optional
        As for :func:`recover_manifest`; without it no manifest is looked for.
    trust : Trust, optional

    Raises
    ------
    EvidenceError
        The manifest in the folder is not the one that the entry names.
    """
    answer = look_up(mark.payload, media.rgb(), registries, matrix=mark.matrix)
    manifest = None
    if answer.entry and folder and answer.standing in _LEADS_ON:
        manifest = recover_manifest(media, answer.entry, folder, trust=trust)
    return Recovered(
        payload=payload_hex(mark.payload),
        standing=answer.standing,
        registry=answer.registry,
        maker=answer.entry.maker if answer.entry else None,
        comparison=answer.comparison,
        manifest=manifest,
    )


def recover_manifest(
    media: Media, entry: MarkEntry, folder: Path, *, trust: Trust | None = None
) -> RecoveredManifest | None:
    """Find the manifest of an entry in a folder of the operator. Nothing is ever fetched.

    Parameters
    ----------
    media : Media
        The copy whose mark names the entry.
    entry : MarkEntry
    folder : Path
        Holds manifest stores as ``SHA256.c2pa``.
    trust : Trust, optional
        Trust anchors.

    Returns
    -------
    RecoveredManifest or None
        ``None`` where the entry names no manifest, or the folder does not hold it.

    Raises
    ------
    EvidenceError
        The file there is not the one that the entry names.
    """
    digest = entry.manifest_sha256
    if digest is None:
        return None
    content = kept_manifest(folder, digest)
    if content is None:
        return None
    summary = read_detached(media, content, trust=trust)
    wrong = [f for f in summary.failures if f.code not in _OF_A_COPY and not f.is_about_credential]
    binding = SoftBinding(SOFT_BINDING_ALGORITHM, payload_hex(entry.payload))
    return RecoveredManifest(
        sha256=digest,
        summary=summary,
        holds=bool(summary.manifests) and not wrong,
        names_mark=binding in summary.soft_bindings,
    )


def kept_manifest(folder: Path, digest: str) -> bytes | None:
    """The manifest store of this SHA-256 in a folder, or ``None`` where it is not there.

    Raises
    ------
    EvidenceError
        What is there has another digest, is too large, or cannot be read.
    """
    path = folder / f"{digest}.c2pa"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_MANIFEST + 1)
    except OSError as error:
        raise EvidenceError(f"manifest {digest}: {error.strerror}") from error
    if len(content) > _LARGEST_MANIFEST:
        raise EvidenceError(f"manifest {digest} has over {_LARGEST_MANIFEST >> 20} MiB")
    if hashlib.sha256(content).hexdigest() != digest:
        raise EvidenceError(f"manifest {digest} was changed: it is not what the entry names")
    return content
