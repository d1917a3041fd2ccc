from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.hashing import PdqVariant, pdq
from lightkeeper.media import Limits, open_media
from lightkeeper.service.lookups import LookupConfig
from lightkeeper.testing import MemoryStore

from .conftest import Client, exact_hash, picture, png, serving


@pytest.mark.parametrize("as_form", [False, True])
def test_an_upload_gets_its_digests_and_the_reference_hash(client: Client, as_form: bool) -> None:
    content = png(picture(5))
    body = {"files": {"file": ("a.png", content)}} if as_form else {"content": content}
    answer = client.post("/v1/hash", **body)
    assert answer.status_code == 200
    found = answer.json()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["size_bytes"] == len(content)
    expected = pdq(open_media(content), variant=PdqVariant.EXACT)
    assert found["pdq"]["hash"] == expected.hex
    assert found["pdq"]["quality"] == expected.quality
    assert found["pdq"]["dihedral"] == [other.hex for other in expected.dihedral()]
    assert found["error"] is None


def test_a_file_that_is_no_picture_still_gets_digests_and_the_reason(client: Client) -> None:
    found = client.post("/v1/hash", content=b"a letter").json()
    assert found["md5"] == hashlib.md5(b"a letter", usedforsecurity=False).hexdigest()
    assert found["pdq"] is None
    assert found["error"]["code"] == "unsupported-media"


def test_a_picture_is_matched_turned_and_in_bars(client: Client) -> None:
    turned = np.rot90(picture())
    barred = np.pad(picture(), ((60, 60), (0, 0), (0, 0)))
    for content, transform in ((png(turned), "rotate-"), (png(barred), "unletterboxed")):
        answer = client.post("/v1/match", content=content).json()
        (match,) = answer["matches"]
        assert match["set"] == "bridges"
        assert transform in match["transform"]
        assert answer["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_match_of_an_upload_keeps_to_the_sets_that_are_named(client: Client) -> None:
    content = png(picture())
    assert client.post("/v1/match?sets=bridges", content=content).json()["matches"]
    assert not client.post("/v1/match?sets=files", content=content).json()["matches"]
    assert client.post("/v1/match?sets=tunnels", content=content).status_code == 422


def test_a_file_without_pixels_is_matched_by_its_digests(client: Client) -> None:
    # The known MD5 is that of the empty file, which no body can hold; any other meets nothing.
    answer = client.post("/v1/match", content=b"a letter").json()
    assert answer["matches"] == []
    assert answer["error"]["code"] == "unsupported-media"


@pytest.mark.parametrize("path", ["/v1/hash", "/v1/match"])
def test_no_file_or_two_are_refused(client: Client, path: str) -> None:
    content = png(picture(5, side=64))
    assert client.post(path, content=b"").status_code == 400
    assert client.post(path, files={"file": ("a.png", b"")}).status_code == 400
    assert client.post(path, files={"a": content, "b": content}).status_code == 400
    form = {"content-type": "multipart/form-data"}
    assert client.post(path, content=b"--x", headers=form).status_code == 400


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            [
                b"--b\r\n",
                b"--b--\r\n",
                b'Content-Disposition: form-data; name="photo"; filename="a"\r\n',
                b'Content-Disposition: form-data; name="x"\r\n',
                b"Content-Disposition: attachment\r\n",
                b"Content-Transfer-Encoding: base64\r\n",
                b"\r\n",
                b"a" * 9000,
                b"\xff\x00",
            ]
        ),
        max_size=9,
    )
)
def test_no_form_is_so_broken_that_it_is_an_error_of_the_server(
    client: Client, parts: list[bytes]
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    for path in ("/v1/hash", "/h/hash"):
        answer = client.post(path, content=b"".join(parts), headers=headers)
        assert answer.status_code in (200, 400), answer.text


def test_an_upload_never_reaches_the_disk(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not-there"))
    content = png(np.random.default_rng(1).integers(0, 255, (900, 900, 3), np.uint8))
    assert len(content) > 2 << 20, "starlette spools to disk beyond one megabyte"
    assert client.post("/v1/hash", files={"file": content}).status_code == 200


def test_a_worker_that_takes_too_long_costs_its_upload_only(store: MemoryStore) -> None:
    config = LookupConfig(workers=1, limits=Limits(max_seconds=1e-6))
    with serving(store, config) as client:
        for _ in range(2):
            answer = client.post("/v1/match", content=png(picture(5)))
            assert answer.status_code == 422
            assert answer.json()["error"]["code"] in ("timeout", "worker-died")
        assert client.get("/readyz").status_code == 200
        assert client.get("/v1/sets").status_code == 200


def test_a_worker_that_was_killed_is_replaced(store: MemoryStore) -> None:
    before = {process.pid for process in multiprocessing.active_children()}
    with serving(store) as client:
        content = png(picture(5))
        assert client.post("/v1/hash", content=content).status_code == 200
        (worker,) = (p for p in multiprocessing.active_children() if p.pid not in before)
        worker.kill()
        worker.join()
        assert client.post("/v1/hash", content=content).json()["pdq"]["hash"] == exact_hash(content)
    assert {p.pid for p in multiprocessing.active_children()} <= before


def test_a_picture_that_needs_too_much_memory_is_refused_and_the_next_one_is_not(
    client: Client, store: MemoryStore
) -> None:
    config = LookupConfig(workers=1, limits=Limits(max_decode_bytes=1 << 20))
    with serving(store, config) as small:
        found = small.post("/v1/hash", content=png(picture(5, side=900))).json()
        assert found["pdq"] is None
        assert found["error"]["code"] == "limit-exceeded"
        assert small.post("/v1/hash", content=png(picture(5, side=64))).json()["error"] is None


def test_more_uploads_than_may_wait_are_turned_away(store: MemoryStore) -> None:
    with serving(store, LookupConfig(workers=1, waiting_uploads=0)) as client:
        answer = client.post("/v1/hash", content=b"x")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.shared
def test_no_malformed_file_harms_the_service(client: Client, shared: Path) -> None:
    files = sorted(p for p in (shared / "malformed").rglob("*") if p.is_file())
    assert files
    for file in files:
        content = file.read_bytes()
        answer = client.post("/v1/match", content=content)
        assert answer.status_code in (200, 400, 413, 422), file.name
        assert client.get("/readyz").status_code == 200, file.name
    good = client.post("/v1/match", content=png(picture())).json()
    assert good["matches"]
