"""From a setting to a vault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.storage.vault._objects import FolderObjects
from lightkeeper.storage.vault._vault import SealedVault

if TYPE_CHECKING:
    from lightkeeper.storage.keys import KeyRing
    from lightkeeper.storage.vault._objects import Objects


def open_vault(location: str | Path, ring: KeyRing) -> SealedVault:
    """The vault of a folder, or of ``s3://BUCKET/PREFIX``.

    A bucket's address and credentials come from the environment, as for every S3 client:
    ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``.

    Raises
    ------
    InvalidConfiguration
        The location is neither, or the bucket is not configured.
    MissingExtra
        A bucket needs the extra ``service``.
    """
    text = str(location)
    if text.startswith("s3://"):
        return SealedVault(_bucket(text), ring)
    if "://" in text:
        raise InvalidConfiguration("the vault is a folder or an address s3://BUCKET/PREFIX")
    return SealedVault(FolderObjects(Path(location).expanduser()), ring)


def _bucket(url: str) -> Objects:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        from lightkeeper.storage.vault._bucket import BucketObjects
    except ModuleNotFoundError as error:
        raise MissingExtra("A vault in a bucket", extra="service") from error
    try:
        return BucketObjects(S3Store.from_url(url))
    except BaseError as error:
        raise InvalidConfiguration("the vault's bucket is not configured correctly") from error
