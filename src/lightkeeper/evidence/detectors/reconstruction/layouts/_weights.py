"""Reads the tensors of a file: safetensors, or what torch saved, of which nothing else is run."""

from __future__ import annotations

import json
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LARGEST_HEADER = 32 << 20
PICKLED = (".pth", ".pt", ".bin", ".ckpt")
"""Names of files that torch saves."""


def read_weights(path: Path, *, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """Tensors of a safetensors file, or of one that torch saved.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, or holds anything but tensors.
    """
    if path.suffix.lower() in PICKLED:
        return _saved_by_torch(path, prefix)
    return read_safetensors(path, prefix=prefix)


def _saved_by_torch(path: Path, prefix: str) -> dict[str, NDArray[np.float32]]:
    try:
        # By torch's reader of weights: an object that is none is refused before it is made.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise InvalidConfiguration(
            f"{path} is no file of weights alone",
            hint="pickles can run code: anything but tensors is never opened; convert it to "
            "safetensors where you trust it",
        ) from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in found.items()
    ):
        raise InvalidConfiguration(f"{path} holds no table of tensors")
    return {
        name.removeprefix(prefix): tensor.detach().to(torch.float32).numpy()
        for name, tensor in found.items()
        if name.startswith(prefix) and tensor.is_floating_point()
    }


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
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidConfiguration(
            f"{path} is not a safetensors file: {error}",
            hint="give the file that its owner published, under its own name",
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
