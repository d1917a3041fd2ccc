"""Benign stand-in cases and people, for ``lightkeeper serve --demo``, tests and pictures."""

from lightkeeper.testing.demo._cases import seed_cases
from lightkeeper.testing.demo._people import seed_people
from lightkeeper.testing.demo._profile import PROFILE

__all__ = ["PROFILE", "seed_cases", "seed_people"]
