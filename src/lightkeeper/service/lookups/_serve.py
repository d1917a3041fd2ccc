"""Run the look-up service on a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service._serve import is_local
from lightkeeper.service._serve import serve as serve_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lightkeeper.service.lookups._config import LookupConfig


def serve(app: FastAPI, config: LookupConfig, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered.

    Parameters
    ----------
    app : FastAPI
    config : LookupConfig
        That of the app.
    host : str
    port : int
        0 takes a free one. The address is written to standard error.

    Raises
    ------
    InvalidConfiguration
        Other machines could reach it without a key.
    OutputError
        The address cannot be bound.
    """
    check_host(host, config)
    serve_app(app, host=host, port=port)


def check_host(host: str, config: LookupConfig) -> None:
    """Refuse an address that other machines can reach, unless there are keys."""
    if config.keys or is_local(host):
        return
    raise InvalidConfiguration(
        f"'{host}' is open to other machines and there are no API keys",
        hint="Make one: lightkeeper serve --keys FILE --make-key NAME",
    )
