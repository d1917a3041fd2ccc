"""Entry point: resolves a command to its module, and errors to exit codes."""

from __future__ import annotations

import importlib
import io
import sys
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from lightkeeper import __version__
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable
from lightkeeper.errors import LightkeeperError

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter

COMMANDS: dict[str, str] = {
    "scan": "Say where images come from, with the evidence for it.",
    "parameters": "Read the generation parameters that files carry.",
    "hash": "Digests and PDQ of images.",
    "match": "Look files or hashes up in hash sets.",
    "index": "Build, show or verify the index of known hashes.",
    "serve": "Serve the review of cases, or look-ups for other programs.",
    "work": "Take the review service's jobs in a process of its own.",
    "cases": "Take in cases, list and show them, and destroy those whose time is over.",
    "report": "Say where reports stand, and whether a person is needed.",
    "sets": "Create, import, export and look after hash sets.",
    "watermark": "Detect or embed public watermarks.",
    "mark": "Mark pictures, register them, root a mark in a decoder, find marks.",
    "detector": "Measure and compare passive detectors; plan a cascade.",
    "provenance": "Read and validate C2PA content credentials.",
    "sign": "Write a C2PA manifest that labels an image as generated.",
    "transcode": "Convert an image and keep its generation parameters.",
    "audit": "Verify, anchor or show the audit of cases.",
    "vault": "Verify kept media, and change the keys that it is under.",
    "package": "Make an evidence package of a case, or verify one.",
    "doctor": "Show what is installed and what can run here.",
}
"""Each command is the module of the same name in this package; it exposes ``app``."""


class _LazyGroup(TyperGroup):
    """Imports a command's module when it is called; the help needs only the table above."""

    def list_commands(self, ctx: Context) -> list[str]:
        """All command names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"lightkeeper.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Help lines from the table: no command is imported for them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"lightkeeper {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Lightkeeper: where does an image come from, and how do we know?"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with a code of :class:`lightkeeper.cli._exit.Exit`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file may hold characters that the terminal's encoding lacks; that is no error.
        sys.stdout.reconfigure(errors="replace")
    try:
        app(arguments, standalone_mode=True)
    except LightkeeperError as error:
        sys.stderr.write(f"lightkeeper: {printable(str(error))}\n")
        if error.hint:
            sys.stderr.write(f"  hint: {printable(error.hint)}\n")
        sys.exit(Exit.FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
