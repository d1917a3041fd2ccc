"""Watermarks, decoded in one pass."""
