"""A certificate says what is gone, and shows any change."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.custody import certificate, sign_certificate, verify_certificate
from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import Arising, Case, Intake, Subject, SubjectKind, Triage
from lightkeeper.errors import CaseError

AT = datetime(2027, 5, 5, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
CASE = Case(
    id="case-one",
    arising=Arising.UPLOADED,
    intake=Intake.API,
    subject=Subject(SubjectKind.USER, "somebody"),
    queue="default",
    opened=AT,
    source="intake",
    triage=Triage(score=0, reasons=(), due=AT, rank=0.0),
)
MEDIA = MediaFacts(size_bytes=1234, sha256="ab" * 32, sha1="", md5="", vault_key="kept")
ACTOR = Actor(id="p1", name="Reporter", roles=frozenset({Role.REPORTER}))
ITEMS = (
    Item(id="i1", case="case-one", kind=ItemKind.MEDIA, state=ItemState.EXAMINED, added=AT,
         media=MEDIA, file_name="umbrella.png"),
    Item(id="i2", case="case-one", kind=ItemKind.PROMPT, state=ItemState.EXAMINED, added=AT,
         text="a red umbrella"),
    Item(id="i3", case="case-one", kind=ItemKind.MODEL, state=ItemState.EXAMINED, added=AT,
         facts={"model": "bicycles"}),
)  # fmt: skip


def _certificate(request: str = "police, file 7") -> dict[str, Any]:
    return certificate(CASE, ITEMS, actor=ACTOR, at=AT, request=request)


def test_it_says_what_when_by_whom_and_on_whose_request() -> None:
    told = _certificate()
    assert told["case"] == "case-one"
    assert told["destroyed"] == "2027-05-05T08:00:00+00:00"
    assert told["by"] == {"id": "p1", "name": "Reporter"}
    assert told["request"] == "police, file 7"
    assert told["remains"]
    media, prompt = told["items"]
    assert (media["item"], media["size_bytes"], media["sha256"]) == ("i1", 1234, "ab" * 32)
    assert (prompt["item"], prompt["text_bytes"]) == ("i2", 14)


def test_it_repeats_nothing_of_the_content() -> None:
    text = json.dumps(_certificate())
    assert "umbrella" not in text
    assert "bicycles" not in text


def test_a_signed_certificate_is_verified_after_a_journey_through_json() -> None:
    signed = sign_certificate(_certificate(), KEY)
    verify_certificate(json.loads(json.dumps(signed, indent=2)), KEY.public_key())


def test_text_that_no_encoding_keeps_can_be_signed() -> None:
    signed = sign_certificate(_certificate("file \ud800 7\0"), KEY)
    verify_certificate(signed, KEY.public_key())


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key under which a scalar lies."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, Any]] = []
    for key, part in pairs:
        found += _places(part) if isinstance(part, dict | list) else [(value, key)]
    return found


@given(st.data())
def test_any_changed_field_is_found(data: st.DataObject) -> None:
    signed = copy.deepcopy(sign_certificate(_certificate(), KEY))
    container, key = data.draw(st.sampled_from(_places(signed)))
    old = container[key]
    container[key] = old + 1 if isinstance(old, int) else old + "0"
    with pytest.raises(CaseError):
        verify_certificate(signed, KEY.public_key())


@pytest.mark.parametrize("field", ["items", "request", "remains", "by", "signature"])
def test_any_missing_field_is_found(field: str) -> None:
    signed = sign_certificate(_certificate(), KEY)
    del signed[field]
    with pytest.raises(CaseError):
        verify_certificate(signed, KEY.public_key())


def test_the_signature_of_another_key_is_refused() -> None:
    signed = sign_certificate(_certificate(), Ed25519PrivateKey.generate())
    with pytest.raises(CaseError):
        verify_certificate(signed, KEY.public_key())


@pytest.mark.parametrize("signature", [None, "ab", [], {"algorithm": "Ed25519", "value": 7}])
def test_a_signature_that_is_none_is_refused(signature: object) -> None:
    with pytest.raises(CaseError):
        verify_certificate({**_certificate(), "signature": signature}, KEY.public_key())
