"""Trained nets as the bytes that a secret file keeps."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.generators.rooting._embedder import Embedder
from lightkeeper.generators.rooting._extractor import Extractor
from lightkeeper.generators.rooting._spectrum import TILE, opponent

_MARGIN = 1


class _Tiles(nn.Module):
    """Tiles with a margin to pooled logits, as they are and mirrored: what detection runs."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor = extractor
        # Colours and sharpening are one convolution.
        matrix = opponent(torch.eye(3)[:, :, None, None])[:, :, 0, 0].T
        self.register_buffer("stem", (matrix[:, :, None, None] * extractor.kernel()).detach())

    def forward(self, tiles: Any) -> Any:
        extractor = self.extractor
        grid = extractor.grid(nn.functional.conv2d(tiles, self.stem))
        pooled = []
        for mirrored in (False, True):
            weight, logits = extractor.judged(*extractor.logarithms(grid, mirrored=mirrored))
            pooled.append((weight * logits).sum(0) / weight.sum(0))
        return extractor.whiten(torch.stack(pooled))


def export_extractor(extractor: Extractor) -> bytes:
    """The extractor as ONNX, from tiles (M, 3, 34, 34) to logits (2, 48), the second mirrored."""
    buffer = io.BytesIO()
    side = TILE + 2 * _MARGIN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Tiles(extractor).eval(), (torch.zeros(2, 3, side, side),), buffer, dynamo=False,
            opset_version=17, input_names=["tiles"], output_names=["logits"],
            dynamic_axes={"tiles": {0: "m"}},
        )  # fmt: skip
    return buffer.getvalue()


def pack(embedder: Embedder, extractor: Extractor) -> bytes:
    """Both nets as NumPy's archive, in half precision; no pickle."""
    buffer = io.BytesIO()
    arrays = {
        f"{part}/{name}": _half(value.detach().numpy())
        for part, net in (("embedder", embedder), ("extractor", extractor))
        for name, value in net.state_dict().items()
    }
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> tuple[Embedder, Extractor]:
    """Undo :func:`pack`.

    Raises
    ------
    InvalidConfiguration
        It is empty (a secret that may only look) or of another form.
    """
    if not content:
        raise InvalidConfiguration(
            "this secret file can only look for marks: it holds nothing to root with"
        )
    embedder, extractor = Embedder(0), Extractor()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            for part, net in (("embedder", embedder), ("extractor", extractor)):
                state = {
                    name: torch.from_numpy(held[f"{part}/{name}"]).to(value.dtype)
                    for name, value in net.state_dict().items()
                }
                net.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise InvalidConfiguration("the trained nets of this secret file are damaged") from error
    return embedder.eval(), extractor.eval()


def _half(array: Any) -> Any:
    return array.astype(np.float16) if array.dtype == np.float32 and array.ndim > 1 else array
