from __future__ import annotations

import html
import re

import pyotp
import pytest

from lightkeeper.cases.audit import Action
from lightkeeper.cases.people import Role

from ..conftest import Site


def link_in(page: str) -> str:
    found = re.search(r"<code>(http[^<]+)</code>", page)
    assert found is not None
    return html.unescape(found[1])


def test_an_invited_person_sets_a_password_and_signs_in(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    page = admin.post("/people", data={"name": "ida", "roles": ["reviewer"], "queues": "a, b"})
    path = link_in(page.text).removeprefix(site.config.origin)
    assert site.visitor().get(path).status_code == 200
    with site.accounts.reading_accounts() as unit:
        ida = unit.account_named("ida")
    assert ida is not None
    assert ida.roles == {Role.REVIEWER}
    assert ida.queues == {"a", "b"}
    assert Action.PEOPLE_CHANGED in [event.action for event in site.audit()]


def test_a_key_is_shown_once_and_opens_the_api_only(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    page = admin.post("/people", data={"name": "intake", "kind": "program", "roles": ["intake"]})
    found = re.search(r"<code>([^<]+)</code>", page.text)
    assert found is not None
    assert found[1] not in admin.get("/people").text
    program = site.visitor(headers={"Authorization": f"Bearer {found[1]}"})
    body = {"arising": "uploaded", "subject": {"kind": "user", "identifier": "u"}}
    assert program.send("POST", "/api/v1/cases", json=body).status_code == 201
    assert program.get("/").status_code == 303


def test_nobody_changes_their_own_rights_and_an_administrator_remains(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    own = {"roles": ["administrator", "lead"], "active": "true"}
    assert admin.post("/people/id-ada", data=own).status_code == 403
    other = site.account("bob", Role.REVIEWER)
    assert admin.post(f"/people/{other.id}", data={"roles": ["lead"], "active": "true"})
    with site.accounts.reading_accounts() as unit:
        changed = unit.account(other.id)
    assert changed is not None
    assert changed.roles == {Role.LEAD}


def test_other_rights_end_the_sessions_of_a_person(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida")
    assert ida.get("/me").status_code == 200
    admin.post("/people/id-ida", data={"roles": ["reviewer"]})
    assert ida.get("/me").status_code == 303


@pytest.mark.parametrize("name", ["lead", "service", "x", "Ida", "a b", "../etc", "ida\n"])
def test_names_that_stand_for_something_else_are_refused(site: Site, name: str) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    answer = admin.post("/people", data={"name": name, "roles": ["reviewer"]})
    if name.strip() == "ida":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 409


def test_a_second_factor_is_set_with_a_code_of_its_own_and_ended(site: Site) -> None:
    ida = site.signed_in(Role.REVIEWER, name="ida")
    page = ida.get("/me").text
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert found is not None
    wrong = {"secret": found[1], "code": "000000"}
    assert ida.post("/me/second-factor", data=wrong).status_code == 422
    right = {"secret": found[1], "code": pyotp.TOTP(found[1]).at(site.clock())}
    assert ida.post("/me/second-factor", data=right).status_code == 303
    assert "A code of your authenticator is asked for" in ida.get("/me").text
    assert ida.post("/me/second-factor", data=right).status_code == 409
    used = {"end": "yes", "code": right["code"]}
    assert ida.post("/me/second-factor", data=used).status_code == 422
    site.clock.forward(minutes=1)
    fresh = {"end": "yes", "code": pyotp.TOTP(found[1]).at(site.clock())}
    assert ida.post("/me/second-factor", data=fresh).status_code == 303
    assert "A code of your authenticator is asked for" not in ida.get("/me").text


def test_who_guesses_at_an_open_session_cannot_end_the_second_factor(site: Site) -> None:
    ida = site.signed_in(Role.REVIEWER, name="ida")
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', ida.get("/me").text)
    assert found is not None
    right = {"secret": found[1], "code": pyotp.TOTP(found[1]).at(site.clock())}
    ida.post("/me/second-factor", data=right)
    guesses = [ida.post("/me/second-factor", data={"end": "yes"}).status_code for _ in range(8)]
    assert guesses[0] == 422
    assert guesses[-1] == 429


def test_an_older_link_opens_nothing_for_whom_was_switched_off_and_on_again(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    site.account("ida", Role.REVIEWER)
    link = admin.post("/people/id-ida/reset").text.split("/welcome/")[1].split("<")[0].strip()
    assert site.visitor().get(f"/welcome/{link}").status_code == 200
    for rights in ({"roles": ["reviewer"]}, {"roles": ["reviewer"], "active": "yes"}):
        assert admin.post("/people/id-ida", data=rights).status_code == 303
    assert site.visitor().get(f"/welcome/{link}").status_code == 404


def test_a_reset_leaves_no_way_in_but_its_link(site: Site) -> None:
    """The second factor is gone: until the link is used, the old password must not be enough."""
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida", totp="00", password="x")
    assert "/welcome/" in admin.post("/people/id-ida/reset").text
    assert ida.get("/me").status_code == 303
    with site.accounts.reading_accounts() as unit:
        account = unit.account("id-ida")
    assert account is not None
    assert (account.password, account.totp) == (None, None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_look_after_people(site: Site, role: Role) -> None:
    visitor = site.signed_in(role)
    assert visitor.get("/people").status_code == 403
    assert visitor.post("/people", data={"name": "eve"}).status_code == 403


def test_somebody_signs_out_everywhere_and_sees_where_they_are_signed_in(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    here, there = site.sign_in(ida), site.sign_in(ida)
    page = here.get("/me").text
    assert page.count("another browser") == 1
    assert page.count("this one") == 1
    assert here.post("/me/sign-out").headers["location"] == "/sign-in"
    assert here.get("/me").status_code == there.get("/me").status_code == 303
    assert "signed-out-everywhere" in [event.details.get("change") for event in site.audit()]


def test_an_administrator_signs_somebody_out_everywhere(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida")
    assert admin.post("/people/id-ida/sign-out").status_code == 303
    assert ida.get("/me").status_code == 303
    assert admin.get("/me").status_code == 200
    assert admin.post("/people/nobody/sign-out").status_code == 404
    event = site.audit()[-1]
    assert (event.actor, event.object) == ("id-ada", "person:id-ida")


def test_an_administrator_ends_a_lost_second_factor_and_the_audit_keeps_it(site: Site) -> None:
    admin = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida", totp="00", password="x")
    assert admin.post("/people/id-ida/second-factor").status_code == 303
    assert ida.get("/me").status_code == 303
    with site.accounts.reading_accounts() as unit:
        account = unit.account("id-ida")
    assert account is not None
    assert account.totp is None
    assert account.password == "x"
    assert site.audit()[-1].details == {"change": "second-factor-reset"}
    assert admin.post("/people/id-ida/second-factor").status_code == 409
