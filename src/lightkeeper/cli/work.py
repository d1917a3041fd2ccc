"""``lightkeeper work``: take the service's jobs in a process of its own."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.errors import MissingExtra

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def work(
    threads: Annotated[int, typer.Option(min=1, help="Jobs that are done at once.")] = 4,
) -> None:
    """Examine what has come in, send reports and notices; beside a service with threads = 0.

    It uses the settings of the service, and ends with Ctrl-C or SIGTERM after the jobs in hand.
    """
    try:
        from lightkeeper.cli._house import house_plan
        from lightkeeper.service._house import open_house
    except ModuleNotFoundError as error:
        raise MissingExtra("The service", extra="service") from error
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with open_house(replace(house_plan(port=0), threads=threads)):
        sys.stderr.write("Working.\n")
        sys.stderr.flush()
        ended.wait()
