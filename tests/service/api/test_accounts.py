"""People, their sessions, and signing out, over the API."""

from __future__ import annotations

import pytest

from lightkeeper.cases.people import Role

from ..conftest import Site


def test_one_sees_where_one_is_signed_in_and_signs_out_everywhere(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    here, there = site.sign_in(ida), site.sign_in(ida)
    site.signed_in(Role.REVIEWER, name="eve")
    found = here.get("/api/v1/me/sessions").json()
    assert sorted(each["this"] for each in found) == [False, True]
    assert set(found[0]) == {"started", "seen", "expires", "this"}
    assert here.post("/api/v1/me/sign-out").status_code == 204
    assert here.get("/api/v1/me/sessions").status_code == 401
    assert there.get("/api/v1/me/sessions").status_code == 401
    assert site.audit()[-1].details == {"change": "signed-out-everywhere"}


def test_a_page_of_another_site_signs_nobody_out(site: Site) -> None:
    ida = site.signed_in(Role.REVIEWER)
    assert ida.send("POST", "/api/v1/me/sign-out").status_code == 403
    assert ida.get("/api/v1/me/sessions").status_code == 200


def test_an_administrator_sees_everybody_and_nothing_that_proves_who_they_are(site: Site) -> None:
    site.account("ida", Role.REVIEWER, password="a password", totp="00ff", openid="x y")
    site.program(Role.INTAKE)
    answer = site.signed_in(Role.ADMINISTRATOR, name="ada").get("/api/v1/people")
    ada, ida, program = answer.json()
    assert (ada["name"], program["is_person"]) == ("ada", False)
    assert (ida["second_factor"], ida["elsewhere"], ida["roles"]) == (True, True, ["reviewer"])
    assert not any(word in answer.text for word in ("a password", "00ff", "x y", "digest"))


def test_an_administrator_signs_somebody_out(site: Site) -> None:
    ada = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida")
    site.program(Role.INTAKE)
    assert ada.post("/api/v1/people/id-ida/sign-out").status_code == 204
    assert ida.get("/api/v1/me/sessions").status_code == 401
    assert ada.post("/api/v1/people/id-nobody/sign-out").status_code == 404
    assert ada.post("/api/v1/people/id-program/sign-out").status_code == 409


@pytest.mark.parametrize("change", [{"roles": ["auditor"], "active": "yes"}, {"roles": []}])
def test_whose_rights_change_has_no_session_left(site: Site, change: dict[str, object]) -> None:
    ada = site.signed_in(Role.ADMINISTRATOR, name="ada")
    ida = site.signed_in(Role.REVIEWER, name="ida")
    assert ada.post("/people/id-ida", data=change).status_code == 303
    assert ida.get("/api/v1/me/sessions").status_code == 401
