"""Run weights with whatever framework they need. Only ever called in the worker."""

from __future__ import annotations

import importlib
import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.plugins._features import pooled, with_output
from lightkeeper.evidence.detectors.plugins._inversion import inverting
from lightkeeper.evidence.detectors.plugins._manifest import Backend, Manifest, Score
from lightkeeper.evidence.detectors.plugins._preprocess import batch_of, score_of
from lightkeeper.evidence.detectors.plugins._processor import (
    CONFIG,
    PROCESSOR,
    Processor,
    column_of,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scorer = Callable[[NDArray[np.uint8]], float | None]
    Network = Callable[[NDArray[np.float32]], NDArray[Any]]
    Prepare = Callable[[NDArray[np.uint8]], NDArray[np.float32] | None]

_CLASS_TOKENS = ("cls", "mean", "cls+mean")
_PREFIXES = ("vit.", "model.", "module.", "backbone.")
"""Names under which published weights keep the network that timm builds."""


def scorer(manifest: Manifest, files: dict[str, bytes]) -> Scorer:
    """The function that scores a picture, from files whose digests were checked.

    Raises
    ------
    PluginFailure
        The files do not fit the manifest.
    """
    if manifest.layout == "inversion":
        return inverting(_function(manifest, files[manifest.model], "reconstruct"), manifest)
    if manifest.backend is Backend.PYTHON:
        return _python(_function(manifest, files[manifest.model], "score"), manifest)
    declared = manifest.input
    prepare: Prepare = lambda rgb: batch_of(rgb, declared)  # noqa: E731
    if manifest.layout == "hugging-face":
        manifest, prepare = _as_declared_by_folder(manifest, files)
    network = _NETWORKS[manifest.backend](manifest, files)
    if manifest.head:
        network = _with_head(_with_features(network, manifest), manifest, files)

    def score(rgb: NDArray[np.uint8]) -> float | None:
        batch = prepare(rgb)
        return None if batch is None else score_of(network(batch), manifest.score)

    return score


def _function(manifest: Manifest, source: bytes, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": f"lightkeeper_plugin_{manifest.id}"}
    exec(compile(source, manifest.model, "exec"), namespace)
    function: Callable[..., Any] | None = namespace.get(name)
    if not callable(function):
        raise refused(f"its module has no function {name}")
    return function


def _python(function: Callable[..., Any], manifest: Manifest) -> Scorer:
    def score(rgb: NDArray[np.uint8]) -> float | None:
        value = function(rgb)
        if value is None:
            return None
        oriented = np.asarray(value, dtype=np.float64)
        if oriented.size != 1:
            raise ValueError("it gave more than one number")
        return score_of(oriented.reshape(1, 1), manifest.score)

    return score


def _onnx(manifest: Manifest, files: dict[str, bytes]) -> Network:
    model, output = files[manifest.model], manifest.features.output
    if output:
        try:
            model = with_output(model, output)
        except InvalidConfiguration as error:
            raise refused(str(error), hint=error.hint) from error
    session = _session(model)
    name = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        # One crop at a time: exported models often have a batch of one.
        wanted = [output] if output else None
        return np.concatenate(
            [np.asarray(session.run(wanted, {name: crop[None]})[0]) for crop in batch]
        )

    return run


def _session(model: bytes) -> Any:
    onnxruntime = _module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime's own errors share no public base.
        raise refused("ONNX Runtime cannot read the model") from error


def _torch_export(manifest: Manifest, files: dict[str, bytes]) -> Network:
    torch = _torch()
    module = torch.export.load(io.BytesIO(files[manifest.model])).module()
    return _torch_network(torch, module)


def _timm(manifest: Manifest, files: dict[str, bytes]) -> Network:
    weights = _without_prefix(_module("safetensors.torch").load(files[manifest.model]))
    build = _module("timm").create_model
    model = build(manifest.architecture, pretrained=False)
    # Positions are as many as the input has patches: those of another size build another model.
    places = getattr(model, "pos_embed", None)
    kept = weights.get("pos_embed")
    if places is not None and kept is not None and places.shape != kept.shape:
        model = build(manifest.architecture, pretrained=False, img_size=manifest.input.side)
    last = next(n for n, module in model.named_modules() if module is model.get_classifier())
    if manifest.head:
        model.reset_classifier(0)
        weights = {k: v for k, v in weights.items() if not k.startswith(f"{last}.")}
    elif f"{last}.weight" not in weights:
        raise refused(f"its weights are not those of {manifest.architecture}")
    else:
        model.reset_classifier(int(weights[f"{last}.weight"].shape[0]))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise refused(f"its weights are not those of {manifest.architecture}") from error
    model = model.eval()
    tokens = manifest.head and manifest.features.pool in _CLASS_TOKENS
    return _torch_network(_torch(), model.forward_features if tokens else model)


def _without_prefix(weights: dict[str, Any]) -> dict[str, Any]:
    for prefix in _PREFIXES:
        if weights and all(name.startswith(prefix) for name in weights):
            return {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights


def _transformers(manifest: Manifest, files: dict[str, bytes]) -> Network:
    known = _module("transformers")
    kind = known.AutoModel if manifest.head else known.AutoModelForImageClassification
    # A folder of its own: nothing but the files that were checked can be read from it.
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / Path(name).name).write_bytes(content)
        model = kind.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).eval()
    if not manifest.head:
        return _torch_network(_torch(), lambda batch: model(pixel_values=batch).logits)
    # A model of pictures and words has its half for pictures under this name.
    half = getattr(model, "vision_model", model)
    part = "last_hidden_state" if manifest.features.pool in _CLASS_TOKENS else "pooler_output"
    return _torch_network(_torch(), lambda batch: getattr(half(pixel_values=batch), part))


def _torch() -> Any:
    torch = _module("torch")
    torch.set_num_threads(1)
    return torch


def _module(name: str) -> Any:
    # By name: none of these is a dependency, and type checkers run without them.
    return importlib.import_module(name)


def _torch_network(torch: Any, module: Any) -> Network:
    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        with torch.no_grad():
            crops = [module(torch.from_numpy(crop[None])).numpy() for crop in batch]
        return np.concatenate(crops)

    return run


_NETWORKS: dict[Backend, Callable[[Manifest, dict[str, bytes]], Network]] = {
    Backend.ONNX: _onnx,
    Backend.TORCH_EXPORT: _torch_export,
    Backend.TIMM: _timm,
    Backend.TRANSFORMERS: _transformers,
}


def _with_features(network: Network, manifest: Manifest) -> Network:
    return lambda batch: pooled(network(batch), manifest.features)


def _with_head(network: Network, manifest: Manifest, files: dict[str, bytes]) -> Network:
    """What is learned on features, after them."""
    if manifest.head.endswith(".onnx"):
        return _with_onnx_head(network, files[manifest.head])
    return _with_linear_head(network, files[manifest.head])


def _with_onnx_head(network: Network, content: bytes) -> Network:
    session = _session(content)
    name = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        rows = np.asarray(network(batch), np.float32)[None]
        return np.asarray(session.run(None, {name: rows})[0]).reshape(1, -1)

    return run


def _with_linear_head(network: Network, content: bytes) -> Network:
    """A linear layer, from a NumPy archive that may hold no objects."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            weight, bias = archive["weight"].astype(np.float64), archive["bias"].astype(np.float64)
    except (KeyError, ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise refused("its head is no archive of weight and bias") from error

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        features = network(batch)
        if features.ndim != 2 or features.shape[1] != weight.shape[-1]:
            raise ValueError(f"features of shape {features.shape} do not fit the head")
        logits: NDArray[Any] = features @ np.atleast_2d(weight).T + bias
        return logits

    return run


def _as_declared_by_folder(manifest: Manifest, files: dict[str, bytes]) -> tuple[Manifest, Prepare]:
    """The folder's own processor, and the number of the column that the manifest names."""
    prefix = f"{manifest.model.rpartition('/')[0]}/".lstrip("/")
    for name in (PROCESSOR, CONFIG):
        if prefix + name not in files:
            raise refused(
                f"{PROCESSOR} and {CONFIG} must be pinned and readable",
                hint=f"add {prefix}{name} to the manifest's files",
            )
    processor = Processor(files[prefix + PROCESSOR])
    small = manifest.input.resize == "processor"
    if processor.resizes and manifest.input.resize == "forbidden":
        raise refused('its processor resizes every picture: say so with input.resize = "processor"')
    if manifest.head:
        return manifest, lambda rgb: processor.batch(rgb, small=small)
    column = column_of(files[prefix + CONFIG], manifest.score.label, manifest.score.output)
    score: Score = msgspec.structs.replace(manifest.score, output=column)
    declared: Manifest = msgspec.structs.replace(manifest, score=score)
    return declared, lambda rgb: processor.batch(rgb, small=small)
