"""The secret file of an operator: extractor and keys, and keys of the lattice, encrypted."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lightkeeper.errors import InvalidConfiguration

# msgspec reads the annotations of its structs at run time.
from lightkeeper.evidence.watermark.rooted._calibration import KeyCalibration  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.rooted._look import Look

BITS: Final = 48
LATTICE_KEY_BYTES: Final = 32
_MAGIC: Final = b"LKMARK1\n"
_SALT, _NONCE = 16, 12
_COST: Final = 1 << 15
_LARGEST: Final = 64 << 20
_MANY: Final = 34
_BINOMIAL: Final = 2.76e-3
"""Chance that a fair coin gives 34 of 48 bits or more."""
_FEW: Final = 3


class MarkKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key of one copy of a model.

    ``label`` is the name that findings tell; ``bits`` are six bytes and never told.
    """

    label: str
    bits: bytes
    calibration: KeyCalibration | None = None

    def signs(self) -> NDArray[np.float64]:
        """-1 and 1, shape (BITS,)."""
        return np.unpackbits(np.frombuffer(self.bits, np.uint8)).astype(np.float64) * 2 - 1

    def __repr__(self) -> str:
        return f"MarkKey(label={self.label!r})"

    @classmethod
    def draw(
        cls, label: str, others: tuple[MarkKey, ...] = (), *, looks: Sequence[Look] = ()
    ) -> MarkKey:
        """Draw a key that differs from the others in at least 12 bits.

        A few keys in a hundred resemble what photographs prefer. With looks at unmarked
        pictures, a key that agrees in 34 bits with over twice as many of them as a fair coin
        would is drawn again.

        Raises
        ------
        InvalidConfiguration
            The label is empty or taken.
        """
        if not label or label in {key.label for key in others}:
            raise InvalidConfiguration(
                f"the label {label!r} is empty or taken", hint="Each copy of a model has its own."
            )
        known = [np.frombuffer(key.bits, np.uint8) for key in others]
        seen = np.array([look.logits > 0 for look in looks]).reshape(len(looks), BITS)
        most = max(_FEW, 2 * _BINOMIAL * len(looks))
        while True:
            drawn = secrets.token_bytes(BITS // 8)
            own = np.frombuffer(drawn, np.uint8)
            agreeing = (seen == np.unpackbits(own).astype(bool)).sum(1)
            if int((agreeing >= _MANY).sum()) <= most and all(
                int(np.unpackbits(own ^ other).sum()) >= BITS // 4 for other in known
            ):
                return cls(label=label, bits=drawn)


class LatticeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the keyed lattice.

    ``label`` is the name that findings tell; ``key`` are 32 bytes and never told.
    """

    label: str
    key: bytes

    def __repr__(self) -> str:
        return f"LatticeKey(label={self.label!r})"

    @classmethod
    def draw(cls, label: str, others: tuple[LatticeKey, ...] = ()) -> LatticeKey:
        """Draw a key.

        Raises
        ------
        InvalidConfiguration
            The label is empty or taken.
        """
        if not label or label in {key.label for key in others}:
            raise InvalidConfiguration(
                f"the label {label!r} is empty or taken", hint="Each key has its own."
            )
        return cls(label=label, key=secrets.token_bytes(LATTICE_KEY_BYTES))


class MarkSecret(msgspec.Struct, frozen=True, kw_only=True):
    """All that its holder needs to look for marks and to root them.

    Parameters
    ----------
    name : str
        Of the extractor, for findings.
    extractor : bytes
        ONNX; empty where there are keys of the lattice only.
    keys : tuple of MarkKey
        One per copy of a model.
    training : bytes
        What rooting needs of the trained nets; empty where one may only look.
    demonstration : bool
        The extractor is published with Lightkeeper: its marks prove nothing.
    copied : float, optional
        Upper 95 % limit of the share of photographs that were accepted in an audit after the
        mark of published pictures had been copied onto them; ``None`` where nobody has measured.
    lattice : tuple of LatticeKey
        Keys of the keyed lattice, which needs no extractor.
    """

    name: str
    extractor: bytes = b""
    keys: tuple[MarkKey, ...] = ()
    training: bytes = b""
    demonstration: bool = False
    copied: float | None = None
    lattice: tuple[LatticeKey, ...] = ()

    def __repr__(self) -> str:
        return f"MarkSecret(name={self.name!r}, {len(self.keys) + len(self.lattice)} keys)"

    @classmethod
    def open(cls, path: Path, passphrase: bytes) -> MarkSecret:
        """Decrypt a secret file.

        Raises
        ------
        InvalidConfiguration
            It is not there, others may read it, the passphrase is wrong, or it is damaged.
        """
        try:
            with path.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                content = stream.read(_LARGEST + 1)
        except OSError as error:
            raise InvalidConfiguration(f"secret file {path}: {error.strerror}") from error
        if stat.S_IMODE(mode) & 0o077:
            raise InvalidConfiguration(
                f"secret file {path} is open to others on this machine",
                hint=f"Run: chmod 600 {path}",
            )
        head = len(_MAGIC)
        if not content.startswith(_MAGIC) or len(content) > _LARGEST:
            raise InvalidConfiguration(f"{path} is not a secret file of marks")
        salt = content[head : head + _SALT]
        nonce = content[head + _SALT : head + _SALT + _NONCE]
        try:
            plain = AESGCM(_derived(passphrase, salt)).decrypt(
                nonce, content[head + _SALT + _NONCE :], _MAGIC
            )
            return msgspec.msgpack.decode(plain, type=cls)
        except (InvalidTag, ValueError, msgspec.MsgspecError):
            # Without its cause, which may repeat what the file holds.
            raise InvalidConfiguration(
                f"secret file {path} does not open",
                hint="The passphrase is another one, or the file is damaged.",
            ) from None

    def write(self, path: Path, passphrase: bytes) -> None:
        """Encrypt to a file for its owner alone (AES-256-GCM under scrypt), in one step.

        Raises
        ------
        InvalidConfiguration
            The passphrase is empty, or the file cannot be written.
        """
        if not passphrase:
            raise InvalidConfiguration("the passphrase is empty")
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        sealed = AESGCM(_derived(passphrase, salt)).encrypt(
            nonce, msgspec.msgpack.encode(self), _MAGIC
        )
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_MAGIC + salt + nonce + sealed)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise InvalidConfiguration(f"secret file {path}: {error.strerror}") from error


def read_passphrase(path: Path) -> bytes:
    """The first line of a file.

    Raises
    ------
    InvalidConfiguration
        The file cannot be read, or its first line is empty.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidConfiguration(f"passphrase file {path}: {error.strerror}") from error
    if not lines or not lines[0]:
        raise InvalidConfiguration(f"passphrase file {path} is empty")
    return lines[0]


def _derived(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase)
