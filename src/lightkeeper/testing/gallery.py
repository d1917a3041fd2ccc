"""Draw the demo's gallery: one benign picture for each kind of evidence.

``python -m lightkeeper.testing.gallery FOLDER`` writes ``FOLDER/pictures`` and the certificate
of the throw-away signer, ``FOLDER/anchors.pem``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.evidence.watermark import PUBLIC_MARKS, Variant, embed
from lightkeeper.labelling import sign_generated
from lightkeeper.media import open_media
from lightkeeper.testing._certificates import signing_credentials
from lightkeeper.testing._containers import (
    encoded_bytes,
    jpeg_bytes,
    jpeg_exif,
    png_bytes,
    png_text,
    tiff_block,
    user_comment,
    webp_bytes,
)
from lightkeeper.testing._draw import photo_like, synthetic_like
from lightkeeper.testing._infotext import infotext
from lightkeeper.testing._stealth import hide_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_PROMPT = "a red umbrella on a rainy street, evening light"
_NEGATIVE = "blurry, low contrast"
_MAKE, _MODEL, _SOFTWARE = 0x010F, 0x0110, 0x0131


@dataclass(frozen=True, slots=True)
class Gallery:
    """Where a gallery was written."""

    pictures: Path
    anchors: Path
    """PEM certificate under which the signed pictures are trusted."""


def build_gallery(folder: Path) -> Gallery:
    """Draw every picture of the gallery into ``folder / "pictures"``.

    The pictures are the same each time, except for signatures: the signer lives as long as the
    process.
    """
    gallery = Gallery(folder / "pictures", folder / "anchors.pem")
    gallery.pictures.mkdir(parents=True, exist_ok=True)
    gallery.anchors.write_text(signing_credentials("gallery").anchors_pem)
    for name, make in PICTURES.items():
        (gallery.pictures / name).write_bytes(make())
    return gallery


def _parameters(width: int = 512, height: int = 512) -> str:
    return infotext(
        _PROMPT,
        negative=_NEGATIVE,
        parameters={
            "Steps": 28,
            "Sampler": "DPM++ 2M",
            "Schedule type": "Karras",
            "CFG scale": 6.5,
            "Seed": 1234567890,
            "Size": f"{width}x{height}",
            "Model hash": "31e35c80fc",
            "Model": "sd_xl_base_1.0",
            "Version": "v1.10.1",
        },
    )


def _graph() -> dict[str, object]:
    def node(kind: str, **inputs: object) -> dict[str, object]:
        return {"class_type": kind, "inputs": inputs}

    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "2": node("CLIPTextEncode", text="a lighthouse at dusk, calm sea", clip=["1", 1]),
        "3": node("CLIPTextEncode", text=_NEGATIVE, clip=["1", 1]),
        "4": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "5": node(
            "KSampler",
            seed=42,
            steps=25,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("SaveAnimatedWEBP", images=["6", 0], filename_prefix="dusk"),
    }


def _camera() -> bytes:
    return tiff_block(
        ifd0={_MAKE: "Example", _MODEL: "Field Camera 3", _SOFTWARE: "1.02"},
        exif={
            0x829A: (5, (1).to_bytes(4, "big") + (250).to_bytes(4, "big")),
            0x829D: (5, (28).to_bytes(4, "big") + (10).to_bytes(4, "big")),
            0x8827: 200,
            0x9003: "2024:05:14 17:20:31",
            0x920A: (5, (35).to_bytes(4, "big") + (1).to_bytes(4, "big")),
            0x927C: b"Example maker note\0" * 8,
        },
    )


def _marked(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mark = next(mark for mark in PUBLIC_MARKS if mark.id == "sdxl")
    return embed(picture, mark, variant=Variant.FLOAT32_RGB)


def _signed() -> bytes:
    credentials = signing_credentials("gallery")
    return sign_generated(
        open_media(encoded_bytes(synthetic_like(5), "PNG")),
        certificate_chain_pem=credentials.chain_pem,
        private_key_pem=credentials.key_pem,
        generator="Example generator",
        generator_version="2.0",
    ).content


def _clean_photo() -> bytes:
    return jpeg_bytes(photo_like(1, width=960, height=640), jpeg_exif(_camera()))


def _infotext_png() -> bytes:
    return png_bytes(synthetic_like(2), png_text("parameters", _parameters()))


def _infotext_jpeg() -> bytes:
    comment = tiff_block(exif={0x9286: user_comment(_parameters())})
    return jpeg_bytes(photo_like(12), jpeg_exif(comment))


def _comfyui_webp() -> bytes:
    exif = tiff_block(ifd0={_MODEL: "prompt:" + json.dumps(_graph())}, order="II")
    return webp_bytes(synthetic_like(3), exif=exif)


def _novelai_stealth() -> bytes:
    comment = {"prompt": "a bicycle in a garden", "uc": _NEGATIVE, "steps": 28, "scale": 5.0}
    comment |= {"seed": 987654321, "sampler": "k_euler", "width": 512, "height": 512}
    text = json.dumps(
        {
            "Software": "NovelAI",
            "Source": "NovelAI Diffusion V4.5 C02D4F98",
            "Comment": json.dumps(comment),
        }
    )
    opaque = np.full((512, 512, 1), 255, np.uint8)
    return encoded_bytes(
        hide_parameters(np.concatenate([synthetic_like(4), opaque], axis=2), text), "PNG"
    )


def _marked_png() -> bytes:
    return encoded_bytes(_marked(photo_like(6)), "PNG")


def _marked_and_resized() -> bytes:
    picture = Image.fromarray(_marked(photo_like(14, width=1024, height=1024)))
    return encoded_bytes(np.asarray(picture.resize((768, 768), Image.Resampling.LANCZOS)), "PNG")


def _tampered() -> bytes:
    content = bytearray(_signed())
    content[-60] ^= 0xFF
    return bytes(content)


def _camera_and_mark() -> bytes:
    picture = _marked(photo_like(7))
    return webp_bytes(picture, exif=_camera(), lossless=True)


def _wrong_size() -> bytes:
    picture = photo_like(8, width=640, height=384)
    return png_bytes(picture, png_text("parameters", _parameters(1024, 1024)))


def _resaved() -> bytes:
    exif = tiff_block(ifd0={_SOFTWARE: "GIMP 2.10.36", 0x0132: "2024:06:01 09:00:00"})
    return jpeg_bytes(synthetic_like(9), jpeg_exif(exif))


def _mislabelled() -> bytes:
    return png_bytes(synthetic_like(10), png_text("parameters", _parameters()))


def _truncated() -> bytes:
    whole = _clean_photo()
    return whole[: len(whole) // 2]


PICTURES: dict[str, Callable[[], bytes]] = {
    "bicycle-novelai-stealth.png": _novelai_stealth,
    "dusk-comfyui.webp": _comfyui_webp,
    "garden-camera.jpg": _clean_photo,
    "garden-no-traces.png": lambda: encoded_bytes(photo_like(13), "PNG"),
    "garden-truncated.jpg": _truncated,
    "harbour-camera-and-mark.webp": _camera_and_mark,
    "harbour-mark-resized.png": _marked_and_resized,
    "harbour-mark.png": _marked_png,
    "market-wrong-size.png": _wrong_size,
    "meadow-resaved.jpg": _resaved,
    "not-an-image.jpg": lambda: b"A list of lighthouses, one a line.\n",
    "poster-signed-tampered.png": _tampered,
    "poster-signed.png": _signed,
    "umbrella-infotext.jpg": _infotext_jpeg,
    "umbrella-infotext.png": _infotext_png,
    "umbrella-mislabelled.jpg": _mislabelled,
}
"""File name to the function that makes its bytes."""


def main(arguments: list[str]) -> int:
    """Draw a gallery into the folder that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m lightkeeper.testing.gallery FOLDER\n")
        return 2
    gallery = build_gallery(Path(arguments[0]))
    sys.stdout.write(f"{len(PICTURES)} files in {gallery.pictures}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
