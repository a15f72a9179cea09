"""The ledger as the switch sees it: intents in, durable results out.

A node has two lanes (while one waits for PostgreSQL the other uses the processor). A wallet belongs to one
lane by its id. A reversal or void names its original by key, not by wallet, so it is looked up first and
handed to the lane of the original's wallet; should the original appear only meanwhile, the lane hands it back
(`Moved`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Protocol

import asyncpg

from ledger.identity import TransactionNumbers
from ledger.intent import Intent
from ledger.node_totals import NodeTotals
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.cache import WalletCache
from ledger.postgres.days import prepare_days
from ledger.postgres.dedup import Result
from ledger.postgres.errors import GroupFailed, OutcomeUnknown
from ledger.postgres.group import Moved, refused
from ledger.postgres.lane import Lane
from ledger.postgres.observer import LedgerObserver
from ledger.sealer import Sealer
from storage.database import DatabaseUnavailable, connect, database_errors

LANES = 2
QUEUE_LIMIT = 50_000
_WRITERS_PER_NODE = 8
BULK_LANE = _WRITERS_PER_NODE - 1
"""The writer of a node that opens wallets in bulk, beside its lanes."""


class SubmitsIntents(Protocol):
    """Whatever intents are handed to, as to a `Ledger`."""

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted; `told` is called once with its durable result."""
        ...


async def result_of(ledger: SubmitsIntents, intent: Intent) -> Result:
    """The durable result of an intent; who waits for it may be cancelled, the intent isn't."""
    result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    ledger.submit(intent, lambda told: None if result.done() else result.set_result(told))
    return await result


class Ledger:
    """The durable ledger of one node.

    Args:
        dsn: where the database is.
        sealer: seals and opens wallets.
        node: this start's number, from `enter`.
        observer: told of what the lanes do.
        cached_wallets: how many wallets are remembered over all lanes.
        totals: this node's totals of merchants, terminals and channels, where any of them has a limit.
    """

    def __init__(
        self,
        dsn: str,
        sealer: Sealer,
        node: int,
        observer: LedgerObserver,
        cached_wallets: int = 400_000,
        totals: NodeTotals | None = None,
    ) -> None:
        self.numbers = TransactionNumbers(node)
        self._totals = totals
        self._lanes = [
            Lane(
                i, LANES, dsn, writer_number(node, i), sealer, WalletCache(cached_wallets // LANES), observer
            )
            for i in range(LANES)
        ]
        self._observer = observer
        self._tasks: list[asyncio.Task[None]] = []
        self._queue_limit = QUEUE_LIMIT
        self._under_way = 0
        self._stopping = False
        self._all_answered = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether every lane runs and none has to find out an outcome."""
        running = sum(not task.done() for task in self._tasks)
        return running == LANES and all(lane.is_ready for lane in self._lanes)

    async def start(self) -> None:
        """Connect the lanes and let them run.

        Raises:
            DatabaseUnavailable: the database can't be reached.
        """
        try:
            for lane in self._lanes:
                await lane.start()
                task = asyncio.create_task(lane.run(), name="ledger lane")
                task.add_done_callback(self._lane_ended)
                self._tasks.append(task)
        except (OutcomeUnknown, GroupFailed) as failure:
            await self.stop()
            raise DatabaseUnavailable(f"the ledger can't start: {failure}") from None

    def _lane_ended(self, task: "asyncio.Task[None]") -> None:
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            self._observer.lane_died(defect)

    async def stop(self) -> None:
        """Refuse what comes from now on, answer what is under way, then end.

        A reversal may still have to change lanes, so no lane ends before everybody is answered.
        """
        self._stopping = True
        if self._under_way:
            answered = asyncio.create_task(self._all_answered.wait())
            await asyncio.wait([answered, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            answered.cancel()
        for lane in self._lanes:
            lane.stop()
        await asyncio.gather(*self._tasks)

    async def post(self, intent: Intent) -> Result:
        """The durable result of an intent; see `submit`."""
        return await result_of(self, intent)

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted; `told` is called once with its durable result.

        That is when the outcome is certain, and never before. With too many intents waiting already, or when
        the ledger is stopping, the intent is refused at once.
        """
        if self._stopping:
            told(refused(intent))
            return
        self._under_way += 1
        if self._totals is not None and intent.refusal is None:
            intent, told = self._counted(self._totals, intent, told)
        self._queue(intent, self._lane_of(intent), told)

    def _counted(
        self, totals: NodeTotals, intent: Intent, told: Callable[[Result], None]
    ) -> tuple[Intent, Callable[[Result], None]]:
        """The intent as the totals let it pass, and whom to tell so that they are right afterwards."""
        day = self._lanes[0].day
        refusal = totals.admit(intent, day)
        if refusal is not None:
            return replace(intent, refusal=refusal), told

        def tell(result: Result) -> None:
            if result.outcome is not Outcome.APPROVED or result.transaction_id != intent.transaction_id:
                totals.give_back(intent, day)
            told(result)

        return intent, tell

    def _queue(self, intent: Intent, lane: Lane, told: Callable[[Result], None]) -> None:
        if lane.depth >= self._queue_limit:
            self._tell(refused(intent), told)
            return
        lane.submit(intent, partial(self._settled, intent, told))

    def _settled(self, intent: Intent, told: Callable[[Result], None], result: Result | Moved) -> None:
        if isinstance(result, Moved):
            self._queue(intent, self._lanes[result.wallet_id % LANES], told)
        else:
            self._tell(result, told)

    def _tell(self, result: Result, told: Callable[[Result], None]) -> None:
        self._under_way -= 1
        if self._stopping and not self._under_way:
            self._all_answered.set()
        told(result)

    def _lane_of(self, intent: Intent) -> Lane:
        """The wallet's lane; without a wallet any lane serves, chosen by key."""
        if intent.wallet_id:
            return self._lanes[intent.wallet_id % LANES]
        return self._lanes[(intent.original_key or intent.key)[0] % LANES]


def writer_number(node: int, lane: int) -> int:
    """The number of a node's lane in `ledger.writer`."""
    return node * _WRITERS_PER_NODE + lane


async def enter(dsn: str, today: date) -> int:
    """Take a node number, and see to it that a business day is open and has its partitions.

    Args:
        dsn: where the database is, migrated.
        today: the first business date, if the ledger has none yet.

    Raises:
        DatabaseUnavailable: the database can't be reached.
    """
    connection = await connect(dsn)
    try:
        with database_errors():
            return await _enter(connection, today)
    finally:
        await connection.close()


async def _enter(connection: "asyncpg.Connection[asyncpg.Record]", today: date) -> int:
    async with connection.transaction():
        # Two nodes that start at once must not both open a first day or make the same partitions.
        await connection.execute("LOCK TABLE ledger.business_day IN EXCLUSIVE MODE")
        await connection.execute(statements.FIRST_DAY, today)
        open_date = await connection.fetchval(statements.OPEN_DAY)
        await prepare_days(connection, open_date)
        node = await connection.fetchval(statements.NODE_NUMBER)
    assert isinstance(node, int)
    return node
