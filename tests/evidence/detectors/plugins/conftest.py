"""Plug-ins made up for a test: manifests, and ONNX networks with random weights."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightkeeper.evidence.detectors.plugins import Plugin

Write = Callable[..., Path]


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: Any) -> bytes:
    """One protobuf field: an int, a float, or anything with a length."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _tensor(name: str, array: np.ndarray) -> bytes:
    kind = 7 if array.dtype == np.int64 else 1
    dims = b"".join(_field(1, int(side)) for side in array.shape)
    return dims + _field(2, kind) + _field(8, name) + _field(9, array.tobytes())


def _outside(name: str, shape: tuple[int, ...], file: str) -> bytes:
    """A tensor whose numbers lie in another file."""
    dims = b"".join(_field(1, side) for side in shape)
    where = _field(1, "location") + _field(2, file)
    return dims + _field(2, 1) + _field(8, name) + _field(13, where) + _field(14, 1)


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return _field(1, name) + _field(4, value) + _field(20, 3)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    ints = b"".join(_field(8, int(number)) for number in value)
    return _field(1, name) + ints + _field(20, 7)


def _node(kind: str, inputs: list[str], output: str, **attributes: Any) -> bytes:
    parts = [_field(1, name) for name in inputs] + [_field(2, output), _field(4, kind)]
    parts += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def _value(name: str, shape: tuple[int | str, ...]) -> bytes:
    dims = b"".join(
        _field(1, _field(2, side) if isinstance(side, str) else _field(1, side)) for side in shape
    )
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def onnx_model(
    nodes: list[bytes], tensors: dict[str, np.ndarray], shape: tuple[int | str, ...]
) -> bytes:
    """A model from ``pixels`` to ``out``."""
    return _model(nodes, [_tensor(name, array) for name, array in tensors.items()], shape)


def _model(nodes: list[bytes], tensors: list[bytes], shape: tuple[int | str, ...]) -> bytes:
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "graph")
    graph += b"".join(_field(5, tensor) for tensor in tensors)
    graph += _field(11, _value("pixels", shape)) + _field(12, _value("out", ("n", "k")))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17))


@pytest.fixture
def convolutional() -> Callable[..., bytes]:
    """A small convolutional network with random weights and as many outputs as asked."""

    def make(outputs: int, *, side: int | None = None, residual: bool = False) -> bytes:
        rng = np.random.default_rng(0)
        tensors = {
            "w": rng.normal(size=(8, 3, 3, 3)).astype(np.float32),
            "g": rng.normal(size=(8, outputs)).astype(np.float32),
            "b": np.arange(1, outputs + 1, dtype=np.float32),
        }
        nodes, first = [], "pixels"
        if residual:
            # A nearest-neighbour half and back, taken from the picture: NPR's input.
            tensors["scales"] = np.array([1, 1, 2, 2], np.float32)
            nodes = [
                _node("MaxPool", ["pixels"], "half", kernel_shape=(1, 1), strides=(2, 2)),
                _node(
                    "Resize",
                    ["half", "", "scales"],
                    "back",
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                ),
                _node("Sub", ["pixels", "back"], "residual"),
            ]
            first = "residual"
        nodes += [
            _node("Conv", [first, "w"], "c", kernel_shape=(3, 3)),
            _node("Relu", ["c"], "r"),
            _node("GlobalAveragePool", ["r"], "p"),
            _node("Flatten", ["p"], "f"),
            _node("Gemm", ["f", "g", "b"], "out"),
        ]
        sides: tuple[int | str, int | str] = (side, side) if side else ("h", "w")
        return onnx_model(nodes, tensors, ("n", 3, *sides))

    return make


@pytest.fixture
def weights_outside() -> Callable[[str], bytes]:
    """A model whose weights lie in a file beside it."""

    def make(file: str) -> bytes:
        nodes = [
            _node("Add", ["pixels", "g"], "s"),
            _node("GlobalAveragePool", ["s"], "p"),
            _node("Flatten", ["p"], "out"),
        ]
        return _model(nodes, [_outside("g", (3, 224, 224), file)], ("n", 3, 224, 224))

    return make


@pytest.fixture
def boxes() -> Callable[[int], bytes]:
    """A network from a square of 320 to 100 boxes with the given number of classes."""

    def make(classes: int) -> bytes:
        rng = np.random.default_rng(0)
        tensors = {
            "w": rng.normal(size=(4 + classes, 3, 32, 32)).astype(np.float32) / 100,
            "shape": np.array([0, 4 + classes, -1], np.int64),
        }
        nodes = [
            _node("Conv", ["pixels", "w"], "c", kernel_shape=(32, 32), strides=(32, 32)),
            _node("Sigmoid", ["c"], "s"),
            _node("Reshape", ["s", "shape"], "out"),
        ]
        return onnx_model(nodes, tensors, (1, 3, 320, 320))

    return make


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a plug-in's files and its manifest; further tables follow as text."""

    def make(
        files: dict[str, bytes], more: str = "", *, pins: dict[str, str] | None = None, **keys: str
    ) -> Path:
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        given = {"id": "lamp", "version": "1", "licence": "none stated", "backend": "onnx"}
        given |= {"model": next(iter(files))} | keys
        lines = [f'{key} = "{value}"' for key, value in given.items()]
        lines += ["[files]"] + [f'"{k}" = "{v}"' for k, v in (digests | (pins or {})).items()]
        path = tmp_path / "plugin.toml"
        path.write_text("\n".join([*lines, more]) + "\n")
        return path

    return make


@pytest.fixture
def opened(write: Write) -> Iterator[Callable[..., Plugin]]:
    """A plug-in from the same arguments, closed at the end."""
    made: list[Plugin] = []

    def make(*arguments: Any, **keys: Any) -> Plugin:
        made.append(Plugin(write(*arguments, **keys)))
        return made[-1]

    yield make
    for plugin in made:
        plugin.close()


@pytest.fixture
def python(opened: Callable[..., Plugin]) -> Callable[..., Plugin]:
    """A Python plug-in from the body of ``score(rgb)``."""

    def make(body: str, more: str = "", *, before: str = "") -> Plugin:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        source = f"import os, time\nimport numpy as np\n{before}\ndef score(rgb):\n{lines}\n"
        return opened({"lamp.py": source.encode()}, more, backend="python")

    return make
