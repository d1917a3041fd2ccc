"""Make the fixtures of the rooted mark: an extractor as linear algebra gives it, and pictures.

Run it with torch and scikit-image installed; nothing in it is secret.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lightkeeper.generators.rooting._embedder import embed
from lightkeeper.generators.rooting._kit import export_extractor
from lightkeeper.generators.rooting._pictures import draw_texture
from lightkeeper.generators.rooting._train import Crops, TrainingPlan, begin
from lightkeeper.generators.rooting._whiten import whiten, whitening_logits

HERE = Path(__file__).parent
KEYS = ("5a3c96e1f00d", "c3a5690f1e78")


def main() -> None:
    torch.set_num_threads(1)
    crops = Crops([draw_texture(100 + k) for k in range(40)])
    embedder, extractor = begin(TrainingPlan(seconds=0, seed=3), crops, width=8)
    extractor.eval()
    whiten(extractor, whitening_logits(extractor, crops, batches=40))
    (HERE / "extractor.onnx").write_bytes(export_extractor(extractor))
    plain = torch.from_numpy(draw_texture(7)).permute(2, 0, 1)[None] / 255
    pictures = {"plain": plain}
    for number, key in enumerate(KEYS):
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(key), np.uint8)).astype(np.float32)
        with torch.no_grad():
            pictures[f"marked-{number}"] = embed(embedder, plain, torch.from_numpy(bits)[None], 28)
    for name, picture in pictures.items():
        array = (picture[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(array).save(HERE / f"{name}.jpg", quality=92, subsampling=0)


if __name__ == "__main__":
    main()
