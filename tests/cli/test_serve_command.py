from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from lightkeeper.cli._exit import Exit
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry
from lightkeeper.matching import Entry, HashSet
from lightkeeper.matching.index import IndexWriter, rebuild, sync
from lightkeeper.storage import open_store
from lightkeeper.storage.marks import open_marks
from lightkeeper.testing import photo_like

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER = "0f" * 32


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lightkeeper", "serve", *arguments]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LIGHTKEEPER_")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean)


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, Path]:
    """A store with one set, and the index over it."""
    url, folder = f"sqlite:///{tmp_path / 'sets.sqlite'}", tmp_path / "index"
    store = open_store(url)
    store.create_set(HashSet(name="bridges", owner="Road office", purpose="tests"))
    store.upsert("bridges", [Entry(kind="pdq", value=KNOWN)], source="road-office", now=NOW)
    rebuild(store, folder)
    return url, folder


@contextlib.contextmanager
def served(places: tuple[str, Path], *arguments: str) -> Iterator[tuple[str, subprocess.Popen]]:
    url, folder = places
    command = [sys.executable, "-m", "lightkeeper", "serve", "--lookups", "--port", "0"]
    command += ["--store", url, "--index", str(folder), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line
            yield found[0], process
        finally:
            process.kill()


def test_another_program_looks_up_over_http_until_the_service_is_told_to_end(
    places: tuple[str, Path],
) -> None:
    asked = {"hashes": [{"kind": "pdq", "value": KNOWN}, {"kind": "pdq", "value": OTHER}]}
    with served(places) as (address, process), httpx.Client(base_url=address) as client:
        first = client.post("/v1/lookup", json=asked, timeout=60).json()
        assert [len(r["matches"]) for r in first["results"]] == [1, 0]

        store = open_store(places[0])
        store.upsert("bridges", [Entry(kind="pdq", value=OTHER)], source="road-office", now=NOW)
        with IndexWriter(places[1]) as writer:
            sync(store, writer)
        deadline = datetime.now(UTC).timestamp() + 2
        met = 0
        while not met and datetime.now(UTC).timestamp() < deadline:
            met = len(client.post("/v1/lookup", json=asked).json()["results"][1]["matches"])
        assert met == 1, "an entry that was added is to be seen within two seconds"

        assert client.get("/m/lookup", params={"signal": KNOWN, "signal_type": "pdq"}).json()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
        assert process.returncode in (0, -signal.SIGTERM)
    assert "POST /v1/lookup 200" in log
    assert "GET /m/lookup 200" in log
    assert KNOWN not in log


def test_a_service_with_keys_answers_to_them_only(places: tuple[str, Path], tmp_path: Path) -> None:
    path = str(tmp_path / "keys.toml")
    made = run("--keys", path, "--make-key", "queue")
    assert made.returncode == Exit.OK
    key = made.stdout.strip()
    with served(places, "--keys", path) as (address, _), httpx.Client(base_url=address) as client:
        assert client.get("/v1/sets", timeout=60).status_code == 401
        answer = client.get("/v1/sets", headers={"x-api-key": key})
        assert [s["name"] for s in answer.json()["sets"]] == ["bridges"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--make-key", "queue"], Exit.USAGE, "--keys FILE"),
        (["--host", "0.0.0.0"], Exit.FAILED, "passwords would travel in the clear"),
        (["--lookups", "--host", "0.0.0.0"], Exit.FAILED, "there are no API keys"),
        (["--lookups", "--store", "sqlite:///absent/sets.db"], Exit.FAILED, "there is no store at"),
        (["--lookups", "--keys", "/nowhere/keys.toml"], Exit.FAILED, "/nowhere/keys.toml"),
    ],
)
def test_a_wrong_call_says_what_is_missing(arguments: list[str], code: Exit, message: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert message in done.stderr


def test_marks_are_looked_up_without_hash_sets_and_without_keys_of_the_review_service(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'marks.db'}"
    rgb = photo_like(1, width=160, height=120)
    entry = MarkEntry(
        payload=7,
        organisation="Studio A",
        model="Harbour",
        period="2026",
        fingerprint=Fingerprint.of(rgb),
    )
    marks = open_marks(url)
    marks.add("A", [entry])
    marks.close()
    own = {"LIGHTKEEPER_MARK_ENTRIES": url, "LIGHTKEEPER_STORE": f"sqlite:///{tmp_path / 'no.db'}"}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LIGHTKEEPER_")}
    command = [sys.executable, "-m", "lightkeeper", "serve", "--lookups", "--marks", "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**clean, **own}
    ) as process:
        try:
            assert process.stderr is not None
            assert "only what marks name" in process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
            assert found
            asked = {"payloads": ["000000000007"]}
            answer = httpx.post(f"{found[0]}/v1/marks/lookup", json=asked, timeout=60).json()
            assert answer["results"][0]["entries"][0]["registry"] == "A"
        finally:
            process.kill()
    assert not (tmp_path / "no.db").exists()


def test_a_port_that_is_taken_is_named(places: tuple[str, Path]) -> None:
    with served(places) as (address, _):
        port = address.rpartition(":")[2]
        url, folder = places
        done = run("--lookups", "--port", port, "--store", url, "--index", str(folder))
    assert done.returncode == Exit.FAILED
    assert f"port {port}" in done.stderr
