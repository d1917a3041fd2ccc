"""Writes an autoencoder as a pair of ONNX files with its registry entry, once both agree."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lightkeeper.errors import EvidenceError, InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.reconstruction._autoencoder import OnnxAutoencoder
from lightkeeper.evidence.detectors.reconstruction._registry import MANIFEST
from lightkeeper.evidence.detectors.reconstruction.layouts._build import Tensors
from lightkeeper.evidence.detectors.reconstruction.layouts._diffusers import (
    CONFIG,
    DiffusersAutoencoder,
)
from lightkeeper.evidence.detectors.reconstruction.layouts._kl import (
    diffusers_names,
    kl_decoder,
    kl_encoder,
)
from lightkeeper.evidence.detectors.reconstruction.layouts._tiny import tiny_decoder, tiny_encoder
from lightkeeper.evidence.detectors.reconstruction.layouts._weights import PICKLED, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LDM_PREFIX = "first_stage_model."
_SIDE = 64
_COMPARED = ((64, 64), (96, 160), (192, 128))
"""Heights and widths on which both are compared: a network may be traced for one size only."""
MOST_DIFFERENCE = 1e-3
"""Of values from 0 to 1; a quarter of a grey level, far above what the order of sums does."""
GRIDS = (4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how near it is to the original."""

    manifest: Path
    """The registry entry."""
    kind: str
    """Class of diffusers, or the layout that its tensors were read by."""
    grid: int
    difference: float
    """Largest difference from the original, of values from 0 to 1."""
    psnr: float
    """Of a drawn picture against its reconstruction, in dB: low where a file was misread."""


@dataclass(frozen=True, slots=True)
class _Pair:
    kind: str
    encoder: nn.Module
    decoder: nn.Module
    latent: torch.Tensor
    signed: bool

    @property
    def grid(self) -> int:
        return _SIDE // int(self.latent.shape[-1])

    def reconstruct(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the original does it, in torch."""
        pixels = torch.from_numpy(batch * 2 - 1 if self.signed else batch)
        with torch.no_grad():
            decoded = self.decoder(self.encoder(pixels)).numpy()
        clipped: NDArray[np.float32] = np.clip((decoded + 1) / 2 if self.signed else decoded, 0, 1)
        return clipped


def export(source: Path, out: Path, *, name: str, licence: str) -> Exported:
    """Convert an autoencoder to ONNX, and write it where it does what the original does.

    Parameters
    ----------
    source : Path
        A folder of any diffusers autoencoder of pictures; a single file with the names of LDM;
        or a folder with one ``*encoder`` and one ``*decoder`` of TAESD layout, as ``.safetensors``
        or ``.pth``.
    out : Path
        Folder to write ``encoder.onnx``, ``decoder.onnx`` and ``autoencoder.toml`` to.

    Raises
    ------
    InvalidConfiguration
        A file is missing, has another layout, or the export differs from the original.
    MissingExtra
        It is of diffusers, which is not installed.
    """
    pair = _read(source)
    if pair.grid not in GRIDS:
        raise InvalidConfiguration(
            f"{source}: one cell of its latents is {pair.grid} pixels wide",
            hint=f"a grid can be looked for of {', '.join(map(str, GRIDS))} pixels",
        )
    pictures = [_drawn(height, width) for height, width in _COMPARED]
    originals = [pair.reconstruct(batch) for batch in pictures]
    _check_repeats(pair, pictures[0], originals[0], source)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{part}.onnx" for part in ("encoder", "decoder")]
        _write(pair.encoder, torch.zeros(1, 3, _SIDE, _SIDE), files[0], source)
        _write(pair.decoder, pair.latent, files[1], source)
        made = OnnxAutoencoder(name, files[0], files[1], licence, pair.grid, pair.signed)
        difference = max(
            _difference(made, batch, original, source)
            for batch, original in zip(pictures, originals, strict=True)
        )
        if not difference <= MOST_DIFFERENCE:
            raise InvalidConfiguration(
                f"{source}: the export differs from the original by up to {difference:.3g} "
                f"(of values from 0 to 1; {MOST_DIFFERENCE:g} are allowed), so nothing was written",
                hint="report it with the class and its configuration; nothing can be measured "
                "with an autoencoder that is nearly the right one",
            )
        _move(files, out)
    manifest = out / MANIFEST
    manifest.write_text(
        f"name = {json.dumps(name)}\nlicence = {json.dumps(licence)}\ngrid = {pair.grid}\n"
        f'encoder = "encoder.onnx"\ndecoder = "decoder.onnx"\n'
        f'range = "{"-1..1" if pair.signed else "0..1"}"\n',
        encoding="utf-8",
    )
    return Exported(manifest, pair.kind, pair.grid, difference, _psnr(pictures[0], originals[0]))


def _read(source: Path) -> _Pair:
    if source.is_file():
        beside = source.parent / CONFIG
        return _diffusers(source.parent) if beside.is_file() else _ldm(source)
    encoders, decoders = (
        sorted(
            path
            for path in source.glob(f"*{part}coder.*")
            if path.suffix.lower() in (".safetensors", *PICKLED)
        )
        for part in ("en", "de")
    )
    if len(encoders) == len(decoders) == 1:
        return _tiny(encoders[0], decoders[0])
    for place in (source, source / "vae"):
        if (place / CONFIG).is_file() or any(place.glob("diffusion_pytorch_model*")):
            return _diffusers(place)
    raise InvalidConfiguration(
        f"{source} holds no autoencoder of a known layout",
        hint="a diffusers folder with config.json, one SD-type file with the names of LDM, or a "
        "pair *encoder and *decoder of TAESD, as .safetensors or .pth",
    )


def _diffusers(folder: Path) -> _Pair:
    read = DiffusersAutoencoder(folder, side=_SIDE)
    return _Pair(read.kind, read.encoder, read.decoder, read.latent, signed=True)


def _tiny(encoder: Path, decoder: Path) -> _Pair:
    encoding = tiny_encoder(Tensors(read_weights(encoder), what=encoder.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    decoding = tiny_decoder(Tensors(read_weights(decoder), what=decoder.name), latent.shape[1])
    return _Pair("TAESD", encoding, decoding, latent, signed=False)


def _ldm(path: Path) -> _Pair:
    tensors = read_weights(path, prefix=_LDM_PREFIX) or read_weights(path)
    if any(".mid_block." in name for name in tensors):
        raise InvalidConfiguration(
            f"{path} has the names of diffusers and no {CONFIG} beside it",
            hint="without it nobody knows how many groups its layers are normalised in: put the "
            "two into one folder",
        )
    known = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
    named = diffusers_names(tensors)
    own = {key: array for key, array in named.items() if key.startswith(known)}
    encoding = kl_encoder(Tensors(own, what=path.name))
    with torch.no_grad():
        latent = encoding(torch.zeros(1, 3, _SIDE, _SIDE))
    decoding = kl_decoder(Tensors(own, what=path.name), latent.shape[1])
    return _Pair("LDM", encoding, decoding, latent, signed=True)


def _drawn(height: int, width: int) -> NDArray[np.float32]:
    """Two pictures: waves, and waves with noise and edges."""
    rng = np.random.default_rng([height, width])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / a + y / b + c) for a, b, c in ((9, 21, 0), (-15, 7, 1), (30, -12, 2))]
    smooth = 0.5 + 0.4 * np.stack(waves)
    busy = np.where((x // 11 + y // 7) % 2 > 0, smooth, 1 - smooth)
    busy = np.clip(busy + rng.normal(0, 0.05, smooth.shape), 0, 1)
    return np.stack([smooth, busy]).astype(np.float32)


def _check_repeats(
    pair: _Pair, batch: NDArray[np.float32], original: NDArray[np.float32], source: Path
) -> None:
    if not np.isfinite(original).all():
        raise InvalidConfiguration(f"{source}: the original itself gives no finite picture")
    if not np.array_equal(pair.reconstruct(batch), original):
        raise InvalidConfiguration(f"{source}: the original gives another picture each time")


def _difference(
    made: OnnxAutoencoder,
    batch: NDArray[np.float32],
    original: NDArray[np.float32],
    source: Path,
) -> float:
    try:
        return float(np.abs(made.reconstruct(batch) - original).max())
    except EvidenceError as error:
        raise InvalidConfiguration(
            f"{source}: the export does not take a picture of {batch.shape[3]} by "
            f"{batch.shape[2]}: {error}"
        ) from error


def _psnr(picture: NDArray[np.float32], again: NDArray[np.float32]) -> float:
    return float(-10 * np.log10(((picture - again) ** 2).mean() + 1e-12))


def _move(files: list[Path], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.move(file, out / file.name)
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror}") from error


def _write(network: nn.Module, example: torch.Tensor, path: Path, source: Path) -> None:
    axes = {0: "n", 2: "h", 3: "w"}
    try:
        with warnings.catch_warnings(), torch.no_grad(), _counted_axes():
            # The new exporter specialises on the example's sides for attention; the old one warns.
            warnings.simplefilter("ignore")
            _name_enlargements(network)
            torch.onnx.export(
                network.eval(), (example,), str(path), dynamo=False, opset_version=17,
                input_names=["input"], output_names=["output"],
                dynamic_axes={"input": axes, "output": axes},
            )  # fmt: skip
    except Exception as error:  # The exporter's own errors share no public base.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidConfiguration(f"{source}: torch cannot export it: {lines[0][:200]}") from error


def _name_enlargements(network: nn.Module) -> None:
    """Say ``nearest`` for what is the same by whole factors; the exporter knows no other word."""
    for module in network.modules():
        if isinstance(module, nn.Upsample) and module.mode == "nearest-exact":
            module.mode = "nearest"


@contextlib.contextmanager
def _counted_axes() -> Iterator[None]:
    """Axes of ``movedim`` counted from the front: the exporter writes those from the back wrong."""
    before = torch.Tensor.movedim

    def movedim(x: torch.Tensor, source: int, destination: int) -> torch.Tensor:
        return before(x, source % x.dim(), destination % x.dim())

    torch.Tensor.movedim = movedim
    try:
        yield
    finally:
        torch.Tensor.movedim = before
