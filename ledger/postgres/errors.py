"""What can go wrong when a group is written, by what is known afterwards.

PostgreSQL's and asyncpg's exceptions are translated here, once. The question that matters is always the same:
is it certain that the group was not committed? `OutcomeUnknown` is the one case in which it is not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from ledger.sealer import SealerUnavailable


class GroupFailed(Exception):
    """The group was certainly not committed."""


class SwapLost(GroupFailed):
    """Another node changed a wallet since it was read."""


class Fenced(GroupFailed):
    """The writer row moved on: its epoch was raised, or the ledger's day was closed."""


class DuplicateKeyTaken(GroupFailed):
    """Another node took one of the group's duplicate keys since they were probed."""


class TripwireHit(GroupFailed):
    """A wallet event with this version exists: the cached wallet was not the newest."""


class Conflict(GroupFailed):
    """PostgreSQL gave this statement up in favour of another (40001, 40P01)."""


class NoResources(GroupFailed):
    """PostgreSQL has no disk, memory or connections left: trying each intent alone would not help."""


class NoSealer(NoResources):
    """Whoever keeps the keys can't be asked: no wallet can be opened or sealed now."""


class Undecidable(GroupFailed):
    """Reading or deciding raised: a defect of the program, or data that it can't make sense of."""


class OutcomeUnknown(Exception):
    """The connection ended, or replication was not confirmed: the group may or may not be committed."""


_BY_CONSTRAINT: dict[str, type[GroupFailed]] = {
    "group_is_fenced": Fenced,
    "group_swaps_all_wallets": SwapLost,
    "group_assertions_hold": SwapLost,
    "dedup_pkey": DuplicateKeyTaken,
    "wallet_event_pkey": TripwireHit,
}

_CONNECTION_ENDED = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,  # a primary that has become a standby: connect anew
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn foreign exceptions into this module's.

    The texts of constraint violations quote row values, so no cause is chained.
    """
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise Conflict("statement cancelled") from None
    except _CONNECTION_ENDED as error:
        raise OutcomeUnknown(type(error).__name__) from None
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict(type(error).__name__) from None
    except asyncpg.InsufficientResourcesError as error:
        raise NoResources(type(error).__name__) from None
    except asyncpg.IntegrityConstraintViolationError as error:
        raise _BY_CONSTRAINT.get(error.constraint_name or "", GroupFailed)(error.constraint_name) from None
    except asyncpg.PostgresError as error:
        raise GroupFailed(f"{type(error).__name__} {error.sqlstate}") from None


@contextmanager
def before_sending() -> Iterator[None]:
    """Turn what nobody foresaw into `Undecidable`, as long as nothing of the group was sent.

    So one intent that can't be decided is found and refused, and its lane lives on. The cause is kept for
    whoever mends it.
    """
    try:
        yield
    except (GroupFailed, OutcomeUnknown):
        raise
    except SealerUnavailable as unavailable:
        raise NoSealer(str(unavailable)) from None
    except Exception as error:
        raise Undecidable(type(error).__name__) from error
