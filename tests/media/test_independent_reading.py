"""The same files, read by Pillow: texts, EXIF values and pixels agree."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from lightkeeper.errors import MediaError
from lightkeeper.media import Embedded, MediaFormat, open_media

FOLDERS = ("metadata", "c2pa", "pdq")
pytestmark = pytest.mark.filterwarnings(
    # What Pillow says of its own readings is no matter of this room.
    "ignore::UserWarning:PIL",
)
POINTERS = {0x8769, 0x8825, 0xA005}
BOTH_FORMATS = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".avif", ".gif", ".tif"}


def _readable(shared: Path):
    """Files that both readers open, each with both readings."""
    for folder in FOLDERS:
        for path in sorted((shared / folder).rglob("*")):
            if path.suffix.lower() not in BOTH_FORMATS:
                continue
            try:
                media = open_media(path)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    image = Image.open(path, formats=[media.format.value.upper()])
                    image.load()
            except (MediaError, OSError):
                continue
            with image:
                yield path, media, image


def _same(theirs: object, ours: object) -> bool:
    if isinstance(theirs, str):
        ours = ours.decode("latin-1") if isinstance(ours, bytes) else ours
        # Pillow takes UTF-8 for latin-1.
        read = {ours, ours.encode().decode("latin-1")}
        return theirs.rstrip("\0 ") in {text.rstrip("\0 ") for text in read}
    if isinstance(theirs, bytes):
        return bytes(ours).rstrip(b"\0") == theirs.rstrip(b"\0") or len(theirs) > 65_536
    numbers = theirs if isinstance(theirs, tuple) else (theirs,)
    return len(numbers) == len(ours) and all(
        math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))
        for a, b in zip(numbers, ours, strict=True)
    )


def _exif_differences(image: Image.Image, found: Embedded) -> tuple[int, list[str]]:
    exif, differences, compared = image.getexif(), [], 0
    for name, directory in (("ifd0", exif), ("exif", exif.get_ifd(0x8769)),
                            ("gps", exif.get_ifd(0x8825))):  # fmt: skip
        for tag, value in directory.items():
            if tag in POINTERS:
                continue
            compared += 1
            entry = found.exif_field(name, tag)
            if entry is None or not _same(value, entry.value):
                differences.append(f"{name} 0x{tag:04X}: {value!r:.60} {entry!r:.60}")
    return compared, differences


@pytest.mark.shared
def test_exif_values_agree_with_pillow(shared):
    compared, differences = 0, {}
    for path, media, image in _readable(shared):
        number, found = _exif_differences(image, media.embedded())
        compared += number
        if found:
            differences[path.name] = found
    assert differences == {}
    assert compared > 900


@pytest.mark.shared
def test_png_texts_agree_with_pillow(shared):
    compared = 0
    for path, media, image in _readable(shared):
        if media.format is not MediaFormat.PNG:
            continue
        for keyword, text in image.text.items():
            if keyword == "XML:com.adobe.xmp" or keyword.startswith("Raw profile type"):
                continue
            ours = next(t for t in media.embedded().texts if t.keyword == keyword)
            # Pillow takes raw UTF-8 in a tEXt chunk for latin-1.
            read = {ours.text, ours.text.encode().decode("latin-1")}
            assert str(text) in read, (path, keyword)
            compared += 1
    assert compared > 90


@pytest.mark.shared
def test_pixels_alpha_and_orientation_agree_with_pillow(shared):
    compared = 0
    for path, media, image in _readable(shared):
        raster = media.raster()
        np.testing.assert_array_equal(raster.rgb, np.asarray(image.convert("RGB")), str(path))
        if raster.alpha is not None:
            alpha = np.asarray(image.convert("RGBA"))[:, :, 3]
            np.testing.assert_array_equal(raster.alpha, alpha, str(path))
        if media.header.orientation != 1:
            upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            np.testing.assert_array_equal(media.rgb(), upright, str(path))
        compared += 1
    assert compared > 100


@pytest.mark.shared
def test_heic_is_decoded_upright(shared):
    media = open_media(shared / "metadata/mattiasw+ExifReader/test_fixtures_images_test.heic")
    assert media.rgb().shape == (media.header.height, media.header.width, 3) == (4032, 3024, 3)
    assert media.header.orientation == 1
    assert media.rgb().std() > 10
    assert "iPhone" in media.embedded().exif_text("exif", 0xA434)
