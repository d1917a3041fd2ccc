"""Decide a file's format by its content, and what its name claims."""

from __future__ import annotations

from pathlib import PurePath

from lightkeeper.errors import ArchiveMedia, CorruptMedia, UnsupportedMedia
from lightkeeper.media._types import MediaFormat, Problem

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_EXTENSIONS = {
    MediaFormat.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    MediaFormat.PNG: (".png", ".apng"),
    MediaFormat.WEBP: (".webp",),
    MediaFormat.GIF: (".gif",),
    MediaFormat.BMP: (".bmp", ".dib"),
    MediaFormat.TIFF: (".tif", ".tiff"),
    MediaFormat.AVIF: (".avif", ".avifs", ".heif"),
    MediaFormat.HEIC: (".heic", ".heif", ".heics", ".hif"),
}
_OTHERS = (".svg", ".pdf", ".mp4", ".mov", ".webm", ".mkv", ".avi", ".ico", ".jxl", ".psd", ".jp2")
_ARCHIVES = (
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"PK\x05\x06", "ZIP"),
    (257, b"ustar", "tar"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!\x1a\x07", "RAR"),
)
"""Where an archive or a packed file says what it is. Office documents are ZIP archives too."""
_CLAIMS = frozenset(e for group in _EXTENSIONS.values() for e in group) | frozenset(_OTHERS)


def probe(content: bytes) -> MediaFormat:
    """Tell the format from the first bytes.

    Raises
    ------
    CorruptMedia
        There are no bytes.
    UnsupportedMedia
        The bytes are of no format that is read here; ``ArchiveMedia`` for an archive.
    """
    if not content:
        raise CorruptMedia("the file is empty")
    if content.startswith(b"\xff\xd8\xff"):
        return MediaFormat.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaFormat.PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return MediaFormat.WEBP
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return MediaFormat.GIF
    if content[:4] in (b"II*\0", b"MM\0*"):
        return MediaFormat.TIFF
    if content[:2] == b"BM" and content[6:10] == b"\0\0\0\0" and content[15:18] == b"\0\0\0":
        return MediaFormat.BMP
    if content[4:8] == b"ftyp":
        return _brand(content)
    for at, magic, kind in _ARCHIVES:
        if content[at : at + len(magic)] == magic:
            raise ArchiveMedia(
                f"a {kind} archive, which is not opened: unpack it and scan the folder",
                hint="Unpack it into an empty folder and with a limit on size: it may be hostile.",
            )
    raise UnsupportedMedia(
        "not an image format that is read here (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC)"
    )


def _brand(content: bytes) -> MediaFormat:
    # Major brand, minor version, then compatible brands; a box of 256 bytes is generous.
    end = min(int.from_bytes(content[:4], "big"), 256, len(content))
    brands = {content[8:12], *(content[i : i + 4] for i in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return MediaFormat.AVIF
    if brands & _HEIC_BRANDS:
        return MediaFormat.HEIC
    raise UnsupportedMedia("an ISO media file, but neither AVIF nor HEIC (perhaps a video)")


def name_problem(name: str, actual: MediaFormat) -> Problem | None:
    """A problem where the name's extension belongs to another format."""
    extension = PurePath(name).suffix.lower()
    if extension not in _CLAIMS or extension in _EXTENSIONS[actual]:
        return None
    return Problem(
        "extension-mismatch",
        "name",
        f"named {extension}, but the content is {actual.value.upper()}",
    )
