"""No trace of JPEG's 8x8 grid speaks for generation. It recognises files, not origins."""

import numpy as np


def score(rgb):
    grey = rgb.astype(np.float32).mean(axis=2)
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    by_phase = np.array([steps[phase::8].mean() for phase in range(8)])
    return -float(by_phase.max() / (np.median(by_phase) + 1e-3))
