"""Detectors for autoencoders, trained by whoever holds them.

:func:`train` makes content-matched pairs out of photographs and trains a small network on them,
with torch; :func:`train_on_features` fits a ridge regression on the features of a backbone that
stays as it is, without torch. Both leave a plug-in, so that nothing here runs in a scan. Nothing
imports this package but ``lightkeeper detector train``.
"""

from lightkeeper.evidence.detectors.training._frozen import BACKBONES, Backbone, train_on_features
from lightkeeper.evidence.detectors.training._recipe import Recipe
from lightkeeper.evidence.detectors.training._train import Trained, train

__all__ = ["BACKBONES", "Backbone", "Recipe", "Trained", "train", "train_on_features"]
