"""Root a secret mark in a decoder: train an extractor, and teach a decoder through it.

It needs torch (the extra ``train``); looking for a mark does not.
"""

from lightkeeper.generators.rooting._autoencoder import (
    SmallDecoder,
    SmallEncoder,
    train_autoencoder,
)
from lightkeeper.generators.rooting._kit import export_extractor, unpack
from lightkeeper.generators.rooting._load import load_generator, write_small
from lightkeeper.generators.rooting._root import Generator, RootingPlan, root
from lightkeeper.generators.rooting._train import TrainingPlan, train

__all__ = [
    "Generator",
    "RootingPlan",
    "SmallDecoder",
    "SmallEncoder",
    "TrainingPlan",
    "export_extractor",
    "load_generator",
    "root",
    "train",
    "train_autoencoder",
    "unpack",
    "write_small",
]
