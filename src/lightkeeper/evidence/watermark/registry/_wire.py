"""An entry as one line of JSON."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, Final

import msgspec

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.registry._entry import (
    Fingerprint,
    MarkEntry,
    parse_payload,
    payload_hex,
)
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal

_Text = Annotated[str, msgspec.Meta(max_length=512)]


class _Fingerprint(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Bytes are base64."""

    width: int
    height: int
    pdq: bytes
    quality: int
    sketch_sha256: _Text
    sketch: bytes | None = None


class _Withdrawal(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A day, and one of a few reasons."""

    on: _Text
    reason: _Text


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A field that is not here is refused: that is how no prompt and no person gets in."""

    payload: _Text
    organisation: _Text
    model: _Text
    period: _Text
    fingerprint: _Fingerprint
    version: _Text | None = None
    manifest_sha256: _Text | None = None
    manifest_url: _Text | None = None
    withdrawn: _Withdrawal | None = None


OLD: Final = (
    "an entry of the first version of registries is not read any more: pictures could be made to "
    "fit its sketch of one bit a cell"
)
REGISTER_AGAIN: Final = "register the marked picture again ('lightkeeper mark entries add')"
FIELDS: Final = _Entry.__struct_fields__
_DECODER: Final = msgspec.json.Decoder(_Entry)
_ENCODER: Final = msgspec.json.Encoder()


def entry_line(entry: MarkEntry) -> bytes:
    """One line, without its end."""
    own, gone = entry.fingerprint, entry.withdrawn
    return _ENCODER.encode(
        _Entry(
            payload=payload_hex(entry.payload),
            organisation=entry.organisation,
            model=entry.model,
            version=entry.version,
            period=entry.period,
            fingerprint=_Fingerprint(
                own.width, own.height, own.pdq, own.quality, own.sketch_sha256, own.sketch
            ),
            manifest_sha256=entry.manifest_sha256,
            manifest_url=entry.manifest_url,
            withdrawn=_Withdrawal(gone.on, gone.reason.value) if gone else None,
        )
    )


def withheld(entry: MarkEntry) -> MarkEntry:
    """An entry as it is published: without its sketch."""
    return replace(entry, fingerprint=entry.fingerprint.withheld())


def entry_id(entry: MarkEntry) -> bytes:
    """SHA-256 of its published line as it was before it was withdrawn: the same ever after."""
    return hashlib.sha256(entry_line(replace(withheld(entry), withdrawn=None))).digest()


def parse_entry(line: bytes, *, where: str) -> MarkEntry:
    """Read a line.

    Raises
    ------
    InvalidConfiguration
        It is no entry; the message begins with ``where`` and quotes nothing of it.
    """
    try:
        row = _DECODER.decode(line)
        payload = parse_payload(row.payload)
        if payload_hex(payload) != row.payload:
            raise InvalidConfiguration("a payload is written in lower case")
        own, gone = row.fingerprint, row.withdrawn
        return MarkEntry(
            payload=payload,
            organisation=row.organisation,
            model=row.model,
            version=row.version,
            period=row.period,
            fingerprint=Fingerprint(
                width=own.width,
                height=own.height,
                pdq=own.pdq,
                quality=own.quality,
                sketch_sha256=own.sketch_sha256,
                sketch=own.sketch,
            ),
            manifest_sha256=row.manifest_sha256,
            manifest_url=row.manifest_url,
            withdrawn=Withdrawal(on=gone.on, reason=_reason(gone.reason)) if gone else None,
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if b'"sketch"' in line and b'"sketch_sha256"' not in line:
            raise InvalidConfiguration(f"{where}: {OLD}", hint=REGISTER_AGAIN) from None
        # The name of a field is the file's, too, and may be of any length.
        said = "it has an unknown field" if "unknown field" in str(error) else str(error)
        raise InvalidConfiguration(f"{where}: no entry of a registry: {said}") from None
    except InvalidConfiguration as error:
        raise InvalidConfiguration(f"{where}: {error}", hint=error.hint) from None


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        known = ", ".join(reason.value for reason in Reason)
        raise InvalidConfiguration(
            "an entry was withdrawn for no known reason", hint=known
        ) from None
