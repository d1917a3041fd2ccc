"""Train an extractor and the small autoencoder, as the demonstration was: ``train_rooted.py OUT``.

420 and 300 seconds of one core. Whoever trains with another seed has another, secret extractor.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import torch

from lightkeeper.generators.rooting import TrainingPlan, train, train_autoencoder, write_small

if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    train(TrainingPlan(seconds=420, seed=secrets.randbits(63)), out / "extractor")
    encoder, decoder = train_autoencoder(out / "autoencoder", seconds=300)
    write_small(encoder, decoder, out / "autoencoder")
