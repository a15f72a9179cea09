"""What may be used once, kept in the database: recharge cards, payment codes, DUKPT counters.

The HSM computes and keeps no state, so a second use is for its callers to refuse, after restarts and on every
node. Each use is one statement that takes effect or doesn't: of two that ask at once the database lets one
through and shows the other what it did. A use belongs to a transaction's number, and the same transaction may
ask again after an answer was lost.

    recharge card   a row for each card that was issued; using it names the transaction in its row
    payment code    a row for each code that was used; its primary key refuses the second
    DUKPT counter   a row for each device; a counter is accepted if it is above the one that stands there

Everything runs inside the caller's database transaction where there is one: what is rolled back was not used.
A recharge secret that is unknown and one that was used get the same answer, so that trying tells nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from hsm_soft.dukpt import KeySerialNumber
from hsm_soft.qr_token import PaymentCode
from storage.database import database_errors

__all__ = [
    "RechargeCard",
    "RechargeCardExists",
    "accept_dukpt_counter",
    "add_recharge_cards",
    "forget_payment_codes",
    "last_dukpt_counter",
    "use_payment_code",
    "use_recharge_card",
]

PAYMENT_CODES_KEPT: Final = timedelta(hours=1)
"""How long a used code is remembered after its end: clocks of nodes differ."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ADD_CARDS: Final = """
INSERT INTO hsm.recharge_card (serial, digest) SELECT * FROM unnest($1::text[], $2::bytea[])
ON CONFLICT DO NOTHING RETURNING serial
"""
_USE_CARD: Final = """
UPDATE hsm.recharge_card SET used_by = $2, used_at = coalesce(used_at, now())
WHERE digest = $1 AND (used_by IS NULL OR used_by = $2) RETURNING serial
"""
_USE_CODE: Final = """
INSERT INTO hsm.payment_code AS used (code_id, used_by, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (code_id) DO UPDATE SET used_by = excluded.used_by WHERE used.used_by = excluded.used_by
RETURNING true
"""
_FORGET_CODES: Final = """
WITH over AS (DELETE FROM hsm.payment_code WHERE expires_at < $1 RETURNING true) SELECT count(*) FROM over
"""
_ACCEPT_COUNTER: Final = """
INSERT INTO hsm.dukpt_device AS known (base_key, device, counter) VALUES ($1, $2, $3)
ON CONFLICT (base_key, device) DO UPDATE SET counter = excluded.counter
WHERE known.counter < excluded.counter RETURNING true
"""
_LAST_COUNTER: Final = "SELECT counter FROM hsm.dukpt_device WHERE base_key = $1 AND device = $2"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


class RechargeCard(NamedTuple):
    """A recharge card to sell.

    Attributes:
        serial: What it is known by; what it is worth is for whoever sells it to know.
        digest: The keyed hash of its secret, 16 bytes.
    """

    serial: str
    digest: bytes


class RechargeCardExists(Exception):
    """A serial number or a hash of the batch is there already; then nothing of the batch was added."""

    def __init__(self) -> None:
        super().__init__("a recharge card of this batch exists already")


async def add_recharge_cards(connection: Connection, cards: Sequence[RechargeCard]) -> None:
    """Store a batch of new cards, all or none.

    Raises:
        RechargeCardExists: see there.
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        async with connection.transaction():
            serials, digests = [card.serial for card in cards], [card.digest for card in cards]
            _refuse_fewer(await connection.fetch(_ADD_CARDS, serials, digests), cards)


def _refuse_fewer(added: Sequence[object], cards: Sequence[RechargeCard]) -> None:
    if len(added) < len(cards):
        raise RechargeCardExists


async def use_recharge_card(connection: Connection, digest: bytes, transaction_id: int) -> str | None:
    """Use the card whose secret has this hash, for a transaction.

    Args:
        connection: where the transaction that credits the wallet is under way.
        digest: as `SoftHsm.recharge_digest` gives it, 16 bytes.
        transaction_id: who uses it.

    Returns:
        The card's serial number; None if there is no such card or another transaction used it.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        serial: str | None = await connection.fetchval(_USE_CARD, digest, transaction_id)
    return serial


async def use_payment_code(connection: Connection, code: PaymentCode, transaction_id: int) -> bool:
    """Whether this transaction is the one that uses an opened payment code.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    expires_at = _EPOCH + timedelta(seconds=code.expires_at_s)
    with database_errors():
        used = await connection.fetchval(_USE_CODE, code.code_id, transaction_id, expires_at)
    return used is not None


async def forget_payment_codes(connection: Connection, now_s: int) -> int:
    """Delete the codes that time alone refuses by now; how many they were.

    Args:
        connection: to the database.
        now_s: the time, seconds since 1970.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        before = _EPOCH + timedelta(seconds=now_s) - PAYMENT_CODES_KEPT
        return int(await connection.fetchval(_FORGET_CODES, before))


async def last_dukpt_counter(connection: Connection, base_key: int, device: bytes) -> int:
    """The highest counter accepted of a device, as operations on what it sends want it; 0 for a new device.

    Args:
        connection: to the database.
        base_key: number of the base derivation key.
        device: as in `KeySerialNumber`.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        return int(await connection.fetchval(_LAST_COUNTER, base_key, device) or 0)


async def accept_dukpt_counter(connection: Connection, base_key: int, serial_number: KeySerialNumber) -> bool:
    """Accept a serial number as the highest of its device, once.

    Asked after a message has verified, and before anything is done for it: whoever verified the same message
    at the same time, on another node, is refused here.

    Returns:
        False for a replay.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        accepted = await connection.fetchval(
            _ACCEPT_COUNTER, base_key, serial_number.device, serial_number.counter
        )
    return accepted is not None
