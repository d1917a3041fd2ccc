"""Writes an autoencoder of a known layout as a pair of ONNX files with its registry entry."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction._registry import MANIFEST
from lightkeeper.evidence.detectors.reconstruction.layouts._build import Tensors
from lightkeeper.evidence.detectors.reconstruction.layouts._kl import (
    diffusers_names,
    kl_decoder,
    kl_encoder,
)
from lightkeeper.evidence.detectors.reconstruction.layouts._safetensors import read_safetensors
from lightkeeper.evidence.detectors.reconstruction.layouts._tiny import tiny_decoder, tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

_LDM_PREFIX = "first_stage_model."
_SIDE = 64


@dataclass(frozen=True, slots=True)
class _Pair:
    encoder: nn.Sequential
    decoder: nn.Sequential
    latent: torch.Tensor
    signed: bool

    @property
    def grid(self) -> int:
        return _SIDE // int(self.latent.shape[-1])


def export(source: Path, out: Path, *, name: str, licence: str) -> Path:
    """Convert an autoencoder to ONNX.

    Parameters
    ----------
    source : Path
        A diffusers ``AutoencoderKL`` folder, a single safetensors file of SD-type layout, or a
        folder with ``*encoder.safetensors`` and ``*decoder.safetensors`` of TAESD layout.
    out : Path
        Folder to write ``encoder.onnx``, ``decoder.onnx`` and ``autoencoder.toml`` to.

    Returns
    -------
    Path
        The registry entry.

    Raises
    ------
    InvalidConfiguration
        A file is missing, is not safetensors, or has another layout.
    """
    pair = _read(source)
    out.mkdir(parents=True, exist_ok=True)
    _write(pair.encoder, torch.zeros(1, 3, _SIDE, _SIDE), out / "encoder.onnx")
    _write(pair.decoder, pair.latent, out / "decoder.onnx")
    manifest = out / MANIFEST
    manifest.write_text(
        f"name = {json.dumps(name)}\nlicence = {json.dumps(licence)}\ngrid = {pair.grid}\n"
        f'encoder = "encoder.onnx"\ndecoder = "decoder.onnx"\n'
        f'range = "{"-1..1" if pair.signed else "0..1"}"\n',
        encoding="utf-8",
    )
    return manifest


def _read(source: Path) -> _Pair:
    if source.is_file():
        return _kl(source)
    encoders, decoders = (sorted(source.glob(f"*{k}coder.safetensors")) for k in ("en", "de"))
    if len(encoders) == len(decoders) == 1:
        return _tiny(encoders[0], decoders[0])
    for place in (source, source / "vae"):
        if (weights := place / "diffusion_pytorch_model.safetensors").is_file():
            return _kl(weights)
    raise InvalidConfiguration(
        f"{source} holds no autoencoder of a known layout",
        hint="a diffusers AutoencoderKL folder, one SD-type safetensors file, or a pair "
        "*encoder.safetensors and *decoder.safetensors; convert pickles to safetensors first",
    )


def _tiny(encoder: Path, decoder: Path) -> _Pair:
    encoding = tiny_encoder(Tensors(read_safetensors(encoder), what=encoder.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    tensors = Tensors(read_safetensors(decoder), what=decoder.name)
    return _Pair(encoding, tiny_decoder(tensors, latent.shape[1]), latent, signed=False)


def _kl(path: Path) -> _Pair:
    tensors = read_safetensors(path, prefix=_LDM_PREFIX) or read_safetensors(path)
    named = diffusers_names(tensors)
    known = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
    own = {key: array for key, array in named.items() if key.startswith(known)}
    encoding = kl_encoder(Tensors(own, what=path.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    decoding = kl_decoder(Tensors(own, what=path.name), latent.shape[1])
    return _Pair(encoding, decoding, latent, signed=True)


def _write(network: nn.Sequential, example: torch.Tensor, path: Path) -> None:
    axes = {0: "n", 2: "h", 3: "w"}
    with warnings.catch_warnings():
        # The new exporter specialises on the example's sides for attention; the old one warns.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), str(path), dynamo=False, opset_version=17,
            input_names=["input"], output_names=["output"],
            dynamic_axes={"input": axes, "output": axes},
        )  # fmt: skip
