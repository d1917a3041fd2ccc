"""Hostile files, each in a fresh process: under two seconds, under 300 MB, no crash."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from lightkeeper.testing import synthetic_like
from lightkeeper.testing._containers import (
    encoded_bytes,
    gif_bytes,
    jpeg_bytes,
    png_bytes,
    png_chunk,
    png_text,
    riff_chunk,
    tiff_block,
    webp_bytes,
)

SECONDS, MEGABYTES = 2.0, 300
PIXELS = synthetic_like(9, width=32, height=32)
_CHILD = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from lightkeeper.errors import MediaError
from lightkeeper.media import open_media
start = time.process_time()
outcome = []
try:
    media = open_media(sys.argv[1])
    media.embedded(), media.header
    for decode in (media.rgb, media.luma, lambda: media.luma(min_side=512)):
        try:
            decode()
            outcome.append("pixels")
        except MediaError as error:
            outcome.append(error.code)
    outcome += [problem.code for problem in media.problems]
except MediaError as error:
    outcome.append(error.code)
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
try:
    # Linux lets ru_maxrss start at the parent's peak; this one is the process's own.
    lines = open("/proc/self/status").read().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
except OSError:
    pass
print(json.dumps([seconds, peak, outcome]))
"""


def _examine(path: Path) -> list[str]:
    """Read the file in a fresh process; its outcome, after the bars have been held against it."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CHILD, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seconds, peak, outcome = json.loads(run.stdout)
    assert seconds < SECONDS
    assert peak < MEGABYTES
    return outcome


@pytest.mark.shared
def test_known_hostile_files_stay_within_the_bars(shared):
    outcomes = {path.name: _examine(path) for path in sorted((shared / "malformed").iterdir())}
    assert len(outcomes) >= 20
    assert all(outcomes.values())
    assert outcomes["ztxt_bomb_1GB.png"] == ["pixels"] * 3 + ["text-too-long"]
    assert outcomes["itxt_bomb_1GB.png"] == ["pixels"] * 3 + ["text-too-long"]
    assert outcomes["iccp_bomb_1GB.png"] == ["pixels"] * 3
    assert outcomes["decomp_bomb_rgba_16000.png"] == ["limit-exceeded"] * 3
    assert outcomes["xmp_billion_laughs.png"] == ["pixels"] * 3 + ["xml-entities"]
    assert outcomes["text_20000chunks.png"] == ["pixels"] * 3 + ["too-many-chunks"]
    assert outcomes["webp_exif_huge_len.webp"] == ["corrupt-media"]


def _resized_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    at = next(jpeg.index(mark) for mark in (b"\xff\xc0", b"\xff\xc2") if mark in jpeg)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def _zlib_bomb() -> bytes:
    packer, parts = zlib.compressobj(9), []
    parts += [packer.compress(bytes(1 << 20)) for _ in range(400)]
    return b"".join([*parts, packer.flush()])


def _scans() -> bytes:
    picture = encoded_bytes(np.zeros((3000, 3000, 3), np.uint8), "JPEG", progressive=True)
    at = picture.rindex(b"\xff\xda")
    return picture[:at] + picture[at:-2] * 89 + picture[-2:]


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _items_that_share_an_extent() -> bytes:
    numbers = range(2, 4000)
    infe = [_box(b"infe", struct.pack(">IHH4s", 2 << 24, n, 0, b"Exif")) for n in numbers]
    iloc = [struct.pack(">HHHHII", n, 0, 0, 1, 0, 8_000_000) for n in numbers]
    ispe = _box(b"ispe", struct.pack(">III", 0, 64, 64))
    ipma = _box(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
    meta = [
        _box(b"pitm", struct.pack(">IH", 0, 1)),
        _box(b"iprp", _box(b"ipco", ispe) + ipma),
        _box(b"iinf", struct.pack(">IH", 0, len(infe)) + b"".join(infe)),
        _box(b"iloc", struct.pack(">IBBH", 1 << 24, 0x44, 0, len(iloc)) + b"".join(iloc)),
    ]
    data = b"\0\0\0\0MM\0*\0\0\0\x08" + bytes(8_000_000)
    head = _box(b"ftyp", b"avif\0\0\0\0avif")
    return head + _box(b"meta", bytes(4) + b"".join(meta)) + _box(b"mdat", data)


_EXIF = tiff_block(ifd0=dict.fromkeys(range(900), (2, b"kite" * 4)))
_MADE = {
    "zTXt bomb": lambda: png_bytes(PIXELS, png_chunk("zTXt", b"a\0\0" + _zlib_bomb())),
    "iCCP bomb": lambda: png_bytes(PIXELS, png_chunk("iCCP", b"a\0\0" + _zlib_bomb())),
    "many small texts": lambda: png_bytes(
        PIXELS, *[png_text("a", b"a" * 9000, kind="zTXt")] * 10_000
    ),
    "many empty IDAT": lambda: png_bytes(PIXELS)[:33] + png_chunk("IDAT") * 1_000_000,
    "elements without end": lambda: png_bytes(
        PIXELS, png_text("XML:com.adobe.xmp", b"<x>" + b"<a/>" * 1_500_000 + b"</x>", kind="iTXt")
    ),
    "JPEG padded with FF": lambda: b"\xff\xd8" + b"\xff" * 8_000_000 + jpeg_bytes(PIXELS)[2:],
    "JPEG of zeros": lambda: jpeg_bytes(PIXELS)[:-2] + b"\xff\0" * 8_000_000,
    "JPEG of restarts": lambda: jpeg_bytes(PIXELS)[:-2] + b"\xff\xd0" * 8_000_000,
    "JPEG claiming 22000²": lambda: _resized_jpeg(jpeg_bytes(PIXELS), 22_000, 22_000),
    "JPEG claiming 7000²": lambda: _resized_jpeg(jpeg_bytes(PIXELS), 7_000, 7_000),
    "endless scans": _scans,
    "items that share an extent": _items_that_share_an_extent,
    "many EXIF chunks": lambda: webp_bytes(PIXELS, *[riff_chunk(b"EXIF", _EXIF)] * 500),
    "tiny GIF blocks": lambda: gif_bytes(PIXELS)[:-1] + b"\x21\xfe" + b"\x01a" * 4_000_000,
    "chained directories": lambda: tiff_block(ifd0={0x0100: 8, 0x0101: 8}, order="II")[:-4]
    + struct.pack("<I", 38)
    + b"".join(struct.pack("<HI", 0, 44 + 6 * n) for n in range(200_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", _MADE)
def test_made_hostile_files_stay_within_the_bars(name, tmp_path):
    path = tmp_path / "hostile"
    path.write_bytes(_MADE[name]())
    assert _examine(path)
