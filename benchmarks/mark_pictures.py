"""The open mark side by side: unmarked, marked, difference times ten.

Photographs are those that scikit-image ships (coffee, chelsea, rocket: CC0 or public domain).
``python benchmarks/mark_pictures.py [FILE]``
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from lightkeeper.evidence.watermark import lattice

TARGET = Path(__file__).parents[1] / "docs" / "pictures" / "open-mark.jpg"
PAYLOAD = 0x5A17C0DE1E55
# Where each is cut: top, left.
PLACES = {"coffee.png": (60, 170), "chelsea.png": (20, 100), "rocket.jpg": (100, 200)}
SIDE, GAIN = 256, 10


def main(target: Path = TARGET) -> None:
    """Draw three rows of three and print what the strength came to."""
    rows = []
    for name, (top, left) in PLACES.items():
        path = Path(skimage.__file__).parent / "data" / name
        whole = np.asarray(Image.open(path).convert("RGB"))
        marked = lattice.embed(whole, PAYLOAD)
        change = marked.astype(float) - whole
        print(f"{name}: {10 * np.log10(255**2 / np.mean(change**2)):.1f} dB")
        shown = (whole, marked, np.clip(128 + GAIN * change, 0, 255).astype(np.uint8))
        cut = slice(top, top + SIDE), slice(left, left + SIDE)
        rows.append(np.hstack([picture[cut] for picture in shown]))
    Image.fromarray(np.vstack(rows)).save(target, quality=90)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
