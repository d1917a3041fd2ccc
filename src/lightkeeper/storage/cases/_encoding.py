"""Between the records of the domain and the text that a row holds of them."""

from __future__ import annotations

from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from lightkeeper.errors import CaseError

_T = TypeVar("_T")


class Encoding(Generic[_T]):
    """Records of one type as JSON."""

    def __init__(self, record_type: type[_T]) -> None:
        self._type = record_type

    @cached_property
    def _adapter(self) -> TypeAdapter[_T]:
        return TypeAdapter(self._type)

    def dump(self, record: _T) -> str:
        """The text of a record."""
        try:
            return self._adapter.dump_json(record).decode()
        except PydanticSerializationError:
            # A lone surrogate, of which no data base can make a text.
            raise CaseError("a text is not valid Unicode") from None

    def load(self, text: str) -> _T:
        """The record."""
        return self._adapter.validate_json(text)
