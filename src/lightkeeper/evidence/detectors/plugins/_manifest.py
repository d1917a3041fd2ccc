"""What an operator writes down to plug a detector in; nothing is guessed."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation import TrainedOn
from lightkeeper.evidence.detectors.plugins._features import Features
from lightkeeper.evidence.detectors.plugins._layouts import LAYOUTS

_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9.-]{0,63}$")]
_Channels = tuple[float, float, float]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
_Said = Annotated[str, msgspec.Meta(min_length=1)]


class Backend(StrEnum):
    """What runs the weights, in the worker."""

    ONNX = "onnx"
    TORCH_EXPORT = "torch-export"
    PYTHON = "python"
    TIMM = "timm"
    TRANSFORMERS = "transformers"


class Role(StrEnum):
    """What the score is used for."""

    DETECTOR = "detector"
    ROUTING = "routing"


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pixels become a batch. No picture is ever resized unless ``resize`` says so."""

    crop: Annotated[str, msgspec.Meta(pattern="^(whole|centre|grid|five|tiles)$")] = "centre"
    """``five``: the middle and the corners; ``tiles``: all that fit, side by side."""
    side: Annotated[int, msgspec.Meta(ge=8, le=4096)] = 224
    """Pixels of a crop's side; the largest side of ``whole``, which is cropped beyond it."""
    crops: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    """Most crops of ``grid`` and ``tiles``."""
    resize: Annotated[
        str, msgspec.Meta(pattern="^(forbidden|stretch|letterbox|shortest|processor)$")
    ] = "forbidden"
    """``shortest``: the shorter side becomes ``shorter``; ``processor``: as a Hugging Face
    folder's own file says."""
    shorter: Annotated[int, msgspec.Meta(ge=8, le=4096)] | None = None
    """Pixels of the shorter side after the resize ``shortest``; without it, ``side``."""
    kernel: Annotated[str, msgspec.Meta(pattern="^(bilinear|bicubic|lanczos|box)$")] = "bilinear"
    small: Annotated[str, msgspec.Meta(pattern="^(abstain|zeros|reflect|repeat)$")] = "abstain"
    """What is done with a picture that is smaller than a crop."""
    align: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Crops begin at multiples of it, counted in what is left after cutting to whole ones."""
    textured: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Share of its cells of 8 by 8 pixels that must not be flat, or it gets no score."""
    mean: _Channels = (0.0, 0.0, 0.0)
    std: _Channels = (1.0, 1.0, 1.0)


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the numbers that come out mean."""

    meaning: Annotated[str, msgspec.Meta(pattern="^(logit|probability|distance)$")] = "logit"
    higher: Annotated[str, msgspec.Meta(pattern="^(generated|captured)$")] = "generated"
    output: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Column of the output that is read."""
    label: str = ""
    """Name of that column in a Hugging Face folder, in place of its number."""
    softmax: bool = False
    boxes: bool = False
    """The output lists boxes (4 numbers, then one score a class), as YOLO models do."""
    classes: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    """Classes of boxes that count; the highest score of any box is the score."""
    combine: Annotated[str, msgspec.Meta(pattern="^(mean|max)$")] = "mean"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one picture may cost; the worker is ended beyond it."""

    seconds: _Seconds = 30.0
    memory_mib: Annotated[int, msgspec.Meta(ge=256, le=1 << 20)] = 4096


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the detector has seen; no number on its card rests on these.

    Without a source its scores never weigh.
    """

    sources: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugged-in detector, as its TOML file declares it."""

    id: _Name
    version: _Said
    licence: _Said
    """Shown wherever the detector is named; ``none stated`` is an answer."""
    backend: Backend
    model: str
    """File that is run: weights, or the module of a Python detector."""
    files: dict[str, _Digest]
    """Every file that the detector needs, with its SHA-256."""
    layout: str = "plain"
    head: str = ""
    """What comes after the model: a NumPy archive with ``weight`` and ``bias`` of a linear layer,
    or an ONNX file that takes the rows of all crops at once."""
    features: Features = Features()
    """Which tensor of a backbone the head is given."""
    architecture: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.]*$")] = ""
    """Name that timm builds; a place to fetch a model from is none."""
    role: Role = Role.DETECTOR
    description: str = ""
    input: Input = Input()
    score: Score = Score()
    limits: Limits = Limits()
    training: Training | None = None
    card: str = ""
    """Folder of its card."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that can change a score."""
        parts = msgspec.to_builtins(self)
        kept = ["backend", "model", "files", "layout", "head", "architecture", "input", "score"]
        # What came later counts where it is used, so that older cards still fit their detectors.
        if self.features != Features():
            kept.append("features")
        usual = msgspec.to_builtins(Input())
        for key in ("shorter", "kernel", "small", "align"):
            if parts["input"][key] == usual[key]:
                del parts["input"][key]
        text = json.dumps({key: parts[key] for key in kept}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def trained_on(self) -> TrainedOn:
        """What it says that it has seen."""
        if self.training is None or not self.training.sources:
            # Weights come from somewhere: an empty table is no declaration.
            return TrainedOn()
        return TrainedOn(True, self.training.sources, self.training.generators)


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest; its layout fills in what it leaves out.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, has an unknown key or a wrong value, or contradicts itself.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidConfiguration(f"plug-in manifest {path}: {error}") from error
    layout = document.get("layout", "plain")
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise _wrong(path, f"no layout '{layout}'; known are {', '.join(LAYOUTS)}")
    try:
        manifest = msgspec.convert(_filled(document, LAYOUTS[layout]), Manifest)
    except msgspec.ValidationError as error:
        raise _wrong(path, str(error)) from error
    _check(manifest, path)
    return manifest


def _filled(document: dict[str, Any], preset: dict[str, Any]) -> dict[str, Any]:
    """The document over the preset, table by table."""
    result = dict(preset)
    for key, value in document.items():
        under = result.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        result[key] = {**under, **value} if both else value  # type: ignore[dict-item]
    return result


def _check(manifest: Manifest, path: Path) -> None:
    for name in filter(None, (manifest.model, manifest.head)):
        if name not in manifest.files:
            raise _wrong(path, f"'{name}' is not among its files, so nothing pins it")
    for name in manifest.files:
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            raise _wrong(path, "files lie beside the manifest or below it")
    if manifest.backend is Backend.TRANSFORMERS:
        _check_one_folder(manifest, path)
    _check_input(manifest.input, path)
    if manifest.input.resize == "processor" and manifest.layout != "hugging-face":
        raise _wrong(path, "only the layout hugging-face has a processor to resize as")
    if manifest.features != Features() and not manifest.head:
        raise _wrong(path, "features are for a head: name it, and pin it among the files")
    if manifest.features.output and manifest.backend is not Backend.ONNX:
        raise _wrong(path, "features.output names a tensor of an ONNX model")
    if manifest.backend is Backend.TIMM and not manifest.architecture:
        raise _wrong(path, "the backend timm needs an architecture")
    if manifest.score.boxes and not manifest.score.classes:
        raise _wrong(path, "boxes need the classes that count")
    if manifest.layout == "inversion" and manifest.backend is not Backend.PYTHON:
        raise _wrong(path, "the layout inversion is Python code of yours")
    if manifest.layout == "nudenet" and manifest.role is not Role.ROUTING:
        raise _wrong(
            path, "the layout nudenet says what is shown, not where it comes from: routing"
        )


def _check_one_folder(manifest: Manifest, path: Path) -> None:
    # They are put into one folder by their last name: one of two alike would be lost.
    if len({Path(name).name for name in manifest.files}) < len(manifest.files):
        raise _wrong(path, "two of its files have the same name")


def _check_input(declared: Input, path: Path) -> None:
    if not all(math.isfinite(part) for part in (*declared.mean, *declared.std)):
        raise _wrong(path, "input.mean and input.std must be numbers")
    if any(part <= 0 for part in declared.std):
        raise _wrong(path, "input.std must be positive")
    if declared.resize != "forbidden" and declared.crop in ("grid", "five", "tiles"):
        raise _wrong(
            path, f"a picture that is resized is one crop: input.crop must not be {declared.crop}"
        )
    if declared.shorter is not None and declared.resize != "shortest":
        raise _wrong(path, 'input.shorter is that of input.resize = "shortest"')
    if (declared.shorter or declared.side) < declared.side:
        raise _wrong(path, "input.shorter is less than input.side: nothing could be cropped")


def _wrong(path: Path, what: str) -> InvalidConfiguration:
    return InvalidConfiguration(f"plug-in manifest {path}: {what}")
