"""From a picture that lost its manifest back to it, over HTTP, with the real mark."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lightkeeper.evidence.provenance import SoftBinding, Trust
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry
from lightkeeper.evidence.watermark.registry._entry import SOFT_BINDING_ALGORITHM
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal
from lightkeeper.labelling import sign_generated
from lightkeeper.media import open_media
from lightkeeper.service.lookups import LookupConfig
from lightkeeper.storage.marks import SqlMarkRegistry, open_marks
from lightkeeper.testing import MemoryStore, signing_credentials

from .conftest import Client, picture, png, serving, small_store

RECOVER = "/v1/marks/recover"
PAYLOAD = 0xC0FFEE
MARKED = lattice.embed(picture(3), PAYLOAD)
OTHER = lattice.embed(picture(8, side=512), PAYLOAD)


@dataclass
class Served:
    client: Client
    marks: SqlMarkRegistry
    manifest: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.manifest).hexdigest()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("marks")
    credentials = signing_credentials()
    signed = sign_generated(
        open_media(png(MARKED)),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Harbour",
        soft_binding=SoftBinding(SOFT_BINDING_ALGORITHM, f"{PAYLOAD:012x}"),
    )
    digest = hashlib.sha256(signed.manifest).hexdigest()
    (folder / f"{digest}.c2pa").write_bytes(signed.manifest)
    (folder / f"{'ab' * 32}.c2pa").write_bytes(b"another")
    marks = open_marks(f"sqlite:///{folder / 'marks.db'}")
    entry = MarkEntry(
        payload=PAYLOAD,
        organisation="Studio A",
        model="Harbour",
        period="2026-03",
        fingerprint=Fingerprint.of(MARKED),
        manifest_sha256=digest,
    )
    marks.add("A", [entry])
    config = LookupConfig(
        workers=1,
        manifests=folder,
        trust=Trust(anchors=credentials.anchors_pem),
        request_seconds=600,  # on a new machine the worker first compiles the mark's kernels
    )
    with serving(small_store(), config, marks=marks) as client:
        yield Served(client.settle(), marks, signed.manifest)
    marks.close()


def test_a_stripped_copy_leads_to_its_manifest(served: Served) -> None:
    answer = served.client.post(RECOVER, content=png(MARKED[20:300, 30:310]))
    assert answer.status_code == 200
    (mark,) = answer.json()["marks"]
    assert (mark["payload"], mark["standing"]) == (f"{PAYLOAD:012x}", "registered")
    assert mark["maker"] == "Studio A, Harbour"
    assert mark["manifest"] == {
        "sha256": served.sha256,
        "holds": True,
        "names_mark": True,
        "trusted": True,
        "signer": mark["manifest"]["signer"],
        "claims": ["generated"],
    }
    got = served.client.get(f"/v1/marks/manifests/{served.sha256}")
    assert (got.content, got.headers["content-type"]) == (served.manifest, "application/c2pa")


def test_a_copied_mark_brings_no_manifest(served: Served) -> None:
    (mark,) = served.client.post(RECOVER, content=png(OTHER)).json()["marks"]
    assert (mark["standing"], mark["manifest"]) == ("copied", None)


@pytest.mark.parametrize("content", [png(picture(5)), b"no picture"])
def test_no_mark_and_no_picture_are_answers(served: Served, content: bytes) -> None:
    answer = served.client.post(RECOVER, content=content)
    assert answer.status_code == 200
    assert answer.json()["marks"] == []
    assert (answer.json()["error"] is None) is (content != b"no picture")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("00" * 32, 404),
        ("ab" * 32, 500),  # What is there is not what its name says.
        ("AB" * 32, 422),
        ("ab", 422),
        ("..%2F" + "ab" * 32, 404),
    ],
)
def test_only_a_manifest_that_is_what_its_name_says_is_given(
    served: Served, name: str, status: int
) -> None:
    answer = served.client.get(f"/v1/marks/manifests/{name}")
    assert answer.status_code == status
    assert b"another" not in answer.content


def test_without_a_folder_there_is_no_manifest(store: MemoryStore, tmp_path: Path) -> None:
    marks = open_marks(f"sqlite:///{tmp_path / 'marks.db'}")
    with serving(store, LookupConfig(workers=1), marks=marks) as client:
        assert client.get(f"/v1/marks/manifests/{'00' * 32}").status_code == 404
    marks.close()


ALGORITHM = {"alg": SOFT_BINDING_ALGORITHM}
"""Of the C2PA Soft Binding Resolution API."""


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


VALUES = [_base64(PAYLOAD.to_bytes(6)), _base64(f"{PAYLOAD:012x}".encode())]


def test_the_api_names_its_algorithm(served: Served) -> None:
    answer = served.client.get("/v1/services/supportedAlgorithms")
    assert answer.json() == {"watermarks": [ALGORITHM], "fingerprints": []}


@pytest.mark.parametrize("value", VALUES)
def test_a_soft_binding_resolves_to_the_manifest_by_get_and_by_post(
    served: Served, value: str
) -> None:
    query = {**ALGORITHM, "value": value}
    expected = {"matches": [{"manifestId": f"sha256:{served.sha256}"}]}
    assert served.client.get("/v1/matches/byBinding", params=query).json() == expected
    assert served.client.post("/v1/matches/byBinding", json=query).json() == expected
    got = served.client.get(f"/v1/manifests/sha256:{served.sha256}")
    assert (got.content, got.headers["content-type"]) == (served.manifest, "application/c2pa")


def test_content_resolves_where_it_is_the_entrys_picture_only(served: Served) -> None:
    path = "/v1/matches/byContent"
    found = served.client.post(path, content=png(MARKED[20:300, 30:310]), params=ALGORITHM)
    assert found.json() == {"matches": [{"manifestId": f"sha256:{served.sha256}"}]}
    for other in (OTHER, picture(5)):
        assert served.client.post(path, content=png(other)).json() == {"matches": []}
    refused = served.client.post(path, content=b"no picture")
    assert refused.status_code == 415


def test_what_is_unknown_has_no_matches_and_what_is_wrong_is_refused(served: Served) -> None:
    path = "/v1/matches/byBinding"
    unknown = {**ALGORITHM, "value": _base64(b"\0" * 6)}
    assert served.client.get(path, params=unknown).json() == {"matches": []}
    for value in ("", "!", _base64(b"12345"), _base64(b"not hexadecimal"), "A" * 1_999):
        answer = served.client.get(path, params={**ALGORITHM, "value": value})
        assert answer.status_code == 400
    other = {"alg": "com.example.other.1", "value": VALUES[0]}
    assert served.client.get(path, params=other).status_code == 400
    for name in ("sha256:" + "00" * 32, "ab", "urn:c2pa:x", "..%2F..%2Fetc"):
        assert served.client.get(f"/v1/manifests/{name}").status_code == 404
    whole = f"/v1/manifests/sha256:{served.sha256}?returnActiveManifest=true"
    assert served.client.get(whole).status_code == 400


def test_an_entry_that_is_withdrawn_leads_to_no_manifest(served: Served) -> None:
    served.marks.withdraw("A", PAYLOAD, Withdrawal(on="2026-03-15", reason=Reason.REQUEST))
    (mark,) = served.client.post(RECOVER, content=png(MARKED)).json()["marks"]
    assert (mark["standing"], mark["manifest"]) == ("withdrawn", None)
    query = {**ALGORITHM, "value": VALUES[0]}
    assert served.client.get("/v1/matches/byBinding", params=query).json() == {"matches": []}
    by_content = served.client.post("/v1/matches/byContent", content=png(MARKED))
    assert by_content.json() == {"matches": []}
