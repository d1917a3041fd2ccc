"""The open mark in a decoder: constants beside its last convolution, removable by its owner."""

from lightkeeper.generators.rooting.open_mark._file import read_open, write_open
from lightkeeper.generators.rooting.open_mark._root import root_open

__all__ = ["read_open", "root_open", "write_open"]
