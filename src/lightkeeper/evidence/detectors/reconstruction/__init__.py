"""Detection with the suspected generator's own autoencoder; no training set.

A picture that came through a decoder is reconstructed best on the decoder's own grid. The phase
of that grid is found on some patches and confirmed on others (:func:`read_grid`); the other
phases are the picture's own null. :class:`GridRule` says when it is found. A finding says "this
picture came through this decoder", which an edited or merely encoded photograph may have done.
"""

from lightkeeper.evidence.detectors.reconstruction._autoencoder import (
    Autoencoder,
    CallableAutoencoder,
    OnnxAutoencoder,
)
from lightkeeper.evidence.detectors.reconstruction._calibrate import calibrate, decoded
from lightkeeper.evidence.detectors.reconstruction._examiner import ReconstructionExaminer
from lightkeeper.evidence.detectors.reconstruction._form import FULL, QUICK
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention
from lightkeeper.evidence.detectors.reconstruction._registry import (
    MANIFEST,
    Registered,
    attach_card,
    read_autoencoder,
)
from lightkeeper.evidence.detectors.reconstruction._rule import GridRule
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_grid

__all__ = [
    "FULL",
    "MANIFEST",
    "QUICK",
    "Abstention",
    "Autoencoder",
    "CallableAutoencoder",
    "GridRule",
    "OnnxAutoencoder",
    "PhaseReading",
    "ReconstructionExaminer",
    "Registered",
    "attach_card",
    "calibrate",
    "decoded",
    "read_autoencoder",
    "read_grid",
]
