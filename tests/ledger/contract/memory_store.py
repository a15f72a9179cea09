"""The ledger in memory, with the interface of the one on PostgreSQL.

It works with the same groups: what is submitted before the loop comes round again is one commit group of one
lane. The tables are those of `MemoryLedger`, which refuses what PostgreSQL would refuse.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from ledger.chart import AccountKind, is_balanced
from ledger.identity import TransactionNumbers
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres.chain import EntryRow
from ledger.postgres.dedup import Result
from ledger.postgres.expiry import Hold, Lapsed, NamedLot, is_due
from ledger.postgres.group import Moved, refused
from ledger.product import ProductRules
from ledger.wallet import Lot, WalletState, with_cash
from tests.ledger.intents import FIRST_US, NO_LIMITS, Till
from tests.ledger.memory_ledger import MemoryLedger

from .stores import post_all

FIRST_DAY = 739_621


class LedgerInMemory:
    """A running ledger over tables in memory.

    Args:
        tables: where everything is stored.
        node: this start's number.
        day: the open business date, told each time.
    """

    def __init__(self, tables: MemoryLedger, node: int, day: Callable[[], int]) -> None:
        self.numbers = TransactionNumbers(node)
        self._tables = tables
        self._day = day
        self._waiting: list[tuple[Intent, Callable[[Result], None]]] = []
        self._stopping = False

    @property
    def is_ready(self) -> bool:
        """Whether it takes intents."""
        return not self._stopping

    async def start(self) -> None:
        """Nothing has to be connected."""

    async def stop(self) -> None:
        """Refuse what comes from now on, and answer what is under way."""
        self._stopping = True
        self._commit()

    async def post(self, intent: Intent) -> Result:
        """The result of an intent."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.submit(intent, result.set_result)
        return await result

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted with all that come until the loop comes round."""
        if self._stopping:
            told(refused(intent))
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)
        self._waiting.append((intent, told))

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        results = self._tables.commit([intent for intent, _ in waiting], self._day())
        for (_, told), result in zip(waiting, results, strict=True):
            assert not isinstance(result, Moved)
            told(result)


class MemoryStore:
    """The contract's store in memory."""

    def __init__(self) -> None:
        self.tables = MemoryLedger()
        self.day = FIRST_DAY
        self._nodes = 0
        self._start()

    def _start(self) -> None:
        self._nodes += 1
        self.ledger = LedgerInMemory(self.tables, self._nodes, lambda: self.day)
        self.till = Till(iter(self.ledger.numbers.next, None), f"T{self._nodes:07d}")

    async def open(
        self, *balances_minor: int, lots: Sequence[Lot] = (), rules: ProductRules = NO_LIMITS
    ) -> list[int]:
        """New wallets."""
        return [self._open(balance, tuple(lots), rules) for balance in balances_minor]

    def _open(self, balance_minor: int, lots: tuple[Lot, ...], rules: ProductRules) -> int:
        wallet_id = len(self.tables.wallets) + 1
        state = with_cash(balance_minor)
        self.tables.wallets[wallet_id] = (1, state._replace(lots=state.lots + lots))
        for lot in filter(lambda lot: lot.balance_minor, state.lots + lots):
            rule = rules.purse_rule(lot.purse)
            assert rule is not None
            self.tables.entries += (
                EntryRow(0, 0, rule.account, wallet_id, rule.asset, lot.balance_minor, *lot[:2], 1),
                EntryRow(0, 1, AccountKind.PROGRAMME_FUNDING, 0, rule.asset, -lot.balance_minor, 0, 0, None),
            )
        return wallet_id

    async def restart(self) -> None:
        """Another node on the same tables."""
        await self.ledger.stop()
        till = self.till
        self._start()
        self.till = till

    async def close_day(self) -> None:
        """Open the next business day."""
        self.day += 1

    async def expire(self) -> Lapsed:
        """Let lapse what the journal's rows say, as the run does."""
        holds = [
            Hold(row.id, row.wallet_id or 0, row.asset, row.issuer, *row[13:17])
            for row in self.tables.transactions.values()
            if 0 < row.hold_until < self.day and row.outcome is Outcome.APPROVED
        ]
        counts = [await self._lapse(holds)]
        left: Counter[tuple[int, ...]] = Counter()
        for entry in self.tables.entries:
            if 0 < entry.expires < self.day and entry.account_kind < AccountKind.HELD_WALLET:
                left[entry.account_kind, entry.account_id, 0, entry.asset, *entry[6:8]] += entry.amount_minor
        counts.append(await self._lapse([NamedLot(*lot) for lot, amount in left.items() if amount > 0]))
        return Lapsed(*counts, 0)

    async def _lapse(self, named: Sequence[Hold | NamedLot]) -> int:
        intents = [each.expiry(self.ledger.numbers.next(), FIRST_US) for each in named]
        results = await post_all(self, [each for each in intents if is_due(each, self.tables.found)])
        return sum(result.outcome is Outcome.APPROVED for result in results)

    async def state(self, wallet_id: int) -> WalletState:
        """A wallet as it is stored."""
        return self.tables.wallets[wallet_id][1]

    async def total(self, kind: AccountKind, account_id: int | None = None) -> int:
        """The sum of entries."""
        return self.tables.balance_of(kind, account_id)

    async def linked(self, transaction_id: int) -> int | None:
        """What a transaction in the journal refers to."""
        return self.tables.transactions[transaction_id].original_id

    async def is_sound(self) -> bool:
        """The tables refuse anything else; what is left is that they balance."""
        return all(is_balanced(self.tables.legs(number)) for number in self.tables.transactions)
