"""Wallets opened in bulk, with the value they are issued with.

A chunk of wallets is one transaction of the journal: a credit to each wallet, a debit of the programme's
funding account for their sum, one event a wallet, one commit group in the chain of the node's bulk writer. It
runs inside the caller's database transaction, so that the cards of a chunk and their wallets come into being
together.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from ledger.chart import AccountKind, Asset
from ledger.identity import TransactionKind, TransactionNumbers
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.chain import EntryRow, TransactionRow, group_hash
from ledger.postgres.committer import BULK_LANE, writer_number
from ledger.postgres.session import WriterHead, insert_writer
from ledger.sealer import Sealer
from ledger.wallet import WalletState, encode_state

CHUNK_LIMIT = 32_000
"""The most wallets in one transaction; a leg's number has 15 bits."""

_FIRST_VERSION = 1
_PROGRAMME = 1


class Opening(NamedTuple):
    """A wallet to open, with its first balance (zero or more)."""

    wallet_id: int
    balance_minor: int


class WalletOpener:
    """Opens wallets as one writer of a node.

    Args:
        node: the node's number; its bulk writer must not be used by another opener.
        numbers: the node's transaction numbers.
        sealer: seals the new states.
    """

    def __init__(self, node: int, numbers: TransactionNumbers, sealer: Sealer) -> None:
        self._writer_id = writer_number(node, BULK_LANE)
        self._numbers = numbers
        self._sealer = sealer

    async def open_wallets(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        openings: Sequence[Opening],
        received_at_us: int,
    ) -> None:
        """Open wallets inside the caller's transaction.

        Args:
            connection: with a transaction begun.
            openings: one to `CHUNK_LIMIT`, of wallets that don't exist yet.
            received_at_us: now, microseconds since the epoch.
        """
        assert 0 < len(openings) <= CHUNK_LIMIT
        assert all(opening.balance_minor >= 0 for opening in openings)
        writer = await self._lock_writer(connection)
        transaction, entries = self._journal_rows(openings, received_at_us)
        await self._insert_wallets(connection, openings, writer, transaction.id)
        await _insert_journal(connection, writer, transaction, entries, len(openings))

    async def _lock_writer(self, connection: "asyncpg.Connection[asyncpg.Record]") -> WriterHead:
        row = await connection.fetchrow(statements.LOCK_WRITER, self._writer_id)
        if row is None:
            return await insert_writer(connection, self._writer_id)
        return WriterHead(self._writer_id, *row)

    def _journal_rows(
        self, openings: Sequence[Opening], received_at_us: int
    ) -> tuple[TransactionRow, list[EntryRow]]:
        number = self._numbers.next()
        total = sum(opening.balance_minor for opening in openings)
        transaction = TransactionRow(
            number, TransactionKind.WALLET_OPENING, Outcome.APPROVED, Asset.CNY, total,
            None, None, None, 0, "", "", "", "", received_at_us,
        )  # fmt: skip
        entries = [
            EntryRow(
                number, leg, AccountKind.WALLET_CASH, wallet_id, Asset.CNY, balance_minor, _FIRST_VERSION
            )
            for leg, (wallet_id, balance_minor) in enumerate(openings, start=1)
            if balance_minor
        ]
        if total:
            funding = EntryRow(number, 0, AccountKind.PROGRAMME_FUNDING, _PROGRAMME, Asset.CNY, -total, None)
            entries.insert(0, funding)
        return transaction, entries

    async def _insert_wallets(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        openings: Sequence[Opening],
        writer: WriterHead,
        transaction_id: int,
    ) -> None:
        sealed = await self._sealer.seal_wallets(
            [(i, _FIRST_VERSION, encode_state(WalletState(balance))) for i, balance in openings]
        )
        await connection.copy_records_to_table(
            "wallet",
            schema_name="ledger",
            columns=["id", "version", "key_id", "sealed"],
            records=[
                (opening.wallet_id, _FIRST_VERSION, *seal)
                for opening, seal in zip(openings, sealed, strict=True)
            ],
        )
        await connection.copy_records_to_table(
            "wallet_event",
            schema_name="ledger",
            columns=["wallet_id", "version", "business_date", "transaction_id"],
            records=[(i, _FIRST_VERSION, writer.open_date, transaction_id) for i, _ in openings],
        )


async def _insert_journal(
    connection: "asyncpg.Connection[asyncpg.Record]",
    writer: WriterHead,
    transaction: TransactionRow,
    entries: list[EntryRow],
    wallets: int,
) -> None:
    seq, day = writer.seq + 1, writer.open_date
    digest = group_hash(writer.head, writer.id, seq, day.toordinal(), [transaction], entries)
    moved = await connection.execute(
        statements.ADVANCE_WRITER, writer.id, seq, writer.epoch, digest, writer.open_date
    )
    assert moved == "UPDATE 1"
    await connection.execute(statements.INSERT_GROUP, day, writer.id, seq, writer.head, digest, wallets)
    await connection.execute(statements.INSERT_TRANSACTION, day, writer.id, seq, *transaction)
    await connection.copy_records_to_table(
        "entry",
        schema_name="ledger",
        columns=["business_date", *EntryRow._fields],
        records=[(day, *entry) for entry in entries],
    )
