"""``lightkeeper package``: a case as a file for a hotline or the police, and the check of one."""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperGroup

from lightkeeper.cases.people import Role
from lightkeeper.cli._custody import CasesOption, JsonOption, KeysOption, key_ring, opened_cases
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._local_desk import operator, sender
from lightkeeper.cli._printable import printable, printable_row
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidConfiguration, InvalidReport, OutputError
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from typer._click.core import Command, Context

    from lightkeeper.reporting.package import PackageReport

_MAKE: Final = "make"
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_LARGEST_KEY_FILE: Final = 1 << 14
_KEY_BYTES: Final = 32
_SENTENCES: Final = {
    "genuine": "The signature is of the key that you gave.",
    "unproven": "The signature is of the key that the package itself names. Compare it with the "
    "sender's, got by another way, or give it with --key.",
    "forged": "THE SIGNATURE DOES NOT HOLD: the manifest was changed, or somebody else signed it.",
}


class _Group(TyperGroup):
    """``package CASE`` is short for ``package make CASE``."""

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """The command; ``make`` where the first word is none."""
        if args and args[0] not in self.commands:
            args = [_MAKE, *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Make an evidence package of a case (package CASE --out FILE), or verify one.",
)


@app.command(_MAKE)
def make(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Identifier of the case.")],
    out: Annotated[Path, typer.Option("--out", help="Where the package goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is there.")] = False,
    cases: CasesOption = None,
    keys: KeysOption = None,
) -> None:
    """Make a package of a case, without its files. The audit says who handed it out."""
    from lightkeeper.reporting.package import PackageDesk
    from lightkeeper.storage.vault import open_vault

    if out.exists() and not force:
        raise OutputError(f"{out} is there already", hint="use --force to replace it")
    ring = key_ring(keys)
    settings = load_settings()
    vault = open_vault(settings.vault, ring)
    with opened_cases(cases, ring) as store:
        desk = PackageDesk(
            store,
            vault,
            clock=_now,
            key=ring.signing_key(),
            sender=sender(settings.service),
        )
        # Whoever holds the key file is no person who signed in, and gets no files.
        hands = replace(operator(), roles=frozenset({Role.REPORTER}), is_person=False)
        package = desk.hand_over(hands, case)
        content = package.content()
    write_whole(out, content)
    write_text(f"{out}: {len(content):,} bytes, manifest {package.manifest_sha256}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="PUBLIC",
            help="Sender's public key: hex, or a file: PEM, or what /api/v1/signing-keys gives.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what of a package is whole, altered, missing or added; exit code 5 where any is not."""
    from lightkeeper.reporting.package import verify_package

    public = None if key is None else _public_key(key)
    try:
        report = verify_package(file, key=public)
    except InvalidReport as error:
        # What cannot be read as a package is one that was altered, whoever did it.
        if as_json:
            row = {"file": str(file), "intact": False, "problem": str(error)}
            sys.stdout.write(json.dumps(printable_row(row)) + "\n")
        else:
            write_text(printable(f"NOT INTACT: {error}."))
        raise typer.Exit(Exit.ALTERED) from None
    if as_json:
        row = {"file": str(file), "intact": report.intact, **to_plain(report)}
        sys.stdout.write(json.dumps(printable_row(row)) + "\n")
    else:
        _tell(report)
    raise typer.Exit(Exit.OK if report.intact else Exit.ALTERED)


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(report: PackageReport) -> None:
    said = "whole" if report.intact else "NOT INTACT"
    write_text(printable(f"Package of case {report.case}, made {report.made}: {said}."))
    for name, state in report.entries.items():
        write_text(printable(f"  {state.value:<8} {name[:100]}"))
    write_text(_SENTENCES[report.signature.value])
    write_text(f"  public key  {report.public_key}\n  manifest    {report.manifest_sha256}")


def _public_key(option: str) -> bytes:
    if _HEX.fullmatch(option):
        return bytes.fromhex(option)
    try:
        with open(option, "rb") as file:
            content = file.read(_LARGEST_KEY_FILE)
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(
            "--key is neither 64 hexadecimal digits nor a file that can be read"
        ) from error
    return _of_file(content)


def _of_file(content: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = content.strip().decode("ascii", "replace")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if text.startswith("{"):
        return _of_key_set(text)
    try:
        found = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidConfiguration("the file of --key holds no public key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise InvalidConfiguration("the file of --key holds no Ed25519 key")
    return found.public_bytes_raw()


def _of_key_set(text: str) -> bytes:
    """The key of a JSON Web Key Set, as a service publishes it."""
    try:
        (key,) = json.loads(text)["keys"]
        public = base64.urlsafe_b64decode(key["x"] + "=")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidConfiguration("the file of --key holds no set of one public key") from error
    if key.get("crv") != "Ed25519" or len(public) != _KEY_BYTES:
        raise InvalidConfiguration("the file of --key holds no Ed25519 key")
    return public
