"""``lightkeeper sign``: label a generator's output with a signed manifest."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._open_mark import read_payload
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import OutputError
from lightkeeper.evidence.provenance import SoftBinding
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM, payload_hex
from lightkeeper.labelling import SourceType, sign_generated
from lightkeeper.media import open_media

if TYPE_CHECKING:
    from lightkeeper.media import Media

app = typer.Typer(add_completion=False)

_FILE = {"exists": True, "dir_okay": False, "readable": True}


@app.command()
def sign(
    source: Annotated[Path, typer.Argument(metavar="IN", help="The generated picture.", **_FILE)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the signed one goes.")],
    certificate: Annotated[
        Path,
        typer.Option(help="PEM chain: the signer's certificate first, then its issuers.", **_FILE),
    ],
    key: Annotated[Path, typer.Option(help="PEM private key without password.", **_FILE)],
    generator: Annotated[str, typer.Option(help="Name of the generator.")],
    generator_version: Annotated[str | None, typer.Option(help="Version of the generator.")] = None,
    source_type: Annotated[
        SourceType, typer.Option(help="IPTC digital source type.")
    ] = SourceType.GENERATED,
    soft_binding: Annotated[
        str | None,
        typer.Option(metavar="ALG=VALUE", help="Watermark or fingerprint in the picture."),
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Bind the manifest to the open mark that IN carries.")
    ] = False,
    manifest_out: Annotated[
        Path | None,
        typer.Option(help="Keep the manifest store here too; a mark finds it by its SHA-256."),
    ] = None,
    parent: Annotated[
        Path | None, typer.Option(help="The picture that this was made from.", **_FILE)
    ] = None,
    timestamp_url: Annotated[
        str | None, typer.Option(help="Time-stamp authority; the only host that is contacted.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
) -> None:
    """Write a C2PA manifest that says that a model made the picture. No prompt is written."""
    for file in filter(None, (target, manifest_out)):
        if file.exists() and not force:
            raise OutputError(f"{file} is there already", hint="use --force to replace it")
    limits = load_settings().media_limits()
    media = open_media(source, limits=limits)
    binding = _of_mark(media, soft_binding) if mark else _soft_binding(soft_binding)
    _warn_about(key)
    signed = sign_generated(
        media,
        certificate_chain_pem=certificate.read_bytes(),
        private_key_pem=key.read_bytes(),
        generator=generator,
        generator_version=generator_version,
        source_type=source_type,
        soft_binding=binding,
        parent=open_media(parent, limits=limits) if parent else None,
        timestamp_url=timestamp_url,
    )
    write_whole(target, signed.content)
    if manifest_out is not None:
        write_whole(manifest_out, signed.manifest)
    write_text(f"{target}: signed, {len(signed.content):,} bytes")
    raise typer.Exit(Exit.OK)


def _soft_binding(option: str | None) -> SoftBinding | None:
    if option is None:
        return None
    algorithm, separator, value = option.partition("=")
    if not separator or not algorithm or not value:
        raise typer.BadParameter("expected ALG=VALUE", param_hint="--soft-binding")
    return SoftBinding(algorithm, value)


def _of_mark(media: Media, option: str | None) -> SoftBinding:
    if option is not None:
        raise typer.BadParameter("--mark and --soft-binding are one thing", param_hint="--mark")
    return SoftBinding(SOFT_BINDING_ALGORITHM, payload_hex(read_payload(media.rgb())))


def _warn_about(key: Path) -> None:
    if os.name == "posix" and key.stat().st_mode & 0o077:
        sys.stderr.write(f"warning: others on this machine can read {key}; run: chmod 600 {key}\n")
