"""Wallets opened in bulk, with the value they are issued with.

A chunk of wallets is one transaction of the journal: a credit to each lot of each wallet, debits of the
accounts that the value comes from (the programme's funding; for points the programme's expense), one event a
wallet, one commit group in the chain of the node's bulk writer. It runs inside the caller's database
transaction, so that the cards of a chunk and their wallets come into being together.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind, TransactionNumbers
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.chain import EntryRow, TransactionRow, group_hash
from ledger.postgres.committer import BULK_LANE, writer_number
from ledger.postgres.session import WriterHead, insert_writer
from ledger.product import ProductRules
from ledger.sealer import Sealer
from ledger.wallet import CASH, Lot, WalletState, encode_state, with_cash

CHUNK_LIMIT = 32_000
"""The most wallets, and the most lots that aren't empty, in one transaction; a leg's number has 15 bits."""

_FIRST_VERSION = 1
_PLAIN = ProductRules()


class Opening(NamedTuple):
    """A wallet to open, with its first balance (zero or more).

    `lots` are what it has beside cash, in purses of its product, in the order of a wallet's lots.
    """

    wallet_id: int
    balance_minor: int
    lots: tuple[Lot, ...] = ()
    grade: int = 0

    @property
    def state(self) -> WalletState:
        """The wallet's first state."""
        cash = with_cash(self.balance_minor)
        return cash._replace(lots=cash.lots + self.lots, grade=self.grade)


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
        rules: ProductRules = _PLAIN,
    ) -> None:
        """Open wallets of one product inside the caller's transaction.

        Args:
            connection: with a transaction begun.
            openings: one to `CHUNK_LIMIT`, of wallets that don't exist yet.
            received_at_us: now, microseconds since the epoch.
            rules: the product's.
        """
        assert 0 < len(openings) <= CHUNK_LIMIT
        legs = _legs(openings, rules)
        writer = await self._lock_writer(connection)
        number = self._numbers.next()
        total = sum(leg.amount_minor for leg in legs if leg.amount_minor > 0 and leg.asset == rules.asset)
        transaction = TransactionRow(
            number, TransactionKind.WALLET_OPENING, Outcome.APPROVED, rules.asset, total, rules.issuer,
            None, None, None, None, None, 0, 0, "", "", "", "", "", "", received_at_us,
        )  # fmt: skip
        entries = [
            EntryRow(number, i, *leg, _FIRST_VERSION if leg.purse else None) for i, leg in enumerate(legs)
        ]
        await self._insert_wallets(connection, openings, writer, number)
        await _insert_journal(connection, writer, transaction, entries, len(openings))

    async def _lock_writer(self, connection: "asyncpg.Connection[asyncpg.Record]") -> WriterHead:
        row = await connection.fetchrow(statements.LOCK_WRITER, self._writer_id)
        if row is None:
            return await insert_writer(connection, self._writer_id)
        return WriterHead(self._writer_id, *row)

    async def _insert_wallets(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        openings: Sequence[Opening],
        writer: WriterHead,
        transaction_id: int,
    ) -> None:
        sealed = await self._sealer.seal_wallets(
            [(opening.wallet_id, _FIRST_VERSION, encode_state(opening.state)) for opening in openings]
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
            records=[(each[0], _FIRST_VERSION, writer.open_date, transaction_id) for each in openings],
        )


def _legs(openings: Sequence[Opening], rules: ProductRules) -> list[Leg]:
    """What wallets are given, after what it comes from; at most `CHUNK_LIMIT` credits."""
    given = [
        _credit(opening.wallet_id, lot, rules)
        for opening in openings
        for lot in opening.state.lots
        if lot.purse != CASH or lot.balance_minor
    ]
    assert len(given) <= CHUNK_LIMIT
    totals: Counter[int] = Counter()
    for leg in given:
        totals[leg.asset] += leg.amount_minor
    return [_source(asset, total, rules) for asset, total in totals.items()] + given


def _credit(wallet_id: int, lot: Lot, rules: ProductRules) -> Leg:
    rule = rules.purse_rule(lot.purse)
    assert rule is not None
    assert lot.balance_minor > 0
    assert not lot.held_minor
    return Leg(rule.account, wallet_id, rule.asset, lot.balance_minor, lot.purse, lot.expires)


def _source(asset: int, total: int, rules: ProductRules) -> Leg:
    kind = AccountKind.PROGRAMME_FUNDING if asset == rules.asset else AccountKind.POINTS_EXPENSE
    return Leg(kind, rules.issuer, asset, -total)


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
