"""What the limit codes of findings mean, in words."""

from __future__ import annotations

LIMITS = {
    "anyone-can-write": "Unsigned text: anyone can write it into any file.",
    "key-is-public": "Anyone can put this mark on any picture, photographs included.",
    "holder-of-the-key-could-have-marked": "Whoever holds the secret can mark any picture.",
    "mark-can-be-copied": "Who has one marked picture can lay it faintly over a photograph.",
    "extractor-is-published": "This extractor is public, so its marks are as easily made as any.",
    "key-is-not-calibrated": "Nobody has measured here what this key shows on unmarked pictures.",
    "also-on-human-art": "People put this mark on their own art too, to keep it from training.",
    "not-calibrated-per-key": "The chance is that of a random message; a fixed one may differ.",
    "signer-not-trusted": "The signature is intact, but nobody vouches for the signer.",
    "said-by-ingredient": "The statement is that of a picture this one was made from or contains.",
    "edited-since": "The picture was edited after that statement was signed.",
    "gathered-assertion": "The signer passed the statement on and does not vouch for it.",
    "not-fetched": "A manifest elsewhere is named; nothing is ever fetched.",
    "manifest-unreadable": "Damaged, or of a kind that is not read here; nothing follows from it.",
    "near-match": "A perceptual hash: another picture can lie as near, altered copies included.",
    "lead-only": "One source names it and nobody has confirmed it: a place to look, no match.",
    "no-card": "Nobody has measured this detector here; its score carries no weight.",
    "card-refuses": "The detector fails a control of its card; its score carries no weight.",
    "measured-generators-only": "The weight holds for generators like those on its card.",
    "routing-only": "A signal that an operator chose for routing; it says nothing about origin.",
    "through-this-decoder-only": "It says the picture came through this decoder, not who made it.",
    "other-decoders-grid-too": "Another decoder with a grid of this size can show here, weaker.",
    "edits-and-upscalers-too": "An edited or enlarged photograph may have come through it too.",
    "within-picture-null-only": "Nobody has measured here what pictures without the grid show.",
    "re-encoding-destroys": "Saving or resizing the picture again can hide or blur the region.",
    "a-lead-a-person-looks": "A place to look, and no verdict about what was changed.",
    "set-says-so": "What the material is, is the word of those who keep the hash set.",
}
