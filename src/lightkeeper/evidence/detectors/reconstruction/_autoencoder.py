"""An autoencoder that a picture may have come through."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lightkeeper.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    Batch = NDArray[np.float32]

_WEIGHTS_BESIDE = "session.model_external_initializers_file_folder_path"


class Autoencoder(Protocol):
    """Anything that reconstructs pictures on a grid."""

    @property
    def name(self) -> str:
        """What the operator calls it."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights."""

    @property
    def licence(self) -> str:
        """Licence of the weights, as its owner states it."""

    @property
    def grid(self) -> int:
        """Pixels per latent cell: 8 for most latent diffusion models."""

    @property
    def lattice(self) -> bool:
        """Its grid shows modulo four too, as that of most decoders which enlarge in twos."""

    def reconstruct(self, batch: Batch) -> Batch:
        """Encode and decode float32 of shape (N, 3, H, W) in 0..1; sides are multiples of grid."""


@dataclass(frozen=True)
class CallableAutoencoder:
    """An autoencoder given as a function of one's own; the caller answers for the fingerprint."""

    name: str
    function: Callable[[Batch], Batch]
    fingerprint: str
    licence: str = "none stated"
    grid: int = 8
    lattice: bool = True

    def reconstruct(self, batch: Batch) -> Batch:
        """What the function returns, checked for its shape.

        Raises
        ------
        EvidenceError
        """
        return _checked(self.name, batch, self.function(batch))


@dataclass(frozen=True)
class OnnxAutoencoder:
    """An encoder and a decoder run by ONNX Runtime on one thread."""

    name: str
    encoder: Path
    decoder: Path
    licence: str
    grid: int = 8
    signed: bool = False
    """The networks work on -1..1 instead of 0..1."""
    lattice: bool = True
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        digests = [_sha256(path) for path in (self.encoder, self.decoder)]
        object.__setattr__(self, "fingerprint", _fingerprint(digests))

    def reconstruct(self, batch: Batch) -> Batch:
        """Encode and decode.

        Raises
        ------
        EvidenceError
            A network cannot be run, or answers with another shape.
        """
        encoder, decoder = self._sessions
        pixels = batch * 2 - 1 if self.signed else batch
        try:
            latent = encoder.run(None, {encoder.get_inputs()[0].name: pixels})[0]
            decoded = decoder.run(None, {decoder.get_inputs()[0].name: latent})[0]
        except Exception as error:  # The runtime's own errors share no public base.
            raise EvidenceError(f"the autoencoder {self.name} failed: {error}") from error
        decoded = np.asarray(decoded, np.float32)
        if self.signed:
            decoded = (decoded + np.float32(1)) * np.float32(0.5)
        return _checked(self.name, batch, decoded)

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Weights beside a network are in no fingerprint: there is no place to take them from.
        options.add_session_config_entry(_WEIGHTS_BESIDE, os.devnull)

        def session(network: bytes) -> Any:
            return onnxruntime.InferenceSession(
                network, options, providers=["CPUExecutionProvider"]
            )

        try:
            networks = [path.read_bytes() for path in (self.encoder, self.decoder)]
            encoder, decoder = map(session, networks)
        except Exception as error:
            raise EvidenceError(f"the autoencoder {self.name} cannot be loaded: {error}") from error
        if self.fingerprint != _fingerprint(hashlib.sha256(n).hexdigest() for n in networks):
            raise EvidenceError(f"the weights of the autoencoder {self.name} have changed")
        return encoder, decoder


def _checked(name: str, batch: Batch, decoded: Batch) -> Batch:
    if decoded.shape != batch.shape:
        raise EvidenceError(
            f"the autoencoder {name} answered with the shape {decoded.shape} to {batch.shape}"
        )
    return np.clip(np.asarray(decoded, np.float32), np.float32(0), np.float32(1))


def _fingerprint(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
