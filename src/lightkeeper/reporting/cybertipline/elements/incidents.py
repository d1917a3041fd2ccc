"""Where an incident happened: eight kinds."""

# ruff: noqa: RUF009 (the calls make fields)
from __future__ import annotations

from dataclasses import dataclass

from lightkeeper.reporting.cybertipline.elements._element import Place, Spec, attribute, part
from lightkeeper.reporting.cybertipline.elements.captures import IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import Address, Email, Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPageIncident:
    """On a web page."""

    url: tuple[str, ...] = ()
    additional_info: str | None = None
    third_party_hosted_content: bool | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailIncident:
    """By e-mail."""

    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsgroupIncident:
    """In a newsgroup."""

    name: str | None = None
    email_address: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatImIncident:
    """In a chat."""

    chat_client: str | None = None
    chat_room_name: str | None = None
    content: str | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineGamingIncident:
    """In a game."""

    game_name: str | None = None
    console: str | None = None
    content: str | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPhoneIncident:
    """By phone."""

    phone_number: Phone | None = None
    latitude: float | None = None
    longitude: float | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInternetIncident:
    """Away from any network."""

    location_name: str | None = None
    incident_address: tuple[Address, ...] = ()
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer2peerIncident:
    """In a network of peers."""

    client: str | None = None
    ip_capture_event: tuple[IpCaptureEvent, ...] = ()
    file_names: str | None = None
    additional_info: str | None = None


Incident = (
    WebPageIncident
    | EmailIncident
    | NewsgroupIncident
    | ChatImIncident
    | OnlineGamingIncident
    | CellPhoneIncident
    | NonInternetIncident
    | Peer2peerIncident
)


@dataclass(frozen=True, slots=True)
class InternetDetails:
    """One incident, of one of eight kinds."""

    incident: Incident = part(Spec(place=Place.CHOICE))
