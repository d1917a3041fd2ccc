"""The examiners that ship with Lightkeeper, by name, and how a policy makes each."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Tier
from lightkeeper.scan._policy import EXAMINER_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lightkeeper.evidence import Examiner
    from lightkeeper.matching._lookup import Lookup
    from lightkeeper.scan._policy import Policy

OPEN_MARK, _OPEN_MARK_SEARCH = "open-mark", "open-mark-search"
"""The examiners whose payloads are looked up in registries."""

_ROOTED, _KEYED = "rooted-marks", "keyed-marks"
"""The marks of who holds a secret; where it holds both kinds, they halve the share of one."""
_EXTRACTORS = "extractors"
_MARKS = {
    "public-marks": Tier.PIXELS,
    OPEN_MARK: Tier.PIXELS,
    _OPEN_MARK_SEARCH: Tier.MODEL,
    "rivagan": Tier.MODEL,
    _ROOTED: Tier.MODEL,
    _EXTRACTORS: Tier.MODEL,
    "rescaled-marks": Tier.DEEP,
    "cropped-marks": Tier.DEEP,
}
"""All examiners of marks. They share one chance of a finding where there is none."""

# Each builder imports its room when it is called: a scan of bytes never loads a kernel.


def _share_of_alpha(policy: Policy) -> float:
    """The policy's alpha is for a file: each examiner of marks that runs gets an equal part."""
    held = {_ROOTED: policy.mark_secret, _EXTRACTORS: policy.mark_extractors}
    running = [
        name
        for name, tier in _MARKS.items()
        if name not in policy.without and tier <= policy.tier and held.get(name, policy) is not None
    ]
    return policy.alpha / max(1, len(running))


def _metadata(policy: Policy) -> Examiner:
    del policy
    from lightkeeper.evidence.metadata import MetadataExaminer

    return MetadataExaminer()


def _sources(policy: Policy) -> Examiner:
    del policy
    from lightkeeper.evidence.metadata import SourceExaminer

    return SourceExaminer()


def _stealth(policy: Policy) -> Examiner:
    del policy
    from lightkeeper.evidence.metadata import StealthExaminer

    return StealthExaminer()


def _provenance(policy: Policy) -> Examiner:
    from lightkeeper.evidence.provenance import ProvenanceExaminer, Trust

    anchors = policy.trust_anchors
    trust = Trust.from_file(anchors) if anchors else None
    return ProvenanceExaminer(trust=trust, at=policy.at)


def _public_marks(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark import PublicMarkExaminer

    return PublicMarkExaminer(marks=policy.marks, alpha=_share_of_alpha(policy))


def _open_mark(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark.lattice import OpenMarkExaminer

    return OpenMarkExaminer(alpha=_share_of_alpha(policy))


def _open_mark_search(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark.lattice import OpenMarkSearchExaminer

    beside = OPEN_MARK not in policy.without
    return OpenMarkSearchExaminer(alpha=_share_of_alpha(policy), beside=beside)


def _rescaled_marks(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark import RescaledMarkExaminer

    return RescaledMarkExaminer(marks=policy.marks, alpha=_share_of_alpha(policy))


def _cropped_marks(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark import PublicMarkExaminer

    return PublicMarkExaminer.cropped(marks=policy.marks, alpha=_share_of_alpha(policy))


def _rivagan(policy: Policy) -> Examiner:
    from lightkeeper.evidence.watermark import RivaGanExaminer

    return RivaGanExaminer(marks=policy.marks, alpha=_share_of_alpha(policy))


def _reconstruction(policy: Policy) -> Examiner:
    from lightkeeper.evidence.detectors.reconstruction import ReconstructionExaminer

    return ReconstructionExaminer.from_files(policy.autoencoders)


def _reconstruction_deep(policy: Policy) -> Examiner:
    from lightkeeper.evidence.detectors.reconstruction import ReconstructionExaminer

    return ReconstructionExaminer.from_files(policy.autoencoders, deep=True)


def _edited_regions(policy: Policy) -> Examiner:
    from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
    from lightkeeper.evidence.detectors.regions import EditedRegionExaminer

    return EditedRegionExaminer([read_autoencoder(path) for path in policy.autoencoders])


_BUILDERS: tuple[Callable[[Policy], Examiner], ...] = (
    _metadata,
    _sources,
    _stealth,
    _provenance,
    _public_marks,
    _open_mark,
    _open_mark_search,
    _rescaled_marks,
    _cropped_marks,
    _rivagan,
    _reconstruction,
    _reconstruction_deep,
    _edited_regions,
)


def default_examiners(policy: Policy) -> tuple[Examiner, ...]:
    """All examiners that a policy leaves on, whatever their tier.

    Those above its tier are built too: a row says what was not examined.

    Raises
    ------
    InvalidConfiguration
        A file that the policy names is wrong.
    """
    built = [
        build(policy)
        for name, build in zip(EXAMINER_NAMES, _BUILDERS, strict=True)
        if name not in policy.without
    ]
    examiners = (
        *_registered(policy, built),
        *_owners_marks(policy),
        *_extractors(policy),
        *_plugins(policy),
    )
    _check_cascade(policy, examiners)
    return examiners


def _registered(policy: Policy, examiners: Sequence[Examiner]) -> Iterator[Examiner]:
    """The examiners, those of the open mark with registries and vendors of the policy."""
    names = {examiner.name for examiner in examiners} & {OPEN_MARK, _OPEN_MARK_SEARCH}
    if OPEN_MARK not in names and policy.mark_registries:
        raise InvalidConfiguration(f"mark_registry needs the examiner {OPEN_MARK}")
    if not names:
        yield from examiners
        return
    from lightkeeper.evidence.watermark import load_marks
    from lightkeeper.evidence.watermark.registry import RegisteredMarks, read_registry

    marks = load_marks(policy.marks) if policy.marks else ()
    registries = [
        read_registry(path, key=bytes.fromhex(key)) for path, key in policy.mark_registries
    ]
    for examiner in examiners:
        registered = examiner.name in names
        yield RegisteredMarks(examiner, registries, marks=marks) if registered else examiner


def _owners_marks(policy: Policy) -> Iterator[Examiner]:
    """Only where an operator names the secret: nobody else can look."""
    if policy.mark_secret is None or _ROOTED in policy.without:
        return
    if policy.mark_passphrase is None:
        raise InvalidConfiguration(
            "mark_secret needs mark_passphrase", hint="a file whose first line is the passphrase"
        )
    from lightkeeper.evidence.watermark.keyed import KeyedMarkExaminer
    from lightkeeper.evidence.watermark.rooted import (
        MarkSecret,
        RootedMarkExaminer,
        read_passphrase,
    )

    held = MarkSecret.open(policy.mark_secret, read_passphrase(policy.mark_passphrase))
    alpha = _share_of_alpha(policy) / (2 if held.keys and held.lattice else 1)
    # A secret that holds nothing makes an examiner too, which says so.
    if held.keys or not held.lattice:
        yield RootedMarkExaminer(held, alpha=alpha)
    if held.lattice and _KEYED not in policy.without:
        yield KeyedMarkExaminer(held.lattice, alpha=alpha)


def _extractors(policy: Policy) -> Iterator[Examiner]:
    """Only where an operator names networks: none is shipped."""
    if policy.mark_extractors is None or _EXTRACTORS in policy.without:
        return
    from lightkeeper.evidence.watermark.extractors import ExtractorExaminer

    yield ExtractorExaminer(policy.mark_extractors, alpha=_share_of_alpha(policy))


def _plugins(policy: Policy) -> Iterator[Examiner]:
    if not policy.plugins:
        return
    from lightkeeper.evidence.detectors.plugins import Plugin, PluginExaminer

    for path in policy.plugins:
        plugin = Plugin(path)
        seconds, whole = plugin.manifest.limits.seconds, policy.limits.max_seconds
        # Otherwise one that hangs would cost the whole row, and not only its own finding.
        if seconds >= whole:
            raise InvalidConfiguration(
                f"the plug-in {plugin.name} may take {seconds:g} s, and a whole file {whole:g} s",
                hint="lower limits.seconds of its manifest, or raise limits.max_seconds",
            )
        examiner = PluginExaminer(plugin)
        if examiner.tier <= policy.tier and examiner.unavailable() is None:
            plugin.start()
        yield examiner


def _check_cascade(policy: Policy, examiners: Sequence[Examiner]) -> None:
    if policy.cascade is None:
        return
    costly = sorted(e.name for e in examiners if e.tier >= Tier.MODEL)
    for stage in policy.cascade.stage:
        if stage.name not in (*costly, *policy.without):
            raise InvalidConfiguration(
                f"the cascade's stage {stage.name} is no costly examiner of this policy",
                hint="it may name " + ", ".join(costly),
            )
    if policy.sampling_key is not None:
        from lightkeeper.scan._cascade import sampling_secret

        sampling_secret(policy.sampling_key)


def known_examiners(lookup: Lookup) -> tuple[Examiner, ...]:
    """The examiners of known material, which need hash sets to look in."""
    from lightkeeper.evidence.known import KnownDigestExaminer, KnownPictureExaminer

    return KnownDigestExaminer(lookup), KnownPictureExaminer(lookup)


def warm_up(tier: Tier) -> None:
    """Load the kernels that this tier needs, so that no file pays for it.

    On a machine that has not compiled them yet, a second process compiles those of the public
    marks while this one compiles the others.
    """
    if tier < Tier.PIXELS:
        return
    from lightkeeper import hashing
    from lightkeeper.evidence import watermark
    from lightkeeper.evidence.watermark import lattice

    with _compiling_beside(watermark.warm_up):
        hashing.warm_up(hashing.PdqVariant.FAST)
        lattice.warm_up(search=tier >= _MARKS[_OPEN_MARK_SEARCH])
    watermark.warm_up()


@contextlib.contextmanager
def _compiling_beside(work: Callable[[], None]) -> Iterator[None]:
    """Fill numba's cache from a child process; nothing where it is filled, or cannot be."""
    from lightkeeper import hashing

    if hashing.is_warm():
        yield
        return
    child = os.fork()
    if not child:
        # What fails here fails again, and is reported, in the process that needs it.
        with contextlib.suppress(Exception):
            work()
        os._exit(0)
    try:
        yield
    finally:
        os.waitpid(child, 0)
