"""Run weights with whatever framework they need. Only ever called in the worker."""

from __future__ import annotations

import importlib
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._inversion import inverting
from lightkeeper.evidence.detectors.plugins._manifest import Backend, Input, Manifest, Score
from lightkeeper.evidence.detectors.plugins._preprocess import batch_of, score_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scorer = Callable[[NDArray[np.uint8]], float | None]
    Network = Callable[[NDArray[np.float32]], NDArray[Any]]

_PROCESSOR, _CONFIG = "preprocessor_config.json", "config.json"


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
    if manifest.layout == "hugging-face":
        manifest = _as_declared_by_folder(manifest, files)
    network = _NETWORKS[manifest.backend](manifest, files)
    if manifest.head:
        network = _with_head(network, files[manifest.head])

    def score(rgb: NDArray[np.uint8]) -> float | None:
        batch = batch_of(rgb, manifest.input)
        return None if batch is None else score_of(network(batch), manifest.score)

    return score


def _function(manifest: Manifest, source: bytes, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": f"lightkeeper_plugin_{manifest.id}"}
    exec(compile(source, manifest.model, "exec"), namespace)
    function: Callable[..., Any] | None = namespace.get(name)
    if not callable(function):
        raise _refused(f"its module has no function {name}")
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
    onnxruntime = _module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            files[manifest.model], options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # The runtime's own errors share no public base.
        raise _refused("ONNX Runtime cannot read the model") from error
    name = session.get_inputs()[0].name

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        # One crop at a time: exported models often have a batch of one.
        return np.concatenate(
            [np.asarray(session.run(None, {name: crop[None]})[0]) for crop in batch]
        )

    return run


def _torch_export(manifest: Manifest, files: dict[str, bytes]) -> Network:
    torch = _torch()
    module = torch.export.load(io.BytesIO(files[manifest.model])).module()
    return _torch_network(torch, module)


def _timm(manifest: Manifest, files: dict[str, bytes]) -> Network:
    weights = _module("safetensors.torch").load(files[manifest.model])
    model = _module("timm").create_model(manifest.architecture, pretrained=False)
    last = next(n for n, module in model.named_modules() if module is model.get_classifier())
    if f"{last}.weight" not in weights:
        raise _refused(f"its weights are not those of {manifest.architecture}")
    model.reset_classifier(int(weights[f"{last}.weight"].shape[0]))
    model.load_state_dict(weights)
    return _torch_network(_torch(), model.eval())


def _transformers(manifest: Manifest, files: dict[str, bytes]) -> Network:
    kind = _module("transformers").AutoModelForImageClassification
    # A folder of its own: nothing but the files that were checked can be read from it.
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / Path(name).name).write_bytes(content)
        model = kind.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).eval()
    return _torch_network(_torch(), lambda batch: model(pixel_values=batch).logits)


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


def _with_head(network: Network, content: bytes) -> Network:
    """A linear layer on features, from a NumPy archive that may hold no objects."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            weight, bias = archive["weight"].astype(np.float64), archive["bias"].astype(np.float64)
    except (KeyError, ValueError, OSError) as error:
        raise _refused("its head is no archive of weight and bias") from error

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        features = np.asarray(network(batch), dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != weight.shape[-1]:
            raise ValueError(f"features of shape {features.shape} do not fit the head")
        logits: NDArray[Any] = features @ np.atleast_2d(weight).T + bias
        return logits

    return run


def _as_declared_by_folder(manifest: Manifest, files: dict[str, bytes]) -> Manifest:
    """Sizes, mean and the column's number from the folder's own files."""
    prefix = f"{manifest.model.rpartition('/')[0]}/".lstrip("/")
    try:
        processor = json.loads(files[prefix + _PROCESSOR])
        labels = json.loads(files[prefix + _CONFIG])["id2label"]
        side = _side(processor["size"])
        mean, std = (tuple(map(float, processor[k])) for k in ("image_mean", "image_std"))
        resizes = bool(processor.get("do_resize", True))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _refused(f"{_PROCESSOR} and {_CONFIG} must be pinned and readable") from error
    if resizes and manifest.input.resize == "forbidden":
        raise _refused('its processor resizes every picture: say so with input.resize = "stretch"')
    columns = [int(number) for number, name in labels.items() if name == manifest.score.label]
    if len(columns) != 1:
        raise _refused(f"score.label must be one of {', '.join(sorted(labels.values()))}")
    changed: Input = msgspec.structs.replace(manifest.input, side=side, mean=mean, std=std)
    score: Score = msgspec.structs.replace(manifest.score, output=columns[0])
    result: Manifest = msgspec.structs.replace(manifest, input=changed, score=score)
    return result


def _side(size: Any) -> int:
    if isinstance(size, dict):
        return int(size.get("shortest_edge") or size["height"])
    return int(size)


def _refused(message: str) -> PluginFailure:
    return PluginFailure(FailureKind.REFUSED, message)
