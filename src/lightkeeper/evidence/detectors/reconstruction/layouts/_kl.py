"""The autoencoder of SD-type latent diffusion models, in the layout of diffusers or of LDM.

References
----------
.. [1] Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightkeeper.evidence.detectors.reconstruction.layouts._build import Tensors, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

_GROUPS = 32
_EPSILON = 1e-6
_LDM = (
    (r"\.mid\.block_([12])\.", lambda m: f".mid_block.resnets.{int(m[1]) - 1}."),
    (r"\.mid\.attn_1\.norm\.", lambda m: ".mid_block.attentions.0.group_norm."),
    (r"\.mid\.attn_1\.([qkv])\.", lambda m: f".mid_block.attentions.0.to_{m[1]}."),
    (r"\.mid\.attn_1\.proj_out\.", lambda m: ".mid_block.attentions.0.to_out.0."),
    (r"\.down\.(\d+)\.block\.", lambda m: f".down_blocks.{m[1]}.resnets."),
    (r"\.down\.(\d+)\.downsample\.conv\.", lambda m: f".down_blocks.{m[1]}.downsamplers.0.conv."),
    (r"\.nin_shortcut\.", lambda m: ".conv_shortcut."),
    (r"\.norm_out\.", lambda m: ".conv_norm_out."),
)


def diffusers_names(
    tensors: Mapping[str, NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    """The same tensors under the names that diffusers gives them."""
    levels = [int(m[1]) for name in tensors if (m := re.match(r"decoder\.up\.(\d+)\.", name))]
    top = max(levels, default=0)
    renamed = {}
    for name, array in tensors.items():
        for pattern, text in _LDM:
            name = re.sub(pattern, text, name)
        name = re.sub(
            r"\.up\.(\d+)\.(block|upsample)\.",
            lambda m: (
                f".up_blocks.{top - int(m[1])}."
                + ("resnets." if m[2] == "block" else "upsamplers.0.")
            ),
            name,
        )
        renamed[name] = array
    return renamed


class _Resnet(nn.Module):
    def __init__(self, tensors: Tensors, key: str) -> None:
        super().__init__()
        self.norm1 = tensors.norm(f"{key}.norm1", _GROUPS, _EPSILON)
        self.conv1 = tensors.conv(f"{key}.conv1")
        self.norm2 = tensors.norm(f"{key}.norm2", _GROUPS, _EPSILON)
        self.conv2 = tensors.conv(f"{key}.conv2")
        shortcut = f"{key}.conv_shortcut"
        self.skip = tensors.conv(shortcut) if tensors.has(f"{shortcut}.weight") else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv2(functional.silu(self.norm2(self.conv1(functional.silu(self.norm1(x))))))
        whole: Tensor = inner + (x if self.skip is None else self.skip(x))
        return whole


class _Attention(nn.Module):
    def __init__(self, tensors: Tensors, key: str) -> None:
        super().__init__()
        self.norm = tensors.norm(f"{key}.group_norm", _GROUPS, _EPSILON)
        self.parts = nn.ModuleList(
            _pointwise(tensors, f"{key}.{part}") for part in ("to_q", "to_k", "to_v", "to_out.0")
        )

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        rows = self.norm(x).reshape(n, c, h * w).transpose(1, 2)
        to_q, to_k, to_v, to_out = self.parts
        weights = torch.softmax(to_q(rows) @ to_k(rows).transpose(1, 2) * c**-0.5, dim=-1)
        mixed: Tensor = to_out(weights @ to_v(rows)).transpose(1, 2).reshape(n, c, h, w)
        return x + mixed


def _pointwise(tensors: Tensors, key: str) -> nn.Linear:
    # LDM files hold these as convolutions of one pixel.
    weight = tensors.take_matrix(f"{key}.weight")
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight, requires_grad=False)
    layer.bias = nn.Parameter(tensors.take(f"{key}.bias", 1), requires_grad=False)
    return layer


class _Halve(nn.Module):
    def __init__(self, tensors: Tensors, key: str) -> None:
        super().__init__()
        self.conv = tensors.conv(key, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        halved: Tensor = self.conv(functional.pad(x, (0, 1, 0, 1)))
        return halved


class _Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, : x.shape[1] // 2]


def _level(tensors: Tensors, key: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    while tensors.has(f"{key}.resnets.{len(layers)}.conv1.weight"):
        layers.append(_Resnet(tensors, f"{key}.resnets.{len(layers)}"))
    return layers


def _middle(tensors: Tensors, part: str) -> list[nn.Module]:
    key = f"{part}.mid_block"
    layers: list[nn.Module] = [_Resnet(tensors, f"{key}.resnets.0")]
    if tensors.has(f"{key}.attentions.0.to_q.weight"):
        layers.append(_Attention(tensors, f"{key}.attentions.0"))
    return [*layers, _Resnet(tensors, f"{key}.resnets.1")]


def _end(tensors: Tensors, part: str) -> list[nn.Module]:
    norm = tensors.norm(f"{part}.conv_norm_out", _GROUPS, _EPSILON)
    return [norm, nn.SiLU(), tensors.conv(f"{part}.conv_out")]


def kl_encoder(tensors: Tensors) -> nn.Sequential:
    """Picture in -1..1 to the mean of its latent."""
    layers: list[nn.Module] = [tensors.conv("encoder.conv_in")]
    k = 0
    while tensors.has(f"encoder.down_blocks.{k}.resnets.0.conv1.weight"):
        key = f"encoder.down_blocks.{k}"
        layers += _level(tensors, key)
        if tensors.has(f"{key}.downsamplers.0.conv.weight"):
            layers.append(_Halve(tensors, f"{key}.downsamplers.0.conv"))
        k += 1
    layers += [*_middle(tensors, "encoder"), *_end(tensors, "encoder")]
    if tensors.has("quant_conv.weight"):
        layers.append(tensors.conv("quant_conv"))
    layers.append(_Mean())
    tensors.finish(("decoder.", "post_quant_conv."))
    return joined(layers, torch.zeros(1, 3, 64, 64), what="the encoder")


def kl_decoder(tensors: Tensors, channels: int) -> nn.Sequential:
    """Latent to picture in -1..1."""
    layers: list[nn.Module] = []
    if tensors.has("post_quant_conv.weight"):
        layers.append(tensors.conv("post_quant_conv"))
    layers += [tensors.conv("decoder.conv_in"), *_middle(tensors, "decoder")]
    k = 0
    while tensors.has(f"decoder.up_blocks.{k}.resnets.0.conv1.weight"):
        key = f"decoder.up_blocks.{k}"
        layers += _level(tensors, key)
        if tensors.has(f"{key}.upsamplers.0.conv.weight"):
            layers += [nn.Upsample(scale_factor=2), tensors.conv(f"{key}.upsamplers.0.conv")]
        k += 1
    layers += _end(tensors, "decoder")
    tensors.finish(("encoder.", "quant_conv."))
    return joined(layers, torch.zeros(1, channels, 8, 8), what="the decoder")
