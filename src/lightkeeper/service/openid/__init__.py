"""An issuer of OpenID Connect: what it is asked, and whether what it signs is believed."""
