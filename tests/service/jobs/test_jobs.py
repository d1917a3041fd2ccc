from __future__ import annotations

import pickle
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huey import Huey
from huey.registry import Message
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.service.examine import Examined
from lightkeeper.service.jobs import Jobs, Worker, open_queue
from lightkeeper.service.jobs._serializer import JsonSerializer


class StandInDesk:
    """Only what jobs ask of the desk."""

    def __init__(self) -> None:
        self.waiting = {"one": b"1", "two": b"2"}
        self.recorded: dict[str, dict[str, Any]] = {}
        self.done = threading.Event()

    def items_waiting(self, limit: int) -> tuple[str, ...]:
        return tuple(self.waiting)[:limit]

    def content_to_examine(self, item_id: str) -> bytes | None:
        return self.waiting.get(item_id)

    def was_reported(self, item_id: str) -> bool:
        return item_id == "two"

    def record_examination(
        self, item_id: str, row: dict[str, Any], *, preview: bytes | None, view: bytes | None
    ) -> None:
        del preview, view
        self.recorded[item_id] = row
        del self.waiting[item_id]
        if not self.waiting:
            self.done.set()


class StandInExaminer:
    error: dict[str, str] | None = None

    def examine(self, name: str, content: bytes, *, reported: bool) -> Examined:
        row = {"file": name, "content": content.decode(), "error": self.error}
        return Examined({**row, "reported": reported})


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Huey]:
    queue = open_queue(f"sqlite:///{tmp_path / 'jobs.db'}")
    yield queue
    queue.storage.close()


def jobs_over(queue: Huey, desk: StandInDesk, **works: Any) -> Jobs:
    return Jobs(queue, desk, StandInExaminer(), every_minute=works)  # type: ignore[arg-type]


def run_all(queue: Huey) -> None:
    while (task := queue.dequeue()) is not None:
        queue.execute(task)


def test_an_item_is_examined_once_however_often_it_is_asked_for(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    jobs.examine("one")
    jobs.examine("one")
    run_all(queue)
    row = {"file": "one", "content": "1", "error": None, "reported": False}
    assert desk.recorded == {"one": row}


def test_what_a_lost_queue_left_is_found_by_the_sweep(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    jobs.examine("one")
    queue.flush()
    jobs.sweep()
    run_all(queue)
    assert desk.recorded.keys() == {"one", "two"}


def test_the_sweep_adds_nothing_while_jobs_are_queued(queue: Huey) -> None:
    jobs = jobs_over(queue, StandInDesk())
    jobs.examine("one")
    jobs.sweep()
    assert queue.pending_count() == 1


def test_an_item_waits_on_while_no_worker_can_start(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    StandInExaminer.error = {"code": "no-worker", "message": ""}
    try:
        jobs.examine_item("one")
    finally:
        StandInExaminer.error = None
    assert desk.recorded == {}
    assert "one" in desk.waiting


def test_further_work_is_done_every_minute(queue: Huey) -> None:
    done: list[str] = []
    jobs = jobs_over(queue, StandInDesk(), reports=lambda: done.append("reports"))
    for minutes in (1, 2):
        jobs.sweep()
        run_all(queue)
        assert done == ["reports"] * minutes


def test_a_worker_takes_jobs_in_its_own_threads_and_stops(queue: Huey) -> None:
    desk = StandInDesk()
    jobs = jobs_over(queue, desk)
    worker = Worker(queue, threads=2)
    worker.start()
    try:
        jobs.examine("one")
        jobs.examine("two")
        assert desk.done.wait(20)
    finally:
        worker.stop()
    jobs.examine("three")
    assert queue.pending_count() == 1
    assert desk.recorded.keys() == {"one", "two"}


def test_a_job_that_fails_costs_no_other(queue: Huey) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    done: list[str] = []
    jobs = jobs_over(queue, StandInDesk(), bad=fail, good=lambda: done.append("good"))
    jobs.sweep()
    run_all(queue)
    assert done == ["good"]


def test_nothing_in_the_queue_is_a_pickle(queue: Huey, tmp_path: Path) -> None:
    jobs_over(queue, StandInDesk()).examine("one")
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        ((data,),) = connection.execute("SELECT data FROM task").fetchall()
    connection.close()
    assert data.startswith(b'{"job"')


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def test_a_pickle_in_the_queue_is_refused(queue: Huey) -> None:
    queue.storage.enqueue(pickle.dumps(_Trap()), 0)
    with pytest.raises(ValueError, match=r"utf-8|Expecting|decode|JSON"):
        queue.dequeue()


ARGUMENTS = st.lists(st.text() | st.integers(), max_size=4).map(tuple)


@given(st.text(), ARGUMENTS, st.none() | st.datetimes())
def test_a_message_survives_the_queue(name: str, arguments: Any, eta: Any) -> None:
    message = Message(
        id="1", name=name, eta=eta, retries=0, retry_delay=0, args=arguments, kwargs={}
    )
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize(message)) == message


@pytest.mark.parametrize(
    "data", [b"", b"[", b'{"job": {}}', b'{"job": []}', b'{"job": {"args": [{}], "eta": null}}']
)
def test_a_damaged_message_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        JsonSerializer().deserialize(data)


def test_a_queue_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidConfiguration):
        open_queue("amqp://localhost/")
