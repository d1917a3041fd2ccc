"""What goes over the wire, and what an answer means."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in_cases import REPORT_XML, config

from lightkeeper.errors import InvalidConfiguration, Rejected, Unavailable
from lightkeeper.reporting.sending import Answer, CyberTipline, ReceiverConfig, Verdict
from lightkeeper.testing.cybertipline import StandIn, serve_stand_in

Handler = Callable[[httpx.Request], httpx.Response]


def _client(handler: Handler) -> CyberTipline:
    return CyberTipline(config(), transport=httpx.MockTransport(handler))


def _answered(code: int) -> bytes:
    return (
        f"<reportResponse><responseCode>{code}</responseCode><responseDescription/>"
        "<reportId>17</reportId></reportResponse>"
    ).encode()


def _response(status: int, body: bytes = b"", **headers: str) -> httpx.Response:
    """An answer whose body is still to be read, as one that comes over a network."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=httpx.ByteStream(body))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://receiver.example/ispws", "https only"),
        ("ftp://receiver.example/ispws", "is not one"),
        ("receiver.example", "is not one"),
        ("https://", "is not one"),
        ("https://[::1", "is not one"),
        ("https://receiver.example:port/", "is not one"),
        ("https://receiver.example/ispws?a=b", "is not one"),
        ("https://rosa:bicycle@receiver.example/", "must not hold a password"),
        ("http://127.0.0.1.example/ispws", "https only"),
    ],
)
def test_an_address_that_would_give_reports_away_is_refused(address: str, reason: str) -> None:
    with pytest.raises(InvalidConfiguration, match=reason) as raised:
        ReceiverConfig(base_url=address, user_name="rosa", password="bicycle")
    assert "bicycle" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_this_machine_may_be_reached_in_the_clear(host: str) -> None:
    ReceiverConfig(base_url=f"http://{host}:8080/ispws", user_name="a", password="b")


@pytest.mark.parametrize(("name", "password"), [("", "b"), ("a", ""), ("a:b", "c")])
def test_an_account_that_cannot_be_sent_is_refused(name: str, password: str) -> None:
    with pytest.raises(InvalidConfiguration):
        ReceiverConfig(base_url="https://receiver.example/", user_name=name, password=password)


def test_a_password_is_not_shown() -> None:
    assert "stand-in-password" not in repr(
        ReceiverConfig(
            base_url="https://receiver.example/", user_name="a", password="stand-in-password"
        )
    )


def test_redirects_are_not_followed() -> None:
    asked = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return _response(307, location="https://elsewhere.example/")

    with _client(redirect) as client:
        assert client.submit(REPORT_XML).verdict is Verdict.INVALID
    assert asked == ["receiver.example"]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serve_stand_in(StandIn(), quiet=True) as url, CyberTipline(config(url)) as client:
        assert client.status().verdict is Verdict.DONE


def test_nothing_of_a_report_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve_stand_in(StandIn(), quiet=True) as url, CyberTipline(config(url)) as client:
        report_id = client.submit(REPORT_XML).report_id or ""
        client.upload(report_id, "bicycle.jpg", b"umbrella")
    said = caplog.text
    assert said
    for secret in ("umbrella", "bicycle", "Basic", report_id):
        assert secret not in said


@pytest.mark.parametrize(
    "name", ["umbrella.jpg", 'a"b\r\nX: y.jpg', "Schirm ☂.jpg", "\udc80.jpg", "", "../../etc"]
)
def test_a_file_name_cannot_break_out_of_the_form(name: str) -> None:
    stand_in = StandIn()
    with CyberTipline(config(), transport=stand_in.transport()) as client:
        report_id = client.submit(REPORT_XML).report_id or ""
        content = b"\r\n--umbrella\r\n\x00\xff"
        assert client.upload(report_id, name, content).verdict is Verdict.DONE
    ((file,),) = (report.files for report in stand_in.reports)
    assert file.content == content


def test_an_endless_answer_is_cut() -> None:
    def endless(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=(b"x" * 65536 for _ in range(1000)))

    with _client(endless) as client:
        answer = client.finish("17")
    assert len(answer.body) == 1 << 20
    assert answer.verdict is Verdict.AGAIN


def test_a_compressed_answer_is_not_unpacked() -> None:
    def compressed(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return _response(200, b"\x1f\x8b\x08 umbrella", content_encoding="gzip")

    with _client(compressed) as client:
        assert client.finish("17").body == b"\x1f\x8b\x08 umbrella"


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ProxyError])
def test_no_connection_is_an_answer_too(error: type[httpx.TransportError]) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error("https://receiver.example/ispws is a secret")

    with _client(fail) as client:
        answer = client.status()
    assert answer == Answer()
    assert str(answer.error()) == "the receiver did not answer"


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, 0, Verdict.DONE),
        (500, 0, Verdict.AGAIN),
        (200, 1000, Verdict.AGAIN),
        (500, 1300, Verdict.AGAIN),
        (200, 2000, Verdict.REFUSED),
        (403, 3300, Verdict.REFUSED),
        (200, 4100, Verdict.INVALID),
        (404, 5001, Verdict.NO_REPORT),
        (200, 5002, Verdict.NO_FILE),
        (200, 5101, Verdict.RETRACTED),
        (200, 5102, Verdict.FINISHED),
        (200, 5999, Verdict.INVALID),
        (200, 77, Verdict.AGAIN),
        (200, -1, Verdict.AGAIN),
        (401, None, Verdict.REFUSED),
        (404, None, Verdict.INVALID),
        (302, None, Verdict.INVALID),
        (429, None, Verdict.AGAIN),
        (502, None, Verdict.AGAIN),
        (200, None, Verdict.AGAIN),
    ],
)
def test_what_an_answer_means(status: int, code: int | None, verdict: Verdict) -> None:
    body = b"<html>" if code is None else _answered(code)
    with _client(lambda _: _response(status, body)) as client:
        answer = client.submit(REPORT_XML)
    assert answer.verdict is verdict
    assert answer.body == body
    expected = Unavailable if verdict in (Verdict.AGAIN, Verdict.DONE) else Rejected
    assert type(answer.error()) is expected


def test_the_header_of_the_request_is_kept() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return _response(200, _answered(0), request_id="r-17")

    with _client(answer) as client:
        assert client.submit(REPORT_XML).request_id == "r-17"


def test_identifiers_that_could_not_be_sent_back_are_none() -> None:
    body = _answered(0).replace(b"<reportId>17<", b"<reportId>-17<")
    with _client(lambda _: _response(200, body)) as client:
        assert client.submit(REPORT_XML).report_id is None


@given(st.binary(max_size=300), st.integers(200, 599))
def test_any_answer_means_something(body: bytes, status: int) -> None:
    with _client(lambda _: _response(status, body)) as client:
        answer = client.submit(REPORT_XML)
    assert answer.verdict in Verdict
    assert str(answer.error())
