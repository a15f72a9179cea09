"""Reading the ledger, for people: transactions by their names, totals by account, balances of wallets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from ledger.chart import AccountKind, Leg
from ledger.identity import CHANGES_MAX, TransactionKind, change_key, duplicate_key
from ledger.outcome import Outcome
from ledger.postgres.chain import TransactionRow
from ledger.postgres.dedup import ROLE_OWN, ROLE_RESTORE, ROLE_UNDO, ROLE_VOID
from ledger.sealer import Sealer, state_in

_NEWEST_FIRST = 1_000
_TRANSACTION = ", ".join(TransactionRow._fields)
_REQUEST_KINDS = (
    TransactionKind.PURCHASE,
    TransactionKind.BALANCE_INQUIRY,
    TransactionKind.PURCHASE_REVERSAL,
    TransactionKind.PURCHASE_VOID,
    TransactionKind.PURCHASE_VOID_REVERSAL,
)


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A transaction as the journal has it, its legs, and by which void or reversal it is taken back now."""

    business_date: date
    row: TransactionRow
    legs: tuple[Leg, ...]
    reversed_by: int | None = None
    voided_by: int | None = None

    @property
    def kind(self) -> TransactionKind:
        """What it does."""
        return TransactionKind(self.row.kind)

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return Outcome(self.row.outcome)


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """The sum of the entries of one account; all wallets count as one."""

    kind: str
    account_id: int | None
    asset: str
    balance_minor: int
    entries: int


async def find_by_number(
    connection: "asyncpg.Connection[asyncpg.Record]", numbers: Sequence[int]
) -> list[TransactionRecord]:
    """The transactions with these numbers, oldest first."""
    rows = await connection.fetch(
        f"SELECT business_date, {_TRANSACTION} FROM ledger.transaction "
        "WHERE id = ANY($1::bigint[]) ORDER BY id",
        numbers,
    )
    return await _complete(connection, rows)


async def find_by_terminal(
    connection: "asyncpg.Connection[asyncpg.Record]",
    terminals: Sequence[tuple[str, str]],
    batch: str,
    stan: str,
) -> list[TransactionRecord]:
    """What these terminals (merchant, terminal) did under a batch and STAN."""
    keys = [
        duplicate_key(merchant, terminal, batch, stan, kind)
        for merchant, terminal in terminals
        for kind in _REQUEST_KINDS
    ]
    rows = await connection.fetch(
        "SELECT transaction_id FROM ledger.dedup WHERE role = $2 AND key = ANY($1::bytea[])", keys, ROLE_OWN
    )
    return await find_by_number(connection, [row[0] for row in rows])


async def find_by_wallet(
    connection: "asyncpg.Connection[asyncpg.Record]", wallet_id: int
) -> list[TransactionRecord]:
    """The newest transactions of a wallet, oldest of them first."""
    rows = await connection.fetch(
        f"SELECT business_date, {_TRANSACTION} FROM ledger.transaction WHERE wallet_id = $1 "
        "ORDER BY id DESC LIMIT $2",
        wallet_id,
        _NEWEST_FIRST,
    )
    return await _complete(connection, rows[::-1])


async def _complete(
    connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[asyncpg.Record]
) -> list[TransactionRecord]:
    """Add legs, and by what they are taken back."""
    found = [(row[0], TransactionRow(*row[1:])) for row in rows]
    legs: dict[int, list[Leg]] = {row.id: [] for _, row in found}
    for number, kind, account, asset, amount in await connection.fetch(
        "SELECT transaction_id, account_kind, account_id, asset, amount_minor FROM ledger.entry "
        "WHERE business_date = ANY($1::date[]) AND transaction_id = ANY($2::bigint[]) "
        "ORDER BY transaction_id, leg",
        [day for day, _ in found],
        list(legs),
    ):
        legs[number].append(Leg(AccountKind(kind), account, asset, amount))
    reversed_by, voided_by = await _taken_back(connection, [row for _, row in found])
    return [
        TransactionRecord(day, row, tuple(legs[row.id]), reversed_by.get(row.id), voided_by.get(row.id))
        for day, row in found
    ]


async def _taken_back(
    connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[TransactionRow]
) -> tuple[dict[int, int], dict[int, int]]:
    """By which reversal and by which void transactions are taken back now; a void may be reversed since."""
    keys = {
        change_key(_key_of(row), change): (row.id, change) for row in rows for change in range(CHANGES_MAX)
    }
    taken = await connection.fetch(
        "SELECT key, role, transaction_id FROM ledger.dedup WHERE key = ANY($1::bytea[])", list(keys)
    )
    reversed_by: dict[int, int] = {}
    voided_by: dict[int, int] = {}
    for (number, _), role, changer in sorted((keys[key], role, changer) for key, role, changer in taken):
        if role == ROLE_UNDO:
            reversed_by[number] = changer
        elif role == ROLE_VOID:
            voided_by[number] = changer
        else:
            assert role == ROLE_RESTORE
            del voided_by[number]
    return reversed_by, voided_by


def _key_of(row: TransactionRow) -> bytes:
    kind = TransactionKind(row.kind)
    return duplicate_key(row.merchant_id, row.terminal_id, row.batch, row.stan, kind)


async def account_totals(connection: "asyncpg.Connection[asyncpg.Record]") -> list[AccountTotal]:
    """The balance of every account; wallets are summed up, since theirs are the cardholders' affair."""
    rows = await connection.fetch(
        """
        SELECT k.name, CASE WHEN e.account_kind = $1 THEN NULL ELSE e.account_id END AS account, a.code,
               sum(e.amount_minor)::bigint, count(*)
          FROM ledger.entry e
          JOIN ledger.account_kind k ON k.id = e.account_kind JOIN ledger.asset a ON a.id = e.asset
         GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3""",
        int(AccountKind.WALLET_CASH),
    )
    return [AccountTotal(*row) for row in rows]


async def open_date(connection: "asyncpg.Connection[asyncpg.Record]") -> date | None:
    """The ledger's open business date, None before its first."""
    value = await connection.fetchval("SELECT business_date FROM ledger.business_day WHERE closed_at IS NULL")
    assert value is None or isinstance(value, date)
    return value


async def balances(
    connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer, wallet_ids: Sequence[int]
) -> Mapping[int, int]:
    """The cash balance of these wallets now, in minor units.

    Raises:
        SealBroken: a wallet's seal isn't whole.
        SealerUnavailable: the wallets can't be opened now.
    """
    rows = await connection.fetch(
        "SELECT id, version, key_id, sealed FROM ledger.wallet WHERE id = ANY($1::bigint[])", wallet_ids
    )
    opened = await sealer.open_wallets([tuple(row) for row in rows])
    return {row["id"]: state_in(state).balance_minor for row, state in zip(rows, opened, strict=True)}
