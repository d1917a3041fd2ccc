"""The CyberTipline's API over HTTPS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Self

from lightkeeper.errors import MissingExtra, ReportError
from lightkeeper.reporting.cybertipline import ReportDoneResponse, parse_response, with_ids
from lightkeeper.reporting.sending._answer import Answer
from lightkeeper.reporting.sending._config import ReceiverConfig

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

_LONGEST_ANSWER: Final = 1 << 20
_XML: Final = {"Content-Type": "text/xml; charset=utf-8"}
# What can be set into the details of a file and sent back; anything else is no identifier.
_REPORT_ID: Final = re.compile(r"[0-9]{1,18}")
_FILE_ID: Final = re.compile(r"[!-~]{1,200}")


class CyberTipline:
    """A :class:`lightkeeper.reporting.sending.Receiver` over HTTP.

    TLS certificates are checked, redirects are not followed, the environment's proxies are not
    used, and no content is logged. One object may be used by several threads.

    Parameters
    ----------
    config : ReceiverConfig
        Where, and as whom.
    transport : httpx.BaseTransport, optional
        In place of the network, for tests.
    """

    def __init__(
        self, config: ReceiverConfig, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise MissingExtra("sending reports", extra="service") from error
        self._errors = (httpx.HTTPError, httpx.StreamError)
        self._client = httpx.Client(
            base_url=config.base_url,
            auth=httpx.BasicAuth(config.user_name, config.password),
            timeout=config.timeout_seconds,
            proxy=config.proxy,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            # A few compressed bytes can stand for any number of others.
            headers={"Accept-Encoding": "identity", "User-Agent": "Lightkeeper"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def status(self) -> Answer:
        """Ask whether the receiver can be reached and knows the account; nothing is sent."""
        return self._ask("GET", "status")

    def submit(self, report_xml: bytes) -> Answer:
        """See :class:`lightkeeper.reporting.sending.Receiver`."""
        return self._ask("POST", "submit", content=report_xml, headers=_XML)

    def upload(self, report_id: str, file_name: str, content: bytes) -> Answer:
        """See :class:`lightkeeper.reporting.sending.Receiver`."""
        name = file_name.encode("utf-8", "replace").decode()
        file = (name, content, "application/octet-stream")
        return self._ask("POST", "upload", data={"id": report_id}, files={"file": file})

    def file_info(self, report_id: str, file_id: str, details_xml: bytes) -> Answer:
        """See :class:`lightkeeper.reporting.sending.Receiver`."""
        body = with_ids(details_xml, report_id=report_id, file_id=file_id)
        return self._ask("POST", "fileinfo", content=body, headers=_XML)

    def finish(self, report_id: str) -> Answer:
        """See :class:`lightkeeper.reporting.sending.Receiver`."""
        return self._ask("POST", "finish", files={"id": (None, report_id)})

    def retract(self, report_id: str) -> Answer:
        """See :class:`lightkeeper.reporting.sending.Receiver`."""
        return self._ask("POST", "retract", files={"id": (None, report_id)})

    def _ask(self, method: str, path: str, **content: Any) -> Answer:
        try:
            with self._client.stream(method, path, **content) as response:
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > _LONGEST_ANSWER:
                        del body[_LONGEST_ANSWER:]
                        break
        except self._errors:
            # Its text may hold addresses; a person is told that there was no answer.
            return Answer()
        request_id = response.headers.get("Request-ID")
        return _understood(response.status_code, request_id, bytes(body))


def _understood(status: int, request_id: str | None, body: bytes) -> Answer:
    try:
        parsed = parse_response(body)
    except ReportError:
        return Answer(status=status, request_id=request_id, body=body)
    if isinstance(parsed, ReportDoneResponse):
        file_id, md5, files = None, None, parsed.files
    else:
        file_id, md5, files = parsed.file_id, parsed.hash, ()
    return Answer(
        status=status,
        code=parsed.code,
        report_id=_usable(_REPORT_ID, parsed.report_id),
        file_id=_usable(_FILE_ID, file_id),
        md5=md5,
        files=files,
        request_id=request_id,
        body=body,
    )


def _usable(form: re.Pattern[str], value: str | None) -> str | None:
    return value if value and form.fullmatch(value) else None
