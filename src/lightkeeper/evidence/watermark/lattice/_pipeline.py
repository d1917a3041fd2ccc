"""Mark whatever a generation pipeline puts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.lattice._embed import DEFAULT_PSNR, embed

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OutputMarker:
    """A last step for pipelines such as those of diffusers: pictures in, marked pictures out.

    ``marker(pipe(prompt).images)`` takes a list of PIL pictures; with ``output_type="np"`` a
    floating-point array of shape (N, H, W, 3) from 0 to 1; or one picture of either kind, or uint8.
    What comes out has the type and shape of what went in; PIL pictures are RGB, or RGBA if they had
    transparency.

    Parameters
    ----------
    payload : int
        48 bits.
    psnr : float, optional
        As for :func:`embed`.
    """

    def __init__(self, payload: int, *, psnr: float | None = DEFAULT_PSNR) -> None:
        self.payload = payload
        self.psnr = psnr

    def __call__(self, pictures: Any) -> Any:
        """Mark one picture or a batch.

        Raises
        ------
        EvidenceError
            Something in it is no picture, or too small to carry the mark.
        """
        if isinstance(pictures, list | tuple):
            return type(pictures)(self(picture) for picture in pictures)
        if isinstance(pictures, Image.Image):
            return self._pil(pictures)
        if isinstance(pictures, np.ndarray) and pictures.ndim == 4:
            return np.stack([self._array(picture) for picture in pictures])
        if isinstance(pictures, np.ndarray):
            return self._array(pictures)
        raise EvidenceError(f"cannot mark {type(pictures).__name__}: give PIL pictures or arrays")

    def _pil(self, picture: Image.Image) -> Image.Image:
        bands = picture.convert("RGBA") if "A" in picture.getbands() else picture.convert("RGB")
        pixels = np.asarray(bands)
        marked = pixels.copy()
        marked[..., :3] = embed(pixels[..., :3], self.payload, psnr=self.psnr)
        return Image.fromarray(marked)

    def _array(self, picture: NDArray[Any]) -> NDArray[Any]:
        if picture.dtype == np.uint8:
            return embed(picture, self.payload, psnr=self.psnr)
        if picture.dtype.kind != "f" or not np.isfinite(picture).all():
            raise EvidenceError(f"cannot mark an array of {picture.dtype}: uint8, or 0 to 1")
        whole = np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
        return (embed(whole, self.payload, psnr=self.psnr) / 255).astype(picture.dtype)
