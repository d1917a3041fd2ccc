"""The stand-in does what the receiver's documentation says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.reporting.outbox import Step
from lightkeeper.reporting.sending import Answer, CyberTipline, ReceiverConfig
from lightkeeper.testing.cases import SettableClock
from lightkeeper.testing.cybertipline import Fault, FaultKind, Faults, StandIn, serve_stand_in
from lightkeeper.testing.cybertipline._forms import fields

_START = b'<?xml version="1.0" encoding="UTF-8"?>\n'
REPORT = (
    _START + b"<report><incidentSummary><incidentType>Misleading Domain Name</incidentType>"
    b"<incidentDateTime>2026-01-04T10:00:00Z</incidentDateTime></incidentSummary>"
    b"<internetDetails><webPageIncident/></internetDetails>"
    b"<reporter><reportingPerson><email>rosa@harbour.example</email></reportingPerson></reporter>"
    b"</report>"
)
DETAILS = _START + b"<fileDetails><fileName>umbrella.jpg</fileName></fileDetails>"


def _client(stand_in: StandIn, password: str = "stand-in", url: str | None = None) -> CyberTipline:
    config = ReceiverConfig(
        base_url=url or "https://receiver.example/ispws", user_name="stand-in", password=password
    )
    return CyberTipline(config, transport=None if url else stand_in.transport())


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def stand_in(clock: SettableClock) -> StandIn:
    return StandIn(clock=clock)


@pytest.fixture
def client(stand_in: StandIn) -> CyberTipline:
    return _client(stand_in)


def _opened(client: CyberTipline) -> str:
    report_id = client.submit(REPORT).report_id
    assert report_id is not None
    return report_id


def _uploaded(client: CyberTipline, report_id: str) -> str:
    file_id = client.upload(report_id, "umbrella.jpg", b"umbrella").file_id
    assert file_id is not None
    return file_id


def test_a_report_goes_through_its_steps(client: CyberTipline, stand_in: StandIn) -> None:
    report_id = _opened(client)
    uploaded = client.upload(report_id, "umbrella.jpg", b"umbrella")
    assert uploaded.md5 == hashlib.md5(b"umbrella").hexdigest()
    assert client.file_info(report_id, uploaded.file_id or "", DETAILS).code == 0
    finished = client.finish(report_id)
    assert (finished.code, finished.files) == (0, (uploaded.file_id,))
    assert [report.id for report in stand_in.finished] == [report_id]


def test_nobody_without_the_account_is_answered(stand_in: StandIn) -> None:
    client = _client(stand_in, password="wrong")
    assert client.status().code == 2000
    assert client.submit(REPORT).code == 2000
    assert stand_in.reports == ()
    assert _client(stand_in).status().code == 0


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b"<report", 4110),
        (b"", 4110),
        (b"<!DOCTYPE report [<!ENTITY a 'b'>]><report>&a;</report>", 4110),
        (b"<umbrella/>", 4100),
        (b"<report/>", 4100),
        (REPORT.replace(b"Misleading Domain Name", b" "), 4100),
        (REPORT.replace(b"<report>", b"<report><umbrella/>"), 4100),
        (REPORT.replace(b"<report>", b"<report><reporter><a/></reporter>"), 4100),
    ],
)
def test_a_report_out_of_shape_is_refused(
    client: CyberTipline, stand_in: StandIn, xml: bytes, code: int
) -> None:
    assert client.submit(xml).code == code
    assert stand_in.reports == ()


def test_details_are_taken_once_and_only_of_files_that_are_there(client: CyberTipline) -> None:
    report_id = _opened(client)
    file_id = _uploaded(client, report_id)
    assert client.file_info(report_id, "another", DETAILS).code == 5002
    assert client.file_info(report_id, file_id, DETAILS).code == 0
    assert client.file_info(report_id, file_id, DETAILS).code == 4100


def _every_step(client: CyberTipline, report_id: str) -> list[int | None]:
    answers: list[Answer] = [
        client.upload(report_id, "umbrella.jpg", b"umbrella"),
        client.file_info(report_id, "file", DETAILS),
        client.finish(report_id),
        client.retract(report_id),
    ]
    return [answer.code for answer in answers]


def test_nothing_can_be_done_to_a_report_that_is_not_there(client: CyberTipline) -> None:
    assert _every_step(client, "4") == [5001] * 4


def test_nothing_can_be_done_to_a_finished_report(client: CyberTipline) -> None:
    report_id = _opened(client)
    client.finish(report_id)
    assert _every_step(client, report_id) == [5102] * 4


def test_nothing_can_be_done_to_a_report_that_was_withdrawn(client: CyberTipline) -> None:
    report_id = _opened(client)
    assert client.retract(report_id).code == 0
    assert _every_step(client, report_id) == [5101] * 4


def test_an_unfinished_report_is_deleted_a_day_after_it_was_opened(
    client: CyberTipline, clock: SettableClock
) -> None:
    report_id = _opened(client)
    clock.forward(hours=23, minutes=59)
    assert client.upload(report_id, "umbrella.jpg", b"umbrella").code == 0
    clock.forward(minutes=59)
    assert client.upload(report_id, "umbrella.jpg", b"bicycle").code == 0
    clock.forward(hours=1)
    assert _every_step(client, report_id) == [5001] * 4


def test_a_finished_report_stays(client: CyberTipline, clock: SettableClock) -> None:
    report_id = _opened(client)
    client.finish(report_id)
    clock.forward(days=400)
    assert client.finish(report_id).code == 5102


@pytest.mark.parametrize(
    ("kind", "code", "done"),
    [
        (FaultKind.CODE, 1111, False),
        (FaultKind.CODE_AFTER, 1111, True),
        (FaultKind.DROP, None, False),
        (FaultKind.DROP_AFTER, None, True),
        (FaultKind.GARBAGE_AFTER, None, True),
        (FaultKind.SLOW, 0, True),
    ],
)
@pytest.mark.parametrize("socket", [False, True])
def test_faults_happen_as_planned_and_once(
    kind: FaultKind, code: int | None, done: bool, socket: bool
) -> None:
    faults = Faults()
    faults.add(Step.SUBMIT, Fault(kind=kind, code=1111))
    stand_in = StandIn(faults=faults)
    with (
        serve_stand_in(stand_in, quiet=True) as url,
        _client(stand_in, url=url if socket else None) as client,
    ):
        assert client.submit(REPORT).code == code
        assert len(stand_in.reports) == done
        assert client.submit(REPORT).code == 0
    assert stand_in.asked[Step.SUBMIT] == 2


def test_it_says_loudly_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with serve_stand_in(StandIn()) as url:
        assert "NOT the CyberTipline" in capsys.readouterr().err
        assert "NOT the CyberTipline" in httpx.get(url, trust_env=False).text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "receiver.example", ""])
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(InvalidConfiguration), serve_stand_in(StandIn(), host=host):
        pass


def test_it_checks_against_the_official_schema_where_that_is_given(shared: Path) -> None:
    schema = shared / "ncmec" / "cyber_tipline.xsd"
    if not schema.is_file():
        pytest.skip("the schema is not there")
    client = _client(StandIn(schema=schema))
    assert client.submit(REPORT).code == 0
    beyond = REPORT.replace(b"Misleading Domain Name", b"Misleading Umbrella")
    assert client.submit(beyond).code == 4100


@given(
    content=st.binary(max_size=200),
    name=st.text(st.characters(codec="utf-8", exclude_characters='"\r\n%\x00'), max_size=20),
)
def test_a_form_gives_back_any_file(content: bytes, name: str) -> None:
    request = httpx.Request(
        "POST", "https://receiver.example/", data={"id": "17"}, files={"file": (name, content)}
    )
    found = fields(request.headers["content-type"], request.read())
    assert found["id"].content == b"17"
    assert found["file"].content == content


@given(st.text(max_size=60), st.binary(max_size=200))
def test_what_is_no_form_breaks_nothing(content_type: str, body: bytes) -> None:
    assert isinstance(fields(content_type, body), dict)
    assert isinstance(fields("multipart/form-data; boundary=a", b"--a\r\n" + body), dict)
