"""``mark recover``: from a picture that lost its manifest to the manifest, by its mark."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lightkeeper.cli._inputs import source_of
from lightkeeper.cli._mark_store import StoreOption, opened
from lightkeeper.cli._open_mark import NO_MARK
from lightkeeper.cli._public_key import public_key
from lightkeeper.cli._rows import file_rows, write_rows
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.provenance import Trust
from lightkeeper.evidence.watermark.registry import Standing, read_registry
from lightkeeper.evidence.watermark.registry._open_mark import read_open_marks
from lightkeeper.evidence.watermark.registry._recover import recover
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.registry import MarkRegistry

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_SAID = {
    Standing.REGISTERED: "the picture that the entry is about",
    Standing.COPIED: "COPIED MARK: the entry is about another picture",
    Standing.UNTOLD: "whether the entry is about this picture cannot be told",
    Standing.WITHHELD: "whether the entry is about this picture only the registry's holder can say",
    Standing.WITHDRAWN: "the entry was withdrawn: nothing follows from it",
    Standing.UNKNOWN: "unknown payload",
}


@app.command("recover")
def recover_manifests(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Pictures.")],
    manifests: Annotated[
        Path | None,
        typer.Option(
            help="Folder of manifest stores, SHA256.c2pa [default: setting].", file_okay=False
        ),
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(help="A registry file [default: the data base].", dir_okay=False),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="PUBLIC", help="Its owner's public key.")
    ] = None,
    trust_anchors: Annotated[
        Path | None, typer.Option(help="PEM bundle that signers are traced to.")
    ] = None,
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one line per row.")] = False,
) -> None:
    """Read the open mark, say what it names, and find the manifest again. Nothing is fetched."""
    if (registry is None) != (key is None):
        raise typer.BadParameter("--registry and --key go together", param_hint="--key")
    found: MarkRegistry
    if registry is not None and key is not None:
        found = read_registry(registry, key=public_key(key))
    else:
        found = opened(store)
    anchors = trust_anchors or load_settings().trust_anchors
    trust = Trust.from_file(anchors) if anchors else None
    folder = manifests or load_settings().mark_manifests
    examine = partial(_recover, registry=found, folder=folder, trust=trust)
    code = write_rows(file_rows(files, examine), as_json=as_json, render=_render)
    raise typer.Exit(code)


def _recover(
    file: str, *, registry: MarkRegistry, folder: Path | None, trust: Trust | None
) -> dict[str, Any]:
    limits = load_settings().media_limits()
    media = open_media(source_of(file, limits), name=file, limits=limits)
    marks = read_open_marks(media.rgb())
    if not marks:
        raise EvidenceError(NO_MARK)
    found = (recover(media, mark, [registry], folder=folder, trust=trust) for mark in marks)
    return {"marks": [to_plain(each) for each in found]}


def _render(row: dict[str, Any]) -> str:
    return "\n".join(_render_mark(row["file"], mark) for mark in row["marks"])


def _render_mark(file: str, row: dict[str, Any]) -> str:
    maker = f" of {row['maker']}" if row["maker"] else ""
    lines = [f"{file}: mark {row['payload']}{maker}: {_SAID[Standing(row['standing'])]}"]
    if row["manifest"]:
        lines.append(_render_manifest(row["manifest"]))
    return "\n".join(lines)


def _render_manifest(manifest: dict[str, Any]) -> str:
    summary = manifest["summary"]
    trusted = any(m["trusted"] for m in summary["manifests"][:1])
    signer = (summary["signer"] or {}).get("issuer") or "an unnamed signer"
    vouched = "trusted" if trusted else "nobody vouches for the signer"
    status = (summary["checks"] or {}).get("certificate", {}).get("status")
    if status in ("expired", "not-yet-valid"):
        vouched += f", certificate {status}"
    holds = f"signed by {signer} ({vouched})" if manifest["holds"] else "DOES NOT HOLD"
    link = "names this mark" if manifest["names_mark"] else "DOES NOT NAME THIS MARK"
    said = "; ".join(f"{c['claim']} ({c['digital_source_type']})" for c in summary["claims"])
    return f"  manifest   {manifest['sha256'][:16]}…: {holds}; {link}\n  says       {said or '-'}"
