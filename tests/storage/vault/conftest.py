"""Vaults to test: a folder, and a bucket behind an S3 API of this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lightkeeper.storage.keys import KeyRing
from lightkeeper.storage.vault import SealedVault, open_vault

from .bucket_server import BucketServer, serve


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.open(tmp_path / "service.keys", create=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    with serve() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "umbrella")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "bicycle")
        yield server


@pytest.fixture(params=["folder", "bucket"])
def vault(request: pytest.FixtureRequest, ring: KeyRing, folder: Path) -> SealedVault:
    if request.param == "folder":
        return open_vault(folder, ring)
    request.getfixturevalue("bucket")
    return open_vault("s3://keepers/media", ring)
