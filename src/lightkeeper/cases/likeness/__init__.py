"""Near-duplicates, so that nobody has to look at the same thing twice."""

from lightkeeper.cases.likeness._index import PictureIndex
from lightkeeper.cases.likeness._keys import model_key, parameters_key
from lightkeeper.cases.likeness._place import Likeness, Placement, place

__all__ = ["Likeness", "PictureIndex", "Placement", "model_key", "parameters_key", "place"]
