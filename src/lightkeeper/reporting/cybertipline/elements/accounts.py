"""Accounts: whether they were disabled, and others that belong to the same person."""

# ruff: noqa: RUF009 (the calls make fields)
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from lightkeeper.reporting.cybertipline.elements._element import attribute, many, text
from lightkeeper.reporting.cybertipline.elements.captures import DeviceId, IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import Address, Email, Phone


class AssociatedAccountType(StrEnum):
    """How an account belongs to somebody."""

    BILLING = "Billing"
    LINKED = "Linked"
    BUSINESS = "Business"
    CREATOR = "Creator"
    PARENT_GUARDIAN = "Parent/Guardian"
    OTHER = "Other"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPermanentlyDisabled:
    """Whether an account was closed for good."""

    value: bool = text()
    disabled_date: datetime | None = attribute()
    user_notified: bool | None = attribute()
    user_notified_date: datetime | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTemporarilyDisabled(AccountPermanentlyDisabled):
    """Whether an account was closed for a time."""

    reenabled_date: datetime | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The application in which an associated account lives."""

    value: str = text()
    third_party_user: bool | None = attribute()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociatedAccount:
    """Another account of the same person."""

    platform: Platform | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    approximate_age: int | None = None
    date_of_birth: date | None = None
    phone: tuple[Phone, ...] = ()
    email: tuple[Email, ...] = ()
    all_emails_reported: bool | None = None
    address: tuple[Address, ...] = ()
    esp_service: str | None = None
    esp_identifier: str | None = None
    profile_url: tuple[str, ...] = ()
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_bio: str | None = None
    group_identifier: str | None = None
    compromised_account: bool | None = None
    account_temporarily_disabled: AccountTemporarilyDisabled | None = None
    account_permanently_disabled: AccountPermanentlyDisabled | None = None
    ip_capture_event: tuple[IpCaptureEvent, ...] = ()
    device_id: tuple[DeviceId, ...] = ()
    prior_ct_report: tuple[int, ...] = many("priorCTReport", long=True)
    additional_info: str | None = None
    type: AssociatedAccountType = attribute(required=True)
