"""What the command line asks of this package, in bytes and paths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.generators.rooting._embedder import Embedder
from lightkeeper.generators.rooting._extractor import Extractor
from lightkeeper.generators.rooting._kit import export_extractor, pack, unpack
from lightkeeper.generators.rooting._load import load_generator
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._root import RootingPlan, root
from lightkeeper.generators.rooting._train import Crops
from lightkeeper.generators.rooting._whiten import whiten, whitening_logits
from lightkeeper.generators.rooting.audit import Subject, audit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.auditing import AuditRow
    from lightkeeper.evidence.watermark.rooted import MarkKey, RootedReader

_DRAWN = 120


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
    signs: Any,
    source: Path,
    target: Path,
    *,
    seconds: float,
    psnr: float,
    side: int,
    batch: int,
    told: Callable[[dict[str, float]], None],
) -> dict[str, float]:
    """Root the decoder of a folder and write it; the last row of its curve.

    Until it is written, ``target`` with ``.part`` keeps what was reached; a new call goes on.
    """
    embedder, extractor = unpack(training)
    loaded = load_generator(source)
    plan = RootingPlan(seconds=seconds, psnr=psnr, side=side, batch=batch)
    last: dict[str, float] = {"psnr": float("nan"), "bits": float("nan")}

    def keep(row: dict[str, float]) -> None:
        last.update(row)
        told(row)

    key = torch.from_numpy((signs > 0).astype("float32"))
    crops = Crops(training_pictures(_DRAWN, seed=20_000))
    part = target.with_name(target.name + ".part")
    rooted = root(
        loaded.generator, embedder, extractor, key, crops, plan, checkpoint=part, told=keep
    )
    loaded.write(rooted, target)
    part.unlink(missing_ok=True)
    return last


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
