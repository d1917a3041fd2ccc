"""Make benign media for tests, examples and the demo: draw, write metadata, sign, mark."""
