"""What changes the directory beside its operators: terminals' messages, the custody of keys, cards in bulk.

What operators do are services over their work (`merchants`, `terminals`, `card_service` …). Each command here
is one transaction, or a part of the caller's if that has begun one, and several nodes may run it at once:
what a change depends on is read under the terminal's row lock. A command that changes a terminal returns it
as it is afterwards, for the caller's view.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from directory.batch_rules import BatchEnd, batch_after
from directory.change_log import Change, note_changes, terminal_key
from directory.key_sets import after_sign_on, after_verified
from directory.parties import PLATFORM_ID, PartyId
from directory.reading import Connection, moment_of, read_terminals
from directory.records import CardState, KeySet, Terminal
from directory.subjects import Kind
from storage.database import database_errors

_NOW_US: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_KeySets: TypeAlias = tuple[KeySet, ...]


class TerminalUnknown(LookupError):
    """The terminal to be changed does not exist."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class CardRow(NamedTuple):
    """A card as it is stored; the fields are the table's columns. Its repr shows none that is secret.

    The first card of a wallet has the wallet's number for its own, unless told otherwise.
    """

    pan_index: bytes
    wallet_id: int
    product_id: int
    state: CardState
    expiry: str
    pan_sealed: bytes
    pin_salt: bytes
    pin_value: bytes
    id: int | None = None
    party_id: PartyId = PLATFORM_ID
    printed_expiry: str | None = None
    serial: str | None = None
    range_id: int | None = None
    batch_id: int | None = None
    customer_id: int | None = None
    relation: str | None = None
    main_card_id: int | None = None
    replaces_id: int | None = None

    def __repr__(self) -> str:
        return f"<CardRow of wallet {self.wallet_id}>"


async def change_master_key(
    connection: Connection, merchant_id: str, terminal_id: str, master_key: str
) -> None:
    """Give a terminal another master key; the session keys it has stay good until its next sign-on.

    Raises:
        TerminalUnknown: There is no such terminal.
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        async with connection.transaction():
            changed = await connection.fetchval(
                """UPDATE directory.terminal SET master_key = $3, version = version + 1
                   WHERE merchant_id = $1 AND terminal_id = $2 RETURNING version""",
                *(merchant_id, terminal_id, master_key),
            )
            if changed is None:
                raise TerminalUnknown
            await note_changes(connection, [_change_of(merchant_id, terminal_id)])


async def insert_cards(connection: Connection, cards: Iterable[CardRow]) -> None:
    """Store new cards, many at a time.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    records = [
        card._replace(
            id=card.wallet_id if card.id is None else card.id,
            printed_expiry=card.printed_expiry or card.expiry,
        )
        for card in cards
    ]
    with database_errors():
        await connection.copy_records_to_table(
            "card", schema_name="directory", columns=CardRow._fields, records=records
        )


async def record_sign_on(connection: Connection, merchant_id: str, terminal_id: str, new: KeySet) -> Terminal:
    """Keep the keys that a sign-on hands out, beside the old ones.

    The clocks of two nodes may differ, so the set's time is moved behind the newest one's where it must be:
    the order of the sets is the order of the sign-ons.

    Raises:
        TerminalUnknown: There is no such terminal.
        DatabaseUnavailable: The database failed.
    """

    def with_new(key_sets: _KeySets) -> _KeySets:
        newest_us = key_sets[-1].created_at_us if key_sets else 0
        return after_sign_on(key_sets, replace(new, created_at_us=max(new.created_at_us, newest_us + 1)))

    return await _change_key_sets(connection, merchant_id, terminal_id, with_new)


async def record_verified(
    connection: Connection, merchant_id: str, terminal_id: str, used: KeySet
) -> Terminal:
    """Note that a message's MAC verified with a set of keys, which ends the older ones.

    Raises:
        TerminalUnknown: There is no such terminal.
        DatabaseUnavailable: The database failed.
    """
    return await _change_key_sets(
        connection, merchant_id, terminal_id, lambda key_sets: after_verified(key_sets, used)
    )


async def record_sign_off(connection: Connection, merchant_id: str, terminal_id: str) -> None:
    """Note that a terminal said it leaves. Its keys stay good: nothing proves that it was the terminal.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        await connection.execute(
            """UPDATE directory.terminal SET signed_off_at = clock_timestamp()
               WHERE merchant_id = $1 AND terminal_id = $2""",
            *(merchant_id, terminal_id),
        )


async def open_batch(
    connection: Connection,
    merchant_id: str,
    terminal_id: str,
    *,
    closing: str,
    closed_by: BatchEnd = BatchEnd.SETTLEMENT,
) -> Terminal:
    """Close a batch and open the next one: 999999 is followed by 000001.

    Whoever comes second, for the same batch, finds it closed and changes nothing.

    Raises:
        TerminalUnknown: There is no such terminal.
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        async with connection.transaction():
            now_us = await connection.fetchval(f"SELECT {_NOW_US}")
            if await close_batch(
                connection, merchant_id, terminal_id, closing=closing, closed_by=closed_by, now_us=now_us
            ):
                await note_changes(connection, [_change_of(merchant_id, terminal_id)])
            return await _read(connection, merchant_id, terminal_id)


async def close_batch(
    connection: Connection,
    merchant_id: str,
    terminal_id: str,
    *,
    closing: str,
    closed_by: BatchEnd,
    now_us: int,
) -> bool:
    """Close a batch if it is open, inside a transaction that tells the views; whether it was open."""
    name = (merchant_id, terminal_id)
    opened_us = await connection.fetchval(
        """SELECT batch_opened_us FROM directory.terminal
           WHERE merchant_id = $1 AND terminal_id = $2 AND batch = $3 FOR UPDATE""",
        *(*name, closing),
    )
    if opened_us is None:
        return False
    await connection.execute(
        """UPDATE directory.terminal SET batch = $3, batch_opened_us = $4, version = version + 1
           WHERE merchant_id = $1 AND terminal_id = $2""",
        *(*name, batch_after(closing), now_us),
    )
    await connection.execute(
        """INSERT INTO directory.terminal_batch
               (merchant_id, terminal_id, batch, opened_us, closed_us, closed_by)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        *(*name, closing, opened_us, now_us, closed_by),
    )
    return True


def _change_of(merchant_id: str, terminal_id: str) -> Change:
    return Change(Kind.TERMINAL, terminal_key(merchant_id, terminal_id))


async def _change_key_sets(
    connection: Connection, merchant_id: str, terminal_id: str, change: Callable[[_KeySets], _KeySets]
) -> Terminal:
    """Read a terminal's sets under its row lock and write what `change` makes of them."""
    with database_errors():
        async with connection.transaction():
            # Counting up takes the row lock that makes changes of one terminal wait for each other.
            await connection.execute(
                """UPDATE directory.terminal SET version = version + 1
                   WHERE merchant_id = $1 AND terminal_id = $2""",
                *(merchant_id, terminal_id),
            )
            terminal = await _read(connection, merchant_id, terminal_id)
            key_sets = change(terminal.key_sets)
            await _write_key_sets(connection, terminal, key_sets)
            return replace(terminal, key_sets=key_sets)


async def _read(connection: Connection, merchant_id: str, terminal_id: str) -> Terminal:
    found = await read_terminals(connection, [(merchant_id, terminal_id)])
    if not found:
        raise TerminalUnknown
    return found[merchant_id, terminal_id]


async def _write_key_sets(connection: Connection, terminal: Terminal, key_sets: _KeySets) -> None:
    """Store the difference between a terminal's sets as read and as they should be."""
    name = (terminal.merchant.merchant_id, terminal.terminal_id)
    before = {each.created_at_us: each for each in terminal.key_sets}
    await connection.execute(
        """DELETE FROM directory.terminal_key_set
           WHERE merchant_id = $1 AND terminal_id = $2 AND created_at <> ALL ($3::timestamptz[])""",
        *(*name, [moment_of(each.created_at_us) for each in key_sets]),
    )
    for each in key_sets:
        if each.created_at_us not in before:
            await connection.execute(
                """INSERT INTO directory.terminal_key_set
                       (merchant_id, terminal_id, created_at, pin_key, mac_key, track_key)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                *(*name, moment_of(each.created_at_us), each.pin_key, each.mac_key, each.track_key),
            )
        elif each != before[each.created_at_us]:
            await connection.execute(
                """UPDATE directory.terminal_key_set SET verified_at = clock_timestamp()
                   WHERE merchant_id = $1 AND terminal_id = $2 AND created_at = $3""",
                *(*name, moment_of(each.created_at_us)),
            )
