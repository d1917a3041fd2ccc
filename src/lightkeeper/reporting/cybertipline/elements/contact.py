"""People and how to reach them."""

# ruff: noqa: RUF009 (the calls make fields)
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from lightkeeper.reporting.cybertipline.elements._codes import COUNTRIES, STATES
from lightkeeper.reporting.cybertipline.elements._element import attribute, optional, text


class AddressType(StrEnum):
    """What an address is for."""

    HOME = "Home"
    BUSINESS = "Business"
    BILLING = "Billing"
    SHIPPING = "Shipping"
    TECHNICAL = "Technical"


class EmailType(StrEnum):
    """What an e-mail address is for."""

    HOME = "Home"
    WORK = "Work"
    BUSINESS = "Business"
    RECOVERY = "Recovery"


class PhoneType(StrEnum):
    """What a phone number is for."""

    MOBILE = "Mobile"
    HOME = "Home"
    BUSINESS = "Business"
    WORK = "Work"
    FAX = "Fax"
    INTERNET = "Internet"
    RECOVERY = "Recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address."""

    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = optional(codes=STATES)
    non_usa_state: str | None = None
    country: str | None = optional(codes=COUNTRIES)
    type: AddressType | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """An e-mail address."""

    value: str = text()
    type: EmailType | None = attribute()
    verified: bool | None = attribute()
    verification_date: datetime | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phone number."""

    value: str = text()
    type: PhoneType | None = attribute()
    verified: bool | None = attribute()
    verification_date: datetime | None = attribute()
    country_calling_code: str | None = attribute(pattern=re.compile(r"\+[0-9]{1,3}"))
    extension: str | None = attribute(pattern=re.compile(r"[0-9]+"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPerson:
    """Somebody to be contacted."""

    first_name: str | None = None
    last_name: str | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    address: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(ContactPerson):
    """Whoever reports, is reported, receives or suffers."""

    age: int | None = None
    date_of_birth: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedLocation:
    """Where the reporter believes somebody to be."""

    city: str | None = None
    region: str | None = None
    country_code: str | None = optional(codes=COUNTRIES)
    verified: bool | None = attribute()
    timestamp: datetime | None = attribute()
