"""A steep radial spectrum speaks for generation. A baseline to be refused, not a detector."""

import numpy as np


def score(rgb):
    grey = rgb.astype(np.float32).mean(axis=2)
    side = min(grey.shape)
    if side < 64:
        return None
    window = np.hanning(side)
    spectrum = np.abs(np.fft.fft2(grey[:side, :side] * window[:, None] * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    chosen = (frequency > 0.05) & (frequency < 0.5)
    slope = np.polyfit(np.log(frequency[chosen]), np.log(spectrum[chosen] + 1e-6), 1)[0]
    return -float(slope)
