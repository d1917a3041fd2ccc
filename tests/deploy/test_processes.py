"""Two processes and a data base, as the units run them; then a backup, restored elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.testing.gallery import PICTURES

from ..storage.conftest import _program, postgresql  # noqa: F401

TEMPLATE = Path(__file__).parents[2] / "deploy" / "lightkeeper.toml"
PASSWORD = "seven umbrellas by the harbour"


@dataclass
class Running:
    """A service that runs, and what it has said."""

    client: httpx.Client
    said: str
    serve: subprocess.Popen[bytes]


@dataclass
class Place:
    """A folder with settings, like a machine."""

    folder: Path
    cases: str

    def __post_init__(self) -> None:
        for name in ("state", "keys"):
            (self.folder / name).mkdir(parents=True)
        text = TEMPLATE.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^cases = .*$", f'cases = "{self.cases}"', text)
        text = re.sub(r"(?m)^url = .*$", 'url = "http://localhost:8400"', text)
        text = text.replace("/var/lib/lightkeeper-keys", str(self.folder / "keys"))
        text = text.replace("/var/lib/lightkeeper", str(self.folder / "state"))
        self.settings = self.folder / "lightkeeper.toml"
        self.settings.write_text(text, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "LIGHTKEEPER_CONFIG": str(self.settings),
            "XDG_DATA_HOME": str(self.folder / "state"),
        }

    def command(self, *arguments: str) -> int:
        """The exit code of a command of an operator."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            load_settings.cache_clear()
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
        load_settings.cache_clear()
        return int(ended.value.code or 0)

    @contextlib.contextmanager
    def running(self, *, works: bool = True) -> Iterator[Running]:
        """Service and worker. Both end when they are told to."""
        with contextlib.ExitStack() as stack:
            serve, said = stack.enter_context(self._process("Listening on", "serve", "--port=0"))
            processes = [serve]
            if works:
                work, _ = stack.enter_context(self._process("Working.", "work", "--threads=2"))
                processes.append(work)
            address = said.partition("Listening on ")[2].split()[0]
            headers = {"Host": "localhost"}
            client = stack.enter_context(httpx.Client(base_url=address, headers=headers))
            yield Running(client, said, serve)
            for process in processes:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0

    @contextlib.contextmanager
    def _process(
        self, ready: str, *arguments: str
    ) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """A process that has said that it is ready, and all that it has said until then."""
        log = self.folder / f"{arguments[0]}-{uuid.uuid4().hex}.log"
        command = [sys.executable, "-m", "lightkeeper", *arguments]
        with (
            log.open("wb") as stream,
            subprocess.Popen(command, env=self.environment, stderr=stream) as process,
        ):
            try:
                pause, end = threading.Event(), time.monotonic() + 240
                while ready not in (said := log.read_text()) and process.poll() is None:
                    assert time.monotonic() < end, said
                    pause.wait(0.05)
                assert ready in said, said
                yield process, said
                assert '"level": "error"' not in log.read_text()
            finally:
                process.kill()


def _signed_in(client: httpx.Client, said: str) -> None:
    """The first administrator sets a password by the link, and signs in with it."""
    (secret,) = re.findall(r"/welcome/(\S+)", said)
    _posted(client, f"/welcome/{secret}", f"/welcome/{secret}", password=PASSWORD)
    client.cookies.clear()
    _sign_in(client)


def _sign_in(client: httpx.Client) -> None:
    _posted(client, "/sign-in", "/sign-in", name="admin", password=PASSWORD)
    assert client.get("/people").status_code == 200


def _posted(client: httpx.Client, page: str, to: str, **form: Any) -> httpx.Response:
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    answer = client.post(to, data={"csrf": token[1] if token else "", **form}, timeout=60)
    assert answer.status_code in (200, 303), answer.text
    return answer


def _key(client: httpx.Client) -> dict[str, str]:
    page = _posted(
        client, "/people", "/people", name="bridge", kind="program", roles=["intake", "lead"]
    )
    (key,) = re.findall(r"<code[^>]*>([\w-]{40,})</code>", page.text)
    return {"Authorization": f"Bearer {key}"}


def _intake(client: httpx.Client, key: dict[str, str], content: bytes | Iterator[bytes]) -> str:
    told = {
        "arising": "uploaded",
        "subject": {"kind": "user", "identifier": "bicycle-17"},
        "occurred": datetime.now(UTC).isoformat(),
        "source_id": uuid.uuid4().hex,
    }
    opened = client.post("/api/v1/cases", json=told, headers=key)
    assert opened.status_code == 201, opened.text
    case_id = str(opened.json()["id"])
    headers = {**key, "Lightkeeper-File-Name": "umbrella.png"}
    added = client.post(f"/api/v1/cases/{case_id}/media", content=content, headers=headers)
    assert added.status_code == 201, added.text
    return case_id


def _cut_short(content: bytes, serve: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Content in whose midst the service is told to end."""
    yield content[:1000]
    serve.send_signal(signal.SIGTERM)
    threading.Event().wait(0.3)
    yield content[1000:]


def _examined(client: httpx.Client, key: dict[str, str], case_id: str) -> bool:
    """Wait for the worker."""
    pause, end = threading.Event(), time.monotonic() + 100
    while time.monotonic() < end:
        file = client.get(f"/api/v1/cases/{case_id}", headers=key).json()
        if {item["state"] for item in file["items"]} == {"examined"}:
            return True
        # The other process needs the processor.
        pause.wait(0.1)
    return False


def _database(place: Path, server: str | None) -> str:
    if server is None:
        return f"sqlite:///{place / 'cases.db'}"
    name = f"lk_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


def _back_up(source: Place, backup: Path) -> None:
    """In this order: the data base, the vault, the keys."""
    if source.cases.startswith("sqlite"):
        old = sqlite3.connect(source.cases.removeprefix("sqlite:///"))
        new = sqlite3.connect(backup / "cases.db")
        with contextlib.closing(old), contextlib.closing(new):
            old.backup(new)
    else:
        dump = [_program("pg_dump") or "pg_dump", "-Fc", "--no-owner", f"--file={backup / 'dump'}"]
        subprocess.run([*dump, source.cases], check=True, timeout=60)
    shutil.copytree(source.folder / "state" / "vault", backup / "vault")
    shutil.copy2(source.folder / "keys" / "service.keys", backup)


def _restore(backup: Path, target: Place) -> None:
    if target.cases.startswith("sqlite"):
        shutil.copy2(backup / "cases.db", target.cases.removeprefix("sqlite:///"))
    else:
        load = [_program("pg_restore") or "pg_restore", "--no-owner", "--exit-on-error"]
        subprocess.run([*load, f"--dbname={target.cases}", str(backup / "dump")], check=True)
    shutil.copytree(backup / "vault", target.folder / "state" / "vault")
    shutil.copy2(backup / "service.keys", target.folder / "keys")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_what_is_backed_up_is_whole_where_it_is_restored(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    picture = PICTURES["garden-no-traces.png"]()
    first = Place(tmp_path / "first", _database(tmp_path, server))
    backup = tmp_path / "backup"
    backup.mkdir()

    with first.running() as running:
        client = running.client
        _signed_in(client, running.said)
        key = _key(client)
        case = _intake(client, key, picture)
        assert _examined(client, key, case)
        assert first.command("vault", "rotate") == Exit.OK
        _back_up(first, backup)
        later = _intake(client, key, picture)
        assert _examined(client, key, later), "the running processes follow the new key"

    elsewhere = tmp_path / "second"
    elsewhere.mkdir()
    second = Place(elsewhere / "machine", _database(elsewhere, server))
    _restore(backup, second)
    assert second.command("audit", "verify") == Exit.OK
    assert second.command("vault", "verify") == Exit.OK
    with second.running(works=False) as running:
        client = running.client
        assert "welcome" not in running.said, "the administrator came along"
        _sign_in(client)
        assert client.get(f"/api/v1/cases/{case}", headers=key).status_code == 200
        assert client.get(f"/api/v1/cases/{later}", headers=key).status_code == 404
        _intake(client, key, _cut_short(picture, running.serve))
        assert running.serve.wait(60) == 0
    assert second.command("audit", "verify") == Exit.OK

    (second.folder / "keys" / "service.keys").unlink()
    assert second.command("serve", "--port=0") == Exit.FAILED, "there is no media without keys"
