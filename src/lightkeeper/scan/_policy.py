"""What a scan looks for, how deep, and what one file may cost."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Tier
from lightkeeper.media import Limits
from lightkeeper.plain import to_plain, utc_time
from lightkeeper.scan._conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lightkeeper.assessment.policy import CascadePolicy

_MIB = 1 << 20
EXAMINER_NAMES = (
    "metadata",
    "sources",
    "stealth",
    "provenance",
    "public-marks",
    "open-mark",
    "open-mark-search",
    "rescaled-marks",
    "cropped-marks",
    "rivagan",
    "reconstruction",
    "reconstruction-deep",
    "edited-regions",
)
"""Names as a policy file switches them on and off, in the order in which they are made."""
_DETECTORS = ("autoencoders", "plugins")
_PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a scan looks for. Made by hand or by :meth:`from_toml`; never changes.

    References
    ----------
    Every key is described in ``docs/reference/scan-schema.md``.
    """

    tier: Tier = Tier.PIXELS
    """The costliest tier that runs."""
    without: frozenset[str] = frozenset()
    """Names of examiners that are switched off."""
    limits: Limits = field(default_factory=Limits)
    worker_memory: int = 1024 * _MIB
    """Bytes of private memory after which a worker's allocations fail."""
    alpha: float = 1e-6
    """Chance per file of a mark found where there is none, over all marks and tests."""
    marks: Path | None = None
    """Operator's own public marks (TOML)."""
    mark_registries: tuple[tuple[Path, str], ...] = ()
    """Registry files of marked pictures, each with its owner's public key in hexadecimal."""
    mark_secret: Path | None = None
    """Encrypted secret of the operator's rooted marks; without it nobody looks for them."""
    mark_passphrase: Path | None = None
    """File whose first line opens it."""
    mark_extractors: Path | None = None
    """Networks of the operator that read learned marks of others (TOML)."""
    trust_anchors: Path | None = None
    """PEM bundle that C2PA signers are traced to."""
    at: datetime.datetime | None = None
    """Time at which certificates are judged; that of each examination by default."""
    sets: tuple[str, ...] = ()
    """Names of the hash sets that files are looked up in, or ``("all",)``."""
    autoencoders: tuple[Path, ...] = ()
    """Registry entries of the autoencoders whose decoder's grid is looked for."""
    plugins: tuple[Path, ...] = ()
    """Manifests of the external detectors that take part."""
    cascade: CascadePolicy | None = None
    """When the costly examiners look at a file; without it, at each one that the tier allows."""
    sampling_key: Path | None = None
    """Secret that the sample of the cascade is drawn with."""
    reported: bool = False
    """Somebody reported these files: a trigger of the cascade."""
    fail_on: tuple[Condition, ...] = ()
    """Conditions under which the command exits with 1."""

    @classmethod
    def from_toml(cls, path: Path, *, base: Policy | None = None) -> Policy:
        """Read a policy file; keys that it lacks keep the values of ``base``.

        Paths in it are relative to its folder.

        Raises
        ------
        InvalidConfiguration
            It cannot be read, has an unknown key, or a value of the wrong kind; the message names
            the key and the file.
        """
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidConfiguration(f"policy file {path}: {error}") from error
        return _Reader(path, base or cls()).policy(document)

    def fingerprint(self, examiners: Mapping[str, str]) -> str:
        """Identify everything that can change a row, except the file itself.

        Parameters
        ----------
        examiners : mapping
            Name to version of every examiner that runs.
        """
        # Files count by their content: detectors and registries are in the versions of examiners.
        bare = replace(self, marks=None, mark_registries=(), trust_anchors=None)
        bare = replace(bare, autoencoders=(), plugins=())
        bare = replace(bare, cascade=None, sampling_key=None, fail_on=())
        bare = replace(bare, mark_secret=None, mark_passphrase=None, mark_extractors=None)
        bare = replace(bare, at=None)
        document = to_plain(bare)
        document["cascade"] = repr(self.cascade)
        document["at"] = self.at.isoformat() if self.at else None
        del document["worker_memory"], document["limits"]["max_seconds"]
        named = (self.marks, self.trust_anchors, self.sampling_key, self.mark_secret)
        files = (*named, self.mark_extractors)
        document["files"] = [_digest(path) for path in files]
        document["examiners"] = dict(sorted(examiners.items()))
        text = json.dumps(document, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _digest(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error


class _Reader:
    """Reads one policy document, naming the file in every complaint."""

    def __init__(self, path: Path, base: Policy) -> None:
        self._path = path
        self._base = base

    def policy(self, document: dict[str, Any]) -> Policy:
        changes: dict[str, Any] = {}
        for key, value in document.items():
            reader = self._readers.get(key)
            if reader is None:
                raise self._wrong(f"unknown key '{key}'; known are {', '.join(self._readers)}")
            changes.update(reader(self, key, value))
        return replace(self._base, **changes)

    def _wrong(self, what: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"policy file {self._path}: {what}")

    def _checked(self, key: str, value: object, *kinds: type) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise self._wrong(f"key '{key}' must be {wanted}, not {type(value).__name__}")
        return value

    def _tier(self, key: str, value: object) -> dict[str, Any]:
        name = self._checked(key, value, str)
        if name.upper() not in Tier.__members__:
            known = ", ".join(tier.name.lower() for tier in Tier)
            raise self._wrong(f"key '{key}' must be one of {known}, not '{name}'")
        return {"tier": Tier[name.upper()]}

    def _examiners(self, key: str, value: object) -> dict[str, Any]:
        without = set(self._base.without)
        for name, on in self._checked(key, value, dict).items():
            if name not in EXAMINER_NAMES:
                raise self._wrong(
                    f"unknown key '{key}.{name}'; examiners are {', '.join(EXAMINER_NAMES)}"
                )
            (without.discard if self._checked(f"{key}.{name}", on, bool) else without.add)(name)
        return {"without": frozenset(without)}

    def _limits(self, key: str, value: object) -> dict[str, Any]:
        known = {f.name: type(f.default) for f in fields(Limits)}
        table = self._checked(key, value, dict)
        for name, number in table.items():
            if name not in known:
                raise self._wrong(f"unknown key '{key}.{name}'; known are {', '.join(known)}")
            kinds = (int, float) if known[name] is float else (int,)
            if self._checked(f"{key}.{name}", number, *kinds) <= 0:
                raise self._wrong(f"key '{key}.{name}' must be positive")
        return {"limits": replace(self._base.limits, **table)}

    def _alpha(self, key: str, value: object) -> dict[str, Any]:
        if not 0 < self._checked(key, value, float) < 1:
            raise self._wrong(f"key '{key}' must lie between 0 and 1")
        return {"alpha": value}

    def _memory(self, key: str, value: object) -> dict[str, Any]:
        if self._checked(key, value, int) < 128:
            raise self._wrong(f"key '{key}' must be at least 128")
        return {"worker_memory": self._checked(key, value, int) * _MIB}

    def _file(self, key: str, value: object) -> dict[str, Any]:
        return {key: self._path.parent / self._checked(key, value, str)}

    def _registries(self, key: str, value: object) -> dict[str, Any]:
        registries = []
        for table in self._checked(key, value, list):
            if set(self._checked(key, table, dict)) != {"file", "key"}:
                raise self._wrong(f"key '{key}' holds tables of 'file' and 'key'")
            file, public = (self._checked(f"{key}.{n}", table[n], str) for n in ("file", "key"))
            if not _PUBLIC_KEY.fullmatch(public):
                raise self._wrong(f"key '{key}.key' must have 64 hexadecimal digits")
            registries.append((self._path.parent / file, public.lower()))
        return {"mark_registries": tuple(registries)}

    def _time(self, key: str, value: object) -> dict[str, Any]:
        written = self._checked(key, value, str, datetime.date)
        try:
            return {key: utc_time(written)}
        except ValueError as error:
            raise self._wrong(f"key '{key}': {error}") from error

    def _sets(self, key: str, value: object) -> dict[str, Any]:
        names = value if isinstance(value, list) else [value]
        return {"sets": tuple(self._checked(key, name, str) for name in names)}

    def _detectors(self, key: str, value: object) -> dict[str, Any]:
        changes = {}
        for name, paths in self._checked(key, value, dict).items():
            if name not in _DETECTORS:
                raise self._wrong(f"unknown key '{key}.{name}'; known are {', '.join(_DETECTORS)}")
            named = self._checked(f"{key}.{name}", paths, list)
            texts = [self._checked(f"{key}.{name}", path, str) for path in named]
            changes[name] = tuple(self._path.parent / text for text in texts)
        return changes

    def _cascade(self, key: str, value: object) -> dict[str, Any]:
        from lightkeeper.assessment.policy import CascadePolicy

        table = dict(self._checked(key, value, dict))
        file = table.pop("sampling_key", None)
        budget = table.get("budget")
        if isinstance(budget, dict) and "seconds_per_hour" in budget:
            # Rows would depend on when they were made, and a journal would keep the gaps.
            raise self._wrong(
                f"key '{key}.budget.seconds_per_hour': a scan keeps no hourly budget; that of the "
                "service is its setting service.detector_seconds_per_hour"
            )
        cascade = CascadePolicy.from_table(table, where=f"policy file {self._path}: key '{key}'")
        if cascade.sampling_rate and file is None:
            raise self._wrong(f"key '{key}.sampling_rate' needs {key}.sampling_key, a secret file")
        keys = {} if file is None else self._file("sampling_key", file)
        return {"cascade": cascade, **keys}

    def _fail_on(self, key: str, value: object) -> dict[str, Any]:
        texts = value if isinstance(value, list) else [value]
        try:
            parsed = [Condition.parse(self._checked(key, text, str)) for text in texts]
        except ValueError as error:
            raise self._wrong(f"key '{key}': {error}") from error
        return {"fail_on": tuple(parsed)}

    _readers: dict[str, Callable[[_Reader, str, object], dict[str, Any]]] = {  # noqa: RUF012
        "tier": _tier,
        "examiners": _examiners,
        "limits": _limits,
        "worker_memory_mib": _memory,
        "alpha": _alpha,
        "marks": _file,
        "mark_registry": _registries,
        "mark_secret": _file,
        "mark_passphrase": _file,
        "mark_extractors": _file,
        "trust_anchors": _file,
        "at": _time,
        "sets": _sets,
        "detectors": _detectors,
        "cascade": _cascade,
        "fail_on": _fail_on,
    }
