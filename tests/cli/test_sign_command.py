from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from lightkeeper.cli._exit import Exit
from lightkeeper.cli.sign import app
from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.evidence.provenance import ManifestState, SoftBinding, Trust, read_manifest
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like, signing_credentials


@pytest.fixture
def room(tmp_path: Path) -> Path:
    credentials = signing_credentials()
    (tmp_path / "chain.pem").write_text(credentials.chain_pem)
    key = tmp_path / "key.pem"
    key.write_text(credentials.key_pem)
    key.chmod(0o600)
    buffer = io.BytesIO()
    Image.fromarray(photo_like(5, width=48, height=40)).save(buffer, "PNG")
    (tmp_path / "in.png").write_bytes(buffer.getvalue())
    return tmp_path


def sign(room: Path, *options: str) -> Result:
    arguments = [str(room / "in.png"), str(room / "out.png")]
    arguments += ["--certificate", str(room / "chain.pem"), "--key", str(room / "key.pem")]
    return CliRunner().invoke(app, [*arguments, "--generator", "Umbrella painter", *options])


def test_the_output_carries_a_manifest_that_holds(room: Path) -> None:
    done = sign(room, "--generator-version", "2", "--soft-binding", "com.example.mark.1=ab=c")
    assert done.exit_code == Exit.OK
    assert done.stderr == ""
    trust = Trust(anchors=signing_credentials().anchors_pem)
    summary = read_manifest(open_media(room / "out.png"), trust=trust)
    assert summary.state is ManifestState.TRUSTED
    assert summary.soft_bindings == (SoftBinding("com.example.mark.1", "ab=c"),)
    assert {p.name for p in room.iterdir()} == {"in.png", "out.png", "chain.pem", "key.pem"}


def test_an_output_that_is_there_is_kept_unless_forced(room: Path) -> None:
    (room / "out.png").write_bytes(b"bicycle")
    refused = sign(room)
    assert isinstance(refused.exception, OutputError)
    assert (room / "out.png").read_bytes() == b"bicycle"
    assert sign(room, "--force").exit_code == Exit.OK
    assert (room / "out.png").read_bytes() != b"bicycle"


def test_a_key_that_others_can_read_is_warned_about(room: Path) -> None:
    (room / "key.pem").chmod(0o644)
    done = sign(room)
    assert done.exit_code == Exit.OK
    assert "others on this machine can read" in done.stderr
    assert "BEGIN" not in done.stderr


def test_a_soft_binding_without_a_value_is_a_usage_error(room: Path) -> None:
    for wrong in ("com.example.mark.1", "=ab", "com.example.mark.1="):
        assert sign(room, "--soft-binding", wrong).exit_code == Exit.USAGE
    assert not (room / "out.png").exists()


def test_a_failed_signing_leaves_no_output(room: Path) -> None:
    (room / "key.pem").write_text("umbrella")
    assert isinstance(sign(room).exception, InvalidConfiguration)
    assert not (room / "out.png").exists()


@pytest.mark.parametrize("name", ["in.png", "key.pem", "chain.pem"])
def test_a_missing_file_is_a_usage_error(room: Path, name: str) -> None:
    (room / name).unlink()
    assert sign(room).exit_code == Exit.USAGE
    assert not (room / "out.png").exists()


def test_a_target_that_cannot_be_written_is_said(room: Path) -> None:
    source = room / "in.png"
    pems = ["--certificate", str(room / "chain.pem"), "--key", str(room / "key.pem")]
    target = room / "missing" / "out.png"
    done = CliRunner().invoke(app, [str(source), str(target), *pems, "--generator", "Umbrella"])
    assert isinstance(done.exception, OutputError)
    assert "cannot write" in str(done.exception)


def test_an_edited_picture_names_its_parent(room: Path) -> None:
    sign(room)
    (room / "out.png").rename(room / "parent.png")
    done = sign(
        room,
        "--parent",
        str(room / "parent.png"),
        "--source-type",
        "compositeWithTrainedAlgorithmicMedia",
    )
    assert done.exit_code == Exit.OK
    manifest = read_manifest(open_media(room / "out.png")).manifests[0]
    assert [a.action for a in manifest.actions] == ["c2pa.opened", "c2pa.edited"]
