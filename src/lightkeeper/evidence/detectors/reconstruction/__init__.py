"""Detection with the suspected generator's own autoencoder; no training set.

A picture that came through a decoder is reconstructed best on the decoder's own grid. The phase
of that grid is found on some patches and confirmed on others (:func:`read_phase`); the other
phases are the picture's own null. It says "this picture came through this decoder", which an
edited, enlarged or merely encoded photograph may have done too.
"""

from lightkeeper.evidence.detectors.reconstruction._autoencoder import (
    Autoencoder,
    CallableAutoencoder,
    OnnxAutoencoder,
)
from lightkeeper.evidence.detectors.reconstruction._calibrate import calibrate
from lightkeeper.evidence.detectors.reconstruction._examiner import ReconstructionExaminer
from lightkeeper.evidence.detectors.reconstruction._form import FULL, QUICK
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._registry import Registered, read_autoencoder
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_scales

__all__ = [
    "FULL",
    "QUICK",
    "Abstention",
    "Autoencoder",
    "CallableAutoencoder",
    "OnnxAutoencoder",
    "PhaseReading",
    "ReconstructionExaminer",
    "Registered",
    "calibrate",
    "read_autoencoder",
    "read_scales",
]
