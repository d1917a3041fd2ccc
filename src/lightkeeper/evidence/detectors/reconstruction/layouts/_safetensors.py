"""Reads a safetensors file; pickles are never opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LARGEST_HEADER = 32 << 20


def read_safetensors(path: Path, *, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """Tensors whose name begins with ``prefix``, without it, as float32.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, or is not a safetensors file.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _LARGEST_HEADER:
                raise ValueError("its header has an impossible length")
            header = json.loads(file.read(length))
            start = 8 + length
            return {
                name.removeprefix(prefix): _tensor(file, start, entry)
                for name, entry in header.items()
                if name != "__metadata__" and name.startswith(prefix) and entry["dtype"] in _DTYPES
            }
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidConfiguration(
            f"{path} is not a safetensors file: {error}",
            hint="pickles (.pt, .pth, .ckpt, .bin) can run code and are never opened",
        ) from error


def _tensor(file: Any, start: int, entry: dict[str, Any]) -> NDArray[np.float32]:
    begin, end = entry["data_offsets"]
    shape = tuple(int(side) for side in entry["shape"])
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    if begin < 0 or end - begin != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise ValueError("a tensor's offsets contradict its shape")
    file.seek(start + begin)
    raw = np.frombuffer(file.read(end - begin), dtype)
    if entry["dtype"] == "BF16":
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32).reshape(shape)
