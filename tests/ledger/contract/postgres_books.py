"""The tables of movements on PostgreSQL: what `Play` needs of a ledger, over a node in a loop of its own."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import date
from typing import Any, TypeVar

from ledger.chart import AccountKind
from ledger.intent import Intent
from ledger.postgres import inquiry, statements
from ledger.postgres.dedup import Result
from ledger.postgres.opening import Opening, WalletOpener
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.sealer import Sealer
from ledger.wallet import WalletState
from tests.ledger.intents import FIRST_US
from tests.ledger.movements.products import BONUS, POINTS, POINTS_ASSET, SPECIAL
from tests.ledger.postgres.nodes import Node, session

Value = TypeVar("Value")

EVERY_PURSE = ProductRules(
    purses=(
        PurseRule(SPECIAL, PurseKind.SPECIAL),
        PurseRule(BONUS, PurseKind.BONUS),
        PurseRule(1, PurseKind.CASH),
        PurseRule(POINTS, PurseKind.POINTS, POINTS_ASSET),
    )
)
"""All purses that the tables' wallets are opened with."""


class PostgresBooks:
    """A node on a database of its own.

    Args:
        dsn: of the database.
        sealer: seals and opens wallets.
        runner: the loop that the node lives in.
    """

    def __init__(self, dsn: str, sealer: Sealer, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._node = self._run(Node.started(dsn, sealer))
        self._opener = WalletOpener(self._node.number, self._node.ledger.numbers, sealer)
        self._day = 0

    def _run(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self._runner.run(work)

    def open_wallet(self, wallet_id: int, state: WalletState) -> None:
        """A new wallet."""
        self._run(self._open(Opening(wallet_id, state.lots[0].balance_minor, state.lots[1:])))

    async def _open(self, opening: Opening) -> None:
        async with session(self._node.dsn) as connection, connection.transaction():
            await self._opener.open_wallets(connection, [opening], FIRST_US, EVERY_PURSE)

    def state_of(self, wallet_id: int) -> WalletState:
        """A wallet as it is stored."""
        return self._run(self._state(wallet_id))

    async def _state(self, wallet_id: int) -> WalletState:
        async with session(self._node.dsn) as connection:
            return (await inquiry.states(connection, self._node.sealer, [wallet_id]))[wallet_id]

    def commit(self, intents: Sequence[Intent], day: int) -> list[Result]:
        """Post intents on a business date."""
        if day != self._day:
            self._run(self._open_day(date.fromordinal(day)))
            self._day = day
        return self._run(self._node.post_all(intents))

    async def _open_day(self, day: date) -> None:
        """Close the open day and open this one, whichever it is."""
        async with session(self._node.dsn) as connection, connection.transaction():
            await connection.execute(statements.CLOSE_DAY, await connection.fetchval(statements.OPEN_DAY))
            await connection.execute(statements.OPEN_NEXT_DAY, day)
            await connection.execute(statements.MAKE_PARTITIONS, day)
            await connection.execute(statements.MOVE_WRITERS, day)

    def balance_of(self, kind: AccountKind, account_id: int | None = None, asset: int | None = None) -> int:
        """The sum of the entries of all accounts of a kind, or of one of them."""
        return self._run(self._balance(kind, account_id, asset))

    async def _balance(self, kind: AccountKind, account_id: int | None, asset: int | None) -> int:
        async with session(self._node.dsn) as connection:
            total = await connection.fetchval(
                "SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger.entry WHERE account_kind = $1 "
                "AND ($2::bigint IS NULL OR account_id = $2) AND ($3::smallint IS NULL OR asset = $3)",
                kind,
                account_id,
                asset,
            )
        assert isinstance(total, int)
        return total

    def offences(self) -> list[tuple[str, str]]:
        """What `verify` finds."""
        return self._run(self._node.offences())

    def stop(self) -> None:
        """Stop the node."""
        self._run(self._node.ledger.stop())
