"""One unforgiving protocol for every detector: shipped, trained or plugged in.

:func:`evaluate` shows labelled pictures to a detector under matched re-encodings, and draws
non-photographs beside them; :func:`measure` turns the rows into numbers with intervals.
"""

from lightkeeper.evidence.detectors.evaluation._detector import Detector, TrainedOn
from lightkeeper.evidence.detectors.evaluation._evaluate import Run, Setup, Twin, evaluate
from lightkeeper.evidence.detectors.evaluation._measure import measure
from lightkeeper.evidence.detectors.evaluation._measurements import Measurements
from lightkeeper.evidence.detectors.evaluation._sample import Label, Sample, read_samples
from lightkeeper.evidence.detectors.evaluation._scores import ScoreRow

__all__ = [
    "Detector",
    "Label",
    "Measurements",
    "Run",
    "Sample",
    "ScoreRow",
    "Setup",
    "TrainedOn",
    "Twin",
    "evaluate",
    "measure",
    "read_samples",
]
