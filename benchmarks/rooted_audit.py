"""What attacks on our own rooted mark leave of it, as one JSON line each.

``rooted_audit.py FOLDER KEY OTHER [TAESD-FOLDER]``, with a folder as ``rooted_mark.py`` takes it.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lightkeeper.evidence.watermark.rooted import MarkKey, detect
from lightkeeper.evidence.watermark.rooted._calibration import calibrate
from lightkeeper.generators.rooting import load_generator
from lightkeeper.generators.rooting._autoencoder import reconstruction_loss
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._train import Crops
from rooted_mark import Bench, chances, held_out, unmarked


class Audit:
    """One key of a bench; every measure is over eleven Kodak pictures at 512 px."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench = bench
        self.decoder, key = bench.decoder(name)
        null = bench.null()
        self.key = MarkKey(label=name, bits=key.bits, calibration=calibrate(chances(null, key)))
        self.pictures = held_out()[:11]

    def say(self, attack: str, pictures: list[Any], **more: Any) -> None:
        """Bits and detections in the look at the stored size alone."""
        found = [
            detect(self.bench.reader.look(a, scales=(1.0,), mirrored=(False,)), [self.key])[0]
            for a in pictures
        ]
        self.bench.write({
            "kind": "audit", "key": self.key.label, "attack": attack,
            "bits": round(float(np.mean([r.matches / 48 for r in found])), 4),
            "found": sum(r.present for r in found), "n": len(found), **more,
        })  # fmt: skip

    def decoded(self, decoder: Any) -> list[Any]:
        """The held-out pictures by a decoder."""
        return [self.bench.decode(decoder, a) for a in self.pictures]

    def averaging(self) -> None:
        """Lift what marked pictures have in common, and put it on photographs or take it off."""
        marked, plain = self.decoded(self.decoder), self.decoded(self.bench.original)
        sources = [a[:256, :256] for a in unmarked() if min(a.shape[:2]) >= 256][:200]
        lifted = [self.bench.decode(self.decoder, a).astype(np.float64) for a in sources]
        total, done = np.zeros((256, 256, 3)), 0
        for count in (1, 5, 20, 50, len(lifted)):
            for a in lifted[done:count]:
                total += a - _smooth(a)
            done = count
            pattern = total / count
            # As strong as the mark itself is, whatever is left of it in the mean.
            pattern *= 7.0 / max(float(pattern.std()), 1e-6)
            tile = np.tile(pattern, (2, 2, 1))
            self.say(
                f"copied from the mean of {count}",
                [_bytes(a[:512, :512] + tile[: a.shape[0], : a.shape[1]]) for a in self.pictures],
            )
            self.say(
                f"mean of {count} taken off",
                [_bytes(a + -tile[: a.shape[0], : a.shape[1]]) for a in marked],
            )
        mean = np.mean([m.astype(np.float64) for m in lifted], axis=0)
        self.say("mean picture of all itself", [_bytes(mean)])
        # A thief who has the same picture with and without the mark, and copies the difference.
        self.say(
            "difference of one pair, on another picture",
            [
                _bytes(a.astype(np.float64) + marked[k - 1] - plain[k - 1])
                for k, a in enumerate(self.pictures)
            ],
        )

    def weights(self) -> None:
        """Quantise, merge and fine-tune."""
        for bits in (8, 6, 4):
            self.say(f"weights of {bits} bits", self.decoded(_quantised(self.decoder, bits)))
        for share in (0.75, 0.5, 0.25):
            merged = copy.deepcopy(self.decoder)
            for own, other in zip(
                merged.parameters(), self.bench.original.parameters(), strict=True
            ):
                own.data.lerp_(other.data, 1 - share)
            self.say(f"merged with the original, {share} kept", self.decoded(merged))
        constants = copy.deepcopy(self.decoder)
        for name, parameter in constants.named_parameters():
            if name.endswith("bias"):
                parameter.data.copy_(dict(self.bench.original.named_parameters())[name].data)
        self.say("constants set back to the original's", self.decoded(constants))
        self._fine_tuned()

    def _fine_tuned(self) -> None:
        tuned = copy.deepcopy(self.decoder).train().requires_grad_(True)
        crops = Crops(training_pictures(60, seed=90_000))
        optimizer = torch.optim.AdamW(tuned.parameters(), 3e-4)
        step = 0
        for stop in (10, 30, 100, 200):
            while step < stop:
                rgb = crops.draw(4, 128)
                with torch.no_grad():
                    latent = self.bench.encoder(rgb)[0]
                loss = reconstruction_loss(tuned(latent), rgb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
            self.say(f"fine-tuned on clean pictures, {stop} steps", self.decoded(tuned))

    def pictures_again(self, other: str, tiny: Path | None) -> None:
        """Decode marked pictures once more, by other autoencoders."""
        marked = self.decoded(self.decoder)
        self.say(
            "through the original autoencoder",
            [self.bench.decode(self.bench.original, a) for a in marked],
        )
        second = self.bench.decoder(other)[0]
        self.say("a second copy's mark on top", [self.bench.decode(second, a) for a in marked])
        halves = [
            _bytes((a.astype(np.float64) + b) / 2)
            for a, b in zip(marked, self.decoded(second), strict=True)
        ]
        self.say("averaged with a second copy's picture", halves)
        if tiny is not None:
            generator = load_generator(tiny).generator
            again = []
            for a in marked:
                with torch.no_grad():
                    x = torch.from_numpy(a.copy()).permute(2, 0, 1)[None] / 255
                    out = generator.decode(generator.encode(x))[0].clamp(0, 1)
                again.append(_bytes(out.permute(1, 2, 0).numpy() * 255))
            self.say("through another autoencoder (TAEF2)", again)


def _bytes(a: Any) -> Any:
    return np.clip(np.asarray(a), 0, 255).round().astype(np.uint8)


def _smooth(a: Any) -> Any:
    """Means of 32 px, at their place."""
    side = a.shape[0] // 32
    coarse = a.reshape(side, 32, side, 32, 3).mean((1, 3))
    return np.kron(coarse, np.ones((32, 32, 1)))


def _quantised(decoder: Any, bits: int) -> Any:
    small = copy.deepcopy(decoder)
    for parameter in small.parameters():
        largest = parameter.data.abs().amax()
        unit = largest / (2 ** (bits - 1) - 1)
        parameter.data.copy_((parameter.data / unit).round() * unit)
    return small


if __name__ == "__main__":
    audit = Audit(Bench(Path(sys.argv[1])), sys.argv[2])
    audit.averaging()
    audit.weights()
    audit.pictures_again(sys.argv[3], Path(sys.argv[4]) if len(sys.argv) > 4 else None)
