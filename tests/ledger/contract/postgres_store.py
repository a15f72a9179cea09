"""The ledger on PostgreSQL, as the contract's tests use it: a node on a database of its own."""

from collections.abc import Sequence

from ledger.chart import AccountKind
from ledger.postgres import inquiry
from ledger.postgres.days import close_day
from ledger.postgres.expiry import Lapsed, expire
from ledger.postgres.opening import Opening
from ledger.product import ProductRules
from ledger.wallet import Lot, WalletState
from tests.ledger.intents import FIRST_US, NO_LIMITS
from tests.ledger.postgres.nodes import Node, session


class PostgresStore:
    """The contract's store on PostgreSQL."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.ledger, self.till = node.ledger, node.till

    async def open(
        self, *balances_minor: int, lots: Sequence[Lot] = (), rules: ProductRules = NO_LIMITS
    ) -> list[int]:
        """New wallets."""
        return await self._node.open_lots(
            [Opening(0, balance_minor, tuple(lots)) for balance_minor in balances_minor], rules
        )

    async def restart(self) -> None:
        """Another node on the same database."""
        await self.ledger.stop()
        self._node = await Node.started(self._node.dsn, self._node.sealer)
        self.ledger = self._node.ledger

    async def close_day(self) -> None:
        """Close the business day."""
        async with session(self._node.dsn) as connection:
            await close_day(connection)

    async def expire(self) -> Lapsed:
        """The run."""
        async with session(self._node.dsn) as connection:
            return await expire(connection, self.ledger, FIRST_US)

    async def state(self, wallet_id: int) -> WalletState:
        """A wallet's row, opened."""
        async with session(self._node.dsn) as connection:
            return (await inquiry.states(connection, self._node.sealer, [wallet_id]))[wallet_id]

    async def total(self, kind: AccountKind, account_id: int | None = None) -> int:
        """The sum of entries."""
        async with session(self._node.dsn) as connection:
            total = await connection.fetchval(
                "SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger.entry "
                "WHERE account_kind = $1 AND ($2::bigint IS NULL OR account_id = $2)",
                kind,
                account_id,
            )
        assert isinstance(total, int)
        return total

    async def linked(self, transaction_id: int) -> int | None:
        """What a transaction in the journal refers to."""
        async with session(self._node.dsn) as connection:
            (record,) = await inquiry.find_by_number(connection, [transaction_id])
        return record.row.original_id

    async def is_sound(self) -> bool:
        """What `verify` says."""
        return not await self._node.offences()
