"""Leaves a trained network as a plug-in: ONNX weights and the manifest that pins them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import nn

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.detectors.training._manifest import TEXTURED, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder
    from lightkeeper.evidence.detectors.training._calibrate import Calibration
    from lightkeeper.evidence.detectors.training._network import Network

WEIGHTS = "network.onnx"
MOST_BYTES = 2 << 20
SIDE = 512
"""Largest side that is looked at; of a larger picture the middle."""


class Calibrated(nn.Module):
    """The network with its temperature: what it gives is a log-odds at even odds."""

    def __init__(self, network: Network, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.scale, self.bias = calibration.scale, calibration.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pixels in 0..1, shape (n, 3, H, W), to log-odds of shape (n, 1)."""
        return self.network(x) * self.scale + self.bias


def export(
    network: Network,
    calibration: Calibration,
    out: Path,
    *,
    autoencoder: Autoencoder,
    licence: str,
    sources: Iterable[str],
) -> Path:
    """Write the weights and their manifest.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    EvidenceError
        The weights are larger than a detector of the tier model may be.
    """
    weights = out / WEIGHTS
    axes = {"input": {0: "n", 2: "h", 3: "w"}, "log_odds": {0: "n"}}
    with warnings.catch_warnings():
        # As for autoencoders: the new exporter specialises on the sides of its example.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Calibrated(network.eval(), calibration).eval(), (torch.zeros(1, 3, 160, 192),),
            str(weights), dynamo=False, opset_version=17,
            input_names=["input"], output_names=["log_odds"], dynamic_axes=axes,
        )  # fmt: skip
    size = weights.stat().st_size
    if size > MOST_BYTES:
        raise EvidenceError(f"{weights} has {size:,} bytes, more than {MOST_BYTES:,}")
    declared: dict[str, str | int | float] = {
        "crop": "whole", "side": SIDE, "resize": "forbidden", "textured": TEXTURED,
    }  # fmt: skip
    return write_manifest(
        out,
        f"{autoencoder.name}-matched",
        f"Trained on round trips through the autoencoder {autoencoder.name}; speaks of no other.",
        [WEIGHTS],
        {"input": declared},
        licence=licence,
        sources=sources,
    )
