"""``lightkeeper serve``: the review service, or look-ups alone for other programs."""

from __future__ import annotations

import contextlib
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._known import KnownMaterial
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import InvalidConfiguration, MissingExtra

if TYPE_CHECKING:
    from types import ModuleType

    from lightkeeper.evidence.provenance import Trust
    from lightkeeper.service._house import House, HousePlan
    from lightkeeper.storage.marks import SqlMarkRegistry

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    lookups: Annotated[
        bool, typer.Option("--lookups", help="Serve look-ups in the hash sets, and nothing else.")
    ] = False,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Serve benign stand-in cases from a folder that is removed at the end."
        ),
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8400,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="API keys (TOML); each request needs one.")
    ] = None,
    make_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Add a key to the file of --keys, print it once, and end."
        ),
    ] = None,
    park: Annotated[
        bool,
        typer.Option(
            help="Park an entry that 50 pictures met in an hour that do not match one another."
        ),
    ] = True,
    marks: Annotated[
        bool,
        typer.Option(
            "--marks", help="Look up what marks name, too, and recover manifests; with --lookups."
        ),
    ] = False,
    store: Annotated[
        str | None, typer.Option(help="Data base of the hash sets (URL) [default: setting].")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="Folder of the index over them [default: setting].")
    ] = None,
) -> None:
    """Serve the review of cases, or look-ups alone.

    Without --lookups it serves the review pages and their API under /api/v1; the first start
    prints a link for the first administrator, which works once. With --lookups it serves an API
    under /v1, described by /openapi.json, and /h and /m as Meta's Hasher-Matcher-Actioner does.
    Nothing is fetched from anywhere. It ends with Ctrl-C or SIGTERM.
    """
    service = _service()
    if make_key is not None:
        if keys is None:
            raise typer.BadParameter("--make-key needs --keys FILE")
        write_text(service.make_key(keys, make_key))
        raise typer.Exit(Exit.OK)
    if not lookups:
        _serve_review(host=host, port=port, demo=demo)
        return
    config = service.LookupConfig(
        keys=service.ApiKeys() if keys is None else service.read_keys(keys),
        limits=load_settings().media_limits(),
        park_floods=park,
        manifests=load_settings().mark_manifests,
        trust=_trust(),
    )
    service.check_host(host, config)
    known = KnownMaterial.from_settings(store=store, index=index)
    sets, reader = (None, None) if marks and store is None and not known.is_there else known.parts()
    if sets is None:
        sys.stderr.write("There are no hash sets: only what marks name is looked up.\n")
    served = service.create_lookup_app(sets, reader, config, marks=_marks() if marks else None)
    service.serve(served, config, host=host, port=port)


def _trust() -> Trust | None:
    from lightkeeper.evidence.provenance import Trust

    anchors = load_settings().trust_anchors
    return Trust.from_file(anchors) if anchors else None


def _marks() -> SqlMarkRegistry:
    from lightkeeper.storage.marks import open_marks

    return open_marks(load_settings().mark_entries, create=False)


def _serve_review(*, host: str, port: int, demo: bool) -> None:
    from lightkeeper.cli._house import house_plan
    from lightkeeper.service._house import open_house
    from lightkeeper.service._serve import JSON_LINE, is_local
    from lightkeeper.service._serve import serve as serve_app

    plan = house_plan(port=port)
    if not is_local(host) and (demo or not plan.config.https):
        raise InvalidConfiguration(
            f"'{host}' is open to other machines, and passwords would travel in the clear",
            hint="set service.url to the https address of the proxy in front of it",
        )
    with contextlib.ExitStack() as stack:
        if demo:
            plan = _demo_plan(plan, stack, port)
        house = stack.enter_context(open_house(plan))
        _greet(house, plan, demo=demo)
        serve_app(house.app, host=host, port=port, log_line=JSON_LINE, proxies=plan.config.proxies)


def _greet(house: House, plan: HousePlan, *, demo: bool) -> None:
    from lightkeeper.service.accounts._links import first_administrator

    if demo:
        _seed(house)
        return
    link = first_administrator(house.services, plan.config)
    if link is not None:
        sys.stderr.write(f"First administrator, once and within an hour: {link}\n")


def _demo_plan(plan: HousePlan, stack: contextlib.ExitStack, port: int) -> HousePlan:
    """Everything in a folder of its own, and a stand-in in the place of the receiver."""
    from lightkeeper.reporting.sending import ReceiverConfig
    from lightkeeper.scan import default_examiners
    from lightkeeper.service._services import ServiceConfig
    from lightkeeper.testing.cybertipline import StandIn, serve_stand_in
    from lightkeeper.testing.demo import PROFILE

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lightkeeper-demo-")))
    stand_in = StandIn(user_name="demo", password="demo")
    return replace(
        plan,
        cases=f"sqlite:///{folder / 'cases.db'}",
        vault=str(folder / "vault"),
        keys=folder / "service.keys",
        jobs=f"sqlite:///{folder / 'jobs.db'}",
        policy=replace(plan.policy, sets=()),
        sets=None,
        build=default_examiners,
        config=ServiceConfig(url=f"http://localhost:{port}"),
        rules=replace(plan.rules, second_opinion_share=0.0),
        receiver=ReceiverConfig(
            base_url=stack.enter_context(serve_stand_in(stand_in)),
            user_name="demo",
            password="demo",
        ),
        profile=PROFILE,
    )


def _seed(house: House) -> None:
    from lightkeeper.service.accounts._passwords import hash_password
    from lightkeeper.testing.demo import seed_cases, seed_people

    password = "-".join(secrets.token_hex(2) for _ in range(4))
    services = house.services
    people = seed_people(
        services.accounts, now=services.clock(), hash_password=hash_password, password=password
    )
    for item in seed_cases(services.desk, occurred=services.clock()):
        services.examine(item)
    sys.stderr.write(
        f"Demo: sign in as {', '.join(people)} with the password {password}\n"
        "Every case is a benign stand-in, and everything is removed at the end.\n"
    )


def _service() -> ModuleType:
    try:
        from lightkeeper.service import lookups as service
    except ModuleNotFoundError as error:
        raise MissingExtra("The service", extra="service") from error
    return service
