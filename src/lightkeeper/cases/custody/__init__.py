"""Keeping what has to be kept, and destroying it with a certificate."""

from lightkeeper.cases.custody._vault import Vault

__all__ = ["Vault"]
