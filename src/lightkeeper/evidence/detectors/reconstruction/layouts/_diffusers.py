"""Autoencoders of diffusers, run by the code of their own class; the only diffusers here.

References
----------
.. [1] huggingface/diffusers, ``models/autoencoders``.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lightkeeper.errors import InvalidConfiguration, MissingExtra

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "config.json"
_LARGEST_CONFIG = 1 << 20
_LARGEST_NUMBER = 1 << 20
"""No width, side or number of codes of an autoencoder of pictures comes near it."""
_LATENTS = ("latent_dist", "latent", "latents")
_DRAWS = ("ConsistencyDecoderVAE", "LTX2VideoDiffusionDecoder")
_EXTRA = "detect-diffusers"


class DiffusersAutoencoder:
    """One autoencoder of a diffusers folder, whichever class its configuration names.

    Raises
    ------
    InvalidConfiguration
        Its configuration is no description of an autoencoder of pictures, its weights are not
        those of it, or it draws at random.
    MissingExtra
        diffusers is not installed.
    """

    def __init__(self, folder: Path, *, side: int) -> None:
        self.kind = class_of(folder)
        whole = _loaded(folder, self.kind)
        example = torch.zeros(1, 3, side, side)
        # A class for video takes a picture as a film of one frame.
        for film in (False, True):
            self.encoder, self.decoder = _Encoder(whole, film=film), _Decoder(whole, film=film)
            try:
                with torch.no_grad():
                    self.latent = self.encoder(example)
                    decoded = self.decoder(self.latent)
            except Exception as error:  # Whatever its code raises at a shape that it is not for.
                failure = error
                continue
            break
        else:
            raise InvalidConfiguration(
                f"{folder}: {self.kind} takes no picture: {_first_line(failure)}",
                hint="only autoencoders from a picture of three colours to one can be exported",
            ) from failure
        if decoded.shape != example.shape:
            raise InvalidConfiguration(
                f"{folder}: {self.kind} gives the shape {tuple(decoded.shape)} back for "
                f"{tuple(example.shape)}",
                hint="only autoencoders from a picture of three colours to one can be exported",
            )


def class_of(folder: Path) -> str:
    """Name of the diffusers class that a folder's configuration names.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, or names no autoencoder.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError("it is larger than any configuration")
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("it is no object")
        _check_numbers(document)
        kind = document.get("_class_name")
    except OSError as error:
        raise InvalidConfiguration(
            f"cannot read {path}: {error.strerror}",
            hint="a diffusers folder has its config.json beside the weights: without it nobody "
            "knows, for one, how many groups its layers are normalised in",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidConfiguration(f"{path}: {_first_line(error)}") from error
    if not isinstance(kind, str) or not kind.isidentifier():
        raise InvalidConfiguration(f"{path} names no class", hint='it needs a "_class_name"')
    if kind in _DRAWS:
        raise InvalidConfiguration(
            f"{path}: {kind} draws noise, so it gives no picture back twice",
            hint="export the autoencoder whose latents it decodes",
        )
    return kind


def _check_numbers(value: Any) -> None:
    if isinstance(value, dict):
        for part in value.values():
            _check_numbers(part)
    elif isinstance(value, list):
        for part in value:
            _check_numbers(part)
    elif isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise ValueError(f"the number {str(value)[:12]} is larger than any of an autoencoder")


def _loaded(folder: Path, kind: str) -> Any:
    """The model with all of its weights, and with no others."""
    # No telemetry, and no place to fetch anything from.
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        known = importlib.import_module("diffusers.models.autoencoders")
        model_mixin = importlib.import_module("diffusers").ModelMixin
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("diffusers"):
            raise
        raise MissingExtra(f"exporting a diffusers {kind}", extra=_EXTRA) from error
    found = getattr(known, kind, None)
    if not (isinstance(found, type) and issubclass(found, model_mixin)):
        raise InvalidConfiguration(
            f"{folder}: this version of diffusers has no autoencoder {kind}",
            hint="update diffusers, or name the folder of the autoencoder, often called vae",
        )
    # Either way only tensors are read: files of pickles by torch's reader of weights alone.
    safe = any(folder.glob("*.safetensors"))
    logging = importlib.import_module("diffusers.utils.logging")
    told = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        model, info = found.from_pretrained(  # type: ignore[attr-defined]
            str(folder), local_files_only=True, use_safetensors=safe, low_cpu_mem_usage=False,
            torch_dtype=torch.float32, output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # Its code meets a configuration that nobody has checked.
        raise InvalidConfiguration(
            f"{folder}: diffusers cannot load this {kind}: {_first_line(error)}",
            hint="it needs config.json and diffusion_pytorch_model.safetensors of one another",
        ) from error
    finally:
        logging.set_verbosity(told)
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if info.get(what):
            raise InvalidConfiguration(
                f"{folder}: the weights are not those of its configuration: "
                f"{what.replace('_', ' ')}, such as {next(iter(info[what]))}"
            )
    return model.float().eval()


class _Encoder(nn.Module):
    """Picture in -1..1 to the middle of what it is encoded to."""

    def __init__(self, whole: Any, *, film: bool) -> None:
        super().__init__()
        self.whole, self.film = whole, film

    def forward(self, x: Tensor) -> Tensor:
        encoded = self.whole.encode(x.unsqueeze(2) if self.film else x)
        for name in _LATENTS:
            if hasattr(encoded, name):
                latent = getattr(encoded, name)
                found: Tensor = latent.mode() if name == "latent_dist" else latent
                return found.squeeze(2) if self.film else found
        raise TypeError("what it encodes to has no name that is known")


class _Decoder(nn.Module):
    """Latent to picture in -1..1."""

    def __init__(self, whole: Any, *, film: bool) -> None:
        super().__init__()
        self.whole, self.film = whole, film

    def forward(self, z: Tensor) -> Tensor:
        picture: Tensor = self.whole.decode(z.unsqueeze(2) if self.film else z).sample
        return picture.squeeze(2) if self.film else picture


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
