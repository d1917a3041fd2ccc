"""Autoencoders of generators, read from their files and exported to ONNX; the only torch here.

Nothing at run time imports this package: :func:`export` is for ``lightkeeper detector export``.
"""

from lightkeeper.evidence.detectors.reconstruction.layouts._export import Exported, export

__all__ = ["Exported", "export"]
