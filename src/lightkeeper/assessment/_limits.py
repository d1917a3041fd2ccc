"""What the limit codes of findings mean, in words."""

from __future__ import annotations

LIMITS = {
    "anyone-can-write": "Unsigned text: anyone can write it into any file.",
    "key-is-public": "Anyone can put this mark on any picture, photographs included.",
    "signer-not-trusted": "The signature is intact, but nobody vouches for the signer.",
}
