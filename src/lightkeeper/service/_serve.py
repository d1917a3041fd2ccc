"""Run an app on a socket."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

from lightkeeper.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

_BACKLOG = 256
_MOST_CONNECTIONS = 512
_SHUTDOWN_SECONDS = 10
PLAIN_LINE = "%(asctime)s %(levelname)s %(message)s"
JSON_LINE = "%(message)s"
"""For a log whose messages are JSON objects already."""


def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    log_line: str = PLAIN_LINE,
    proxies: Sequence[str] = (),
) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered.

    Parameters
    ----------
    app : FastAPI
    host : str
    port : int
        0 takes a free one. The address is written to standard error.
    log_line : str
        How a line of the log is formed.
    proxies : sequence of str
        Addresses and networks whose word for a client's address is believed.

    Raises
    ------
    OutputError
        The address cannot be bound.
    """
    _log_to_stderr(log_line)
    settings = uvicorn_settings(app, proxies)
    with _listening(host, port) as listening, _told_to_end():
        address, bound = listening.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        sys.stderr.write(f"Listening on http://{shown}:{bound}\n")
        sys.stderr.flush()
        uvicorn.Server(settings).run(sockets=[listening])


def uvicorn_settings(app: FastAPI, proxies: Sequence[str]) -> uvicorn.Config:
    """How requests are read, whoever sends them."""
    return uvicorn.Config(
        app,
        lifespan="on",
        ws="none",
        log_config=None,
        # The services' own logs name routes; this one would write down query strings.
        access_log=False,
        server_header=False,
        # Said here, or the environment could have everybody believed.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """uvicorn raises SIGTERM again once it has stopped, and that would end the process before
    jobs are finished and folders removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections from now on.

    It names its protocol: asyncio sends at once only on sockets that do, and each answer would
    wait some 40 ms for the client's acknowledgement on others.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OutputError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return listening


def _log_to_stderr(line: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(line))
    for name, level in (("lightkeeper.service", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
