"""How far behind the jobs are, and that a real Redis carries them too."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huey import Huey

from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.service.jobs import Jobs, Worker, open_queue
from lightkeeper.service.jobs import _backlog as backlog_module
from lightkeeper.service.jobs._backlog import backlog, count_failures
from lightkeeper.service.jobs._queue import close_queue

from .test_jobs import StandInDesk, jobs_over, run_all


def _answers(socket: Path) -> bool:
    from redis import Redis
    from redis.exceptions import ConnectionError as NoConnection

    with Redis(unix_socket_path=str(socket)) as client:
        try:
            return bool(client.ping())
        except NoConnection:
            return False


class RedisServer:
    """A throw-away Redis that listens on a socket in its own folder."""

    def __init__(self) -> None:
        # A socket's path may have no more than 107 characters.
        self.folder = Path("/tmp") / f"lk-redis-{uuid.uuid4().hex[:8]}"
        self.folder.mkdir(mode=0o700)
        self.socket = self.folder / "socket"
        self.url = f"unix://{self.socket}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not _answers(self.socket):
            if time.monotonic() > deadline:
                raise TimeoutError("Redis does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed: apt-get install redis-server")
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def redis(running: RedisServer) -> RedisServer:
    if not _answers(running.socket):
        running.start()
    return running


@pytest.fixture(params=["sqlite", "redis"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Huey]:
    """An empty queue of each sort."""
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    if request.param == "redis":
        url = request.getfixturevalue("redis").url
    opened = open_queue(url)
    opened.flush()
    opened.storage.flush_all()
    yield opened
    close_queue(opened)


def test_every_queue_hands_a_job_to_a_worker_once(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    worker = Worker(queue, threads=3)
    worker.start()
    try:
        jobs.examine("one")
        jobs.examine("two")
        assert desk.done.wait(20)
    finally:
        worker.stop()
    assert desk.recorded.keys() == {"one", "two"}


def test_jobs_survive_in_every_queue_until_somebody_takes_them(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    jobs.examine("one")
    jobs.sweep()
    assert queue.pending_count() == 1
    run_all(queue)
    assert desk.recorded.keys() == {"one"}


def test_what_is_due_every_hour_is_done_then_and_not_every_minute(queue: Huey) -> None:
    done: list[str] = []
    works: Any = {"minutely": lambda: done.append("minutely")}
    hourly: Any = {"hourly": lambda: done.append("hourly")}
    desk: Any = StandInDesk()
    desk.waiting = {}
    jobs = Jobs(queue, desk, desk, every_minute=works, every_hour=hourly)
    jobs.sweep()
    run_all(queue)
    assert done == ["minutely"]
    jobs.hourly()
    run_all(queue)
    assert done == ["minutely", "hourly"]


def test_the_backlog_tells_how_long_the_next_job_has_waited(
    queue: Huey, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_over(queue, StandInDesk())
    assert backlog(queue) == backlog_module.Backlog(queued=0, failed=0, oldest_seconds=0.0)
    asked = time.time()
    jobs.examine("one")
    jobs.examine("two")
    monkeypatch.setattr(backlog_module.time, "time", lambda: asked + 60)
    found = backlog(queue)
    assert found.queued == 2
    assert found.oldest_seconds == pytest.approx(60, abs=5)


def test_failures_are_counted_for_every_process(queue: Huey) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    count_failures(queue)
    jobs = jobs_over(queue, StandInDesk(), bad=fail)
    jobs.sweep()
    run_all(queue)
    assert backlog(queue).failed == 1
    assert backlog(queue).failed == 1


def test_a_job_of_an_older_release_is_no_age(queue: Huey) -> None:
    queue.storage.enqueue(b'{"job": {}}')
    assert backlog(queue) == backlog_module.Backlog(queued=1, failed=0, oldest_seconds=0.0)


def test_an_intake_does_not_fail_where_redis_is_down(redis: RedisServer) -> None:
    queue = open_queue(redis.url)
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    redis.stop()
    jobs.examine("one")
    redis.start()
    jobs.sweep()
    run_all(queue)
    assert desk.recorded.keys() == {"one", "two"}
    close_queue(queue)


def test_a_worker_goes_on_once_redis_is_back(redis: RedisServer) -> None:
    queue = open_queue(redis.url)
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    worker = Worker(queue, threads=1)
    worker.start()
    try:
        redis.stop()
        redis.start()
        until(lambda: jobs.examine("one") or bool(desk.recorded))
    finally:
        worker.stop()
        close_queue(queue)
    assert "one" in desk.recorded


def until(done: Callable[[], bool]) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        pause.wait(0.1)


def test_two_processes_share_the_jobs_in_redis(redis: RedisServer) -> None:
    first, second = open_queue(redis.url), open_queue(redis.url)
    first.flush()
    desk = StandInDesk()
    asking, working = jobs_over(first, desk), jobs_over(second, desk)
    asking.examine("one")
    run_all(second)
    assert desk.recorded.keys() == {"one"}
    assert working is not asking
    for queue in (first, second):
        close_queue(queue)


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://localhost:99999999/0"])
def test_a_wrong_address_of_redis_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="URL"):
        open_queue(url)


def test_redis_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(MissingExtra, match="redis"):
        open_queue("redis://localhost/0")
