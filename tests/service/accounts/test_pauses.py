from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lightkeeper.cases.people import Account, Role
from lightkeeper.service.accounts._device import device_cookie_name, device_of, new_device
from lightkeeper.service.accounts._passwords import hash_password
from lightkeeper.service.accounts._pauses import FREE, count_attempt, counts_of, forgive
from lightkeeper.storage.cases import open_cases
from lightkeeper.testing.cases import MemoryAccounts

from ..conftest import Site, TestKeys, Visitor

PASSWORD = "seven wet umbrellas"
ENCODED = hash_password(PASSWORD)
HOME, ELSEWHERE = "192.0.2.10", "203.0.113.5"


def enter(visitor: Visitor, password: str = PASSWORD, name: str = "ida") -> int:
    token = visitor.get("/sign-in").text.split('name="csrf" value="')[1].split('"')[0]
    form = {"name": name, "password": password, "csrf": token}
    return visitor.send("POST", "/sign-in", data=form).status_code


def tried(site: Site, address: str, account: Account | None, device: str | None = None) -> bool:
    return count_attempt(site.services, counts_of(site.services, account, address, device), account)


def test_an_attacker_elsewhere_makes_neither_a_known_browser_nor_another_network_wait(
    site: Site,
) -> None:
    ida = site.account("ida", Role.REVIEWER, password=ENCODED)
    known = site.visitor(address=ELSEWHERE)
    assert enter(known) == 303
    for _ in range(20):
        tried(site, ELSEWHERE, ida)
    assert enter(site.visitor(address=ELSEWHERE)) == 403
    assert enter(site.visitor(address=HOME)) == 303
    # Even from where the guessing comes from, a browser that was here before gets in.
    known.client.cookies.delete("session")
    assert enter(known) == 303


def test_a_known_browser_has_few_guesses_too(site: Site) -> None:
    site.account("ida", Role.REVIEWER, password=ENCODED)
    known = site.visitor(address=HOME)
    assert enter(known) == 303
    known.client.cookies.delete("session")
    for _ in range(FREE["device"]):
        assert enter(known, "wrong wrong wrong") == 403
    assert enter(known) == 403
    site.clock.forward(seconds=16)
    assert enter(known) == 303


def test_guessing_at_many_accounts_from_one_network_is_slowed(site: Site) -> None:
    people = [site.account(f"person-{i}", Role.REVIEWER) for i in range(FREE["network"] + 5)]
    through = [tried(site, f"203.0.113.{i % 200}", who) for i, who in enumerate(people)]
    assert through.count(True) == FREE["network"]
    assert not tried(site, ELSEWHERE, None)
    assert tried(site, HOME, people[-1])


def test_guessing_names_that_nobody_has_is_slowed(site: Site) -> None:
    through = [tried(site, ELSEWHERE, None) for _ in range(FREE["network"] + 5)]
    assert through.count(True) == FREE["network"]


def test_guessing_at_one_account_from_many_networks_is_slowed(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER, password=ENCODED)
    through = [tried(site, f"10.0.{i}.1", ida) for i in range(FREE["account"] + 5)]
    assert through.count(True) == FREE["account"]
    assert enter(site.visitor(address=HOME)) == 403
    site.clock.forward(minutes=16)
    assert enter(site.visitor(address=HOME)) == 303


def test_a_network_of_ipv6_counts_as_one(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    through = [tried(site, f"2001:db8:0:{i}::1", ida) for i in range(8)]
    assert through.count(True) == FREE["account and network"]
    through = [tried(site, f"::ffff:203.0.113.{i}", ida) for i in range(3)]
    assert all(through)
    assert not all(tried(site, ELSEWHERE, ida) for _ in range(3))


def test_a_pause_doubles_is_bounded_and_is_forgiven_with_time(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    pauses = []
    for _ in range(14):
        while not tried(site, HOME, ida):
            site.clock.forward(seconds=5)
        before = site.clock()
        while not tried(site, HOME, ida):
            site.clock.forward(seconds=5)
        pauses.append(site.clock() - before)
    assert max(pauses) <= timedelta(minutes=15)
    site.clock.forward(days=1)
    for _ in range(FREE["account and network"]):
        assert tried(site, HOME, ida)
    assert not tried(site, HOME, ida)


def test_waiting_is_not_counted_so_a_pause_ends_whoever_keeps_knocking(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    for _ in range(FREE["account and network"]):
        tried(site, HOME, ida)
    for _ in range(14):
        assert not tried(site, HOME, ida)
        site.clock.forward(seconds=1)
    site.clock.forward(seconds=1)
    assert tried(site, HOME, ida)


def test_who_gets_in_leaves_no_failure_behind(site: Site) -> None:
    ida = site.account("ida", Role.REVIEWER)
    counts = counts_of(site.services, ida, HOME, None)
    for _ in range(3 * FREE["network"]):
        assert count_attempt(site.services, counts, ida)
        with site.accounts.accounts() as unit:
            forgive(unit, counts)


def test_a_mark_of_a_browser_is_of_one_account_and_ends(site: Site) -> None:
    ida, eve = site.account("ida"), site.account("eve")
    now = site.clock()
    cookie = new_device(site.services.keys, ida, now)
    assert device_of(site.services.keys, ida, cookie, now)
    assert device_of(site.services.keys, eve, cookie, now) is None
    assert device_of(site.services.keys, ida, cookie[:-1], now) is None
    assert device_of(site.services.keys, ida, "9" + cookie, now) is None
    assert device_of(site.services.keys, ida, cookie, now + timedelta(days=181)) is None
    for wrong in ("", ".", "..", "1.2.3", "é.ü.ö", "9" * 5_000):
        assert device_of(site.services.keys, ida, wrong, now) is None


def test_over_tls_the_mark_is_bound_to_this_host(open_site: Callable[..., Site]) -> None:
    assert device_cookie_name(open_site(url="https://review.example").config) == "__Host-device"


def test_what_is_kept_of_attempts_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightkeeper.service.accounts._pauses._MOST_ROWS", 20)
    ida = site.account("ida", Role.REVIEWER)
    for i in range(60):
        tried(site, f"10.0.{i}.1", ida)
        site.clock.forward(seconds=20)
    assert isinstance(site.accounts, MemoryAccounts)
    assert len(site.accounts._unit.tried) <= 23


def test_pauses_survive_a_restart(site: Site, tmp_path: Path) -> None:
    from dataclasses import replace

    ida = site.account("ida", Role.REVIEWER)
    url = f"sqlite:///{tmp_path}/cases.db"
    for restarted in (False, True):
        store = open_cases(url, audit_key=TestKeys().derive("audit"))
        services = replace(site.services, accounts=store)
        if not restarted:
            with store.accounts() as unit:
                unit.add_account(ida)
        counts = counts_of(services, ida, HOME, None)
        through = [count_attempt(services, counts, ida) for _ in range(7)]
        assert through.count(True) == (0 if restarted else FREE["account and network"])
        store.close()
