"""What the command line asks of this package, in bytes and paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.rooted import detect
from lightkeeper.generators.rooting._embedder import Embedder
from lightkeeper.generators.rooting._extractor import Extractor
from lightkeeper.generators.rooting._kit import export_extractor, pack, unpack
from lightkeeper.generators.rooting._load import LoadedGenerator, load_generator
from lightkeeper.generators.rooting._pictures import draw_texture, training_pictures
from lightkeeper.generators.rooting._root import RootingPlan, root
from lightkeeper.generators.rooting._train import Crops
from lightkeeper.generators.rooting._whiten import whiten, whitening_logits
from lightkeeper.generators.rooting.audit import Subject, audit
from lightkeeper.generators.rooting.audit._subject import decoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.auditing import AuditRow
    from lightkeeper.evidence.watermark.rooted import MarkKey, RootedReader

_DRAWN = 120
_TRIED = 12


def trained_nets(folder: Path) -> tuple[bytes, bytes]:
    """The extractor as ONNX and both nets packed, from a folder of :func:`train`.

    Raises
    ------
    InvalidConfiguration
        It holds no checkpoint.
    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise InvalidConfiguration(f"{folder} holds no checkpoint.pt of a training")
    state = torch.load(path, weights_only=True)
    embedder, extractor = Embedder(0), Extractor()
    embedder.load_state_dict(state["embedder"])
    extractor.load_state_dict(state["extractor"])
    extractor.eval()
    whiten(extractor, whitening_logits(extractor, Crops(training_pictures(_DRAWN, seed=50_000))))
    return export_extractor(extractor), pack(embedder, extractor)


def root_file(
    training: bytes,
    key: MarkKey,
    reader: RootedReader,
    source: Path,
    target: Path,
    *,
    seconds: float,
    psnr: float,
    side: int,
    batch: int,
    told: Callable[[dict[str, float]], None],
) -> Trial:
    """Root the decoder of a folder, try it on pictures that it has not seen, and write it.

    Where the mark is not found in most of them, nothing is written, and ``target`` with ``.part``
    keeps what was reached: a new call with more seconds goes on from it.
    """
    embedder, extractor = unpack(training)
    loaded = load_generator(source)
    plan = RootingPlan(seconds=seconds, psnr=psnr, side=side, batch=batch)
    signs = key.signs()
    bits = torch.from_numpy((signs > 0).astype("float32"))
    crops = Crops(training_pictures(_DRAWN, seed=20_000))
    part = target.with_name(target.name + ".part")
    rooted = root(
        loaded.generator, embedder, extractor, bits, crops, plan, checkpoint=part, told=told,
        keep_last=True,
    )  # fmt: skip
    trial = _tried(loaded, rooted, key, reader)
    if trial.holds:
        loaded.write(rooted, target)
        part.unlink(missing_ok=True)
    return trial


@dataclass(frozen=True, slots=True)
class Trial:
    """How a rooted decoder's mark is read from drawn pictures that rooting has not used.

    Parameters
    ----------
    found, pictures : int
        Pictures in which it is found at 1e-6, as decoded, and of how many.
    matches : float
        Bits that agree, of 48, on average.
    psnr : float
        Distance to the original decoder's pictures, in dB.
    """

    found: int
    pictures: int
    matches: float
    psnr: float

    @property
    def holds(self) -> bool:
        """The mark is found in at least three quarters."""
        return 4 * self.found >= 3 * self.pictures


def _tried(
    loaded: LoadedGenerator, rooted: torch.nn.Module, key: MarkKey, reader: RootedReader
) -> Trial:
    found, matches, errors = 0, 0, 0.0
    pictures = [draw_texture(70_000 + k) for k in range(_TRIED)]
    for rgb in pictures:
        marked = decoded(loaded.generator, rgb, rooted)
        plain = decoded(loaded.generator, rgb)
        errors += float(((marked.astype(np.float64) - plain) ** 2).mean()) / len(pictures)
        for reading in detect(reader.look(marked, scales=(1.0,)), [key]):
            found += reading.present
            matches += reading.matches
    psnr = 10 * math.log10(255**2 / max(errors, 1e-9))
    return Trial(found, len(pictures), matches / len(pictures), psnr)


def audit_files(
    key: MarkKey,
    reader: RootedReader,
    source: Path,
    rooted: Path,
    *,
    second: Path | None,
    others: Sequence[Path],
    pictures: Sequence[NDArray[np.uint8]],
    photographs: Sequence[NDArray[np.uint8]],
    alpha: float,
    done: Collection[str],
) -> Iterator[AuditRow]:
    """Attack a rooted decoder that :func:`root_file` wrote, row by row."""
    loaded = load_generator(source)
    named: Mapping[str, Any] = {path.name: load_generator(path).generator for path in others}
    subject = Subject(
        generator=loaded.generator, rooted=loaded.read(rooted), key=key, reader=reader,
        pictures=pictures, photographs=photographs, others=named, alpha=alpha,
        second=None if second is None else loaded.read(second),
    )  # fmt: skip
    yield from audit(subject, Crops(training_pictures(_DRAWN, seed=90_000)), done=done)
