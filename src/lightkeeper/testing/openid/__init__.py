"""An issuer of OpenID Connect in this process, with keys of its own, that can also misbehave."""

from lightkeeper.testing.openid._stand_in import StandInIssuer

__all__ = ["StandInIssuer"]
