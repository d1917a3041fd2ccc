"""Where something was done from: IP addresses and devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventName(StrEnum):
    """What somebody was doing."""

    LOGIN = "Login"
    REGISTRATION = "Registration"
    PURCHASE = "Purchase"
    UPLOAD = "Upload"
    OTHER = "Other"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class IpCaptureEvent:
    """An IP address, and when it was used for what."""

    ip_address: str
    event_name: EventName | None = None
    date_time: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceId:
    """A device's identifier, such as an IMEI."""

    id_type: str
    id_value: str
    event_name: EventName | None = None
    date_time: datetime | None = None
