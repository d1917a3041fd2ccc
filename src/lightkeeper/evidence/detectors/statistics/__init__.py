"""Exact intervals, rankings and probabilities of scores, without a statistics library."""

from lightkeeper.evidence.detectors.statistics._intervals import (
    Interval,
    Rate,
    clopper_pearson,
)
from lightkeeper.evidence.detectors.statistics._ranking import (
    auc,
    auc_difference,
    auc_interval,
    average_precision_interval,
    roc,
    threshold_at,
)
from lightkeeper.evidence.detectors.statistics._temperature import (
    ReliabilityBin,
    calibration_error,
    fit_temperature,
)

__all__ = [
    "Interval",
    "Rate",
    "ReliabilityBin",
    "auc",
    "auc_difference",
    "auc_interval",
    "average_precision_interval",
    "calibration_error",
    "clopper_pearson",
    "fit_temperature",
    "roc",
    "threshold_at",
]
