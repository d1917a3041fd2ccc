"""Write the command reference from the commands' own help."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import typer

from lightkeeper.cli._app import COMMANDS


def write_command_reference(path: Path) -> None:
    """One section a command, one table row an option or argument."""
    parts = ["# Commands", "", "Generated from the commands themselves.", ""]
    for name, summary in COMMANDS.items():
        module = importlib.import_module(f"lightkeeper.cli.{name}")
        command = typer.main.get_command(module.app)
        parts += _section(f"lightkeeper {name}", command, summary, level=2)
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _section(title: str, command: Any, summary: str, *, level: int) -> list[str]:
    lines = [f"{'#' * level} `{title}`", "", (command.help or summary).strip(), ""]
    parameters = [p for p in command.params if p.name != "help"]
    if parameters:
        lines += ["| option | meaning |", "| --- | --- |"]
        lines += [_row(p) for p in parameters] + [""]
    for name, sub in getattr(command, "commands", {}).items():
        lines += _section(f"{title} {name}", sub, "", level=level + 1)
    return lines


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{o}`" for o in (*parameter.opts, *parameter.secondary_opts) if o)
    if parameter.param_type_name == "argument":
        names = f"`{(parameter.metavar or parameter.name).upper()}`"
    help_text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", r"\|")
    return f"| {names} | {help_text} |"
