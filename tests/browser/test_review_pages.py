"""The review pages in a browser: without a mouse, in dark and light, and asking nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lightkeeper.cases.decision import Confidence, Decision, Outcome
from lightkeeper.cases.desk import DecisionDraft, Desk, ItemDraft, LabelDraft, Rules
from lightkeeper.cases.exposure import Budget
from lightkeeper.cases.people import Account, Actor, Role
from lightkeeper.cases.record import Arising, Case, Signal
from lightkeeper.media import open_media
from lightkeeper.reporting.outbox import (
    PreparedFile,
    PreparedReport,
    Step,
    Submission,
    SubmissionState,
)
from lightkeeper.reporting.sending import ReportDesk
from lightkeeper.service._app import create_app
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.service.examine._pictures import preview_and_view
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing.cases import (
    MemoryVault,
    SettableClock,
    new_case,
    new_picture,
    new_prompt,
    scan_row,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PROGRAM = Actor(id="program", name="program", roles=frozenset({Role.INTAKE}), is_person=False)
GENERATED = {
    "claim": "known-material",
    "basis": "known",
    "summary": "Matches the hash set 'Umbrellas'.",
    "source": "pixels:pdq",
    "limits": ["near-match", "set-says-so"],
    "details": {"set_name": "Umbrellas", "origin": "generated", "labels": {}},
}
EDITED = {
    "claim": "region-edited",
    "basis": "measured",
    "summary": "A part of the picture bears the grid of the decoder house; the rest does not.",
    "source": "pixels:decoder-grid",
    "limits": ["re-encoding-destroys"],
    "details": {
        "autoencoder": "house",
        "overlay": {"tones": ["000000", "004ff0", "00affa", "000000"], "cell": 16},
        "region": {"top": 16, "left": 32, "width": 64, "height": 32},
    },
}
REPORT = PreparedReport(
    report_xml=b"<report><incidentSummary/></report>",
    files=(
        PreparedFile(
            item="x",
            file_name="file-1.jpg",
            vault_key="k",
            md5="0",
            sha256="0",
            details_xml=b"<fileDetails><fileViewedByEsp>false</fileViewedByEsp></fileDetails>",
        ),
    ),
)


@dataclass
class Review:
    """A service on a socket, over SQLite."""

    services: Services
    config: ServiceConfig
    clock: SettableClock
    pages: int = 0
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def opened(self, *items: Any, **known: Any) -> Case:
        desk = self.services.desk
        case = desk.open_case(PROGRAM, new_case(**known))
        for item in items or (new_picture(),):
            desk.add_item(PROGRAM, case.id, item)
        for item_id in desk.items_waiting():
            content = desk.content_to_examine(item_id)
            assert content is not None
            made = preview_and_view(open_media(content))
            assert made is not None
            row = scan_row(content, GENERATED, EDITED)
            desk.record_examination(item_id, row, preview=made[0], view=made[1])
        with self.services.cases.reading() as reader:
            found = reader.case(case.id)
        assert found is not None
        return found

    def decisions(self, case: Case) -> tuple[Decision, ...]:
        with self.services.cases.reading() as reader:
            return reader.decisions(case.id)


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    clock = SettableClock()
    ring = KeyRing.open(tmp_path / "keys", create=True)
    store = open_cases(f"sqlite:///{tmp_path / 'cases.db'}", audit_key=ring.audit_key())
    vault = MemoryVault()
    listening = socket.create_server(("127.0.0.1", 0))
    config = ServiceConfig(
        url=f"http://127.0.0.1:{listening.getsockname()[1]}", person_per_second=1000.0
    )
    services = Services(
        cases=store,
        accounts=store,
        desk=Desk(store, vault, clock=clock, rules=Rules(second_opinion_share=0.0)),
        reports=ReportDesk(store, vault, clock=clock, prepare=lambda *_, **__: REPORT),
        vault=vault,
        webhooks=store,
        keys=ring,
        examine=lambda _: None,
        clock=clock,
        budget=Budget(points=1.0),
    )
    settings = uvicorn.Config(create_app(services, config), log_config=None, ws="none")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield Review(services, config, clock)
    server.should_exit = True
    thread.join()
    store.close()


@pytest.fixture
def sign_in(chromium: Browser, review: Review) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def open_as(*roles: Role, **options: Any) -> Page:
        account = Account(
            id=f"id-{len(contexts)}",
            name=f"ida-{len(contexts)}",
            roles=frozenset(roles),
            created=review.clock(),
        )
        with review.services.accounts.accounts() as unit:
            unit.add_account(account)
            cookie = begin_session(unit, review.services, review.config, account)
        context = chromium.new_context(base_url=review.config.url, **options)
        contexts.append(context)
        name = cookie_name(review.config)
        context.add_cookies([{"name": name, "value": cookie, "url": review.config.url}])
        page = context.new_page()
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(e.blockedURI))"
        )
        page.on("request", lambda request: review.asked.append(request.url))
        page.on("console", lambda message: review.troubles.append(message.text))
        page.on("pageerror", lambda error: review.troubles.append(str(error)))
        return page

    yield open_as
    for context in contexts:
        context.close()
    ours = (review.config.url, "blob:")
    assert [url for url in review.asked if not url.startswith(ours)] == []
    assert review.troubles == []


def pixels(review: Review) -> list[str]:
    return [url for url in review.asked if url.endswith("/pixels")]


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


def test_a_whole_case_is_reviewed_without_a_mouse(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER)
    page.goto("/")
    page.keyboard.press("t")
    page.wait_for_url(f"**/cases/{case.id}")
    assert pixels(review) == []
    page.keyboard.press("j")
    page.keyboard.press("p")
    expect(page.get_by_alt_text("Preview, obscured")).to_be_visible()
    page.keyboard.down("v")
    expect(page.get_by_alt_text("The picture, clear")).to_be_visible()
    page.keyboard.up("v")
    expect(page.get_by_alt_text("The picture, clear")).to_have_count(0)
    page.keyboard.press("5")
    page.keyboard.press("d")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**said=decided")
    (decision,) = review.decisions(case)
    assert (decision.outcome, decision.confidence) == (Outcome.CLOSE, Confidence.LOW)
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.keyboard.type("too fast")
    page.keyboard.press("Enter")
    page.wait_for_url("**said=undone")
    assert not review.decisions(case)[0].stands


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_map_of_an_edit_is_evidence_before_pixels(
    review: Review, sign_in: Callable[..., Page], scheme: str
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER, color_scheme=scheme)
    page.goto(f"/cases/{case.id}")
    figure = page.get_by_role("img", name="Map of 4 rows by 6 columns of cells of 16 pixels.")
    expect(figure).to_be_visible()
    assert figure.locator("path").count() == 3
    expect(figure.locator(".part")).to_have_attribute("x", "2.0")
    assert pixels(review) == []
    page.get_by_text("Details and texts of finding 2").click()
    assert "004ff0" not in page.locator(".evidence").inner_text()


def test_how_long_a_picture_was_seen_is_told(review: Review, sign_in: Callable[..., Page]) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER, viewport={"width": 1280, "height": 1000})
    page.goto(f"/cases/{case.id}")
    button = page.get_by_role("button", name="Hold to reveal")
    button.focus()
    page.keyboard.down("Space")
    picture = page.get_by_alt_text("The picture, clear")
    expect(picture).to_be_visible()
    page.wait_for_function("() => new Promise((done) => setTimeout(() => done(true), 1300))")
    review.clock.forward(seconds=60)
    page.keyboard.up("Space")
    expect(picture).to_have_count(0)
    with review.services.cases.reading() as reader:
        item = reader.items(case.id)[0].id

    def told() -> bool:
        with review.services.cases.reading() as reader:
            return any(view.entire and view.seconds > 1.0 for view in reader.views(item))

    eventually(told)


def test_a_key_that_was_changed_works_and_the_overlay_says_so(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER)
    page.goto("/settings")
    page.get_by_label("Take the next case").fill("n")
    page.get_by_role("button", name="Keep the settings").click()
    page.wait_for_url("**said=saved")
    page.keyboard.press("?")
    expect(
        page.get_by_role("dialog").get_by_role("row", name="n Take the next case")
    ).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/")
    page.get_by_text("More filters").click()
    page.get_by_label("Subject, exactly").focus()
    page.keyboard.type("n?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("heading", name="Queue").click()
    page.keyboard.press("n")
    page.wait_for_url(f"**/cases/{case.id}")


def test_a_break_is_suggested_and_can_be_put_off(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER)
    page.goto(f"/cases/{case.id}")
    page.keyboard.down("v")
    expect(page.get_by_alt_text("The picture, clear")).to_be_visible()
    page.keyboard.up("v")
    page.goto("/")
    dialog = page.get_by_role("dialog", name="Time for a break")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Later").press("Enter")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    review: Review, sign_in: Callable[..., Page], scheme: str
) -> None:
    case = review.opened(
        new_picture(1), new_picture(2), new_prompt(), signals=frozenset({Signal.LIVE})
    )
    report_of = review.opened(new_picture(3), arising=Arising.GENERATED_OUTPUT)
    page = sign_in(
        Role.REVIEWER,
        Role.LEAD,
        Role.REPORTER,
        Role.AUDITOR,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    actor = Actor(id="id-0", name="ida-0", roles=frozenset({Role.REVIEWER, Role.REPORTER}))
    claimed = review.services.desk.claim(actor, report_of.id)
    with review.services.cases.reading() as reader:
        item = reader.items(report_of.id)[0].id
    review.services.desk.decide(
        actor,
        report_of.id,
        DecisionDraft(
            version=claimed.version,
            outcome=Outcome.REPORT,
            confidence=Confidence.HIGH,
            items=(ItemDraft(item=item, labels={"industry_class": LabelDraft(value="none")}),),
        ),
    )
    report = review.services.reports.prepare(actor, report_of.id, None)
    paths = ["/", "/?tab=report", f"/cases/{case.id}", f"/cases/{report_of.id}", "/settings"]
    paths += ["/exposure", "/exposure/team", "/statistics", "/reports", f"/reports/{report.id}"]
    axe = Axe()
    for path in [*paths, "/audit", "/sign-in"]:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true })")
        result = axe.run(page)
        assert result.violations_count == 0, f"{path}: {result.generate_report()[:1500]}"
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.set_viewport_size({"width": 1280, "height": 720})


def test_a_glance_and_a_preview_are_no_view_of_everything(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER, viewport={"width": 1280, "height": 1000})
    page.goto(f"/cases/{case.id}")
    page.keyboard.press("p")
    expect(page.get_by_alt_text("Preview, obscured")).to_be_visible()
    page.wait_for_function("() => new Promise((done) => setTimeout(() => done(true), 1200))")
    review.clock.forward(seconds=60)
    page.keyboard.down("v")
    expect(page.get_by_alt_text("The picture, clear")).to_be_visible()
    review.clock.forward(seconds=60)
    page.keyboard.up("v")
    with review.services.cases.reading() as reader:
        item = reader.items(case.id)[0].id

    def told() -> bool:
        with review.services.cases.reading() as reader:
            return [view.seconds > 0 for view in reader.views(item)] == [True, True]

    eventually(told)
    with review.services.cases.reading() as reader:
        assert [view.entire for view in reader.views(item)] == [False, False]


def test_revealing_moves_nothing_and_covers_no_control_that_holds_it(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    case = review.opened()
    page = sign_in(Role.REVIEWER, viewport={"width": 1280, "height": 720})
    page.goto(f"/cases/{case.id}")
    button = page.get_by_role("button", name="Hold to reveal")
    button.scroll_into_view_if_needed()
    button.hover()
    before = button.bounding_box()
    page.mouse.down()
    picture = page.get_by_alt_text("The picture, clear")
    expect(picture).to_be_visible()
    held, shown = button.bounding_box(), picture.bounding_box()
    assert held == before
    assert held is not None
    assert shown is not None
    assert shown["y"] >= held["y"] + held["height"]
    assert shown["y"] + shown["height"] <= 720
    page.mouse.up()
    expect(picture).to_have_count(0)


def test_twelve_cases_fit_on_a_screen(review: Review, sign_in: Callable[..., Page]) -> None:
    for number in range(12):
        review.opened(new_prompt(), source_id=str(number))
    page = sign_in(Role.REVIEWER, viewport={"width": 1280, "height": 900})
    page.goto("/")
    heights = page.locator("li.case").evaluate_all(
        "rows => rows.map((row) => row.getBoundingClientRect().height)"
    )
    assert len(heights) == 12
    assert max(heights) <= 64
    last = page.locator("li.case").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 900


def test_on_a_narrow_page_the_places_are_a_menu(
    review: Review, sign_in: Callable[..., Page]
) -> None:
    review.opened(new_prompt())
    roles = (Role.REVIEWER, Role.LEAD, Role.AUDITOR, Role.ADMINISTRATOR)
    page = sign_in(*roles, viewport={"width": 390, "height": 844})
    page.goto("/")
    header = page.get_by_role("banner").bounding_box()
    assert header is not None
    assert header["height"] <= 80
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    expect(link).to_be_visible()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()[:1500]
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_states_that_are_rarely_seen(
    review: Review, sign_in: Callable[..., Page], scheme: str
) -> None:
    long = review.opened(
        new_picture(1, file_name="\u0645\u0638\u0644\u0629" * 40 + ".jpg"),
        new_prompt("umbrella " * 1100),
        signals=frozenset({Signal.LIVE}),
        note="\u062f\u0631\u0627\u062c\u0629 " * 400,
    )
    page = sign_in(
        Role.REVIEWER,
        Role.LEAD,
        Role.AUDITOR,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 720},
    )
    axe = Axe()

    def check(what: str, *, narrow: bool = True) -> None:
        result = axe.run(page)
        assert result.violations_count == 0, f"{what}: {result.generate_report()[:1500]}"
        if narrow:
            page.set_viewport_size({"width": 320, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, what
            page.set_viewport_size({"width": 1280, "height": 720})

    for path in ("/cases/none", "/people", "/?changed=1&arising=umbrella", "/?tab=overdue"):
        page.goto(path)
        check(path)
    # What the browser says of a page that is refused is no trouble of the page.
    review.troubles[:] = [said for said in review.troubles if "Failed to load" not in said]
    page.goto("/audit")
    page.get_by_role("button", name="Verify the audit").click()
    page.get_by_role("heading", name="The audit is intact").wait_for()
    check("verified")
    page.goto(f"/cases/{long.id}")
    page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true })")
    check("long texts")
    page.get_by_role("button", name="Claim and decide").click()
    page.get_by_role("heading", name="This cannot be kept yet").wait_for()
    review.troubles[:] = [said for said in review.troubles if "Failed to load" not in said]
    check("a decision that lacks something")
    page.keyboard.press("?")
    check("keys", narrow=False)
    page.keyboard.press("Escape")
    page.keyboard.down("v")
    expect(page.get_by_alt_text("The picture, clear")).to_be_visible()
    check("revealed", narrow=False)
    page.keyboard.up("v")
    page.goto(f"/cases/{long.id}")
    page.get_by_role("dialog", name="Time for a break").wait_for()
    check("a break", narrow=False)
    page.keyboard.press("Escape")
    page.get_by_text("Destroy on request").click()
    page.get_by_label("On whose request").fill("a letter")
    page.get_by_label("Law enforcement has asked").check()
    page.get_by_label("Type the case").fill(long.id[:6])
    page.get_by_role("button", name="Destroy media and texts").click()
    page.get_by_label("Certificate").wait_for()
    check("destroyed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_went_wrong(
    review: Review,
    sign_in: Callable[..., Page],
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report, opened = reported(review), review.opened(new_prompt(), source_id="another")
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    page = sign_in(Role.REVIEWER, Role.REPORTER, **options)
    axe = Axe()

    def check(what: str) -> None:
        result = axe.run(page)
        assert result.violations_count == 0, f"{what}: {result.generate_report()[:1500]}"
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, what
        page.set_viewport_size({"width": 1280, "height": 720})

    dead = {"state": SubmissionState.DEAD, "report_id": "7", "problem": "no answer"}
    unknown = dead | {"under_way": Step.FINISH}
    finished = {"state": SubmissionState.FINISHED, "problem": "it holds another number of files"}
    for changes in (dead, unknown, finished):
        with review.services.cases.writing() as unit:  # type: ignore[attr-defined]
            current = unit.submission(report.id)
            unit.save_submission(replace(current, **changes))
        for path in ("/reports", f"/reports/{report.id}"):
            page.goto(path)
            check(f"{path}, {changes}")
    page.goto(f"/cases/{opened.id}")
    other = Actor(id="id-other", name="other", roles=frozenset({Role.REVIEWER}))
    review.services.desk.claim(other, opened.id)
    page.get_by_role("button", name="Claim this case").click()
    page.get_by_role("heading", name="This cannot be done now").wait_for()
    check("409")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("an umbrella")

    monkeypatch.setattr(Desk, "queue", fail)
    page.goto("/")
    page.get_by_role("heading", name="The service failed").wait_for()
    check("500")
    review.troubles[:] = [said for said in review.troubles if "Failed to load" not in said]


def reported(review: Review) -> Submission:
    """A draft of a decided case."""
    case = review.opened(new_picture(3))
    actor = Actor(id="id-r", name="r", roles=frozenset({Role.REVIEWER, Role.REPORTER}))
    claimed = review.services.desk.claim(actor, case.id)
    with review.services.cases.reading() as reader:
        item = reader.items(case.id)[0].id
    label = LabelDraft(value="none")
    draft = DecisionDraft(
        version=claimed.version,
        outcome=Outcome.REPORT,
        confidence=Confidence.HIGH,
        items=(ItemDraft(item=item, labels={"industry_class": label}),),
    )
    review.services.desk.decide(actor, case.id, draft)
    return review.services.reports.prepare(actor, case.id, None)
