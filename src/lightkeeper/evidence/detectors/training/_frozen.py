"""A detector on frozen features: a backbone that somebody else trained, and a ridge regression.

The backbone is named by its path and stays as it is; what is learned is one row of weights. NumPy
and ONNX Runtime do all of it.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from lightkeeper.errors import InvalidConfiguration, OutputError
from lightkeeper.evidence.detectors.plugins._features import Features, pooled, tensors, with_output
from lightkeeper.evidence.detectors.plugins._layouts import LAYOUTS
from lightkeeper.evidence.detectors.plugins._manifest import Input
from lightkeeper.evidence.detectors.plugins._preprocess import batch_of
from lightkeeper.evidence.detectors.statistics import auc
from lightkeeper.evidence.detectors.training import _drawings
from lightkeeper.evidence.detectors.training._calibrate import calibrate
from lightkeeper.evidence.detectors.training._held_out import keep_pictures, scores_of
from lightkeeper.evidence.detectors.training._manifest import TEXTURED, write_manifest
from lightkeeper.evidence.detectors.training._pairs import draw_pairs, make_pairs
from lightkeeper.evidence.detectors.training._recipe import SETUP, keep_setup
from lightkeeper.evidence.detectors.training._sides import divide
from lightkeeper.evidence.detectors.training._train import (
    REPORT,
    Left,
    Progress,
    Trained,
    telling,
)
from lightkeeper.evidence.detectors.treatment import Condition, reencode
from lightkeeper.plain import to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder
    from lightkeeper.evidence.detectors.training._calibrate import Calibration
    from lightkeeper.evidence.detectors.training._pairs import Pair, Picture

    Rows = NDArray[np.float64]

BACKBONES = ("dinov2", "dinov3", "siglip2", "perception-encoder", "universal-fake-detect")
"""Layouts that say how a backbone wants its pixels."""
WEIGHTS, HEAD = "backbone.onnx", "head.npz"
_RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Strength of the penalty, of standardised features and a picture."""
_FOLDS = 5
_TRIES = 4
"""Draws of a treatment, until one leaves a picture large enough for a crop."""
_CUT = 512


class Backbone:
    """An ONNX model of which one tensor is read; no picture is resized for it.

    Parameters
    ----------
    output : str
        The tensor; empty where the model gives it away itself.
    layout : str
        One of :data:`BACKBONES`.

    Raises
    ------
    InvalidConfiguration
        It is no such model, or makes no such tensor.
    """

    def __init__(self, path: Path, *, output: str = "", layout: str = "dinov2") -> None:
        if layout not in BACKBONES:
            raise InvalidConfiguration(
                f"no backbone {layout}", hint="known are " + ", ".join(BACKBONES)
            )
        self.path = path
        try:
            self._content = path.read_bytes()
        except OSError as error:
            raise InvalidConfiguration(
                f"cannot read {path}: {error.strerror}",
                hint="a backbone is the operator's; Lightkeeper never fetches one",
            ) from error
        preset = LAYOUTS[layout]
        self.features: Features = msgspec.structs.replace(
            msgspec.convert(preset.get("features", {}), Features), output=output
        )
        self._session = self._opened(output)
        self._name: str = self._session.get_inputs()[0].name
        side = self._session.get_inputs()[0].shape[-1]
        given = {key: preset["input"][key] for key in ("mean", "std")}
        self.input = Input(
            crop="centre",
            side=side if isinstance(side, int) else preset["input"]["side"],
            resize="forbidden",
            textured=TEXTURED,
            mean=tuple(given["mean"]),
            std=tuple(given["std"]),
        )
        self._check()

    @property
    def digest(self) -> str:
        """SHA-256 of the file, the tensor and the pooling."""
        parts = f"{hashlib.sha256(self._content).hexdigest()} {self.features} {self.input}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def row(self, rgb: NDArray[np.uint8]) -> Rows | None:
        """Features of one picture; ``None`` where the plug-in would abstain."""
        batch = batch_of(rgb, self.input)
        return None if batch is None else self._rows(batch)[0]

    def _rows(self, batch: NDArray[np.float32]) -> Rows:
        wanted = [self.features.output] if self.features.output else None
        return pooled(self._session.run(wanted, {self._name: batch})[0], self.features)

    def _opened(self, output: str) -> Any:
        import onnxruntime

        model = with_output(self._content, output) if output else self._content
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # The runtime's own errors share no public base.
            raise InvalidConfiguration(
                f"{self.path}: ONNX Runtime cannot read the model",
                hint="an ONNX file with its weights inside",
            ) from error

    def _check(self) -> None:
        """A trial, so that a tensor of another shape is named before any picture is made."""
        try:
            self._rows(np.zeros((1, 3, self.input.side, self.input.side), np.float32))
        except Exception as error:
            named = [name for name in tensors(self._content) if "norm" in name.lower()]
            raise InvalidConfiguration(
                f"{self.path}: {str(error).splitlines()[0][:200]}",
                hint="--output names a tensor of shape (n, tokens, channels)"
                + (f", perhaps {named[-1]}" if named else ""),
            ) from error


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of features: photographs once, and a row for each round trip."""

    rows: Rows
    decoder: NDArray[np.intp]
    """Number of the autoencoder; -1 for a photograph."""
    picture: NDArray[np.intp]

    def only(self, chosen: NDArray[np.bool_]) -> _Table:
        return _Table(self.rows[chosen], self.decoder[chosen], self.picture[chosen])


def train_on_features(
    backbone: Backbone,
    autoencoders: Sequence[Autoencoder],
    images: Path,
    out: Path,
    *,
    unseen: Sequence[Autoencoder] = (),
    held_out: Path | None = None,
    others: Path | None = None,
    share: float = 0.25,
    licence: str = "none stated",
    seed: int = 0,
    draws: int = 2,
    drawings: int = 60,
    resume: bool = False,
    told: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda what, done, total, note: None,
) -> Trained:
    """Fit a ridge regression that tells photographs from their round trips.

    Parameters
    ----------
    autoencoders : sequence of Autoencoder
        Fitted on. With several, each is left out once and measured on the held-out photographs.
    unseen : sequence of Autoencoder
        For the card alone, in place of those that it was fitted on.
    draws : int
        Treatments of each pair.
    drawings : int
        Pairs of drawn pictures, so that what no camera took tells nothing.

    Returns
    -------
    Trained
        As :func:`train` leaves it; the backbone is copied beside the manifest.

    Raises
    ------
    InvalidConfiguration
        There are no usable pictures, a source stands on both sides, an autoencoder stands on both
        sides, or a resumed run was begun with something else.
    OutputError
        ``out`` holds a run already and ``resume`` was not asked for.
    """
    _check_apart(autoencoders, unseen)
    if (out / SETUP).exists() and not resume:
        raise OutputError(f"{out} already holds a run", hint="--resume goes on with it")
    sides = divide(images, held_out, others, share=share, told=told)
    seen = (*sides.training, *sides.aside)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {out}: {error.strerror}") from error
    settings = {
        "backbone": backbone.digest,
        "autoencoders": [a.fingerprint for a in autoencoders],
        "unseen": [a.fingerprint for a in unseen],
        "recipe": {"seed": seed, "draws": draws, "drawings": drawings},
    }
    keep_setup(out, settings, seen, sides.held_out)
    kept = _Kept(backbone, out / "features" / backbone.digest[:16], seed)

    def made(what: str, of: Sequence[Picture], by: Autoencoder) -> list[Pair]:
        tell = telling(progress, f"{what} by {by.name}")
        return list(make_pairs(of, by, out / "pairs", views=1, told=told, progress=tell))

    def spread(
        what: str, of: Sequence[Picture], by: Sequence[Autoencoder]
    ) -> list[tuple[Pair, str]]:
        """Each picture through one autoencoder: a photograph must not count twice."""
        parts = ((a, of[number :: len(by)]) for number, a in enumerate(by))
        return [(pair, a.name) for a, part in parts if part for pair in made(what, part, a)]

    by_decoder = [made("pairs to fit", sides.training, a) for a in autoencoders]
    for number, autoencoder in enumerate(autoencoders):
        by_decoder[number] += draw_pairs(
            drawings // len(autoencoders), autoencoder, out / "pairs", seed=seed + number,
            progress=telling(progress, "drawings"),
        )  # fmt: skip
    table = kept.table(by_decoder, draws, telling(progress, "rows to fit"))
    if not (table.decoder >= 0).any():
        raise InvalidConfiguration(
            f"no photograph is large enough: the backbone looks at {backbone.input.side} pixels",
            hint="photographs of at least twice as many pixels on their shorter side",
        )
    aside = spread("pairs to calibrate", sides.aside, autoencoders)
    pairs = spread("pairs held out", sides.held_out, unseen or autoencoders)
    head = _chosen(table)
    calibration = _calibrated(head, backbone, [pair for pair, _ in aside], seed)
    try:
        shutil.copyfile(backbone.path, out / WEIGHTS)
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror}") from error
    np.savez(
        out / HEAD,
        weight=(head.weight * calibration.scale)[None],
        bias=np.array([head.bias * calibration.scale + calibration.bias]),
    )
    manifest = _manifest(
        out, backbone, autoencoders, unseen, licence, (picture.source for picture in seen)
    )
    listed = keep_pictures(pairs, sides.others, out / "held-out")
    left = () if unseen else _left_out(table, autoencoders, pairs, kept, draws)
    report = {
        "rows": len(table.rows),
        "ridge": head.ridge,
        "left_out": to_plain(left),
        "calibration": to_plain(calibration),
    }
    (out / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return Trained(manifest, listed, calibration, left)


def _check_apart(autoencoders: Sequence[Autoencoder], unseen: Sequence[Autoencoder]) -> None:
    prints = [a.fingerprint for a in (*autoencoders, *unseen)]
    if not autoencoders or len(set(prints)) < len(prints):
        raise InvalidConfiguration(
            "an autoencoder is named twice" if autoencoders else "no autoencoder is named",
            hint="each entry once: to be fitted on, or as one that is not",
        )
    names = [a.name for a in (*autoencoders, *unseen)]
    if len(set(names)) < len(names):
        raise InvalidConfiguration(
            "two autoencoders have one name", hint="change the name in one autoencoder.toml"
        )


class _Kept:
    """Rows of treated pictures; a row that is kept is not made again."""

    def __init__(self, backbone: Backbone, folder: Path, seed: int) -> None:
        self._backbone, self._folder, self._seed = backbone, folder, seed
        folder.mkdir(parents=True, exist_ok=True)

    def table(
        self, by_decoder: Sequence[Sequence[Pair]], draws: int, progress: Callable[[int, int], None]
    ) -> _Table:
        rows: list[Rows] = []
        decoder: list[int] = []
        picture: list[int] = []
        numbers: dict[str, int] = {}
        photographs: set[tuple[str, int]] = set()
        total, done = sum(map(len, by_decoder)), 0
        for k, pairs in enumerate(by_decoder):
            for pair in pairs:
                number = numbers.setdefault(pair.picture.digest, len(numbers))
                for draw in range(draws):
                    halves = self.halves(pair, draw)
                    if halves is None:
                        continue
                    rows.append(halves[1])
                    decoder.append(k)
                    picture.append(number)
                    if (pair.picture.digest, draw) not in photographs:
                        photographs.add((pair.picture.digest, draw))
                        rows.append(halves[0])
                        decoder.append(-1)
                        picture.append(number)
                done += 1
                progress(done, total)
        stacked = np.stack(rows) if rows else np.zeros((0, 1))
        return _Table(stacked, np.array(decoder, np.intp), np.array(picture, np.intp))

    def halves(self, pair: Pair, draw: int) -> Rows | None:
        """Both halves under the same treatment, shape (2, channels), or ``None``."""
        # The folder of pairs is named by the autoencoder.
        file = self._folder / f"{pair.file.parent.name}-{pair.file.stem}-{draw}.npy"
        if file.exists():
            found: Rows = np.load(file, allow_pickle=False)
            return found if found.size else None
        rows = self._made(pair, draw)
        part = file.with_suffix(".part")
        with part.open("wb") as stream:
            np.save(stream, np.zeros((0, 0)) if rows is None else rows, allow_pickle=False)
        part.replace(file)
        return rows

    def _made(self, pair: Pair, draw: int) -> Rows | None:
        halves = np.asarray(pair.halves())
        for attempt in range(_TRIES):
            seed = [self._seed, int(pair.picture.digest[:12], 16), draw, attempt]
            rows = [
                self._backbone.row(
                    reencode(half, Condition.MATCHED, rng=np.random.default_rng(seed), crop=_CUT)
                )
                for half in halves
            ]
            if rows[0] is not None and rows[1] is not None:
                return np.stack([rows[0], rows[1]])
        return None


@dataclass(frozen=True, slots=True)
class _Head:
    weight: Rows
    bias: float
    ridge: float

    def scores(self, rows: Rows) -> Rows:
        return np.asarray(rows @ self.weight + self.bias)


def _fitted(table: _Table, ridge: float) -> _Head:
    """Both classes, and all autoencoders together, weigh the same."""
    made = table.decoder >= 0
    weight = np.where(made, 0.5 / max(1, made.sum()), 0.5 / max(1, (~made).sum()))
    mean = weight @ table.rows
    spread = np.sqrt(weight @ (table.rows - mean) ** 2) + 1e-9
    x = (table.rows - mean) / spread
    y = np.where(made, 1.0, -1.0)
    gram = (x * weight[:, None]).T @ x + ridge * np.eye(x.shape[1])
    learned = np.linalg.solve(gram, x.T @ (weight * y)) / spread
    return _Head(learned, float(-mean @ learned), ridge)


def _chosen(table: _Table) -> _Head:
    """The penalty under which what was left out is told best: pictures, and an autoencoder."""
    found = {ridge: _left(table, ridge) for ridge in _RIDGES}
    return _fitted(table, max(_RIDGES, key=lambda ridge: found[ridge]))


def _left(table: _Table, ridge: float) -> float:
    areas = []
    decoders = sorted({int(k) for k in table.decoder if k >= 0})
    for fold in range(_FOLDS):
        tested = table.picture % _FOLDS == fold
        left = decoders[fold % len(decoders)]
        kept = ~tested & ((table.decoder != left) | (len(decoders) == 1))
        made, real = tested & (table.decoder == left), tested & (table.decoder < 0)
        fit = table.only(kept)
        if not (made.any() and real.any() and (fit.decoder >= 0).any() and (fit.decoder < 0).any()):
            continue
        head = _fitted(fit, ridge)
        areas.append(auc(head.scores(table.rows[made]), head.scores(table.rows[real])))
    return float(np.mean(areas)) if areas else 0.0


def _left_out(
    table: _Table,
    autoencoders: Sequence[Autoencoder],
    pairs: Sequence[tuple[Pair, str]],
    kept: _Kept,
    draws: int,
) -> tuple[Left, ...]:
    """Each autoencoder left out once, on photographs of sources that were not fitted on either."""
    if len(autoencoders) == 1:
        return ()
    found = []
    for number, autoencoder in enumerate(autoencoders):
        head = _chosen(table.only(table.decoder != number))
        own = [pair for pair, name in pairs if name == autoencoder.name]
        halves = [kept.halves(pair, draw) for pair in own for draw in range(draws)]
        rows = [half for half in halves if half is not None]
        area = None
        if rows:
            stacked = np.stack(rows)
            area = round(auc(head.scores(stacked[:, 1]), head.scores(stacked[:, 0])), 4)
        found.append(Left(autoencoder.name, area, len(own)))
    return tuple(found)


def _calibrated(head: _Head, backbone: Backbone, aside: Sequence[Pair], seed: int) -> Calibration:
    def score(rgb: NDArray[np.uint8]) -> float | None:
        row = backbone.row(rgb)
        return None if row is None else float(head.scores(row))

    real, made = (
        scores_of(score, (pair.halves()[side] for pair in aside), seed) for side in (0, 1)
    )
    both = np.isfinite(real) & np.isfinite(made)
    drawn = scores_of(score, _drawings.drawings(seed), seed)
    if not both.any():
        raise InvalidConfiguration(
            "no picture that was set aside is large enough to calibrate on",
            hint="more photographs, or larger ones",
        )
    return calibrate(real[both], made[both], drawn[np.isfinite(drawn)])


def _manifest(
    out: Path,
    backbone: Backbone,
    autoencoders: Sequence[Autoencoder],
    unseen: Sequence[Autoencoder],
    licence: str,
    sources: Iterable[str],
) -> Path:
    names = ", ".join(a.name for a in autoencoders)
    usual = msgspec.to_builtins(Input())
    declared = {k: v for k, v in msgspec.to_builtins(backbone.input).items() if v != usual[k]}
    return write_manifest(
        out,
        "frozen-features" if unseen else f"{names}-frozen",
        f"A ridge regression on frozen features; fitted on round trips through {names}.",
        [WEIGHTS, HEAD],
        {"input": declared, "features": msgspec.to_builtins(backbone.features)},
        licence=licence,
        sources=sources,
        # Without unseen ones its card is of those that it was fitted on, and says no more.
        generators=[a.name for a in autoencoders] if unseen else (),
        head=HEAD,
    )
