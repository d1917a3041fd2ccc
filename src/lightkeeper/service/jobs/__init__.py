"""Jobs: what the service does by itself, in threads of its own or in other processes."""

from lightkeeper.service.jobs._jobs import Jobs
from lightkeeper.service.jobs._queue import Worker, open_queue

__all__ = ["Jobs", "Worker", "open_queue"]
