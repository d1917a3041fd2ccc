"""Sign what a generator made, so that others can tell where it comes from."""

from lightkeeper.labelling._sign import SourceType, sign_generated

__all__ = ["SourceType", "sign_generated"]
