"""What the service does by itself. The data base is the truth: a lost job is found again.

A job in the queue only says that there is something to do. What there is to do is asked of the
data base, so that a queue which is emptied or lost costs time and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from huey import crontab

from lightkeeper.service._log import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from huey import Huey

    from lightkeeper.cases.desk import Desk
    from lightkeeper.service.examine import Examined

_SWEPT_AT_ONCE = 500


class Examiner(Protocol):
    """Examines a file; :class:`lightkeeper.service.examine.ExaminerPool` does."""

    def examine(self, name: str, content: bytes, *, reported: bool) -> Examined: ...


class Jobs:
    """Registers the jobs with a queue, and asks for them.

    Parameters
    ----------
    queue : Huey
    desk : Desk
    examiner : Examiner
    every_minute : mapping of str to callable
        Further work by name: sending reports, delivering notices. Each is called once a minute,
        by several workers at once if it takes long, so each leases what it works on.
    every_hour : mapping of str to callable
        The same, once an hour.
    """

    def __init__(
        self,
        queue: Huey,
        desk: Desk,
        examiner: Examiner,
        *,
        every_minute: Mapping[str, Callable[[], None]],
        every_hour: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self._queue = queue
        self._desk = desk
        self._examiner = examiner
        self._minutely, self._hourly = tuple(every_minute), tuple(every_hour or ())
        self._work = {**every_minute, **(every_hour or {})}
        self._examine = queue.task(name="examine")(self.examine_item)
        self._run = queue.task(name="run")(self.run)
        queue.periodic_task(crontab(minute="*"), name="every-minute")(self.sweep)
        queue.periodic_task(crontab(minute="7"), name="every-hour")(self.hourly)

    def examine(self, item_id: str) -> None:
        """Have an item examined soon; where the queue is down, once the sweep finds it."""
        try:
            self._examine(item_id)
        except Exception as error:  # Of Redis, SQLite or the network: each has its own.
            log.warning("the queue of jobs takes nothing", error=type(error).__name__)

    def examine_item(self, item_id: str) -> None:
        """Examine an item that still waits, in this thread."""
        content = self._desk.content_to_examine(item_id)
        if content is None:
            return
        reported = self._desk.was_reported(item_id)
        examined = self._examiner.examine(item_id, content, reported=reported)
        error = examined.row.get("error")
        if error and error["code"] == "no-worker":
            # It waits on, and the sweep finds it.
            log.warning("no worker could start")
            return
        self._desk.record_examination(
            item_id, examined.row, preview=examined.preview, view=examined.view
        )

    def run(self, name: str) -> None:
        """Do one of the further works, in this thread. Workers may meet in it."""
        self._work[name]()

    def sweep(self) -> None:
        """Find what a crash or a lost queue has left, and do what is due every minute."""
        if not self._queue.pending_count():
            for item_id in self._desk.items_waiting(_SWEPT_AT_ONCE):
                self._examine(item_id)
        for name in self._minutely:
            self._run(name)

    def hourly(self) -> None:
        """Do what is due every hour."""
        for name in self._hourly:
            self._run(name)
