"""Make the README's pictures from a real run over the gallery, so that they stay true.

Needs the test extra and Chromium: ``python docs/make_pictures.py``; another folder may be named.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.text import Text

from lightkeeper.cases.decision import Confidence, Outcome
from lightkeeper.cases.desk import DecisionDraft, ItemDraft, LabelDraft
from lightkeeper.cases.item import ItemKind
from lightkeeper.cli._house import house_plan
from lightkeeper.cli.serve import _demo_plan
from lightkeeper.service._house import House, open_house
from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.accounts._sessions import begin_session, cookie_name
from lightkeeper.testing.demo import seed_cases, seed_people
from lightkeeper.testing.gallery import build_gallery

PICTURES = Path(__file__).parent / "pictures"
COLUMNS = 150


def main(pictures: Path = PICTURES) -> None:
    """Draw the gallery, scan it, and keep the terminal and the report as pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_gallery(folder / "gallery")
        _terminal(folder, pictures)
        _report(folder / "report.html", pictures)
    _review(pictures)


def _terminal(folder: Path, pictures: Path) -> None:
    command = ["lightkeeper", "scan", "gallery/pictures", "--trust-anchors", "gallery/anchors.pem"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lightkeeper")), *command[1:], "--html", "report.html"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"},
    )
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {' '.join(command)}", style="bold"))
    console.print(Text.from_ansi(done.stdout))
    # On a slow machine progress comes before it.
    console.print(Text.from_ansi(done.stderr.strip().splitlines()[-1]))
    svg = console.export_svg(title="lightkeeper scan")
    # Rich names fonts on a CDN; a picture of ours asks nothing of any network.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (pictures / "scan.svg").write_text(svg, encoding="utf-8")


def _report(page_file: Path, pictures: Path) -> None:
    with _chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.screenshot(path=str(pictures / "report.png"))


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: the pages' pictures were not made")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def _review(pictures: Path) -> None:
    """The review pages, over the demo's stand-in cases."""
    with _served() as (house, config), _chromium() as browser:
        reviewer = _signed_in(browser, house, config, "ida")
        reviewer.goto("/")
        links = reviewer.locator("a.case-link").evaluate_all(
            "links => links.map((link) => link.pathname)"
        )
        _keep(reviewer, pictures, "review-queue")
        reviewer.goto(links[1])
        _keep(reviewer, pictures, "review-case")
        reviewer.emulate_media(color_scheme="dark")
        _keep(reviewer, pictures, "review-case-dark")
        report = _reported(house, [link.rpartition("/")[2] for link in links])
        reporter = _signed_in(browser, house, config, "rob")
        reporter.goto(f"/reports/{report}")
        _keep(reporter, pictures, "review-report")
        lead = _signed_in(browser, house, config, "lea")
        lead.goto("/statistics")
        _keep(lead, pictures, "review-statistics")


def _keep(page: Page, pictures: Path, name: str) -> None:
    page.screenshot(path=str(pictures / f"{name}.png"))


@contextlib.contextmanager
def _served() -> Iterator[tuple[House, ServiceConfig]]:
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listening.getsockname()[1]
        plan = replace(_demo_plan(house_plan(port=port), stack, port), threads=0)
        house = stack.enter_context(open_house(plan))
        services = house.services
        seed_people(
            services.accounts, now=services.clock(), hash_password=lambda _: "", password=""
        )
        for item in seed_cases(services.desk, occurred=services.clock()):
            house.jobs.examine_item(item)
        server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield house, plan.config
        finally:
            server.should_exit = True
            thread.join()


def _signed_in(browser: Browser, house: House, config: ServiceConfig, name: str) -> Page:
    with house.services.accounts.accounts() as unit:
        account = unit.account_named(name)
        assert account is not None
        cookie = begin_session(unit, house.services, config, account)
    context = browser.new_context(
        base_url=config.url, viewport={"width": 1280, "height": 860}, color_scheme="light"
    )
    context.add_cookies([{"name": cookie_name(config), "value": cookie, "url": config.url}])
    return context.new_page()


def _reported(house: House, cases: list[str]) -> str:
    """The report of a case of one picture, decided by a person."""
    services = house.services
    with services.accounts.reading_accounts() as unit:
        people = {account.name: account.actor() for account in unit.accounts()}
    with services.cases.reading() as reader:
        items = {case: reader.items(case) for case in cases}
    case, item = next(
        (case, found[0].id)
        for case, found in items.items()
        if [each.kind for each in found] == [ItemKind.MEDIA]
    )
    draft = DecisionDraft(
        version=services.desk.claim(people["ida"], case).version,
        outcome=Outcome.REPORT,
        confidence=Confidence.HIGH,
        items=(ItemDraft(item=item, labels={"industry_class": LabelDraft(value="none")}),),
    )
    services.desk.decide(people["ida"], case, draft)
    return services.reports.prepare(people["rob"], case, None).id


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
