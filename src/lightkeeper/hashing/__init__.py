"""Fingerprints: cryptographic digests and PDQ."""
