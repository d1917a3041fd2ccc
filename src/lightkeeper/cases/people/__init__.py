"""Who acts, with which rights."""

from lightkeeper.cases.people._accounts import (
    Account,
    AccountReader,
    AccountStore,
    AccountUnit,
    OneTimeLink,
    Session,
)
from lightkeeper.cases.people._roles import (
    FOR_PEOPLE,
    GRANTS,
    SERVICE,
    Actor,
    Permission,
    Role,
)

__all__ = [
    "FOR_PEOPLE",
    "GRANTS",
    "SERVICE",
    "Account",
    "AccountReader",
    "AccountStore",
    "AccountUnit",
    "Actor",
    "OneTimeLink",
    "Permission",
    "Role",
    "Session",
]
