"""Times on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lightkeeper.plain import utc_time

if TYPE_CHECKING:
    import datetime

AT_HELP = "Judge certificates at this time [default: now]; it changes no origin."


def time_option(text: str) -> datetime.datetime:
    """A day, or a time in ISO 8601; UTC where it names no zone."""
    try:
        return utc_time(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
