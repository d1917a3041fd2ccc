"""``mark entries withdraw``: let an entry count no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from lightkeeper.cli._mark_rows import entry_row, render_entry
from lightkeeper.cli._mark_store import RegistryOption, StoreOption, opened
from lightkeeper.cli._rows import write_rows
from lightkeeper.evidence.watermark.registry._entry import parse_payload
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def withdraw(
    payload: Annotated[str, typer.Argument(metavar="PAYLOAD", help="12 hexadecimal digits.")],
    registry: RegistryOption,
    reason: Annotated[Reason, typer.Option(help="Why.")],
    entry: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which one, where the payload has several; see show."),
    ] = None,
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one line per row.")] = False,
) -> None:
    """Let an entry of a registry of your own count no more. It stays, with the day and the reason.

    It is final. Whoever has the registry learns it from the next file that you export.
    """
    withdrawal = Withdrawal(on=datetime.now(UTC).date().isoformat(), reason=reason)
    kept = opened(store).withdraw(
        registry, parse_payload(payload), withdrawal, entry=entry and entry.lower()
    )
    row = {"registry": registry, **entry_row(kept)}
    write_rows([row], as_json=as_json, render=render_entry)
