"""The tables of cases, reports and accounts, in a data base that hash sets may share.

Times are microseconds since 1970 UTC. Where a row has a ``record``, that is the whole of it and the
only thing that is read back; the other columns repeat parts of it for filters and orders, and are
written from it by one function.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData, Text
from sqlalchemy.dialects import postgresql

metadata = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")

# In one order on every data base, which is Python's too, whatever the language of the server.
Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
