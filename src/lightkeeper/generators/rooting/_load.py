"""Read the autoencoder of a generator, and write its decoder back once it is rooted."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.reconstruction.layouts._build import Tensors
from lightkeeper.evidence.detectors.reconstruction.layouts._kl import (
    diffusers_names,
    kl_decoder,
    kl_encoder,
)
from lightkeeper.evidence.detectors.reconstruction.layouts._tiny import tiny_decoder, tiny_encoder
from lightkeeper.evidence.detectors.reconstruction.layouts._weights import PICKLED, read_weights
from lightkeeper.generators.rooting._autoencoder import SmallDecoder, SmallEncoder
from lightkeeper.generators.rooting._root import Generator

_KL = "diffusion_pytorch_model.safetensors"
_SMALL = "small-kl.safetensors"
_SIDE = 64
TINY_RATE = 1e-3


@dataclass(frozen=True, slots=True)
class LoadedGenerator:
    """A generator and where its decoder's tensors came from."""

    generator: Generator
    source: Path
    names: tuple[str, ...]
    """Of the decoder's parameters, in their order, as the file has them."""

    def write(self, decoder: nn.Module, target: Path) -> None:
        """Write the file again as safetensors with this decoder, everything else as it was.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        tensors: dict[str, Any] = dict(read_weights(self.source))
        for name, parameter in zip(self.names, decoder.parameters(), strict=True):
            array = parameter.detach().numpy()
            tensors[name] = array.reshape(tensors[name].shape)
        write_safetensors(target, tensors)

    def read(self, path: Path) -> nn.Module:
        """The decoder of a file that :meth:`write` made.

        Raises
        ------
        InvalidConfiguration
            Its tensors are not those of this generator.
        """
        tensors = read_weights(path)
        decoder = copy.deepcopy(self.generator.decoder)
        try:
            for name, parameter in zip(self.names, decoder.parameters(), strict=True):
                held = torch.from_numpy(tensors[name].astype(np.float32))
                parameter.data.copy_(held.reshape(parameter.shape))
        except (KeyError, RuntimeError) as error:
            raise InvalidConfiguration(f"{path} is no decoder of this autoencoder") from error
        return decoder


class _Recorded(Tensors):
    """Remembers which tensor became which parameter."""

    def __init__(self, tensors: Mapping[str, Any], *, what: str) -> None:
        super().__init__(tensors, what=what)
        self.places: dict[int, str] = {}

    def take(self, key: str, dimensions: int) -> Any:
        """One tensor; where it lies in memory is remembered."""
        tensor = super().take(key, dimensions)
        self.places[tensor.data_ptr()] = key
        return tensor

    def names_of(self, module: nn.Module) -> tuple[str, ...]:
        """Names of a module's parameters in their order."""
        return tuple(self.places[parameter.data_ptr()] for parameter in module.parameters())


def load_generator(source: Path) -> LoadedGenerator:
    """Read an autoencoder.

    Parameters
    ----------
    source : Path
        A folder with ``small-kl.safetensors`` (Lightkeeper's own), a diffusers ``AutoencoderKL``
        folder, or a folder with one ``*encoder`` and one ``*decoder`` of TAESD layout, as
        ``.safetensors`` or ``.pth``. Of the latter only tensors are read.

    Raises
    ------
    InvalidConfiguration
        A file is missing, holds anything but tensors, or has another layout.
    """
    if (path := source / _SMALL).is_file():
        return _small(path)
    for place in (source, source / "vae"):
        if (path := place / _KL).is_file():
            return _kl(path)
    kinds = (".safetensors", *PICKLED)
    encoders, decoders = (
        sorted(path for path in source.glob(f"*{part}coder.*") if path.suffix.lower() in kinds)
        for part in ("en", "de")
    )
    if len(encoders) == len(decoders) == 1:
        return _tiny(encoders[0], decoders[0])
    if encoders or decoders:
        found = ", ".join(path.name for path in (*encoders, *decoders))
        raise InvalidConfiguration(
            f"{source} holds no single pair of an encoder and a decoder, but {found}",
            hint="keep one *encoder and one *decoder in a folder, as .safetensors or .pth",
        )
    raise InvalidConfiguration(
        f"{source} holds no autoencoder that can be rooted",
        hint=f"a folder with {_SMALL}, a diffusers AutoencoderKL folder, or a pair *encoder and "
        "*decoder of TAESD, as .safetensors or .pth",
    )


def write_small(encoder: SmallEncoder, decoder: SmallDecoder, folder: Path) -> Path:
    """Write Lightkeeper's own autoencoder, in half precision (about 1.2 MB)."""
    tensors = {
        f"{part}.{name}": value.numpy().astype(np.float16)
        for part, net in (("encoder", encoder), ("decoder", decoder))
        for name, value in net.state_dict().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / _SMALL, tensors)
    return folder / _SMALL


def write_safetensors(target: Path, tensors: Mapping[str, Any]) -> None:
    """Write arrays of float32 or float16.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    header: dict[str, Any] = {}
    parts, end = [], 0
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        kind = "F16" if array.dtype == np.float16 else "F32"
        header[name] = {
            "dtype": kind, "shape": list(array.shape), "data_offsets": [end, end + len(raw)],
        }  # fmt: skip
        parts.append(raw)
        end += len(raw)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    try:
        target.write_bytes(len(head).to_bytes(8, "little") + head + b"".join(parts))
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror}") from error


def _small(path: Path) -> LoadedGenerator:
    tensors = read_weights(path)
    encoder, decoder = SmallEncoder(), SmallDecoder()
    for prefix, net in (("encoder.", encoder), ("decoder.", decoder)):
        state = {
            name.removeprefix(prefix): torch.from_numpy(array.copy())
            for name, array in tensors.items()
            if name.startswith(prefix)
        }
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise InvalidConfiguration(f"{path.name} is not of the small layout") from error
        net.eval().requires_grad_(False)
    names = tuple(f"decoder.{name}" for name, _ in decoder.named_parameters())
    return LoadedGenerator(Generator(lambda rgb: encoder(rgb)[0], decoder), path, names)


def _tiny(encoder: Path, decoder: Path) -> LoadedGenerator:
    encoding = tiny_encoder(Tensors(read_weights(encoder), what=encoder.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    tensors = _Recorded(read_weights(decoder), what=decoder.name)
    decoding = tiny_decoder(tensors, latent.shape[1])
    generator = Generator(encoding, decoding, trained=_third(decoding), rate=TINY_RATE)
    return LoadedGenerator(generator, decoder, tensors.names_of(decoding))


def _third(decoder: nn.Module) -> frozenset[str]:
    """Last layers of the blocks at a quarter and half of the size.

    They enter the sum of their block unrectified, so that small changes add up; changed
    together with the others they drown each other. The mark's waves are longer than 6 px, so
    the last block, which costs most and sees least, is left as it is.
    """
    layers = list(decoder.children())
    enlargements = [k for k, layer in enumerate(layers) if isinstance(layer, nn.Upsample)]
    return frozenset(
        name
        for name, _ in decoder.named_parameters()
        if name.endswith("third.weight")
        and enlargements[0] < int(name.split(".")[0]) < enlargements[-1]
    )


def _kl(path: Path) -> LoadedGenerator:
    named = diffusers_names(read_weights(path))
    encoding = kl_encoder(Tensors(named, what=path.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    tensors = _Recorded(named, what=path.name)
    decoding = kl_decoder(tensors, latent.shape[1])
    encode: Callable[[Any], Any] = lambda rgb: encoding(rgb * 2 - 1)  # noqa: E731
    generator = Generator(encode, decoding, signed=True)
    return LoadedGenerator(generator, path, tensors.names_of(decoding))
