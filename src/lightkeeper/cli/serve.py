"""``lightkeeper serve``: look-ups over HTTP, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._known import KnownMaterial
from lightkeeper.cli._rows import write_text
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import MissingExtra

if TYPE_CHECKING:
    from types import ModuleType

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve_lookups(
    lookups: Annotated[
        bool, typer.Option("--lookups", help="Serve look-ups in the hash sets.")
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
    store: Annotated[
        str | None, typer.Option(help="Data base of the hash sets (URL) [default: setting].")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="Folder of the index over them [default: setting].")
    ] = None,
) -> None:
    """Serve look-ups to other programs over HTTP.

    Its own API is under /v1 and described by /openapi.json; /h and /m speak as Meta's
    Hasher-Matcher-Actioner does. Nothing is fetched from anywhere. It ends with Ctrl-C or SIGTERM.
    """
    service = _service()
    if make_key is not None:
        if keys is None:
            raise typer.BadParameter("--make-key needs --keys FILE")
        write_text(service.make_key(keys, make_key))
        raise typer.Exit(Exit.OK)
    if not lookups:
        raise typer.BadParameter("say what to serve: --lookups")
    config = service.LookupConfig(
        keys=service.ApiKeys() if keys is None else service.read_keys(keys),
        limits=load_settings().media_limits(),
        park_floods=park,
    )
    service.check_host(host, config)
    from lightkeeper.matching.index import IndexReader
    from lightkeeper.storage import open_store

    known = KnownMaterial.from_settings(store=store, index=index)
    served = service.create_lookup_app(
        open_store(known.store, create=False), IndexReader(known.index), config
    )
    service.serve(served, config, host=host, port=port)


def _service() -> ModuleType:
    try:
        from lightkeeper.service import lookups as service
    except ModuleNotFoundError as error:
        raise MissingExtra("The look-up service", extra="service") from error
    return service
