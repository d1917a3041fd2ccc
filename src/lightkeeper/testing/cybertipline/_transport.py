"""The stand-in as a transport of httpx, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from lightkeeper.testing.cybertipline._stand_in import ConnectionDroppedError

if TYPE_CHECKING:
    from lightkeeper.testing.cybertipline._stand_in import StandIn


class StandInTransport(httpx.BaseTransport):
    """Hands requests to a stand-in in the same process."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See ``httpx.BaseTransport``."""
        try:
            reply = self._stand_in.handle(
                request.method, request.url.path, request.headers, request.read()
            )
        except ConnectionDroppedError:
            raise httpx.RemoteProtocolError("the connection was dropped", request=request) from None
        headers = {"Request-ID": reply.request_id, "Content-Type": "text/xml"}
        return httpx.Response(
            reply.status, headers=headers, stream=httpx.ByteStream(reply.body), request=request
        )
