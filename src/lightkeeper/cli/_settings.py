"""Settings of the faces: a TOML file, overruled by the environment, overruled by options."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lightkeeper.cli._service_settings import ReportSettings, ServiceSettings
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.media import Limits

CONFIG_VARIABLE = "LIGHTKEEPER_CONFIG"
_PLACES = ("lightkeeper.toml", "~/.config/lightkeeper/lightkeeper.toml", "/etc/lightkeeper.toml")


class _LimitSettings(BaseModel):
    """Overrides of :class:`lightkeeper.media.Limits`, field by field."""

    model_config = ConfigDict(extra="forbid")

    max_bytes: int | None = Field(default=None, gt=0)
    max_pixels: int | None = Field(default=None, gt=0)
    max_side: int | None = Field(default=None, gt=0)
    max_decode_bytes: int | None = Field(default=None, gt=0)
    max_frames: int | None = Field(default=None, gt=0)
    max_chunks: int | None = Field(default=None, gt=0)
    max_text: int | None = Field(default=None, gt=0)
    max_text_total: int | None = Field(default=None, gt=0)
    max_nesting: int | None = Field(default=None, gt=0)
    max_seconds: float | None = Field(default=None, gt=0)


class Settings(BaseSettings):
    """What an operator may set once for all commands.

    Environment variables are ``LIGHTKEEPER_`` and the field's name, nested with two underscores:
    ``LIGHTKEEPER_TRUST_ANCHORS``, ``LIGHTKEEPER_LIMITS__MAX_BYTES``.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIGHTKEEPER_", env_nested_delimiter="__", extra="forbid"
    )

    policy: Path | None = Field(default=None, description="Scan policy (TOML).")
    trust_anchors: Path | None = Field(
        default=None, description="PEM bundle of the certificates that C2PA signers are traced to."
    )
    marks: Path | None = Field(default=None, description="Operator's own public marks (TOML).")
    mark_entries: str = Field(
        default_factory=lambda: f"sqlite:///{data_folder() / 'marks.db'}",
        description="Data base of marked pictures (an SQLAlchemy URL).",
    )
    mark_key: Path = Field(
        default_factory=lambda: data_folder() / "marks.key",
        description="Ed25519 key (PEM) that registries of marked pictures are signed with.",
    )
    mark_manifests: Path | None = Field(
        default=None, description="Folder of manifest stores that marks lead to (SHA256.c2pa)."
    )
    store: str = Field(
        default_factory=lambda: f"sqlite:///{data_folder() / 'sets.db'}",
        description="Data base of the hash sets (an SQLAlchemy URL).",
    )
    index: Path = Field(
        default_factory=lambda: data_folder() / "index",
        description="Folder of the index over hash sets.",
    )
    cases: str = Field(
        default_factory=lambda: f"sqlite:///{data_folder() / 'cases.db'}",
        description="Data base of cases, reports and accounts (an SQLAlchemy URL).",
    )
    vault: str = Field(
        default_factory=lambda: str(data_folder() / "vault"),
        description="Where media is kept, encrypted: a folder, or s3://BUCKET/PREFIX.",
    )
    keys: Path = Field(
        default_factory=lambda: data_folder() / "service.keys",
        description="The service's key file, for its owner alone.",
    )
    service: ServiceSettings = Field(
        default_factory=ServiceSettings, description="The review service."
    )
    report: ReportSettings = Field(
        default_factory=ReportSettings, description="Where reports go, and as whom."
    )
    jobs: int | None = Field(default=None, ge=1, description="Worker processes of a scan.")
    limits: _LimitSettings = Field(
        default_factory=_LimitSettings, description="What one file may cost."
    )

    def media_limits(self) -> Limits:
        """The limits of the media room with this operator's overrides."""
        return Limits(**self.limits.model_dump(exclude_none=True))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if path := settings_file():
            sources.append(TomlConfigSettingsSource(settings_cls, path))
        return tuple(sources)


def data_folder() -> Path:
    """Where hash sets are kept unless a setting says otherwise: ``XDG_DATA_HOME/lightkeeper``."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path("~/.local/share").expanduser()) / "lightkeeper"


def settings_file() -> Path | None:
    """The file that is read: ``LIGHTKEEPER_CONFIG``, or the first of the usual places.

    Raises
    ------
    InvalidConfiguration
        ``LIGHTKEEPER_CONFIG`` names a file that is not there.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            raise InvalidConfiguration(f"{CONFIG_VARIABLE} names {named}, which is not a file")
        return path
    places = (Path(place).expanduser() for place in _PLACES)
    return next((place for place in places if place.is_file()), None)


@cache
def load_settings() -> Settings:
    """Settings of this process.

    Raises
    ------
    InvalidConfiguration
        A value is wrong or a key unknown; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidConfiguration(_first_error(error.errors())) from error
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise InvalidConfiguration(f"settings file {settings_file()}: {error}") from error


def _first_error(errors: Any) -> str:
    first = errors[0]
    return f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}"
