from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from lightkeeper.cases.audit import Action
from lightkeeper.cases.people import Account, Role
from lightkeeper.service.accounts._links import first_administrator, new_link
from lightkeeper.service.accounts._passwords import hash_password, is_password, weakness
from lightkeeper.service.accounts._second_factor import new_totp_secret, seal_totp, valid_step
from lightkeeper.service.accounts._sessions import cookie_name

from ..conftest import Site, Visitor

PASSWORD = "seven wet umbrellas"
ENCODED = hash_password(PASSWORD)


def token_of(page: str) -> str:
    return page.split('name="csrf" value="')[1].split('"')[0]


def enter(visitor: Visitor, **fields: str) -> int:
    """Fill the form in, as a browser does."""
    page = visitor.get("/sign-in").text
    form = {"name": "ida", "password": PASSWORD, "csrf": token_of(page)} | fields
    return visitor.send("POST", "/sign-in", data=form).status_code


@pytest.fixture
def ida(site: Site) -> Account:
    return site.account("ida", Role.REVIEWER, password=ENCODED)


def actions(site: Site) -> list[str]:
    return [event.action for event in site.audit()]


def test_the_right_password_opens_the_pages(site: Site, ida: Account) -> None:
    visitor = site.visitor()
    assert enter(visitor) == 303
    assert visitor.get("/").status_code == 200
    assert Action.SIGNED_IN in actions(site)


@pytest.mark.parametrize("fields", [{"password": "another password"}, {"name": "nobody"}])
def test_anything_wrong_is_refused_in_the_same_words(
    site: Site, ida: Account, fields: dict[str, str]
) -> None:
    visitor = site.visitor()
    assert enter(visitor, **fields) == 403
    assert cookie_name(site.config) not in visitor.client.cookies


def test_a_session_that_somebody_else_chose_is_not_taken_over(site: Site, ida: Account) -> None:
    visitor = site.visitor()
    chosen = "chosen-by-somebody-else"
    visitor.client.cookies.set(cookie_name(site.config), chosen)
    assert enter(visitor) == 303
    stranger = site.visitor(cookies={cookie_name(site.config): chosen})
    assert stranger.get("/").status_code == 303


def test_guessing_makes_an_account_wait_and_never_locks_it_for_good(
    site: Site, ida: Account
) -> None:
    visitor = site.visitor()
    for _ in range(6):
        assert enter(visitor, password="wrong wrong wrong") == 403
        site.clock.forward(seconds=1)
    assert enter(visitor) == 403
    site.clock.forward(minutes=16)
    assert enter(visitor) == 303
    assert actions(site).count(Action.SIGN_IN_FAILED) == 5


def test_a_second_factor_that_is_set_up_meanwhile_is_asked_for(
    site: Site, ida: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(encoded: str | None, password: str) -> bool:
        with site.accounts.accounts() as unit:
            unit.save_account(replace(ida, totp="00"))
        return is_password(encoded, password)

    monkeypatch.setattr("lightkeeper.service.accounts._sign_in.is_password", slow)
    assert enter(site.visitor()) == 403


def test_an_account_that_is_switched_off_opens_nothing(site: Site, ida: Account) -> None:
    with site.accounts.accounts() as unit:
        unit.save_account(replace(ida, active=False))
    assert enter(site.visitor()) == 403


def test_a_code_is_needed_where_a_second_factor_is_set_up_and_works_once(
    site: Site, ida: Account
) -> None:
    secret = new_totp_secret()
    sealed = seal_totp(site.services.keys, ida, secret)
    with site.accounts.accounts() as unit:
        unit.save_account(replace(ida, totp=sealed))
    assert secret not in sealed
    code = pyotp.TOTP(secret).at(site.clock())
    assert enter(site.visitor()) == 403
    assert enter(site.visitor(), code=code) == 303
    assert enter(site.visitor(), code=code) == 403
    site.clock.forward(seconds=61)
    assert enter(site.visitor(), code=pyotp.TOTP(secret).at(site.clock())) == 303


@pytest.mark.parametrize("code", ["", "abcdef", "12345", "١٢٣٤٥٦", "0" * 40])
def test_what_is_no_code_is_refused(site: Site, code: str) -> None:
    assert valid_step(new_totp_secret(), code, site.clock()) is None


def test_one_only_returns_to_pages_of_ours(site: Site, ida: Account) -> None:
    for wanted, reached in (("/cases/x", "/cases/x"), ("//elsewhere.example", "/"), ("x", "/")):
        visitor = site.visitor()
        page = visitor.get(f"/sign-in?next={wanted}").text
        form = {"name": "ida", "password": PASSWORD, "csrf": token_of(page)}
        answer = visitor.send("POST", f"/sign-in?next={wanted}", data=form)
        assert answer.headers["location"] == reached


def test_the_first_start_makes_an_administrator_by_a_link_that_works_once(site: Site) -> None:
    link = first_administrator(site.services, site.config)
    assert link is not None
    path = link.removeprefix(site.config.origin)
    visitor = site.visitor()
    page = visitor.get(path)
    assert page.status_code == 200
    form = {"password": PASSWORD, "csrf": token_of(page.text)}
    assert visitor.send("POST", path, data=form).status_code == 303
    assert visitor.get(path).status_code == 404
    assert enter(visitor, name="admin") == 303
    assert first_administrator(site.services, site.config) is None


@pytest.mark.parametrize(
    "known",
    [
        {"roles": [Role.REVIEWER], "password": ENCODED},
        {"roles": [Role.ADMINISTRATOR], "password": ENCODED, "active": False},
        {"roles": [Role.REVIEWER], "openid": "https://issuer.example person-1"},
        {"roles": [Role.ADMINISTRATOR], "openid": "https://gone.example person-1"},
    ],
    ids=["a-reviewer", "switched-off", "of-the-issuer", "of-an-issuer-that-is-gone"],
)
def test_whoever_is_called_admin_does_not_keep_the_first_administrator_out(
    site: Site, known: dict[str, Any]
) -> None:
    taken = site.account("admin", *known.pop("roles"), **known)
    for _ in range(2):
        link = first_administrator(site.services, site.config)
    assert link is not None
    path = link.removeprefix(site.config.origin)
    visitor = site.visitor()
    form = {"password": PASSWORD, "csrf": token_of(visitor.get(path).text)}
    assert visitor.send("POST", path, data=form).status_code == 303
    with site.accounts.reading_accounts() as unit:
        (made,) = [each for each in unit.accounts() if each.id != taken.id]
        assert unit.account(taken.id) == taken
    assert enter(visitor, name=made.name) == 303
    assert visitor.get("/people").status_code == 200
    assert first_administrator(site.services, site.config) is None


def test_a_link_ends_after_its_time_and_a_newer_one_ends_it(site: Site, ida: Account) -> None:
    with site.accounts.accounts() as unit:
        old = new_link(unit, site.services, site.config, ida)
        new = new_link(unit, site.services, site.config, ida, lasts=timedelta(hours=1))
    visitor = site.visitor()
    assert visitor.get(old.removeprefix(site.config.origin)).status_code == 404
    assert visitor.get(new.removeprefix(site.config.origin)).status_code == 200
    site.clock.forward(hours=2)
    assert visitor.get(new.removeprefix(site.config.origin)).status_code == 404


def test_a_new_password_ends_every_session(site: Site, ida: Account) -> None:
    signed_in = site.sign_in(ida)
    with site.accounts.accounts() as unit:
        link = new_link(unit, site.services, site.config, ida)
    path = link.removeprefix(site.config.origin)
    visitor = site.visitor()
    form = {"password": "nine dry bicycles", "csrf": token_of(visitor.get(path).text)}
    assert visitor.send("POST", path, data=form).status_code == 303
    assert signed_in.get("/").status_code == 303


@pytest.mark.parametrize(
    "password",
    ["short", "aaaaaaaaaaaaaa", "abcdefghijklmnop", "0123456789012", "ida and a horse", "x" * 300],
)
def test_weak_passwords_are_refused_with_a_reason(password: str) -> None:
    assert weakness(password, "ida")


def test_a_few_words_are_a_good_password() -> None:
    assert weakness(PASSWORD, "ida") is None


def test_no_password_is_right_where_there_is_none() -> None:
    assert is_password(ENCODED, PASSWORD)
    assert not is_password(None, "a password of nobody")
    assert not is_password("not an encoded password", PASSWORD)


def test_over_tls_the_cookie_is_bound_to_this_host(open_site: Callable[..., Site]) -> None:
    site = open_site(url="https://review.example")
    site.account("ida", Role.REVIEWER, password=ENCODED)
    visitor = site.visitor()
    page = visitor.get("/sign-in").text
    form = {"name": "ida", "password": PASSWORD, "csrf": token_of(page)}
    answer = visitor.send("POST", "/sign-in", data=form)
    cookies = answer.headers.get_list("set-cookie")
    assert "__Host-form" in visitor.client.cookies
    (session,) = [cookie for cookie in cookies if "session" in cookie]
    assert session.startswith("__Host-session=")
    assert all(word in session for word in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"))
