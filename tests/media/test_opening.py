"""Opening: sources, names, limits, and what is no picture."""

import io
import tarfile
import zipfile

import pytest

from lightkeeper.errors import ArchiveMedia, CorruptMedia, LimitExceeded, UnsupportedMedia
from lightkeeper.media import Limits, MediaFormat, open_media
from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import jpeg_bytes, png_bytes, png_text

PNG = png_bytes(synthetic_like(5, width=16, height=16), png_text("Title", "kite"))


def test_a_path_bytes_and_a_stream_give_the_same(tmp_path):
    path = tmp_path / "kite.png"
    path.write_bytes(PNG)
    for source, name in ((path, str(path)), (str(path), str(path)), (PNG, "<bytes>"),
                         (io.BytesIO(PNG), "<bytes>")):  # fmt: skip
        media = open_media(source)
        assert (media.name, media.format) == (name, MediaFormat.PNG)
        assert media.content == PNG
        assert media.embedded().text("Title") == "kite"


def test_a_given_name_wins(tmp_path):
    path = tmp_path / "kite.png"
    path.write_bytes(PNG)
    assert open_media(path, name="evidence-7.png").name == "evidence-7.png"


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_media(tmp_path / "absent.png")


def test_a_file_above_the_limit_is_refused(tmp_path):
    path = tmp_path / "kite.png"
    path.write_bytes(PNG)
    limits = Limits(max_bytes=len(PNG) - 1)
    for source in (path, PNG, io.BytesIO(PNG)):
        with pytest.raises(LimitExceeded, match="larger than"):
            open_media(source, limits=limits)
    assert open_media(path, limits=Limits(max_bytes=len(PNG))).content == PNG


def test_a_stream_is_never_read_far_beyond_the_limit():
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.asked += size
            return bytes(size)

    endless = Endless()
    with pytest.raises(LimitExceeded):
        open_media(endless, limits=Limits(max_bytes=1000))
    assert endless.asked == 1001


def test_an_empty_file_is_corrupt():
    with pytest.raises(CorruptMedia, match="empty"):
        open_media(b"")


_NOT_READ = [b"hello", b"%PDF-1.7", b"\x89PNG", b"\xff\xd8", b"BM rest of a text", bytes(64),
             b"RIFF\0\0\0\0WAVE", b"<svg/>"]  # fmt: skip


@pytest.mark.parametrize("content", _NOT_READ)
def test_other_content_is_unsupported(content):
    with pytest.raises(UnsupportedMedia):
        open_media(content)


@pytest.mark.parametrize(
    ("name", "mismatch"),
    [("a.png", False), ("a.PNG", False), ("a.jpg", True), ("a.JPEG", True), ("a.mp4", True),
     ("a", False), ("a.bak", False), ("photo.v2", False)],
)  # fmt: skip
def test_an_extension_of_another_format_is_a_problem(name, mismatch):
    problems = open_media(PNG, name=name).problems
    assert [problem.code for problem in problems] == ["extension-mismatch"] * mismatch


def test_problems_grow_as_more_is_read():
    bad = png_bytes(synthetic_like(5, width=16, height=16), png_text("x" * 9, "kite" * 99))
    media = open_media(bad, limits=Limits(max_text=100))
    assert media.problems == ()
    media.embedded()
    assert [problem.code for problem in media.problems] == ["text-too-long"]


def test_results_of_examiners_are_shared():
    media, calls = open_media(jpeg_bytes(synthetic_like(5, width=16, height=16))), []

    def compute(given):
        calls.append(given)
        return len(given.content)

    assert media.once(compute) == media.once(compute) == len(media.content)
    assert calls == [media]


def _tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("../umbrella.png")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    return buffer.getvalue()


def _zip(members: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"../{number}.png", bytes(1 << 16))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (_zip(2), "ZIP"),
        (_zip(0), "ZIP"),
        (_tar("w:"), "tar"),
        (_tar("w:gz"), "gzip"),
        (_tar("w:bz2"), "bzip2"),
        (_tar("w:xz"), "xz"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), "RAR"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "Zstandard"),
    ],
)
def test_an_archive_is_named_and_never_opened(content: bytes, kind: str) -> None:
    with pytest.raises(ArchiveMedia, match=f"a {kind} archive, which is not opened") as caught:
        open_media(content)
    assert caught.value.code == "archive-media"
    assert caught.value.hint is not None
