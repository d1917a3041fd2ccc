"""What the findings mean together.

:func:`assess` fuses findings into an :class:`Assessment` that hides no disagreement;
:func:`explain` says in words how it came about. Labels that judge content are set by people.
"""

from lightkeeper.assessment._assess import assess
from lightkeeper.assessment._calibration import Calibration
from lightkeeper.assessment._classification import AgeGroup, Classification, IndustryClass, Label
from lightkeeper.assessment._explain import explain
from lightkeeper.assessment._result import Assessment, Conflict, Origin, Routing, Strength

__all__ = [
    "AgeGroup",
    "Assessment",
    "Calibration",
    "Classification",
    "Conflict",
    "IndustryClass",
    "Label",
    "Origin",
    "Routing",
    "Strength",
    "assess",
    "explain",
]
