"""What is known after an error: certainly not committed, and why; or nothing."""

import asyncpg
import pytest

from ledger.postgres.errors import (
    Conflict,
    DuplicateKeyTaken,
    Fenced,
    GroupFailed,
    NoResources,
    OutcomeUnknown,
    SwapLost,
    TripwireHit,
    Undecidable,
    before_sending,
    translated,
)


def violation(error: asyncpg.IntegrityConstraintViolationError, name: str | None) -> Exception:
    """A constraint violation as PostgreSQL names it."""
    error.constraint_name = name
    return error


SECRET = "Key (id)=(990001000000001) already exists."
TRANSLATIONS = [
    (violation(asyncpg.CheckViolationError(SECRET), "group_is_fenced"), Fenced),
    (violation(asyncpg.CheckViolationError(SECRET), "group_swaps_all_wallets"), SwapLost),
    (violation(asyncpg.CheckViolationError(SECRET), "group_assertions_hold"), SwapLost),
    (violation(asyncpg.UniqueViolationError(SECRET), "dedup_pkey"), DuplicateKeyTaken),
    (violation(asyncpg.UniqueViolationError(SECRET), "wallet_event_pkey"), TripwireHit),
    (violation(asyncpg.UniqueViolationError(SECRET), "transaction_20260105_pkey"), GroupFailed),
    (violation(asyncpg.CheckViolationError(SECRET), None), GroupFailed),
    (asyncpg.SerializationError(SECRET), Conflict),
    (asyncpg.DeadlockDetectedError(SECRET), Conflict),
    (asyncpg.QueryCanceledError(SECRET), Conflict),
    (asyncpg.DiskFullError(SECRET), NoResources),
    (asyncpg.OutOfMemoryError(SECRET), NoResources),
    (asyncpg.LockNotAvailableError(SECRET), GroupFailed),
    (asyncpg.CharacterNotInRepertoireError(SECRET), GroupFailed),
    (asyncpg.UndefinedTableError(SECRET), GroupFailed),
    (asyncpg.DataError(SECRET), GroupFailed),
    (asyncpg.exceptions.AdminShutdownError(SECRET), OutcomeUnknown),
    (asyncpg.exceptions.CrashShutdownError(SECRET), OutcomeUnknown),
    (asyncpg.CannotConnectNowError(SECRET), OutcomeUnknown),
    (asyncpg.ReadOnlySQLTransactionError(SECRET), OutcomeUnknown),
    (asyncpg.ConnectionDoesNotExistError(SECRET), OutcomeUnknown),
    (asyncpg.InterfaceError(SECRET), OutcomeUnknown),
    (asyncpg.InternalClientError(SECRET), OutcomeUnknown),
    (ConnectionResetError(SECRET), OutcomeUnknown),
    (TimeoutError(SECRET), OutcomeUnknown),
]


@pytest.mark.parametrize(
    ("foreign", "own"), TRANSLATIONS, ids=lambda value: getattr(value, "__name__", type(value).__name__)
)
def test_foreign_errors_are_translated(foreign: Exception, own: type[Exception]) -> None:
    """Each error of PostgreSQL, driver and network becomes what is known; nothing of its text is kept."""
    with pytest.raises(own) as caught, translated():
        raise foreign

    assert type(caught.value) is own
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert SECRET not in str(caught.value)


def test_defects_are_not_translated() -> None:
    """What is no error of database or network passes unchanged."""
    with pytest.raises(KeyError), translated():
        raise KeyError


@pytest.mark.parametrize("own", [GroupFailed(), SwapLost(), OutcomeUnknown()])
def test_known_errors_pass_before_sending(own: Exception) -> None:
    """An error that says what is known stays as it is."""
    with pytest.raises(type(own)) as caught, before_sending():
        raise own

    assert caught.value is own


def test_defects_before_sending_are_certain() -> None:
    """Whatever else goes wrong before anything is sent is certainly not committed; its cause is kept."""
    defect = KeyError(7)

    with pytest.raises(Undecidable, match="KeyError") as caught, before_sending():
        raise defect

    assert caught.value.__cause__ is defect
