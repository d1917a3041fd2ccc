"""Lightkeeper: where does an image come from, and how do we know?"""

__version__ = "0.1.0"
