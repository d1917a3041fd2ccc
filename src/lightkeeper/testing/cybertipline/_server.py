"""The stand-in on a socket of this machine."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.reporting.sending import is_loopback
from lightkeeper.testing.cybertipline._reply import ConnectionDroppedError
from lightkeeper.testing.cybertipline._stand_in import BANNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.testing.cybertipline._stand_in import StandIn

_LONGEST_REQUEST: Final = 1 << 30


@contextmanager
def serve_stand_in(
    stand_in: StandIn, *, port: int = 0, host: str = "127.0.0.1", quiet: bool = False
) -> Iterator[str]:
    """Serve a stand-in until the block ends; gives its base URL.

    Parameters
    ----------
    stand_in : StandIn
        What answers.
    port : int
        0 for any that is free.
    host : str
        An address of this machine that no other can reach.
    quiet : bool
        Do not say on standard error that this is a stand-in.

    Raises
    ------
    InvalidConfiguration
        The address can be reached from other machines.
    """
    if not is_loopback(host):
        raise InvalidConfiguration(
            "the stand-in listens on this machine only", hint="host 127.0.0.1"
        )
    server = _Server((host, port), _handler(stand_in))
    url = f"http://{host}:{server.server_port}/ispws"
    if not quiet:
        sys.stderr.write(f"{'*' * 78}\n{BANNER}\nat {url}\n{'*' * 78}\n")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that died is what the stand-in is for."""


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "Lightkeeper-stand-in"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= _LONGEST_REQUEST:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            if len(body) < length:
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                reply = stand_in.handle(self.command, self.path, headers, body)
            except ConnectionDroppedError:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Request-ID", reply.request_id)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the demo's output is for people."""

    return Handler
