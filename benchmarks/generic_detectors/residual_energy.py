"""Little high-frequency energy speaks for generation. A baseline to be refused, not a detector."""

import numpy as np


def score(rgb):
    grey = rgb.astype(np.float32).mean(axis=2)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return -float(np.log(np.std(grey[1:-1, 1:-1] - around / 4) + 1e-3))
