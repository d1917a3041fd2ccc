"""Where in a picture an edit may be; no network is shipped.

``reconstruction_map`` asks a registered autoencoder window by window, ``model_free_maps`` need
nothing but the picture, and ``fuse`` puts them together. A map is a lead: a person looks.
"""

from lightkeeper.evidence.detectors.regions._drawing import Drawing, draw
from lightkeeper.evidence.detectors.regions._examiner import EditedRegion, EditedRegionExaminer
from lightkeeper.evidence.detectors.regions._fuse import fuse
from lightkeeper.evidence.detectors.regions._model_free import model_free_maps
from lightkeeper.evidence.detectors.regions._null import RegionNull, calibrate_map
from lightkeeper.evidence.detectors.regions._reconstruction import (
    ReconstructionMap,
    reconstruction_map,
)
from lightkeeper.evidence.detectors.regions._region import Region, strongest_region

__all__ = [
    "Drawing",
    "EditedRegion",
    "EditedRegionExaminer",
    "ReconstructionMap",
    "Region",
    "RegionNull",
    "calibrate_map",
    "draw",
    "fuse",
    "model_free_maps",
    "reconstruction_map",
    "strongest_region",
]
