"""Sealed objects in a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError

from lightkeeper.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import ObjectStore


class BucketObjects:
    """Objects through obstore. An S3 API answers a PUT when it is durable."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, name: str, content: bytes) -> None:
        """One request, never in parts: parts that a crash leaves lie hidden in the bucket."""
        try:
            obstore.put(self._store, name, content, use_multipart=False)
        except BaseError as error:
            raise _unusable(error) from error

    def get(self, name: str) -> bytes | None:
        """Read an object."""
        try:
            return obstore.get(self._store, name).bytes().to_bytes()
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise _unusable(error) from error

    def exists(self, name: str) -> bool:
        """Ask for its head."""
        try:
            obstore.head(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise _unusable(error) from error
        return True

    def delete(self, name: str) -> None:
        """Remove it. A bucket with versions keeps the old one."""
        try:
            obstore.delete(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _unusable(error) from error

    def names(self, prefix: str) -> Iterator[str]:
        """List a prefix, page after page."""
        try:
            for page in obstore.list(self._store, prefix=prefix):
                yield from (found["path"] for found in page)
        except BaseError as error:
            raise _unusable(error) from error


def _unusable(error: BaseError) -> VaultError:
    # The message of the client repeats the request: addresses, and sometimes whose key it was.
    return VaultError(
        f"the vault's bucket cannot be used: {type(error).__name__.removesuffix('Error')}",
        hint="Check the address, the bucket and the credentials in the environment (AWS_…).",
    )
