"""Look-ups of what marks name: who may ask, and what is answered."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from lightkeeper.errors import MatchError
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal
from lightkeeper.service.lookups import LookupConfig, make_key, read_keys
from lightkeeper.storage.marks import SqlMarkRegistry, open_marks
from lightkeeper.testing import MemoryStore

from .conftest import Client, picture, serving

PATH = "/v1/marks/lookup"
PRINT = Fingerprint.of(picture(3, side=160))
ENTRY = MarkEntry(
    payload=0xC0FFEE,
    organisation="Studio A",
    model="Harbour",
    period="2026-03",
    fingerprint=PRINT,
    manifest_sha256="ab" * 32,
)
KNOWN, OTHER = "000000c0ffee", "0000000000ff"


@pytest.fixture
def marks(tmp_path: Path) -> Iterator[SqlMarkRegistry]:
    opened = open_marks(f"sqlite:///{tmp_path / 'marks.db'}")
    opened.add("A", [ENTRY])
    yield opened
    opened.close()


@pytest.fixture
def client(store: MemoryStore, marks: SqlMarkRegistry) -> Iterator[Client]:
    with serving(store, LookupConfig(workers=1, max_batch=3), marks=marks) as opened:
        yield opened


def test_a_payload_gives_its_entry_and_an_unknown_one_says_so(client: Client) -> None:
    answer = client.post(PATH, json={"payloads": [OTHER, KNOWN, OTHER]})
    assert answer.status_code == 200
    unknown, known, again = answer.json()["results"]
    assert again == unknown
    assert unknown == {"payload": OTHER, "known": False, "entries": []}
    (entry,) = known["entries"]
    assert (entry["registry"], entry["model"], entry["period"]) == ("A", "Harbour", "2026-03")
    assert entry["fingerprint"]["pdq"] == PRINT.pdq.hex()
    assert entry["fingerprint"]["sketch_sha256"] == PRINT.sketch_sha256
    assert "sketch" not in entry["fingerprint"]
    assert entry["manifest_sha256"] == "ab" * 32


def test_a_withdrawn_entry_says_so(client: Client, marks: SqlMarkRegistry) -> None:
    (before,) = client.post(PATH, json={"payloads": [KNOWN]}).json()["results"][0]["entries"]
    assert before["withdrawn"] is None
    marks.withdraw("A", 0xC0FFEE, Withdrawal(on="2026-03-15", reason=Reason.MISTAKE))
    (after,) = client.post(PATH, json={"payloads": [KNOWN]}).json()["results"][0]["entries"]
    assert after == {**before, "withdrawn": {"on": "2026-03-15", "reason": "mistake"}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"payloads": []}, 422),
        ({"payloads": ["ff"]}, 422),
        ({"payloads": ["000000C0FFEE"]}, 422),
        ({"payloads": [KNOWN + "\n"]}, 422),
        ({"payloads": [KNOWN], "prompt": "x"}, 422),
        ({"payloads": [12]}, 422),
        ({}, 422),
        ({"payloads": [KNOWN] * 4}, 413),
    ],
)
def test_what_is_no_question_is_refused(client: Client, body: object, status: int) -> None:
    assert client.post(PATH, json=body).status_code == status


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        ({}, "lookups.example", 401),
        ({"x-api-key": "lk_wrong"}, "lookups.example", 401),
        ({"authorization": "Bearer "}, "lookups.example", 401),
        ({"authorization": "Basic KEY"}, "lookups.example", 401),
        ({"x-api-key": "KEY"}, "lookups.example", 200),
        ({"authorization": "Bearer KEY"}, "lookups.example", 200),
        ({}, "localhost", 401),
    ],
)
def test_who_may_ask_where_there_are_keys(
    store: MemoryStore,
    marks: SqlMarkRegistry,
    tmp_path: Path,
    headers: dict[str, str],
    host: str,
    status: int,
) -> None:
    key = make_key(tmp_path / "keys.toml", "queue")
    config = LookupConfig(workers=1, keys=read_keys(tmp_path / "keys.toml"))
    sent = {name: value.replace("KEY", key) for name, value in headers.items()}
    with serving(store, config, host=host, marks=marks) as opened:
        assert opened.post(PATH, json={"payloads": [KNOWN]}, headers=sent).status_code == status


def test_without_keys_only_this_machine_may_ask(store: MemoryStore, marks: SqlMarkRegistry) -> None:
    with serving(store, host="lookups.example", marks=marks) as opened:
        assert opened.post(PATH, json={"payloads": [KNOWN]}).status_code == 403


def test_without_registries_there_is_no_such_path(store: MemoryStore) -> None:
    with serving(store) as opened:
        assert opened.post(PATH, json={"payloads": [KNOWN]}).status_code == 404


class Broken:
    def found_all(self, payloads: Iterable[int]) -> dict[int, list[tuple[str, MarkEntry]]]:
        raise MatchError("the store failed: disk I/O error")

    def decoys(self, payload: int) -> list[Fingerprint]:
        return []

    def __len__(self) -> int:
        return 0


def test_marks_are_looked_up_where_there_are_no_hash_sets(marks: SqlMarkRegistry) -> None:
    with serving(None, LookupConfig(workers=1), marks=marks) as opened:
        assert opened.post(PATH, json={"payloads": [KNOWN]}).json()["results"][0]["known"]
        assert opened.get("/metrics").status_code == 200
        assert opened.post("/v1/lookup", json={"hashes": []}).status_code == 404


def test_a_batch_is_one_query(marks: SqlMarkRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    found_all = marks.found_all

    def counted(payloads: Iterable[int]) -> object:
        asked.append(list(payloads))
        return found_all(asked[-1])

    monkeypatch.setattr(marks, "found_all", counted)
    with serving(None, LookupConfig(workers=1), marks=marks) as opened:
        assert opened.post(PATH, json={"payloads": [KNOWN, OTHER, KNOWN]}).status_code == 200
    assert asked == [[0xC0FFEE, 0xFF, 0xC0FFEE]]


def test_a_failing_data_base_is_no_unknown_payload(store: MemoryStore) -> None:
    with serving(store, marks=Broken()) as opened:
        answer = opened.post(PATH, json={"payloads": [KNOWN]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "match-error"


def test_payloads_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.post(PATH, json={"payloads": [KNOWN]})
    assert PATH in caplog.text
    assert KNOWN not in caplog.text
