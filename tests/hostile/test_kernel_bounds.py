"""Compiled loops check no index: with checks compiled in, hostile JPEGs must not trip one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """
import random
import numpy as np
from lightkeeper.media._jpeg_dc import read_dc_luma
from lightkeeper.testing import photo_like
from lightkeeper.testing._containers import encoded_bytes

chance = random.Random(5)
picture = photo_like(1, width=72, height=56)
seeds = [
    encoded_bytes(picture, "JPEG", subsampling=subsampling, **options)
    for subsampling in (0, 1, 2)
    for options in ({}, {"restart_marker_blocks": 2}, {"optimize": True})
] + [encoded_bytes(picture[..., 0], "JPEG")]
read = 0
for _ in range(3_000):
    content = bytearray(chance.choice(seeds))
    scan = content.index(b"\\xff\\xda")
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        # Headers as often as entropy-coded data: sampling factors, table sizes, symbols.
        first, last = chance.choice(((20, scan + 14), (scan, len(content))))
        at = chance.randrange(first, last)
        content[at] = chance.choice((0, 1, 0x11, 0x22, 0x41, 0xD9, 255, chance.randrange(256)))
    if chance.random() < 0.1:
        del content[chance.randrange(scan, len(content)) :]
        content += chance.choice((b"", b"\\0" * 5_000, b"\\xff\\0" * 3_000))
    read += read_dc_luma(bytes(content)) is not None
print(read)
"""


def test_no_hostile_jpeg_makes_the_block_reader_index_out_of_bounds(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1_000:]
    # Some mutations are harmless: were none read, nothing would have been tested.
    assert int(done.stdout) > 200
