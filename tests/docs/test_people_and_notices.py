"""What the pages say of rights and of notices is what the service does."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lightkeeper.cases.people import FOR_PEOPLE, GRANTS, Permission, Role
from lightkeeper.cli._house import _config
from lightkeeper.cli._service_settings import OpenIdSettings, ServiceSettings
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.reporting.webhooks import TELLABLE, sign_notice
from lightkeeper.reporting.webhooks._deliver import SCHEMA
from lightkeeper.service._rights import RIGHTS
from lightkeeper.service.api._signing_keys import SigningKeyView

DOCS = Path(__file__).parents[2] / "docs"
PEOPLE = (DOCS / "how-to" / "people-and-rights.md").read_text(encoding="utf-8")
NOTICES = (DOCS / "how-to" / "receive-notices.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
ROWS = {
    row[0]: (set(row[1].split(", ")), row[2])
    for row in re.findall(
        r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \| (yes|no) \|$", PEOPLE, re.MULTILINE
    )
}
KEY = Ed25519PrivateKey.generate()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("right", Permission)
def test_the_table_of_rights_names_the_roles_that_grant_each(right: Permission) -> None:
    roles, of_keys = ROWS[right.value]
    assert roles == {role.value for role in Role if right in GRANTS[role]}
    assert (of_keys == "no") is (right in FOR_PEOPLE)


def test_the_table_of_rights_has_every_right_that_a_route_needs_and_no_other() -> None:
    needed = {needs.value for needs in RIGHTS.values() if isinstance(needs, Permission)}
    assert needed <= set(ROWS) == {right.value for right in Permission}


def test_the_settings_of_the_example_are_taken(tmp_path: Path) -> None:
    first, more = (tomllib.loads(block)["service"] for block in blocks(PEOPLE, "toml"))
    secret = tmp_path / "secret"
    secret.write_text("not a secret\n")
    openid = first["openid"] | more["openid"] | {"client_secret_file": secret}
    config = _config(ServiceSettings(url=first["url"], openid=openid, break_reminders=False), 1)
    assert config.openid is not None
    assert config.openid.client_secret == "not a secret"
    assert config.openid.roles["child-safety-leads"] == {Role.LEAD, Role.AUDITOR}
    assert not config.break_reminders
    assert f"{config.origin}/sign-in/openid/done" in PEOPLE
    assert "not a secret" not in repr(config)


def test_a_secret_that_cannot_be_read_is_named_by_its_setting(tmp_path: Path) -> None:
    openid = OpenIdSettings(
        issuer="https://id.example", client_id="x", client_secret_file=tmp_path / "absent"
    )
    with pytest.raises(InvalidConfiguration, match=r"service\.openid\.client_secret_file"):
        _config(ServiceSettings(openid=openid), 1)


@pytest.mark.parametrize("name", [*OpenIdSettings.model_fields, *ServiceSettings.model_fields])
def test_every_setting_of_the_service_is_documented(name: str) -> None:
    if name == "client_secret":
        name = "LIGHTKEEPER_SERVICE__OPENID__CLIENT_SECRET"
    assert re.search(rf"\b{name}\b", SETTINGS)


def checker() -> Callable[..., bool]:
    (code,) = blocks(NOTICES, "python")
    found: dict[str, Any] = {}
    exec(compile(code, "receive-notices.md", "exec"), found)
    check: Callable[..., bool] = found["is_genuine"]
    return check


def signed(body: bytes, at: datetime) -> dict[str, str]:
    return {name.lower(): text for name, text in sign_notice(body, at=at, key=KEY).items()}


def test_the_page_checks_a_signature_as_the_service_makes_it() -> None:
    check, now = checker(), datetime.now(UTC)
    key = SigningKeyView.of(KEY.public_key()).model_dump()
    other = SigningKeyView.of(Ed25519PrivateKey.generate().public_key()).model_dump()
    assert check(b"{}", signed(b"{}", now), key)
    assert not check(b"{ }", signed(b"{}", now), key)
    assert not check(b"{}", signed(b"{}", now), other)
    assert not check(b"{}", signed(b"{}", now - timedelta(minutes=6)), key)
    assert not check(b"{}", signed(b"{}", now) | {"lightkeeper-timestamp": "1"}, key)
    assert not check(b"{}", signed(b"{}", now) | {"lightkeeper-signature": "?"}, key)
    assert not check(b"{}", {}, key)


def test_the_page_names_every_action_that_may_be_told_and_the_schema() -> None:
    assert all(f"`{action.value}`" in NOTICES for action in TELLABLE)
    assert SCHEMA in NOTICES
