"""A service in this process, spoken to through its ASGI interface."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from PIL import Image

from lightkeeper.hashing import PdqVariant, pdq
from lightkeeper.matching import Entry, EntryLabels, HashSet, Mention, SetOrigin, SetStore
from lightkeeper.media import open_media
from lightkeeper.service.lookups import LookupConfig, create_lookup_app
from lightkeeper.service.lookups._answers import CountedIndex
from lightkeeper.testing import MemoryStore, photo_like
from lightkeeper.testing._memory_index import MemoryIndex

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
"""A published example of PDQ, of a photograph of a bridge."""
NEAR = "d8f8f0cec0f4a84f8e370a22038f67f0b36a2ed597231e1d72e6b39c4a9c9b22"
FAR = "5" * 64
LEAD = "0f" * 32
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass
class Stats:
    """Where an index stands and how much it holds."""

    revision: int
    entries: dict[str, int]


class Index(MemoryIndex):
    def stats(self) -> Any:
        counts = {"pdq": 0, "md5": 0}
        for hash_set in self._store.sets():
            for entry in self._store.entries(hash_set.name):
                counts[entry.kind] = counts.get(entry.kind, 0) + 1
        return Stats(self._store.last_revision(), counts)


class Client:
    """Sends requests from a synchronous test."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            return await self._client.request(method, path, **options)

        return self._portal.call(request)

    def settle(self, **headers: str) -> Client:
        """Wait until workers have started."""
        assert self.post("/v1/hash", content=b"x", headers=headers).status_code == 200
        return self

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.send("POST", path, **options)


@contextlib.contextmanager
def serving(
    store: SetStore | None,
    config: LookupConfig | None = None,
    *,
    host: str = "localhost",
    index: CountedIndex | None = None,
    marks: Any = None,
) -> Iterator[Client]:
    if store is not None:
        index = index or Index(store)
    app = create_lookup_app(store, index, config or LookupConfig(workers=1), marks=marks)

    @contextlib.asynccontextmanager
    async def session() -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client,
        ):
            yield client

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(session()) as client:
        yield Client(portal, client)


def small_store() -> MemoryStore:
    store = MemoryStore()
    store.create_set(
        HashSet(name="bridges", owner="Road office", purpose="tests", origin=SetOrigin.GENERATED)
    )
    store.create_set(HashSet(name="files", owner="Archive", purpose="tests"))
    store.create_set(HashSet(name="harmless", owner="Archive", purpose="tests", negative=True))
    store.create_set(
        HashSet(name="unsure", owner="Archive", purpose="tests", needs_confirmation=True)
    )
    labels = EntryLabels(industry_class="B2", computer_generated=True)
    mention = Mention("road-office", "case-7", NOW)
    known = Entry(kind="pdq", value=KNOWN, quality=95, labels=labels, mentions=(mention,))
    store.upsert("bridges", [known], source="road-office", now=NOW)
    store.upsert("files", [Entry(kind="md5", value=MD5)], source="archive", now=NOW)
    store.upsert("unsure", [Entry(kind="pdq", value=LEAD)], source="archive", now=NOW)
    return store


def picture(seed: int = 3, *, side: int = 320) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return photo_like(seed, width=side, height=side)


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def exact_hash(content: bytes) -> str:
    return pdq(open_media(content), variant=PdqVariant.EXACT).hex


@pytest.fixture
def store() -> MemoryStore:
    return small_store()


@pytest.fixture(scope="session")
def picture_store() -> MemoryStore:
    """The small store, and a picture of seed 3 in the set of bridges."""
    store = small_store()
    entry = Entry(kind="pdq", value=exact_hash(png(picture())), quality=90)
    store.upsert("bridges", [entry], source="road-office", now=NOW)
    return store


@pytest.fixture(scope="session")
def client(picture_store: MemoryStore) -> Iterator[Client]:
    """A service over the picture store, for tests that change nothing."""
    with serving(picture_store) as client:
        yield client.settle()
