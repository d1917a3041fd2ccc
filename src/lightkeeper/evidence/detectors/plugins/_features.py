"""What a frozen backbone says of a picture: one tensor of it, pooled to one row a crop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TOKENS = 3
_GRAPH, _OUTPUT, _NAME = 7, 12, 1
_NODE, _NODE_OUTPUT = 1, 2
_LONGEST_NAME = 1024


class Features(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tensor of a backbone is read, and how its tokens become one row."""

    output: Annotated[str, msgspec.Meta(max_length=_LONGEST_NAME)] = ""
    """Tensor inside an ONNX model; empty: its first output."""
    pool: Annotated[str, msgspec.Meta(pattern=r"^(none|cls|mean|cls\+mean)$")] = "none"
    """``none`` takes what the model has pooled itself."""
    prefix: Annotated[int, msgspec.Meta(ge=0, le=64)] = 1
    """Tokens before those of patches: the class token and registers."""


def pooled(tokens: NDArray[Any], features: Features) -> NDArray[np.float64]:
    """One row for each crop.

    Parameters
    ----------
    tokens : float, shape (crops, tokens, channels), or (crops, channels) where ``pool`` is none

    Raises
    ------
    ValueError
        The tensor has another shape.
    """
    rows = np.asarray(tokens, np.float64)
    if features.pool == "none":
        if rows.ndim != _TOKENS - 1:
            raise ValueError(f"its output has the shape {rows.shape}: features.pool must be named")
        return rows
    if rows.ndim != _TOKENS or rows.shape[1] <= max(features.prefix, 0):
        raise ValueError(f"its output has the shape {rows.shape}, not that of tokens")
    if "cls" in features.pool and not features.prefix:
        raise ValueError("without a token before the patches there is no class token")
    parts = []
    if "cls" in features.pool:
        parts.append(rows[:, 0])
    if "mean" in features.pool:
        parts.append(rows[:, features.prefix :].mean(axis=1))
    return np.concatenate(parts, axis=1)


def with_output(model: bytes, name: str) -> bytes:
    """An ONNX model that gives one of its inner tensors away too.

    Two occurrences of a message are merged when Protocol Buffers are read, and lists in them are
    joined: so an output is added by appending it, and the pinned file stays as it is.

    Raises
    ------
    InvalidConfiguration
        No node of the model makes a tensor of this name.
    """
    names = tensors(model)
    if name not in names:
        near = [made for made in names if "norm" in made.lower()][-3:] or names[-3:]
        raise InvalidConfiguration(
            f"the model makes no tensor {name}", hint="it makes " + ", ".join(near) + ", …"
        )
    return model + _field(_GRAPH, _field(_OUTPUT, _field(_NAME, name.encode())))


def tensors(model: bytes) -> list[str]:
    """Names of the tensors that the nodes of an ONNX model make, in their order.

    Raises
    ------
    InvalidConfiguration
        It is no ONNX model.
    """
    view = memoryview(model)
    found: list[str] = []
    try:
        for key, graph in _fields(view):
            if key == _GRAPH:
                for kind, node in _fields(_message(graph)):
                    if kind == _NODE:
                        found += _outputs(_message(node))
    except (IndexError, UnicodeDecodeError, TypeError) as error:
        raise InvalidConfiguration("it is no ONNX model") from error
    if not found:
        raise InvalidConfiguration("it is no ONNX model")
    return found


def _outputs(node: memoryview) -> list[str]:
    return [
        bytes(_message(value)[:_LONGEST_NAME]).decode()
        for key, value in _fields(node)
        if key == _NODE_OUTPUT
    ]


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number stands where a message should")
    return value


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Fields of one Protocol Buffers message; nothing is copied."""
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        wire = tag & 7
        if wire == 0:
            number, at = _varint(view, at)
            yield tag >> 3, number
            continue
        if wire == 2:
            length, at = _varint(view, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise TypeError("a field of a kind that is not known")
        if at + length > len(view):
            raise IndexError("a field ends beyond the file")
        yield tag >> 3, view[at : at + length]
        at += length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number is too long")


def _field(number: int, content: bytes) -> bytes:
    length, head = len(content), bytearray([number << 3 | 2])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + content
