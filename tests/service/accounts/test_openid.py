from __future__ import annotations

import base64
import gzip
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from lightkeeper.cases.audit import Action
from lightkeeper.cases.people import Account, Role
from lightkeeper.errors import InvalidConfiguration, InvalidTransition
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.accounts._links import first_administrator, new_link
from lightkeeper.service.accounts._sessions import cookie_name
from lightkeeper.service.openid._config import OpenIdConfig
from lightkeeper.service.openid._id_token import verified_claims
from lightkeeper.service.openid._issuer import Issuer
from lightkeeper.testing.cases import MemoryAccounts, SettableClock
from lightkeeper.testing.openid import StandInIssuer

from ..conftest import Site, Visitor

OPENID = OpenIdConfig(
    issuer="https://issuer.example", client_id="lightkeeper", client_secret="not a secret"
)
MAPPED = replace(OPENID, roles={"umbrellas": frozenset({Role.REVIEWER})})


@pytest.fixture
def issuer() -> StandInIssuer:
    return StandInIssuer(SettableClock())


@pytest.fixture
def elsewhere(open_site: Callable[..., Site], issuer: StandInIssuer) -> Site:
    return open_site(issued_by=issuer, openid=OPENID)


def ida(site: Site, **known: Any) -> Account:
    return site.account("ida", Role.REVIEWER, openid="https://issuer.example person-1", **known)


def leave(visitor: Visitor, wanted: str = "/") -> str:
    answer = visitor.get(f"/sign-in/openid?next={wanted}")
    assert answer.status_code == 303
    return answer.headers["location"]


def there_and_back(visitor: Visitor, issuer: StandInIssuer) -> httpx.Response:
    back = issuer.visit(leave(visitor)).partition("localhost:8400")[2]
    return visitor.get(back)


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/me").status_code == 200


def test_a_person_whom_the_issuer_vouches_for_comes_in(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    assert "Sign in with issuer.example" in visitor.get("/sign-in").text
    back = issuer.visit(leave(visitor, "/statistics")).partition("localhost:8400")[2]
    answer = visitor.get(back)
    assert answer.headers["location"] == "/statistics"
    assert is_in(visitor)
    assert Action.SIGNED_IN in [event.action for event in elsewhere.audit()]
    assert elsewhere.config.openid is not None
    assert "not a secret" not in repr(elsewhere.config.openid)


def test_nobody_is_sent_to_another_site_afterwards(elsewhere: Site, issuer: StandInIssuer) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    back = issuer.visit(leave(visitor, "//elsewhere.example")).partition("localhost:8400")[2]
    assert visitor.get(back).headers["location"] == "/"


NOW = int(SettableClock()().timestamp())
CLAIMS = {
    "iss": "https://issuer.example",
    "aud": "lightkeeper",
    "sub": "person-1",
    "iat": NOW,
    "exp": NOW + 300,
    "nonce": "of this sign-in",
}


def verify(issuer: StandInIssuer, token: str) -> dict[str, Any]:
    asked = Issuer(OPENID, transport=httpx.MockTransport(issuer.answer))
    return verified_claims(asked, token, nonce="of this sign-in", now=SettableClock()())


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://another.example"},
        {"aud": "another"},
        {"aud": ["lightkeeper", "another"]},
        {"aud": None},
        {"azp": "another"},
        {"aud": ["lightkeeper", "another"], "azp": "another"},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": NOW + 61},
        {"iat": NOW - 601},
        {"iat": None},
        {"nbf": NOW + 61},
        {"sub": ""},
        {"sub": 1},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_proves_nothing(
    issuer: StandInIssuer, claims: dict[str, Any]
) -> None:
    said = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    with pytest.raises(Refusal):
        verify(issuer, issuer.signed(said))


@pytest.mark.parametrize(
    "claims", [{}, {"aud": ["lightkeeper"]}, {"aud": ["lightkeeper", "x"], "azp": "lightkeeper"}]
)
def test_a_token_that_was_made_for_us_is_believed(
    issuer: StandInIssuer, claims: dict[str, Any]
) -> None:
    assert verify(issuer, issuer.signed(CLAIMS | claims))["sub"] == "person-1"


def test_a_wrong_token_opens_no_session(elsewhere: Site, issuer: StandInIssuer) -> None:
    ida(elsewhere)
    issuer.claims = {"nonce": "another"}
    visitor = elsewhere.visitor()
    answer = there_and_back(visitor, issuer)
    assert answer.status_code == 403
    assert "did not prove who you are" in answer.text
    assert not is_in(visitor)


def _plain(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _of_none(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{_plain({'alg': 'none', 'kid': 'first'})}.{_plain(claims)}."


def _with_public_key_as_secret(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    def sign(claims: dict[str, Any]) -> str:
        text = f"{_plain({'alg': 'HS256', 'kid': 'first'})}.{_plain(claims)}"
        seal = hmac.digest(issuer.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"

    return sign


def _with_client_secret(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    secret = OctKey.import_key(issuer.client_secret.ljust(32, "."))
    return lambda claims: jwt.encode({"alg": "HS256"}, claims, secret, algorithms=["HS256"])


def _with_another_key(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    another = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": "first"}
    return lambda claims: jwt.encode(header, claims, another, algorithms=["ES256"])


def _with_key_in_the_token(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    another = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": another.as_dict(private=False)}
    return lambda claims: jwt.encode(header, claims, another, algorithms=["ES256"])


def _of_another_kind(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    another = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "first"}
    return lambda claims: jwt.encode(header, claims, another, algorithms=["RS256"])


def _altered(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    def sign(claims: dict[str, Any]) -> str:
        head, _, signature = issuer.signed(claims).split(".")
        return f"{head}.{_plain(claims | {'sub': 'person-2'})}.{signature}"

    return sign


def _no_token(issuer: StandInIssuer) -> Callable[[dict[str, Any]], str]:
    return lambda _: "…"


@pytest.mark.parametrize(
    "forge",
    [
        _of_none,
        _with_public_key_as_secret,
        _with_client_secret,
        _with_another_key,
        _with_key_in_the_token,
        _of_another_kind,
        _altered,
        _no_token,
    ],
)
def test_a_forged_token_proves_nothing(
    issuer: StandInIssuer,
    forge: Callable[[StandInIssuer], Callable[[dict[str, Any]], str]],
) -> None:
    with pytest.raises(Refusal):
        verify(issuer, forge(issuer)(CLAIMS))


def test_a_new_key_of_the_issuer_is_found_and_asked_for_once_a_minute_at_most(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    ida(elsewhere)
    assert there_and_back(elsewhere.visitor(), issuer).status_code == 303
    issuer.key = RSAKey.generate_key(2048, {"kid": "second"})
    elsewhere.clock.forward(seconds=61)
    issuer.claims = {"iat": NOW + 61, "exp": NOW + 200}
    assert there_and_back(elsewhere.visitor(), issuer).status_code == 303
    issuer.sign = lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "third"}, claims, issuer.key, algorithms=["RS256"]
    )
    for _ in range(3):
        assert there_and_back(elsewhere.visitor(), issuer).status_code == 403
    assert issuer.asked.count("/keys") == 2


def test_an_answer_works_once(elsewhere: Site, issuer: StandInIssuer) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    back = issuer.visit(leave(visitor)).partition("localhost:8400")[2]
    flow = visitor.client.cookies["openid"]
    assert visitor.get(back).status_code == 303
    replayed = elsewhere.visitor(cookies={"openid": flow})
    assert replayed.get(back).status_code == 403
    assert not is_in(replayed)
    assert issuer.asked.count("/token") == 1


def test_what_is_kept_of_answers_is_bounded(
    elsewhere: Site, issuer: StandInIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightkeeper.service.accounts._pauses._MOST_ROWS", 5)
    for _ in range(8):
        there_and_back(elsewhere.visitor(), issuer)
        elsewhere.clock.forward(seconds=1)
    assert isinstance(elsewhere.accounts, MemoryAccounts)
    assert len(elsewhere.accounts._unit.tried) == 5


def test_an_answer_is_for_the_browser_that_asked(elsewhere: Site, issuer: StandInIssuer) -> None:
    ida(elsewhere)
    back = issuer.visit(leave(elsewhere.visitor())).partition("localhost:8400")[2]
    other = elsewhere.visitor()
    assert other.get(back).status_code == 403
    leave(other)
    assert other.get(back).status_code == 403
    assert "/token" not in issuer.asked


def test_a_way_that_took_too_long_or_was_altered_leads_nowhere(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    back = issuer.visit(leave(visitor)).partition("localhost:8400")[2]
    altered = elsewhere.visitor(cookies={"openid": visitor.client.cookies["openid"][:-8]})
    assert altered.get(back).status_code == 403
    elsewhere.clock.forward(minutes=11)
    assert visitor.get(back).status_code == 403


@pytest.mark.parametrize("named", ["&iss=https%3A%2F%2Fanother.example", ""])
def test_the_answer_of_another_issuer_is_refused_before_its_code_is_used(
    elsewhere: Site, issuer: StandInIssuer, named: str
) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    back = issuer.visit(leave(visitor)).partition("localhost:8400")[2]
    assert visitor.get(back.partition("&iss=")[0] + named).status_code == 403
    assert "/token" not in issuer.asked


def test_a_code_that_the_issuer_refuses_opens_nothing(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    ida(elsewhere)
    visitor = elsewhere.visitor()
    back = issuer.visit(leave(visitor)).partition("localhost:8400")[2]
    assert visitor.get(back.replace("code=", "code=x")).status_code == 403


ZIPPED = gzip.compress(b"{}")


def _raises(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there")


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
        lambda _: httpx.Response(200, content=b"{" + b" " * 300_000 + b"}"),
        lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, content=ZIPPED),
        lambda _: httpx.Response(200, content=b"no json"),
        lambda _: httpx.Response(200, content=b"[" * 100_000),
        lambda _: httpx.Response(200, json=[]),
    ],
    ids=["failing", "redirecting", "huge", "packed", "no-json", "nested", "no-object"],
)
def test_what_an_issuer_should_not_answer_is_not_believed(
    issuer: StandInIssuer, reply: Callable[[httpx.Request], httpx.Response]
) -> None:
    issuer.reply = reply
    with pytest.raises(Refusal) as refusal:
        Issuer(OPENID, transport=httpx.MockTransport(issuer.answer)).description()
    assert refusal.value.status_code == 503
    assert len(issuer.asked) == 1


def test_an_issuer_that_is_not_there_gives_a_clear_page_and_the_service_stays_well(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    known = elsewhere.sign_in(ida(elsewhere))
    issuer.reply = _raises
    visitor = elsewhere.visitor()
    for _ in range(3):
        answer = visitor.get("/sign-in/openid")
        assert answer.status_code == 503
        assert "does not work at the moment" in answer.text
    assert len(issuer.asked) == 1
    assert visitor.get("/readyz").status_code == 200
    assert is_in(known)
    issuer.reply = lambda _: None
    elsewhere.clock.forward(seconds=6)
    assert visitor.get("/sign-in/openid").status_code == 303


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://issuer.example/"},
        {"jwks_uri": "https://elsewhere.example/keys"},
        {"token_endpoint": "http://issuer.example/token"},
        {"token_endpoint": "https://user:word@issuer.example/token"},
        {"authorization_endpoint": None},
        {"end_session_endpoint": "https://elsewhere.example/end"},
    ],
    ids=str,
)
def test_an_issuer_sends_the_service_to_no_other_host(
    issuer: StandInIssuer, described: dict[str, Any]
) -> None:
    issuer.described = described
    with pytest.raises(Refusal):
        Issuer(OPENID, transport=httpx.MockTransport(issuer.answer)).description()


def test_a_host_that_the_operator_named_is_reached(
    open_site: Callable[..., Site], issuer: StandInIssuer
) -> None:
    openid = replace(OPENID, hosts=frozenset({"keys.example"}))
    site = open_site(issued_by=issuer, openid=openid)
    issuer.described = {"jwks_uri": "https://keys.example/keys"}
    ida(site)
    assert there_and_back(site.visitor(), issuer).status_code == 303


def test_somebody_unknown_is_refused_and_no_account_is_made(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    elsewhere.account("ida", Role.REVIEWER)
    visitor = elsewhere.visitor()
    answer = there_and_back(visitor, issuer)
    assert answer.status_code == 403
    assert "nothing here is open to you" in answer.text
    with elsewhere.accounts.reading_accounts() as unit:
        assert len(unit.accounts()) == 1
    assert Action.SIGN_IN_FAILED in [event.action for event in elsewhere.audit()]


def test_an_account_that_is_switched_off_stays_shut(elsewhere: Site, issuer: StandInIssuer) -> None:
    ida(elsewhere, active=False)
    assert there_and_back(elsewhere.visitor(), issuer).status_code == 403


@pytest.mark.parametrize("groups", [["umbrellas", "bicycles"], "umbrellas"])
def test_a_claim_gives_roles_to_people_whom_nobody_has_added(
    open_site: Callable[..., Site], issuer: StandInIssuer, groups: Any
) -> None:
    site = open_site(issued_by=issuer, openid=MAPPED)
    taken = site.account("ida", Role.ADMINISTRATOR)
    issuer.person["groups"] = groups
    visitor = site.visitor()
    assert there_and_back(visitor, issuer).status_code == 303
    with site.accounts.reading_accounts() as unit:
        made = unit.account_of_openid("https://issuer.example person-1")
        assert unit.account(taken.id) == taken
    assert made is not None
    assert made.roles == {Role.REVIEWER}
    assert made.password is None
    assert made.name.startswith("ida-")


def test_two_first_sign_ins_of_one_person_make_one_account(
    open_site: Callable[..., Site], issuer: StandInIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(issued_by=issuer, openid=MAPPED)
    issuer.person["groups"] = ["umbrellas"]

    def slower(*_: Any) -> Account:
        monkeypatch.undo()
        site.accounts._unit.kept["x"] = faster
        raise InvalidTransition("there is an account of this name or identifier already")

    faster = Account(
        id="x",
        name="x",
        roles=frozenset({Role.REVIEWER}),
        created=site.clock(),
        openid=f"{OPENID.issuer} person-1",
    )
    monkeypatch.setattr("lightkeeper.service.accounts._openid_people._made", slower)
    assert there_and_back(site.visitor(), issuer).status_code == 303


def test_without_a_mapped_value_nobody_gets_in(
    open_site: Callable[..., Site], issuer: StandInIssuer
) -> None:
    site = open_site(issued_by=issuer, openid=MAPPED)
    for groups in ([], ["bicycles"], None, 7, {"umbrellas": 1}, [["umbrellas"]]):
        issuer.person["groups"] = groups
        assert there_and_back(site.visitor(), issuer).status_code == 403


def test_who_leaves_the_group_loses_the_roles_and_the_sessions_at_the_next_sign_in(
    open_site: Callable[..., Site], issuer: StandInIssuer
) -> None:
    site = open_site(issued_by=issuer, openid=MAPPED)
    issuer.person["groups"] = ["umbrellas"]
    first = site.visitor()
    assert there_and_back(first, issuer).status_code == 303
    issuer.person["groups"] = ["bicycles"]
    assert there_and_back(site.visitor(), issuer).status_code == 403
    assert not is_in(first)


def test_signing_out_ends_the_session_here_and_offers_to_end_that_at_the_issuer(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    visitor = elsewhere.sign_in(ida(elsewhere))
    assert visitor.post("/sign-out").headers["location"] == "/sign-in?out=here"
    assert not is_in(visitor)
    assert "sign out there as well" in visitor.get("/sign-in?out=here").text
    end = visitor.get("/sign-in/openid/end").headers["location"]
    assert end.startswith("https://issuer.example/end?client_id=lightkeeper&")
    issuer.described = {"end_session_endpoint": None}
    elsewhere.clock.forward(hours=2)
    assert visitor.get("/sign-in/openid/end").headers["location"] == "/sign-in"


def test_without_passwords_the_first_administrator_still_gets_in_and_nobody_else(
    open_site: Callable[..., Site], issuer: StandInIssuer
) -> None:
    site = open_site(issued_by=issuer, openid=OPENID, local=False)
    link = first_administrator(site.services, site.config)
    assert link is not None
    visitor = site.visitor()
    path = link.removeprefix(site.config.origin)
    token = visitor.get(path).text.split('name="csrf" value="')[1].split('"')[0]
    entered = visitor.send("POST", path, data={"csrf": token})
    assert entered.headers["location"] == "/people"
    assert visitor.get(path).status_code == 404
    page = visitor.get("/people").text
    visitor.csrf = page.split('name="csrf" value="')[1].split('"')[0]
    added = {"name": "ida", "roles": ["administrator"], "subject": "person-1"}
    assert visitor.post("/people", data=added).status_code == 200
    assert visitor.post("/people", data={"name": "eve"}).status_code == 409
    assert there_and_back(site.visitor(), issuer).status_code == 303
    assert first_administrator(site.services, site.config) is None


def test_without_passwords_no_password_opens_anything(
    open_site: Callable[..., Site], issuer: StandInIssuer
) -> None:
    site = open_site(issued_by=issuer, openid=OPENID, local=False)
    visitor = site.visitor()
    page = visitor.get("/sign-in").text
    assert 'type="password"' not in page
    token = visitor.get("/welcome/x").text
    assert "used or is too old" in token
    assert cookie_name(site.config) not in visitor.client.cookies


def test_who_is_given_to_the_issuer_loses_the_password(
    elsewhere: Site, issuer: StandInIssuer
) -> None:
    admin = elsewhere.signed_in(Role.ADMINISTRATOR, name="ada")
    bob = elsewhere.signed_in(Role.REVIEWER, name="bob", password="x")
    with elsewhere.accounts.accounts() as unit:
        account = unit.account("id-bob")
        assert account is not None
        older = new_link(unit, elsewhere.services, elsewhere.config, account)
    path = "/people/id-bob/openid"
    assert admin.post(path, data={"subject": "person-1"}).status_code == 303
    assert admin.post("/people/id-bob/reset").status_code == 409
    assert bob.get(older.removeprefix(elsewhere.config.origin)).status_code == 404
    assert not is_in(bob)
    assert there_and_back(elsewhere.visitor(), issuer).status_code == 303
    with elsewhere.accounts.reading_accounts() as unit:
        bound = unit.account("id-bob")
    assert bound is not None
    assert bound.password is None
    assert admin.post("/people/id-ada/openid", data={"subject": "person-1"}).status_code == 409
    assert admin.post(path, data={"subject": "a\nb"}).status_code == 422
    assert admin.post(path, data={"subject": ""}).status_code == 303
    assert there_and_back(elsewhere.visitor(), issuer).status_code == 403
    assert bob.get(older.removeprefix(elsewhere.config.origin)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://issuer.example"},
        {"issuer": "issuer.example"},
        {"issuer": "https://issuer.example/?x=1"},
        {"issuer": "https://a:b@issuer.example"},
        {"client_id": ""},
        {"scopes": ("profile",)},
    ],
)
def test_an_issuer_that_cannot_be_trusted_is_no_configuration(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration):
        replace(OPENID, **wrong)


def test_a_service_without_passwords_needs_an_issuer() -> None:
    with pytest.raises(InvalidConfiguration, match="issuer"):
        ServiceConfig(local=False)
