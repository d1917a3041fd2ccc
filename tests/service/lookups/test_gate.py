from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service.lookups import ApiKeys, LookupConfig, check_host, make_key, read_keys
from lightkeeper.service.lookups._app import create_lookup_app
from lightkeeper.testing import MemoryStore

from .conftest import KNOWN, Client, Index, picture, png, serving

OPEN = {"/healthz", "/readyz", "/livez", "/status"}


def all_routes() -> list[tuple[str, str]]:
    store = MemoryStore()
    paths = create_lookup_app(store, Index(store)).openapi()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*found, ("GET", "/openapi.json"), ("GET", "/nowhere")]


class Guarded:
    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.key = key


@pytest.fixture(scope="module")
def guarded(picture_store: MemoryStore, tmp_path_factory: pytest.TempPathFactory) -> object:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    make_key(path, "other")
    key = make_key(path, "queue")
    config = LookupConfig(workers=1, keys=read_keys(path))
    with serving(picture_store, config, host="lookups.example") as client:
        yield Guarded(client.settle(**{"x-api-key": key}), key)


@pytest.mark.parametrize(("method", "path"), all_routes())
def test_every_route_wants_a_key_but_those_for_load_balancers(
    guarded: Guarded, method: str, path: str
) -> None:
    status = {
        name: guarded.client.send(method, path, headers=headers).status_code
        for name, headers in {
            "none": {},
            "bad": {"x-api-key": guarded.key[:-1] + "?"},
            "empty": {"authorization": "Bearer "},
            "scheme": {"authorization": f"Basic {guarded.key}"},
            "good": {"x-api-key": guarded.key},
            "bearer": {"authorization": f"Bearer {guarded.key}"},
        }.items()
    }
    refused = {name for name, code in status.items() if code == 401}
    assert refused == (set() if path in OPEN else {"none", "bad", "empty", "scheme"})
    assert all(code < 500 for code in status.values())


def test_the_document_says_which_routes_want_a_key(guarded: Guarded) -> None:
    document = guarded.client.get("/openapi.json", headers={"x-api-key": guarded.key}).json()
    assert set(document["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyHeader"}
    keyed = {
        path
        for path, methods in document["paths"].items()
        if all(len(operation.get("security", [])) == 2 for operation in methods.values())
    }
    assert keyed == set(document["paths"]) - OPEN


def test_a_refusal_names_the_scheme(guarded: Guarded) -> None:
    answer = guarded.client.get("/v1/sets")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "no-key"
    assert set(guarded.client.get("/m/lookup").json()) == {"message"}


def test_a_key_that_asks_too_often_waits_and_other_keys_do_not(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "keys.toml"
    first, second = make_key(path, "first"), make_key(path, "second")
    config = LookupConfig(workers=1, keys=read_keys(path), requests_per_second=1e-3, burst=3)
    with serving(store, config) as client:
        codes = [client.get("/v1/sets", headers={"x-api-key": first}).status_code for _ in range(5)]
        late = client.get("/v1/sets", headers={"x-api-key": first})
        other = client.get("/v1/sets", headers={"x-api-key": second})
        unguarded = client.get("/healthz")
    assert codes == [200, 200, 200, 429, 429]
    assert int(late.headers["retry-after"]) >= 1
    assert other.status_code == unguarded.status_code == 200


def test_a_key_may_have_a_rate_of_its_own(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    key = make_key(path, "bulk")
    path.write_text(path.read_text() + "requests_per_second = 1000000.0\n")
    config = LookupConfig(workers=1, keys=read_keys(path), requests_per_second=1e-3, burst=1)
    with serving(store, config) as client:
        codes = {client.get("/v1/sets", headers={"x-api-key": key}).status_code for _ in range(5)}
    assert codes == {200}


FORM_START = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'


async def endless(start: bytes = b"") -> AsyncIterator[bytes]:
    yield start
    while True:
        yield b"x" * 4096


@pytest.mark.parametrize("path", ["/v1/hash", "/v1/match", "/v1/lookup", "/h/hash", "/m/compare"])
@pytest.mark.parametrize("length", [None, "10", "1000000000000", "-5", "many"])
def test_a_body_over_the_limit_is_cut_off_whatever_its_length_claims(
    store: MemoryStore, path: str, length: str | None
) -> None:
    config = LookupConfig(workers=1, max_upload_bytes=10_000, max_json_bytes=10_000)
    is_form = path == "/h/hash"
    headers = {"content-type": "multipart/form-data; boundary=b"} if is_form else {}
    headers |= {"content-length": length} if length else {}
    with serving(store, config) as client:
        body = endless(FORM_START if is_form else b"")
        answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == 413


def test_a_body_that_stops_coming_is_given_up(store: MemoryStore) -> None:
    async def stopping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    with serving(store, LookupConfig(workers=1, idle_seconds=0.05)) as client:
        answer = client.post("/v1/lookup", content=stopping())
        assert answer.status_code == 408
        assert client.get("/v1/sets").status_code == 200


def test_a_request_that_takes_too_long_is_given_up(store: MemoryStore) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)

    with serving(store, LookupConfig(workers=1, request_seconds=0.05)) as client:
        answer = client.post("/v1/lookup", content=dripping())
        assert answer.status_code == 504


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "[::2]", ""])
def test_without_keys_a_foreign_host_name_is_refused(store: MemoryStore, host: str) -> None:
    with serving(store) as client:
        answer = client.get("/v1/sets", headers={"host": host})
        assert answer.status_code == 403
        for own in ("localhost:8400", "127.0.0.1", "[::1]:8400"):
            assert client.get("/v1/sets", headers={"host": own}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "lookups.example"])
def test_an_address_of_other_machines_needs_keys(host: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="no API keys"):
        check_host(host, LookupConfig())
    make_key(tmp_path / "keys.toml", "queue")
    check_host(host, LookupConfig(keys=read_keys(tmp_path / "keys.toml")))
    for local in ("localhost", "127.0.0.1", "::1"):
        check_host(local, LookupConfig(keys=ApiKeys()))


def test_the_access_log_names_the_route_and_never_a_hash_or_a_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.get(f"/m/lookup?signal_type=pdq&signal={KNOWN}")
        client.get(f"/{KNOWN}")
        client.post("/v1/lookup", json={"hashes": [{"kind": "pdq", "value": KNOWN}]})
        client.post("/v1/match", content=png(picture(5)))
    told = [record for record in caplog.records if record.name.startswith("lightkeeper")]
    assert [r.getMessage().split(" ")[1] for r in told] == [
        "/m/lookup",
        "unknown",
        "/v1/lookup",
        "/v1/match",
    ]
    assert all(KNOWN not in r.getMessage() and "?" not in r.getMessage() for r in told)


def test_an_error_nobody_expected_tells_and_logs_no_content(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot handle {KNOWN}")

    with serving(store) as client:
        monkeypatch.setattr(store, "entries_by_number", broken)
        answer = client.post("/v1/lookup", json={"hashes": [{"kind": "pdq", "value": KNOWN}]})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal-error"
    assert "RuntimeError" in caplog.text
    assert KNOWN not in caplog.text + answer.text


def test_metrics_count_routes_and_name_neither_hashes_nor_sets_nor_keys(guarded: Guarded) -> None:
    headers = {"x-api-key": guarded.key}
    body = {"hashes": [{"kind": "pdq", "value": KNOWN}]}
    guarded.client.post("/v1/lookup", json=body, headers=headers)
    guarded.client.get(f"/no/such/{KNOWN}", headers=headers)
    text = guarded.client.get("/metrics", headers=headers).text
    assert 'http_requests_total{method="POST",route="/v1/lookup",status="200"} ' in text
    assert 'lookup_results_total{result="match"}' in text
    assert 'route="unknown"' in text
    assert "lightkeeper_index_entries 4.0" in text
    for secret in (KNOWN, "bridges", "queue", guarded.key):
        assert secret not in text
