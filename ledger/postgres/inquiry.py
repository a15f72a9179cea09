"""Reading the ledger, for people: transactions by their names, totals by account, balances of wallets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

import asyncpg

from ledger.chart import OF_WALLET, AccountKind, Leg
from ledger.identity import (
    CHANGES_MAX,
    ORIGINAL_KINDS,
    REVERSED_KIND,
    VOIDED_KIND,
    TransactionKind,
    change_key,
    duplicate_key,
)
from ledger.outcome import Outcome
from ledger.postgres.chain import TransactionRow
from ledger.postgres.dedup import ROLE_OWN
from ledger.sealer import Sealer, state_in
from ledger.wallet import WalletState

_NEWEST_FIRST = 1_000
_CHANGES_AT_ONCE = 16
_TRANSACTION = ", ".join(TransactionRow._fields)
_REQUEST_KINDS = tuple(kind for kind in TransactionKind if kind < TransactionKind.WALLET_OPENING)
_OF_WALLETS = sorted(map(int, OF_WALLET))


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A transaction as the journal has it, its legs, and what has happened to it.

    `reversed_by` and `voided_by` are by what it is taken back now; `followed_by` is what else changed it, in
    order: refunds, increments, a completion and the like.
    """

    business_date: date
    row: TransactionRow
    legs: tuple[Leg, ...]
    reversed_by: int | None = None
    voided_by: int | None = None
    followed_by: tuple[int, ...] = ()

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
    """The sum of the entries of one account; the accounts of all wallets count as one."""

    kind: str
    account_id: int | None
    asset: str
    balance_minor: int
    entries: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """One line of a trial balance: the accounts of a kind of an issuer in an asset.

    Each account stands on one side, by its sign; `accounts` is how many have a balance.
    """

    issuer: int
    layer: str
    kind: str
    asset: str
    debit_minor: int
    credit_minor: int
    accounts: int


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
    """The newest transactions that a wallet took part in, oldest of them first."""
    rows = await connection.fetch(
        f"SELECT business_date, {_TRANSACTION} FROM ledger.transaction "
        "WHERE wallet_id = $1 OR other_wallet_id = $1 ORDER BY id DESC LIMIT $2",
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
    for number, kind, *rest in await connection.fetch(
        "SELECT transaction_id, account_kind, account_id, asset, amount_minor, purse, expires "
        "FROM ledger.entry WHERE business_date = ANY($1::date[]) AND transaction_id = ANY($2::bigint[]) "
        "ORDER BY transaction_id, leg",
        [day for day, _ in found],
        list(legs),
    ):
        legs[number].append(Leg(AccountKind(kind), *rest))
    changes = await _changes(connection, {row.id: _key_of(row) for _, row in found})
    return [
        TransactionRecord(day, row, tuple(legs[row.id]), **_what_became(row.kind, changes.get(row.id, [])))
        for day, row in found
    ]


async def _changes(
    connection: "asyncpg.Connection[asyncpg.Record]", keys: Mapping[int, bytes]
) -> dict[int, list[tuple[int, TransactionKind]]]:
    """What changed these transactions, in order: numbers and kinds."""
    changes: dict[int, list[tuple[int, TransactionKind]]] = {}
    asked, first = dict(keys), 0
    while asked and first < CHANGES_MAX:
        last = min(first + _CHANGES_AT_ONCE, CHANGES_MAX)
        named = {change_key(key, i): (number, i) for number, key in asked.items() for i in range(first, last)}
        rows = await connection.fetch(_CHANGERS, list(named))
        taken = sorted((named[key], changer, kind) for key, changer, kind in rows)
        for (number, _), changer, kind in taken:
            changes.setdefault(number, []).append((changer, TransactionKind(kind)))
        full = {number for (number, change), *_ in taken if change == last - 1}
        asked, first = {number: keys[number] for number in full}, last
    return changes


_CHANGERS = """
SELECT d.key, d.transaction_id, t.kind FROM ledger.dedup d
  JOIN ledger.transaction t ON t.business_date = d.business_date AND t.id = d.transaction_id
 WHERE d.key = ANY($1::bytea[])
"""


class _Became(TypedDict):
    reversed_by: int | None
    voided_by: int | None
    followed_by: tuple[int, ...]


def _what_became(own: int, changes: Sequence[tuple[int, TransactionKind]]) -> _Became:
    """By what a transaction of kind `own` is taken back now, and what else happened to it."""
    reversed_by, voided_by, followed_by = None, None, []
    for number, kind in changes:
        if kind in VOIDED_KIND:
            voided_by = number
        elif kind not in REVERSED_KIND:
            followed_by.append(number)
        elif own in ORIGINAL_KINDS[kind]:
            reversed_by = number
        else:
            voided_by = None
    return _Became(reversed_by=reversed_by, voided_by=voided_by, followed_by=tuple(followed_by))


def _key_of(row: TransactionRow) -> bytes:
    kind = TransactionKind(row.kind)
    return duplicate_key(row.merchant_id, row.terminal_id, row.batch, row.stan, kind)


# What each account has at the end of a day: its newest sealed balance until then, and what moved since.
_ACCOUNTS = """
WITH sealed AS (
    SELECT coalesce(max(business_date), '-infinity') AS day FROM ledger.day_seal WHERE business_date <= $1),
part AS (
    SELECT account_kind, account_id, issuer, asset, balance_minor, entries
      FROM (SELECT DISTINCT ON (account_kind, account_id, issuer, asset, purse, expires) *
              FROM ledger.account_balance WHERE business_date <= $1
             ORDER BY account_kind, account_id, issuer, asset, purse, expires, business_date DESC) b
    UNION ALL
    SELECT e.account_kind, e.account_id, t.issuer, e.asset, e.amount_minor, 1
      FROM sealed, ledger.entry e
      JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
     WHERE e.business_date > sealed.day AND e.business_date <= $1),
account AS (
    SELECT account_kind, account_id, issuer, asset, sum(balance_minor)::bigint AS balance_minor,
           sum(entries)::bigint AS entries
      FROM part GROUP BY 1, 2, 3, 4)
"""


async def account_totals(connection: "asyncpg.Connection[asyncpg.Record]") -> list[AccountTotal]:
    """The balance of every account; wallets are summed up, since theirs are the cardholders' affair."""
    rows = await connection.fetch(
        _ACCOUNTS
        + """
        SELECT k.name, CASE WHEN account_kind = ANY($2::smallint[]) THEN NULL ELSE account_id END AS account,
               coalesce(a.code, asset::text), sum(balance_minor)::bigint, sum(entries)::bigint
          FROM account JOIN ledger.account_kind k ON k.id = account_kind
          LEFT JOIN ledger.asset a ON a.id = asset
         GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3""",
        date.max,
        _OF_WALLETS,
    )
    return [AccountTotal(*row) for row in rows]


async def trial_balance(
    connection: "asyncpg.Connection[asyncpg.Record]", day: date | None = None, issuer: int | None = None
) -> list[TrialBalance]:
    """The trial balance: debits and credits are equal for each issuer, layer and asset.

    Args:
        connection: to a migrated database.
        day: at the end of which business date; None: now.
        issuer: of whom; None: of all.
    """
    rows = await connection.fetch(
        _ACCOUNTS
        + """
        SELECT issuer, k.layer, k.name, coalesce(a.code, asset::text),
               coalesce(-sum(balance_minor) FILTER (WHERE balance_minor < 0), 0)::bigint,
               coalesce(sum(balance_minor) FILTER (WHERE balance_minor > 0), 0)::bigint,
               count(*) FILTER (WHERE balance_minor <> 0)
          FROM account JOIN ledger.account_kind k ON k.id = account_kind
          LEFT JOIN ledger.asset a ON a.id = asset
         WHERE issuer = $2 OR $2::integer IS NULL
         GROUP BY issuer, k.layer, k.id, k.name, asset, a.code ORDER BY issuer, k.layer DESC, k.id, asset""",
        day or date.max,
        issuer,
    )
    return [TrialBalance(*row) for row in rows]


async def open_date(connection: "asyncpg.Connection[asyncpg.Record]") -> date | None:
    """The ledger's open business date, None before its first."""
    value = await connection.fetchval("SELECT business_date FROM ledger.business_day WHERE closed_at IS NULL")
    assert value is None or isinstance(value, date)
    return value


async def states(
    connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer, wallet_ids: Sequence[int]
) -> Mapping[int, WalletState]:
    """These wallets as they are now.

    Raises:
        SealBroken: a wallet's seal isn't whole.
        SealerUnavailable: the wallets can't be opened now.
    """
    rows = await connection.fetch(
        "SELECT id, version, key_id, sealed FROM ledger.wallet WHERE id = ANY($1::bigint[])", wallet_ids
    )
    opened = await sealer.open_wallets([tuple(row) for row in rows])
    return {row["id"]: state_in(state) for row, state in zip(rows, opened, strict=True)}


async def balances(
    connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer, wallet_ids: Sequence[int]
) -> Mapping[int, int]:
    """The cash balance of these wallets now, in minor units.

    Raises:
        SealBroken: a wallet's seal isn't whole.
        SealerUnavailable: the wallets can't be opened now.
    """
    found = await states(connection, sealer, wallet_ids)
    return {wallet_id: state.lots[0].balance_minor for wallet_id, state in found.items()}
