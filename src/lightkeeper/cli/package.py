"""``lightkeeper package``: a case as a file for a hotline or the police, and the check of one."""

from __future__ import annotations

import json
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
from lightkeeper.cli._public_key import public_key
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.cli._write import write_whole
from lightkeeper.errors import InvalidReport, OutputError
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from typer._click.core import Command, Context

    from lightkeeper.reporting.package import PackageReport

_MAKE: Final = "make"
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

    public = None if key is None else public_key(key)
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
