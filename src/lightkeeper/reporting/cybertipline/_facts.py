"""What a source said of an item or a subject, as far as it fits the schema's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from lightkeeper.reporting.cybertipline._forms import is_ip_address
from lightkeeper.reporting.cybertipline.elements.captures import (
    DeviceId,
    EventName,
    IpCaptureEvent,
)

_T = TypeVar("_T")
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}


class Facts:
    """Facts that are taken one by one; ``rest`` is what had no place or no usable form."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self.rest = dict(facts)

    def take(self, key: str, form: Callable[[str], bool] = bool) -> str | None:
        """A text, where it has the form that is asked for."""
        return self._read(key, lambda text: text if form(text) else None)

    def time(self, key: str) -> datetime | None:
        """A time with a time zone; without one it stays in the rest."""
        return self._read(key, _time)

    def truth(self, key: str) -> bool | None:
        """True, false, or unknown."""
        return self._read(key, lambda text: _BOOLEANS.get(text.strip().lower()))

    def ip(self, event: EventName) -> IpCaptureEvent | None:
        """``ip``, with ``ip-at`` and ``ip-port``."""
        address = self.take("ip", is_ip_address)
        if address is None:
            return None
        return IpCaptureEvent(
            ip_address=address,
            event_name=event,
            date_time=self.time("ip-at"),
            port=self._read("ip-port", _port),
        )

    def device(self, event: EventName) -> tuple[DeviceId, ...]:
        """``device-id``, with ``device-id-type``."""
        value = self.take("device-id", _says_something)
        if value is None:
            return ()
        kind = self.take("device-id-type", _says_something) or "unspecified"
        return (DeviceId(id_type=kind, id_value=value, event_name=event),)

    def _read(self, key: str, read: Callable[[str], _T | None]) -> _T | None:
        text = self.rest.get(key)
        value = read(text) if text is not None else None
        if value is not None:
            del self.rest[key]
        return value


def _says_something(text: str) -> bool:
    return bool(text.strip())


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    usable = time.utcoffset() is not None and 1900 < time.year < 9999
    return time if usable else None


def _port(text: str) -> int | None:
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) <= 5):
        return None
    return int(stripped) if 0 < int(stripped) < 65536 else None
