"""Generation parameters and source declarations that a file carries.

One module per tool family; :mod:`lightkeeper.evidence.metadata._families` lists them all.
"""

from lightkeeper.evidence.metadata._examiner import MetadataExaminer, read_parameters
from lightkeeper.evidence.metadata._record import GenerationRecord, ModelHash, Resource
from lightkeeper.evidence.metadata.sources import SourceExaminer
from lightkeeper.evidence.metadata.stealth import StealthExaminer

__all__ = [
    "GenerationRecord",
    "MetadataExaminer",
    "ModelHash",
    "Resource",
    "SourceExaminer",
    "StealthExaminer",
    "read_parameters",
]
