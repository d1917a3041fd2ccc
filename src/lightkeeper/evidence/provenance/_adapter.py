"""The only module that knows c2pa-python: offline, in memory, with typed errors.

The library fetches remote manifests unless told not to, and OCSP responses if told to. Every
context made here forbids both, and admits no host besides.
"""

from __future__ import annotations

import io
import json
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.provenance._trust import PURPOSES

if TYPE_CHECKING:
    from lightkeeper.evidence.provenance._trust import Trust

_MAX_MANIFEST_MIB = 64
_REMOTE_URL = re.compile(r"https?://[^\s\"<>]{1,2048}")


class ManifestUnreadable(EvidenceError):
    """c2pa-python refused a manifest; ``reason`` is its own name for the error."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class RemoteManifest(EvidenceError):
    """The file names a manifest elsewhere, which is not fetched."""

    def __init__(self, url: str | None) -> None:
        super().__init__("the manifest is elsewhere and is not fetched")
        self.url = url


class Credentials(NamedTuple):
    """A certificate chain (end entity first) and its PKCS #8 key, as PEM, with a C2PA algorithm."""

    chain_pem: bytes
    key_pem: bytes
    algorithm: str


class Store(NamedTuple):
    """A validated manifest store: its JSON form, and its bytes where the SDK gives them."""

    json: dict[str, Any]
    jumbf: bytes = b""


class Written(NamedTuple):
    """A signed file, and its manifest store as a file of its own."""

    content: bytes
    manifest: bytes


def read_store(
    content: bytes, mime: str, trust: Trust, *, manifest: bytes | None = None
) -> Store | None:
    """Parse and validate the manifest store of a file; ``None`` where it has none.

    With ``manifest``, that store is held against the file, whatever the file carries.

    Raises
    ------
    ManifestUnreadable, RemoteManifest
    InvalidConfiguration
        The trust anchors cannot be used.
    """
    import c2pa

    context = _context(os.getpid(), trust)
    try:
        with c2pa.Reader(mime, io.BytesIO(content), manifest, context=context) as reader:
            store = json.loads(reader.json())
            if not isinstance(store, dict):
                raise ManifestUnreadable("the manifest has no readable JSON form", reason="Json")
            return Store(store, _jumbf(reader, str(store.get("active_manifest") or "")))
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        raise _typed(error) from error
    except (ValueError, RecursionError) as error:
        raise ManifestUnreadable("the manifest has no readable JSON form", reason="Json") from error


def _jumbf(reader: Any, label: str) -> bytes:
    """The active manifest and those of its ingredients, as the SDK understood them."""
    import c2pa

    stream = io.BytesIO()
    try:
        reader.resource_to_stream(f"self#jumbf=/c2pa/{label}", stream)
    except c2pa.C2paError:
        return b""
    return stream.getvalue()


def write_manifest(
    content: bytes,
    mime: str,
    definition: dict[str, Any],
    *,
    credentials: Credentials,
    parent: tuple[bytes, str, str] | None = None,
    timestamp_url: str | None = None,
) -> Written:
    """Sign a file with a manifest; ``parent`` is the content, type and id of what it came from.

    A time-stamp authority is the only host that is ever contacted, and only where named; the
    signer calls it past the settings of the context.

    Raises
    ------
    EvidenceError
        The format takes no manifest, or the credentials are refused.
    """
    import c2pa

    # NULL is how "no time stamp" is spelt: an empty address makes the signer fail.
    info = c2pa.C2paSignerInfo(
        credentials.algorithm, credentials.chain_pem, credentials.key_pem, timestamp_url or None
    )
    settings = _offline()
    settings["builder"] = {"thumbnail": {"enabled": False}}
    settings["trust"] = {"trust_config": "\n".join(PURPOSES)}
    signed = io.BytesIO()
    try:
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder.from_json(json.dumps(definition), context=context) as builder,
        ):
            if parent is not None:
                original, its_mime, label = parent
                relation = {"title": label, "relationship": "parentOf", "label": label}
                builder.add_ingredient(relation, its_mime, io.BytesIO(original))
            manifest = builder.sign(signer, mime, io.BytesIO(content), signed)
    except c2pa.C2paError as error:
        raise EvidenceError(f"cannot sign: {error}") from error
    return Written(signed.getvalue(), bytes(manifest))


def _offline() -> dict[str, Any]:
    return {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {
            "allowed_network_hosts": [],
            "max_decompressed_manifest_size_in_mb": _MAX_MANIFEST_MIB,
        },
    }


@lru_cache(maxsize=8)
def _context(process: int, trust: Trust) -> Any:
    """One context per trust and process: native handles do not survive a fork."""
    import c2pa

    settings = _offline()
    settings["trust"] = {"trust_config": "\n".join(trust.purposes)}
    if trust.anchors:
        settings["trust"]["trust_anchors"] = trust.anchors
    try:
        return c2pa.Context.from_dict(settings)
    except c2pa.C2paError as error:
        raise InvalidConfiguration(f"the trust anchors cannot be used: {error}") from error


def _typed(error: Exception) -> EvidenceError:
    message = str(error).strip(": ")
    if message.startswith("Remote"):
        found = _REMOTE_URL.search(message)
        return RemoteManifest(found.group() if found else None)
    reason, _, rest = message.partition(": ")
    # Without explanation the name of the error is all there is.
    return ManifestUnreadable(rest or message, reason=reason if " " not in reason else "Other")
