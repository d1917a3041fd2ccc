"""The stand-in itself: requests in, answers out, on whatever carries them."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from lightkeeper.reporting.outbox import Step
from lightkeeper.testing.cybertipline._faults import Fault, FaultKind
from lightkeeper.testing.cybertipline._forms import Field, fields
from lightkeeper.testing.cybertipline._reply import ConnectionDroppedError, Reply
from lightkeeper.testing.cybertipline._reports import HeldReport, Refused, Reports
from lightkeeper.testing.cybertipline._structure import Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

BANNER: Final = "Lightkeeper stand-in for tests and demonstrations: NOT the CyberTipline"
_STATUS: Final = {1: 500, 2: 401, 3: 403, 4: 400, 5: 404}


class StandIn:
    """Does what the documentation of 2025-06 says, and goes wrong as it is told.

    Parameters
    ----------
    user_name, password : str
        The one account that it knows.
    clock
        Now; deletes what was left unfinished.
    faults
        Called with each step; what is to go wrong.
    schema : Path, optional
        The official schema; without one only the main lines of a document are checked.
    first_number : int
        Of the first report.
    """

    def __init__(
        self,
        *,
        user_name: str = "stand-in",
        password: str = "stand-in",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        faults: Callable[[Step], Fault | None] = lambda _step: None,
        schema: Path | None = None,
        first_number: int = 1_000_001,
    ) -> None:
        account = base64.b64encode(f"{user_name}:{password}".encode()).decode()
        self._authorization = f"Basic {account}"
        self._clock = clock
        self._faults = faults
        self._structure = Structure(schema)
        self._reports = Reports(first_number)
        self._lock = threading.Lock()
        self.asked: Counter[Step] = Counter()
        """Requests of each step, failed ones too."""

    @property
    def reports(self) -> tuple[HeldReport, ...]:
        """Every report that was ever opened, oldest first."""
        return tuple(self._reports.all.values())

    @property
    def finished(self) -> tuple[HeldReport, ...]:
        """Reports that count."""
        return tuple(report for report in self.reports if report.state == "finished")

    def transport(self) -> httpx.BaseTransport:
        """For a client in the same process."""
        from lightkeeper.testing.cybertipline._transport import StandInTransport

        return StandInTransport(self.handle)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request. Names of headers are in lower case.

        Raises
        ------
        ConnectionDroppedError
            There is no answer.
        """
        name = path.rstrip("/").rpartition("/")[2]
        if method == "GET":
            return self._get(name, headers)
        try:
            step = Step(name)
        except ValueError:
            return _reply(404, 1210, "Not found")
        with self._lock:
            self.asked[step] += 1
            fault = self._faults(step)
        if fault and fault.kind is FaultKind.DROP:
            raise ConnectionDroppedError
        if fault and fault.kind is FaultKind.CODE:
            return _error(fault.code, "A planned fault")
        reply = self._post(step, headers, body)
        return self._spoiled(reply, fault) if fault else reply

    def _spoiled(self, reply: Reply, fault: Fault) -> Reply:
        match fault.kind:
            case FaultKind.DROP_AFTER:
                raise ConnectionDroppedError
            case FaultKind.CODE_AFTER:
                return _error(fault.code, "A planned fault")
            case FaultKind.GARBAGE_AFTER:
                return Reply(200, b"\x00<html>a planned fault", reply.request_id)
            case _:
                time.sleep(fault.seconds)
                return reply

    def _get(self, name: str, headers: Mapping[str, str]) -> Reply:
        if name != "status":
            return Reply(404, f"{BANNER}\n".encode(), uuid4().hex)
        try:
            self._authenticate(headers)
        except Refused as refused:
            return _error(refused.code, refused.description)
        return _reply(200, 0, BANNER)

    def _post(self, step: Step, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            self._authenticate(headers)
            with self._lock:
                now = self._clock()
                self._reports.expire(now)
                return self._done(step, headers.get("content-type", ""), body, now)
        except Refused as refused:
            return _error(refused.code, refused.description)

    def _authenticate(self, headers: Mapping[str, str]) -> None:
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), self._authorization.encode()):
            raise Refused(2000, "Not authenticated")

    def _done(self, step: Step, content_type: str, body: bytes, now: datetime) -> Reply:
        match step:
            case Step.SUBMIT:
                self._structure.checked(body, "report")
                return _success(self._reports.open(body, now).id)
            case Step.UPLOAD:
                form = fields(content_type, body)
                file = form.get("file")
                if file is None:
                    raise Refused(4000, "There is no file")
                held = self._reports.upload(_id(form), file.file_name or "", file.content, now)
                return _success(_id(form), file_id=held.id, md5=held.md5)
            case Step.FILE_INFO:
                root = self._structure.checked(body, "fileDetails")
                report_id, file_id = root.findtext("reportId", ""), root.findtext("fileId", "")
                self._reports.describe(report_id.strip(), file_id.strip(), body, now)
                return _success(report_id.strip())
            case Step.FINISH:
                return _finished(self._reports.finish(_id(fields(content_type, body))))
            case Step.RETRACT:
                return _success(self._reports.retract(_id(fields(content_type, body))).id)


def _id(form: Mapping[str, Field]) -> str:
    if "id" not in form:
        raise Refused(4000, "There is no id")
    return form["id"].content.decode("ascii", "replace")


def _success(report_id: str, *, file_id: str = "", md5: str = "") -> Reply:
    more = f"<reportId>{escape(report_id)}</reportId>"
    if file_id:
        more += f"<fileId>{file_id}</fileId><hash>{md5}</hash>"
    return _reply(200, 0, "Success", more)


def _error(code: int, description: str) -> Reply:
    return _reply(_STATUS.get(code // 1000, 200), code, description)


def _reply(status: int, code: int, description: str, more: str = "") -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><reportResponse>'
        f"<responseCode>{code}</responseCode>"
        f"<responseDescription>{escape(description)}</responseDescription>{more}</reportResponse>"
    )
    return Reply(status, body.encode(), uuid4().hex)


def _finished(report: HeldReport) -> Reply:
    files = "".join(f"<fileId>{file.id}</fileId>" for file in report.files)
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><reportDoneResponse>'
        f"<responseCode>0</responseCode><reportId>{report.id}</reportId><files>{files}</files>"
        "</reportDoneResponse>"
    )
    return Reply(200, body.encode(), uuid4().hex)
