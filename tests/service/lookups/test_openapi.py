"""What the OpenAPI document promises, checked with requests that are made from it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis import checks

from lightkeeper.service.lookups import LookupConfig, create_lookup_app

from .conftest import Index, small_store

checks.load_all_checks()
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
    )
]
schemathesis.serializer.alias("application/x-ndjson", "text/plain")
STORE = small_store()
APP = create_lookup_app(STORE, Index(STORE), LookupConfig(workers=1))
schema = schemathesis.openapi.from_dict(APP.openapi())


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(APP, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert httpx.post(f"{address}/v1/hash", content=b"x", timeout=60).status_code == 200
        yield address
        server.should_exit = True
        thread.join()


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_the_document_promises(case: schemathesis.Case, address: str) -> None:
    answer = case.call(base_url=address, timeout=20)
    case.validate_response(answer, checks=CHECKS)
