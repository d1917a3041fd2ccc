"""Entries and registries as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.evidence.watermark.registry._entry import payload_hex
from lightkeeper.evidence.watermark.registry._wire import entry_id
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.registry import MarkEntry
    from lightkeeper.storage.marks import KeptRegistry


def entry_row(entry: MarkEntry) -> dict[str, Any]:
    """All that is said of an entry; the sketch is for machines and left out."""
    row: dict[str, Any] = {"id": entry_id(entry).hex(), **to_plain(entry)}
    row["payload"] = payload_hex(entry.payload)
    row["fingerprint"]["sketch"] = "withheld" if entry.fingerprint.sketch is None else "kept"
    return row


def render_entry(row: dict[str, Any]) -> str:
    """One line of an entry."""
    version = f" {row['version']}" if row["version"] else ""
    pdq = row["fingerprint"]
    manifest = f", manifest {row['manifest_sha256'][:16]}…" if row["manifest_sha256"] else ""
    gone = row["withdrawn"]
    withdrawn = f", WITHDRAWN {gone['on']} ({gone['reason']})" if gone else ""
    old = "" if row.get("added", True) else " (there already)"
    return (
        f"{row['payload']}  {row['registry']}: {row['organisation']}, {row['model']}{version}, "
        f"{row['period']}, {pdq['width']}×{pdq['height']}{manifest}{withdrawn}{old}"
    )


def registry_row(kept: KeptRegistry) -> dict[str, Any]:
    """What is said of a registry."""
    row: dict[str, Any] = to_plain(kept)
    return row


def render_registry(row: dict[str, Any]) -> str:
    """One line of a registry."""
    owner = f"key {row['public_key'][:16]}…" if row["public_key"] else "your own"
    return f"{row['name']}: {row['entries']:,} entries, version {row['version']}, {owner}"
