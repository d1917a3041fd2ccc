"""Make benign media for tests, examples and the demo: draw, write metadata, sign, mark."""

from lightkeeper.testing._draw import photo_like, synthetic_like

__all__ = ["photo_like", "synthetic_like"]
