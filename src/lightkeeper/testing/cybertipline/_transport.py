"""The stand-in as a transport of httpx, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx

from lightkeeper.testing.cybertipline._reply import ConnectionDroppedError, Reply

Handle = Callable[[str, str, Mapping[str, str], bytes], Reply]


class StandInTransport(httpx.BaseTransport):
    """Hands requests to a stand-in in the same process."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See ``httpx.BaseTransport``."""
        try:
            reply = self._handle(request.method, request.url.path, request.headers, request.read())
        except ConnectionDroppedError:
            raise httpx.RemoteProtocolError("the connection was dropped", request=request) from None
        headers = {"Request-ID": reply.request_id, "Content-Type": "text/xml"}
        return httpx.Response(
            reply.status, headers=headers, stream=httpx.ByteStream(reply.body), request=request
        )
