"""Jobs as JSON, with the time at which each was asked for.

huey's own format is pickle: who can write to its queue could run anything.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer

_CARRIED = ("id", "name", "retries", "retry_delay", "priority", "args")


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Carries a job's name and its arguments, which are strings and numbers, and nothing else."""

    def _serialize(self, data: Any) -> bytes:
        if not isinstance(data, Message):
            return json.dumps(data).encode()
        if data.kwargs or data.on_complete or data.on_error or data.chord_config:
            raise TypeError("a job takes plain arguments, and is followed by no other")
        message = {name: getattr(data, name) for name in _CARRIED}
        eta = data.eta.isoformat() if data.eta is not None else None
        return json.dumps({"job": message | {"eta": eta}, "asked": time.time()}).encode()

    def _deserialize(self, data: bytes) -> Any:
        value = json.loads(data)
        if not isinstance(value, dict) or "job" not in value:
            return value
        job = value["job"]
        if any(not isinstance(argument, (str, int)) for argument in job["args"]):
            raise ValueError("a job's arguments are strings and numbers")
        eta = datetime.fromisoformat(job["eta"]) if job["eta"] else None
        carried = {name: job[name] for name in _CARRIED} | {"args": tuple(job["args"])}
        return Message(**carried, eta=eta, kwargs={})
