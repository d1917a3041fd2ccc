"""The content credentials of one medium."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.evidence.provenance._adapter import (
    ManifestUnreadable,
    RemoteManifest,
    Store,
    read_store,
)
from lightkeeper.evidence.provenance._certificates import read_signatures
from lightkeeper.evidence.provenance._parse import parse_store
from lightkeeper.evidence.provenance._summary import (
    ManifestState,
    ManifestSummary,
    ValidationCode,
)
from lightkeeper.evidence.provenance._trust import Trust

if TYPE_CHECKING:
    import datetime

    from lightkeeper.media import Media

_STORE = b"jumdc2pa\x00\x11\x00\x10"
"""Start of the description box of a manifest store (C2PA specification, "Embedding manifests")."""
STRIPPED = "manifest.stripped"
"""Code of a problem: the file says that it had a manifest."""
_DCTERMS = "http://purl.org/dc/terms/"


def read_manifest(
    media: Media, *, trust: Trust | None = None, at: datetime.datetime | None = None
) -> ManifestSummary:
    """Read and validate the C2PA manifest of a file, offline.

    A file that carries no manifest costs nothing: c2pa-python is not called. A remote manifest
    is named and never fetched; revocation (OCSP) is not asked for either, so a certificate that
    was revoked since still counts, unless the manifest itself carries the answer.

    Parameters
    ----------
    media : Media
    trust : Trust, optional
        Trust anchors; without any, a good signature is ``valid``, never ``trusted``.
    at : datetime, optional
        Time of verification, now by default. A certificate is judged at it where no trusted time
        stamp says when it was used. What the manifest says does not depend on it.

    Returns
    -------
    ManifestSummary
        ``state`` is ``unreadable`` for a manifest that cannot be parsed; that is no error.

    Raises
    ------
    InvalidConfiguration
        The trust anchors cannot be used.
    """
    named = (media.embedded().xmp_value(_DCTERMS, "provenance") or "").strip()
    url = named if named.startswith(("http://", "https://")) else None
    if not _carries_manifest(media):
        return _absent(named, url)
    try:
        store = read_store(media.content, media.format.mime, trust or Trust())
    except RemoteManifest as error:
        return ManifestSummary(state=ManifestState.REMOTE, remote_url=error.url or url)
    except ManifestUnreadable as error:
        return _unreadable(error.reason, str(error))
    if store is None:
        return _unreadable("ManifestNotFound", "the container announces a manifest that is absent")
    return replace(_parsed(store, trust, at), remote_url=url)


def read_detached(
    media: Media,
    manifest: bytes,
    *,
    trust: Trust | None = None,
    at: datetime.datetime | None = None,
) -> ManifestSummary:
    """Read a manifest store that came apart from its file, and hold it against a file.

    Parameters
    ----------
    media : Media
        Usually a copy that lost its manifest: its bytes are others, so that the hard binding
        fails (``assertion.dataHash.mismatch``), while the signature may hold.
    manifest : bytes
        The manifest store.
    trust : Trust, optional
        Trust anchors.
    at : datetime, optional
        Time of verification, now by default.
    """
    try:
        store = read_store(media.content, media.format.mime, trust or Trust(), manifest=manifest)
    except RemoteManifest as error:
        return ManifestSummary(state=ManifestState.REMOTE, remote_url=error.url)
    except ManifestUnreadable as error:
        return _unreadable(error.reason, str(error))
    if store is None:
        return _unreadable("ManifestNotFound", "the file holds no manifest store")
    return _parsed(store, trust, at)


def _parsed(store: Store, trust: Trust | None, at: datetime.datetime | None) -> ManifestSummary:
    return parse_store(store.json, read_signatures(store.jumbf), at=at, trust=trust)


def _carries_manifest(media: Media) -> bool:
    embedded = media.embedded()
    # A damaged container may hide a manifest from the parser, never from a look at the bytes.
    return embedded.has_c2pa or (bool(embedded.problems) and _STORE in media.content)


def _absent(named: str, url: str | None) -> ManifestSummary:
    if url is not None:
        return ManifestSummary(state=ManifestState.REMOTE, remote_url=url)
    if named.startswith("self#jumbf"):
        problem = ValidationCode(STRIPPED, "XMP names an embedded manifest that is not there")
        return ManifestSummary(state=ManifestState.NONE, problem=problem)
    return ManifestSummary(state=ManifestState.NONE)


def _unreadable(reason: str, message: str) -> ManifestSummary:
    problem = ValidationCode(reason, message)
    return ManifestSummary(state=ManifestState.UNREADABLE, problem=problem)
