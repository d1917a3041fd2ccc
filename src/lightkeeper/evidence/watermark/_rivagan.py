"""RivaGAN marks, read by the reference library's network through ONNX Runtime."""

from __future__ import annotations

import importlib.util
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.errors import EvidenceError, LimitExceeded
from lightkeeper.evidence._finding import Finding, Tier
from lightkeeper.evidence.watermark._examiners import mark_finding
from lightkeeper.evidence.watermark._marks import RIVAGAN_BITS, Mark, Method, load_marks
from lightkeeper.evidence.watermark._read import SMALLEST_AREA
from lightkeeper.evidence.watermark._reading import MarkReading
from lightkeeper.evidence.watermark._statistics import chance, corrected, correlate

if TYPE_CHECKING:
    from lightkeeper.media import Media

_WEIGHTS = "rivagan_decoder.onnx"
_LARGEST_AREA = 16_000_000


class RivaGanExaminer:
    """Looks for an operator's rivaGan marks; nobody publishes one.

    The p-value is the chance for a message drawn at random. The network's outputs are neither
    centred nor independent: over 121 unmarked photographs z of random messages has a deviation of
    1.0 together, but of up to 1.6 for a single one, so findings carry ``not-calibrated-per-key``.

    Parameters
    ----------
    marks : Path, optional
        An operator's marks (TOML); those with ``method = "rivaGan"`` are looked for.
    alpha : float
        Chance per picture of a finding where there is no mark, over all tests.
    weights : Path, optional
        The decoder network; by default the file that the invisible-watermark wheel brings.
    """

    name = "rivagan"
    version = "1"
    tier = Tier.MODEL

    def __init__(
        self, *, marks: Path | None = None, alpha: float = 1e-6, weights: Path | None = None
    ) -> None:
        own = load_marks(marks) if marks else ()
        self.marks: tuple[Mark, ...] = tuple(m for m in own if m.method is Method.RIVA_GAN)
        self.alpha = alpha
        self._weights = weights or _wheel_weights()

    def unavailable(self) -> str | None:
        """Why it cannot run here, or ``None``."""
        if not _installed("onnxruntime"):
            return "rivaGan needs the extra 'detect' (onnxruntime)"
        if self._weights is None or not self._weights.is_file():
            return f"rivaGan needs {_WEIGHTS}, which the package invisible-watermark brings"
        if not self.marks:
            return "no rivaGan mark is registered"
        return None

    def examine(self, media: Media) -> tuple[Finding, ...]:
        """One finding per registered mark that is present.

        Raises
        ------
        EvidenceError
            The network cannot be run.
        """
        if reason := self.unavailable():
            raise EvidenceError(reason)
        rgb = media.raster().rgb
        area = rgb.shape[0] * rgb.shape[1]
        if area < SMALLEST_AREA:
            return ()
        if area > _LARGEST_AREA:
            raise LimitExceeded(f"rivaGan reads at most {_LARGEST_AREA:,} pixels, not {area:,}")
        scores = self._run(rgb[..., ::-1])
        readings = ((mark, self._reading(mark, scores)) for mark in self.marks)
        return tuple(
            mark_finding(reading, mark, examiner=self.name, version=self.version)
            for mark, reading in readings
            if reading.present
        )

    def _run(self, bgr: Any) -> Any:
        frame = bgr.astype(np.float32) / np.float32(127.5) - np.float32(1)
        batch = frame.transpose(2, 0, 1)[None, :, None]
        try:
            return np.asarray(self._session.run(None, {"frame": batch})[0])[:1]
        except Exception as error:  # The runtime's own errors share no public base.
            raise EvidenceError(f"the rivaGan network failed: {error}") from error

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(self._weights), options, providers=["CPUExecutionProvider"]
        )

    def _reading(self, mark: Mark, scores: Any) -> MarkReading:
        r, freedom = correlate(scores.astype(np.float64), mark.bits)
        tests = len(self.marks)
        p_value = corrected(chance(float(r[0]), freedom), tests)
        return MarkReading(
            mark=mark.id,
            variant="rivagan",
            method=Method.RIVA_GAN.value,
            z=float(r[0]) * float(np.sqrt(RIVAGAN_BITS - 1)),
            p_value=p_value,
            tests=tests,
            present=p_value < self.alpha,
        )


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _wheel_weights() -> Path | None:
    """Weights inside the installed wheel, found without importing it (it would load torch)."""
    spec = importlib.util.find_spec("imwatermark")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / _WEIGHTS
