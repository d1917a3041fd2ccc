"""Networks of the families' shapes with random weights: linear in block means, so that a test can
write a mark into a picture by solving for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lightkeeper.evidence.watermark.extractors import Family
from lightkeeper.evidence.watermark.extractors._schemes import SCHEMES

BLOCK = 8
SIDE = 256


@dataclass(frozen=True)
class Network:
    """One made-up extractor on disk."""

    folder: Path
    family: Family
    weights: NDArray[np.float32]

    @property
    def sha256(self) -> str:
        return hashlib.sha256((self.folder / "net.onnx").read_bytes()).hexdigest()

    def table(self, *, id: str = "net", more: str = "") -> Path:
        path = self.folder / "extractors.toml"
        path.write_text(
            f'[[extractor]]\nid = "{id}"\nfamily = "{self.family}"\nmodel = "net.onnx"\n'
            f'sha256 = "{self.sha256}"\n{more}'
        )
        return path

    def marked(self, bits: str, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture of 256 x 256 whose block means are moved until the network reads ``bits``."""
        scheme = SCHEMES[self.family]
        assert rgb.shape == (SIDE, SIDE, 3)
        channels = self.weights.shape[1]
        mean = np.zeros(3) if scheme.mean is None else scheme.mean
        deviation = np.ones(3) if scheme.deviation is None else scheme.deviation
        places = SIDE // BLOCK
        pixels = rgb.astype(np.float64)
        wanted = np.where(np.array(list(bits)) == "1", 1.0, -1.0)
        first = channels - len(bits)
        for _ in range(40):
            shown = np.clip(np.rint(pixels), 0, 255)
            values = (shown / 255 - mean) / deviation
            means = values.reshape(places, BLOCK, places, BLOCK, 3).mean(axis=(1, 3))
            read = (means.transpose(2, 0, 1).reshape(-1) @ self.weights)[first:]
            missing = np.where(read * wanted < 0.3, 0.35 * wanted - read, 0.0)
            if not missing.any():
                break
            change, *_ = np.linalg.lstsq(self.weights[:, first:].T, missing, rcond=None)
            change = change.reshape(3, places, places).transpose(1, 2, 0) * deviation * 255
            pixels = shown + np.repeat(np.repeat(change, BLOCK, 0), BLOCK, 1)
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Network]:
    def make(family: Family, *, outputs: int | None = None, seed: int = 7) -> Network:
        scheme = SCHEMES[family]
        channels = outputs or scheme.bits[-1] + scheme.presence
        inputs = 3 * (SIDE // BLOCK) ** 2
        rng = np.random.default_rng(seed)
        weights = rng.normal(0, inputs**-0.5, (inputs, channels)).astype(np.float32)
        # No answer follows from a picture's mean alone.
        weights -= weights.mean(axis=0)
        nodes = [
            helper.make_node(
                "AveragePool", ["pixels"], ["means"], kernel_shape=[BLOCK] * 2, strides=[BLOCK] * 2
            ),
            helper.make_node("Flatten", ["means"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ]
        last = "logits"
        if family is Family.INVISMARK:
            nodes.append(helper.make_node("Sigmoid", [last], ["out"]))
        elif family is Family.WAM:
            # One answer for each of four places, all alike.
            shape = numpy_helper.from_array(np.array([1, channels, 1, 1], np.int64), "shape")
            wide = numpy_helper.from_array(np.array([1, channels, 2, 2], np.int64), "wide")
            nodes.append(helper.make_node("Reshape", [last, "shape"], ["one"]))
            nodes.append(helper.make_node("Expand", ["one", "wide"], ["out"]))
        else:
            nodes.append(helper.make_node("Identity", [last], ["out"]))
        tensors = [numpy_helper.from_array(weights, "weights")]
        if family is Family.WAM:
            tensors += [shape, wide]
        graph = helper.make_graph(
            nodes,
            "made-up",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, tmp_path / "net.onnx")
        return Network(tmp_path, family, weights)

    return make
