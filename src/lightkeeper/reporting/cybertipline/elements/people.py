"""Those whom a report is about."""

from __future__ import annotations

from dataclasses import dataclass

from lightkeeper.reporting.cybertipline.elements._element import many
from lightkeeper.reporting.cybertipline.elements.accounts import (
    AccountPermanentlyDisabled,
    AccountTemporarilyDisabled,
    AssociatedAccount,
)
from lightkeeper.reporting.cybertipline.elements.captures import DeviceId, IpCaptureEvent
from lightkeeper.reporting.cybertipline.elements.contact import EstimatedLocation, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOrUserReported:
    """The person or user who is reported."""

    person_or_user_reported_person: Person | None = None
    vehicle_description: str | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCaptureEvent, ...] = ()
    device_id: tuple[DeviceId, ...] = ()
    third_party_user_reported: bool | None = None
    prior_ct_reports: tuple[int, ...] = many("priorCTReports", long=True)
    group_identifier: str | None = None
    account_temporarily_disabled: AccountTemporarilyDisabled | None = None
    account_permanently_disabled: AccountPermanentlyDisabled | None = None
    estimated_location: EstimatedLocation | None = None
    all_emails_reported: bool | None = None
    associated_account: tuple[AssociatedAccount, ...] = ()
    additional_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedRecipient:
    """Somebody for whom it was meant."""

    intended_recipient_person: Person | None = None
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCaptureEvent, ...] = ()
    device_id: tuple[DeviceId, ...] = ()
    prior_ct_reports: tuple[int, ...] = many("priorCTReports", long=True)
    group_identifier: str | None = None
    account_temporarily_disabled: AccountTemporarilyDisabled | None = None
    account_permanently_disabled: AccountPermanentlyDisabled | None = None
    estimated_location: EstimatedLocation | None = None
    all_emails_reported: bool | None = None
    additional_info: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A child whom it harms."""

    victim_person: Person
    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_name: tuple[str, ...] = ()
    profile_url: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_capture_event: tuple[IpCaptureEvent, ...] = ()
    device_id: tuple[DeviceId, ...] = ()
    school_name: str | None = None
    prior_ct_reports: tuple[int, ...] = many("priorCTReports", long=True)
    account_temporarily_disabled: AccountTemporarilyDisabled | None = None
    account_permanently_disabled: AccountPermanentlyDisabled | None = None
    estimated_location: EstimatedLocation | None = None
    all_emails_reported: bool | None = None
    associated_account: tuple[AssociatedAccount, ...] = ()
    additional_info: str | None = None
