"""From a picture that lost its manifest back to it, over HTTP, with the real mark."""

from __future__ import annotations

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


def test_an_entry_that_is_withdrawn_leads_to_no_manifest(served: Served) -> None:
    served.marks.withdraw("A", PAYLOAD, Withdrawal(on="2026-03-15", reason=Reason.REQUEST))
    (mark,) = served.client.post(RECOVER, content=png(MARKED)).json()["marks"]
    assert (mark["standing"], mark["manifest"]) == ("withdrawn", None)
