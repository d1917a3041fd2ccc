"""``mark entries``: the registry of marked pictures."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lightkeeper.cli._custody import JsonOption, key_ring
from lightkeeper.cli._encode import check_target, encoded
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._mark_rows import entry_row, registry_row, render_entry, render_registry
from lightkeeper.cli._mark_store import RegistryOption, StoreOption, opened, signing_key
from lightkeeper.cli._mark_withdraw import app as withdraw
from lightkeeper.cli._open_mark import read_payload
from lightkeeper.cli._printable import printable, printable_row
from lightkeeper.cli._public_key import public_key
from lightkeeper.cli._rows import file_rows, write_rows, write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import EvidenceError, OutputError
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry, read_registry
from lightkeeper.evidence.watermark.registry._entry import parse_payload, random_payload
from lightkeeper.media import open_media

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Register marked pictures; list, show, withdraw, verify, import and export entries.",
)
app.add_typer(withdraw)

KeyOption = Annotated[
    str,
    typer.Option(
        "--key",
        metavar="PUBLIC",
        help="The owner's public key: hex, or a file: PEM, or what /api/v1/signing-keys gives.",
    ),
]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A registry file.", exists=True, dir_okay=False)
]


@app.command()
def add(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Marked pictures.")],
    registry: RegistryOption,
    organisation: Annotated[str, typer.Option(help="Who runs the generator.")],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    period: Annotated[str, typer.Option(help="When it was made: YYYY, YYYY-MM or YYYY-MM-DD.")],
    version: Annotated[str | None, typer.Option(help="Version of the model.")] = None,
    payload: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Of the one picture, 12 digits [default: read from it]."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="C2PA manifest store of the one picture.", exists=True, dir_okay=False),
    ] = None,
    manifest_url: Annotated[
        str | None, typer.Option(help="Where the manifest is; named, never fetched.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register marked pictures, each by the payload that it carries. No prompt, no person."""
    if len(pictures) > 1 and (payload or manifest or manifest_url):
        raise typer.BadParameter("--payload and --manifest are of one picture")
    digest = None if manifest is None else hashlib.sha256(manifest.read_bytes()).hexdigest()
    limits = load_settings().media_limits()
    marks = opened(store, create=True)

    def register(file: str) -> dict[str, Any]:
        rgb = open_media(file, limits=limits).rgb()
        entry = MarkEntry(
            payload=parse_payload(payload) if payload else read_payload(rgb),
            organisation=organisation,
            model=model,
            version=version,
            period=period,
            fingerprint=Fingerprint.of(rgb),
            manifest_sha256=digest,
            manifest_url=manifest_url,
        )
        added = marks.add(registry, [entry])
        return {"registry": registry, "added": bool(added), **entry_row(entry)}

    code = write_rows(file_rows(pictures, register), as_json=as_json, render=render_entry)
    raise typer.Exit(code)


@app.command()
def make(
    source: Annotated[str, typer.Argument(metavar="IN", help="A picture without a mark.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="PNG, JPEG or WebP, by suffix.")],
    registry: RegistryOption,
    organisation: Annotated[str, typer.Option(help="Who runs the generator.")],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    period: Annotated[str, typer.Option(help="When it was made: YYYY, YYYY-MM or YYYY-MM-DD.")],
    version: Annotated[str | None, typer.Option(help="Version of the model.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a picture with a payload of its own and register it in one step.

    The mark is read back first: where it cannot be, nothing is written and nothing registered.
    """
    check_target(target, force=force)
    marks = opened(store, create=True)
    limits = load_settings().media_limits()

    def register(file: str) -> dict[str, Any]:
        number = random_payload()
        while marks.find(number):
            number = random_payload()
        content = encoded(lattice.embed(open_media(file, limits=limits).rgb(), number), target)
        rgb = open_media(content, limits=limits).rgb()
        if read_payload(rgb) != number:
            raise EvidenceError("the picture does not hold the mark: another payload is read")
        entry = MarkEntry(
            payload=number,
            organisation=organisation,
            model=model,
            version=version,
            period=period,
            fingerprint=Fingerprint.of(rgb),
        )
        # An entry without a picture does no harm; a picture without its entry could be copied.
        marks.add(registry, [entry])
        write_whole(target, content)
        return {"registry": registry, **entry_row(entry)}

    code = write_rows(file_rows([source], register), as_json=as_json, render=render_entry)
    raise typer.Exit(code)


@app.command("list")
def list_entries(
    registry: Annotated[
        str | None,
        typer.Option("--registry", metavar="NAME", help="Entries of one [default: registries]."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List registries, or the entries of one."""
    marks = opened(store)
    if registry is None:
        kept = map(registry_row, marks.registries())
        write_rows(kept, as_json=as_json, render=render_registry)
    else:
        rows = ({"registry": registry, **entry_row(e)} for e in marks.entries(registry))
        write_rows(rows, as_json=as_json, render=render_entry)


@app.command()
def show(
    payload: Annotated[str, typer.Argument(metavar="PAYLOAD", help="12 hexadecimal digits.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a payload names, in all registries; exit code 1 where it is unknown."""
    found = opened(store).found(parse_payload(payload))
    rows = ({"registry": name, **entry_row(entry)} for name, entry in found)
    write_rows(rows, as_json=as_json, render=render_entry)
    if not found:
        sys.stderr.write("unknown payload\n")
        raise typer.Exit(Exit.MATCHED)


@app.command()
def verify(
    file: File,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="PUBLIC", help="The owner's public key, as for import."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check signature and format of a registry file; exit code 5 where they do not hold."""
    try:
        found = read_registry(file, key=None if key is None else public_key(key))
    except EvidenceError as error:
        row = {"file": str(file), "intact": False, "problem": str(error)}
        _say(row, f"NOT INTACT: {error}.", as_json=as_json)
        raise typer.Exit(Exit.ALTERED) from None
    row = {
        "file": str(file),
        "intact": True,
        "signature": "unproven" if key is None else "genuine",
        "name": found.name,
        "version": found.head.version,
        "made": found.head.made.isoformat(),
        "previous": found.head.previous,
        "entries": len(found),
        "sketches": found.sketches,
        "public_key": found.public_key.hex(),
        "sha256": found.sha256,
    }
    proof = "the key that you gave" if key else "the key that the file itself names: compare it"
    text = (
        f"Registry '{found.name}', version {found.head.version}, {len(found):,} entries "
        f"{'with' if found.sketches else 'without'} sketches: whole.\n"
        f"The signature is of {proof}.\n  public key  {row['public_key']}\n"
        f"  sha256      {found.sha256}"
    )
    _say(row, text, as_json=as_json)


@app.command("import")
def import_file(file: File, key: KeyOption, store: StoreOption = None) -> None:
    """Take a registry over from its owner's file, or renew it from a newer version."""
    found = read_registry(file, key=public_key(key))
    came, gone = opened(store, create=True).take_over(found)
    write_text(
        printable(f"'{found.name}', version {found.head.version}: {came:,} came, {gone:,} went")
    )


@app.command()
def export(
    registry: RegistryOption,
    out: Annotated[Path, typer.Option("--out", help="Where the file goes.")],
    sketches: Annotated[
        bool,
        typer.Option(
            "--with-sketches",
            help="For those who may see small pictures of what is registered, never for all.",
        ),
    ] = False,
    signing: Annotated[
        Path | None,
        typer.Option(
            "--signing-key", help="Ed25519 key (PEM) [default: setting; made if need be]."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Sign with the review service's key file instead."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a registry of your own as a signed file: the next version, with all entries.

    Sketches are withheld: readers learn who stands for a payload, and ask you about a picture.
    """
    if signing is not None and keys is not None:
        raise typer.BadParameter("--signing-key and --keys exclude each other")
    if out.exists() and not force:
        raise OutputError(f"{out} is there already", hint="use --force to replace it")
    marks = opened(store)
    key = signing_key(signing) if keys is None else key_ring(keys).signing_key()
    content = marks.export(registry, key=key, now=datetime.now(UTC), sketches=sketches)
    write_whole(out, content)
    public = key.public_key().public_bytes_raw().hex()
    kind = "with sketches: not for all" if sketches else "without sketches"
    write_text(printable(f"{out}: {len(content):,} bytes, {kind}; readers pin the key {public}"))


def _say(row: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(printable_row(row)) + "\n")
    else:
        write_text(text)
