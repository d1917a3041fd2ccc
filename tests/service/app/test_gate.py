"""What every request passes, and what every answer carries."""

from __future__ import annotations

from lightkeeper.cases.people import Role


def test_nobody_is_sent_to_sign_in(site):
    answer = site.visitor().get("/")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/"


def test_a_person_sees_the_start(site):
    answer = site.signed_in(Role.REVIEWER).get("/")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_program_uses_its_key_on_the_api_alone(site):
    program = site.program(Role.AUDITOR)
    assert program.get("/metrics").status_code == 200
    assert program.get("/").status_code == 303


def test_signing_out_ends_the_session(site):
    visitor = site.signed_in(Role.REVIEWER)
    assert visitor.post("/sign-out").status_code == 303
    assert visitor.get("/").status_code == 303
    assert [event.action for event in site.audit()] == ["signed-out"]


def test_a_household_with_many_addresses_asks_no_more_often_than_one(open_site):
    site = open_site(nobody_per_second=2.0)
    codes = [
        site.visitor(address=f"2001:db8:0:{i}::1").get("/sign-in").status_code for i in range(12)
    ]
    assert codes == [200] * 10 + [429] * 2
    assert site.visitor(address="2001:db8:1::1").get("/sign-in").status_code == 200
    assert site.visitor(address="fe80::1%eth0").get("/sign-in").status_code == 200
    for i in range(12):
        assert site.visitor(address=f"192.0.2.{i}").get("/sign-in").status_code == 200
