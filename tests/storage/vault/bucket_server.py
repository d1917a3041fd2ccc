"""As much of an S3 API as the vault uses, in this process; signatures are not checked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

PAGE = 7


class BucketServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.refuse = False
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve() -> Iterator[BucketServer]:
    server = BucketServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BucketServer

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("size", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _name(self) -> str:
        """Path-style addresses: ``/bucket/name``."""
        return unquote(urlsplit(self.path).path).split("/", 2)[2]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _note(self) -> bool:
        self.server.requests.append(f"{self.command} {urlsplit(self.path).path}")
        if self.server.refuse:
            self._body()
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return self.server.refuse

    def do_PUT(self) -> None:
        if not self._note():
            self.server.objects[self._name()] = self._body()
            self._answer(200, ETag='"1"')

    def do_GET(self) -> None:
        if self._note():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._answer(200, self._listing(query), Content_Type="application/xml")
            return
        content = self.server.objects.get(self._name())
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            when = "Mon, 04 May 2026 09:30:00 GMT"
            self._answer(200, content, ETag='"1"', Last_Modified=when)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        if not self._note():
            self.server.objects.pop(self._name(), None)
            self._answer(204)

    def do_POST(self) -> None:
        """Deletion of several at once."""
        if self._note():
            return
        root = ET.fromstring(self._body())
        names = [node.text or "" for node in root.iter() if node.tag.endswith("Key")]
        for name in names:
            self.server.objects.pop(name, None)
        gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
        self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _listing(self, query: dict[str, list[str]]) -> bytes:
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        names = sorted(n for n in self.server.objects if n.startswith(prefix) and n > after)
        rows = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.server.objects[name])}</Size>"
            f"<LastModified>2026-05-04T09:30:00.000Z</LastModified><ETag>1</ETag></Contents>"
            for name in names[:PAGE]
        )
        more = len(names) > PAGE
        token = f"<NextContinuationToken>{names[PAGE - 1]}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<KeyCount>{len(rows)}</KeyCount>{token}{rows}</ListBucketResult>"
        ).encode()
