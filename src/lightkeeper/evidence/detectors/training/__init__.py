"""A detector for one autoencoder, trained by whoever holds it; the second room that needs torch.

:func:`train` makes content-matched pairs out of photographs, trains a small network on them and
leaves a plug-in, so that nothing here runs in a scan. Nothing imports this package but
``lightkeeper detector train``.
"""

from lightkeeper.evidence.detectors.training._recipe import Recipe
from lightkeeper.evidence.detectors.training._train import Trained, train

__all__ = ["Recipe", "Trained", "train"]
