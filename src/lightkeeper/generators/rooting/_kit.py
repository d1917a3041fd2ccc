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
    """Tiles with a margin to weights and whitened logits: what detection runs."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, tiles: Any) -> Any:
        extractor = self.extractor
        sharpen = extractor.sharpen
        inside = nn.functional.conv2d(opponent(tiles), sharpen.weight, groups=3)
        weight, logits = extractor.per_tile(inside)
        # Whitening is affine and the weights sum to one, so it may come before the mean.
        return weight, extractor.whiten(logits)


def export_extractor(extractor: Extractor) -> bytes:
    """The extractor as ONNX, from tiles (M, 3, 34, 34) to weights (M, 1) and logits (M, 48)."""
    buffer = io.BytesIO()
    side = TILE + 2 * _MARGIN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Tiles(extractor).eval(), (torch.zeros(2, 3, side, side),), buffer, dynamo=False,
            opset_version=17, input_names=["tiles"], output_names=["weights", "logits"],
            dynamic_axes={name: {0: "m"} for name in ("tiles", "weights", "logits")},
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
