"""Sign what a generator made, so that others can tell where it comes from."""

from lightkeeper.labelling._sign import SignedPicture, SourceType, sign_generated

__all__ = ["SignedPicture", "SourceType", "sign_generated"]
