"""Running nodes of a ledger, and what tests need around them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeAlias

import asyncpg

from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres import inquiry, statements
from ledger.postgres.committer import Ledger, enter
from ledger.postgres.group import Result
from ledger.postgres.observer import LedgerObserver
from ledger.postgres.opening import Opening, WalletOpener
from ledger.postgres.verify import verify
from ledger.product import ProductRules
from ledger.sealer import Sealer
from storage.database import connect
from tests.ledger.intents import FIRST_US, NO_LIMITS, Till

FIRST_DATE = date(2026, 1, 5)
WALLETS_PER_NODE = 1_000_000
_LOOKS, _LOOK_SECONDS = 3_000, 0.004

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass
class Watcher(LedgerObserver):
    """Remembers what the lanes told."""

    groups: list[tuple[str, int]] = field(default_factory=list)
    """How each attempt ended, and its size."""
    unknown: list[int] = field(default_factory=list)
    quarantined: list[tuple[int, str]] = field(default_factory=list)
    given_up: list[tuple[int, Exception]] = field(default_factory=list)
    defects: list[BaseException] = field(default_factory=list)
    queues: list[tuple[int, int]] = field(default_factory=list)
    shortfalls: list[tuple[int, int]] = field(default_factory=list)

    def group_finished(self, lane: int, result: str, size: int, seconds: float) -> None:
        """Remember an attempt."""
        self.groups.append((result, size))

    def outcome_unknown(self, lane: int, size: int) -> None:
        """Remember how many waited."""
        self.unknown.append(size)

    def wallet_quarantined(self, wallet_id: int, reason: str) -> None:
        """Remember the wallet."""
        self.quarantined.append((wallet_id, reason))

    def shortfall_posted(self, wallet_id: int, amount_minor: int) -> None:
        """Remember who owes how much."""
        self.shortfalls.append((wallet_id, amount_minor))

    def intent_given_up(self, transaction_id: int, failure: Exception) -> None:
        """Remember the intent."""
        self.given_up.append((transaction_id, failure))

    def lane_died(self, defect: BaseException) -> None:
        """Remember what it was."""
        self.defects.append(defect)

    def queue_changed(self, lane: int, depth: int, cached_wallets: int) -> None:
        """Remember the queue."""
        self.queues.append((lane, depth))

    def results(self) -> list[str]:
        """How the attempts ended, in order."""
        return [result for result, _ in self.groups]


class BrokenWatcher(LedgerObserver):
    """Fails when a lane takes its next group, which no observer may do: a defect that ends the lane."""

    def queue_changed(self, lane: int, depth: int, cached_wallets: int) -> None:
        """Fail."""
        raise AttributeError


class Node:
    """A running ledger of one node, with a till, and wallets that no other node opens."""

    def __init__(self, dsn: str, sealer: Sealer, number: int) -> None:
        self.dsn, self.number = dsn, number
        self.watcher = Watcher()
        self.ledger = Ledger(dsn, sealer, number, self.watcher)
        self.till = Till(iter(self.ledger.numbers.next, None), f"T{number:07d}")
        self.sealer = sealer
        self._opener = WalletOpener(number, self.ledger.numbers, sealer)
        self._wallet_ids = number * WALLETS_PER_NODE

    @classmethod
    async def started(cls, dsn: str, sealer: Sealer) -> "Node":
        """A node that takes intents."""
        node = cls(dsn, sealer, await enter(dsn, FIRST_DATE))
        await node.ledger.start()
        return node

    async def open(self, *balances_minor: int) -> list[int]:
        """New wallets; their ids begin at an even one and follow each other, so lanes take turns."""
        return await self.open_lots([Opening(0, balance) for balance in balances_minor])

    async def open_lots(self, openings: Sequence[Opening], rules: ProductRules = NO_LIMITS) -> list[int]:
        """New wallets like these, under ids of their own."""
        first = self._wallet_ids + self._wallet_ids % 2
        numbered = [opening._replace(wallet_id=first + i) for i, opening in enumerate(openings)]
        self._wallet_ids = first + len(numbered)
        async with session(self.dsn) as connection, connection.transaction():
            await self._opener.open_wallets(connection, numbered, FIRST_US, rules)
        return [opening.wallet_id for opening in numbered]

    async def post(self, intent: Intent) -> Outcome:
        """The outcome of an intent."""
        return (await self.ledger.post(intent)).outcome

    async def post_all(self, intents: Iterable[Intent], *, after_seconds: float = 0) -> list[Result]:
        """The results of intents that come all at once."""
        await asyncio.sleep(after_seconds)
        return await asyncio.gather(*map(self.ledger.post, intents))

    async def balances(self, wallet_ids: Iterable[int]) -> list[int]:
        """What the sealed rows say, in the order of the ids."""
        ids = list(wallet_ids)
        async with session(self.dsn) as connection:
            found = await inquiry.balances(connection, self.sealer, ids)
        return [found[wallet_id] for wallet_id in ids]

    async def posted(self, wallet_id: int) -> int:
        """How many approved transactions of a wallet the journal has."""
        async with session(self.dsn) as connection:
            count = await connection.fetchval(
                "SELECT count(*) FROM ledger.transaction WHERE wallet_id = $1 AND outcome = 0", wallet_id
            )
        assert isinstance(count, int)
        return count

    async def offences(self) -> list[tuple[str, str]]:
        """What `verify` finds."""
        async with session(self.dsn) as connection:
            report = await verify(connection, self.sealer)
        return [tuple(offence) for offence in report.offences]


Pair: TypeAlias = tuple[Node, Node]
StartNode = Callable[..., Awaitable[Node]]
MakeDatabase = Callable[[], AbstractContextManager[str]]


@asynccontextmanager
async def session(dsn: str) -> AsyncIterator[Connection]:
    """A connection of the test's own."""
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def locked(dsn: str, *wallet_ids: int) -> AsyncIterator[Connection]:
    """Somebody else holds these wallets' rows, so a group that writes them waits."""
    async with session(dsn) as connection:
        await connection.execute("BEGIN")
        await connection.execute(
            "SELECT FROM ledger.wallet WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE", wallet_ids
        )
        yield connection
        await connection.execute("ROLLBACK")


async def close_day(connection: Connection, *, partitions: bool = True) -> date:
    """Close the open day, inside the caller's transaction or in one of its own; the day that is open then."""
    async with connection.transaction():
        day = await connection.fetchval(statements.OPEN_DAY)
        opened = day + timedelta(days=1)
        assert isinstance(opened, date)
        await connection.execute(statements.CLOSE_DAY, day)
        await connection.execute(statements.OPEN_NEXT_DAY, opened)
        if partitions:
            await connection.execute(statements.MAKE_PARTITIONS, opened)
        await connection.execute(statements.MOVE_WRITERS, opened)
    return opened


async def blocked_backends(connection: Connection, count: int = 1) -> list[int]:
    """Wait until so many backends of this database wait for a lock; their process ids."""
    query = """
        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    for _ in range(_LOOKS):
        if len(rows := await connection.fetch(query)) >= count:
            return [row[0] for row in rows]
        await asyncio.sleep(_LOOK_SECONDS)
    raise TimeoutError


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen soon."""
    for _ in range(_LOOKS):
        if condition():
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise TimeoutError
