"""The run that lets holds and lots lapse: each once, and never early.

What is good until the end of a day lapses when the next day is open. The journal says what that is: a
pre-authorisation's row has the last good day of its hold, a wallet's entries have that of their lots, and the
balances of sealed days have it too. For each the run asks the ledger for a movement whose key follows from
the hold or lot, so that it is done once, by whichever run; the ledger looks at the wallet as it then stands
and takes what is left. Nothing here decides about money.

The run may be stopped anywhere and begun again, on several nodes at once. What was seen to is known by its
key; once everything up to a day was, that day is written down (`expiry_run`) and the next run begins after
it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

import asyncpg

from ledger.chart import AccountKind
from ledger.identity import TransactionKind, TransactionNumbers, duplicate_key, system_key
from ledger.intent import Intent, Origin
from ledger.lifecycle import OriginalState
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.dedup import Found, Result, state_of
from ledger.postgres.session import probe, read_keys
from ledger.product import ACCOUNT_OF, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH
from storage.database import database_errors

_AT_ONCE: Final = 256
_NOWHERE: Final = Origin(0, "", "", "", "")
_IN_FORCE: Final = frozenset({OriginalState.POSTED, OriginalState.HELD})
_KIND_OF: Final = {account: kind for kind, account in ACCOUNT_OF.items()}


class PostsIntents(Protocol):
    """The ledger, as a run uses it."""

    numbers: TransactionNumbers

    async def post(self, intent: Intent) -> Result:
        """The durable result of an intent."""
        ...


class Lapsed(NamedTuple):
    """What a run did: holds and lots that lapsed, and those that the ledger refused for now."""

    holds: int
    lots: int
    refused: int


class Hold(NamedTuple):
    """A pre-authorisation in the journal: what names it, and its wallet."""

    transaction_id: int
    wallet_id: int
    asset: int
    issuer: int
    merchant_id: str
    terminal_id: str
    batch: str
    stan: str

    def expiry(self, number: int, now_us: int) -> Intent:
        """The end of the hold, as the transaction with this number."""
        kind = TransactionKind.HOLD_EXPIRY
        original_key = duplicate_key(*self[4:], TransactionKind.PREAUTH)
        return Intent(
            number, kind, system_key(kind, self.transaction_id), b"", now_us, self.asset, 0, _NOWHERE,
            self.wallet_id, ProductRules(self.asset, issuer=self.issuer), original_key=original_key,
            original_id=self.transaction_id,
        )  # fmt: skip


class NamedLot(NamedTuple):
    """A lot as the journal's entries name it."""

    account_kind: int
    wallet_id: int
    issuer: int
    asset: int
    purse: int
    expires: int

    def expiry(self, number: int, now_us: int) -> Intent:
        """The lapse of the lot, as the transaction with this number."""
        kind = TransactionKind.LOT_EXPIRY
        key = system_key(kind, self.wallet_id, self.purse, self.expires)
        return Intent(
            number, kind, key, b"", now_us, self.asset, 0, _NOWHERE, self.wallet_id, self._rules(),
            purse=self.purse, expires=self.expires,
        )  # fmt: skip

    def _rules(self) -> ProductRules:
        """As much of a product as one lot tells: the purse that it is in."""
        kind = _KIND_OF[AccountKind(self.account_kind)]
        purse = PurseRule(self.purse, kind, self.asset)
        if kind is PurseKind.POINTS:
            return ProductRules(issuer=self.issuer, purses=(purse, PurseRule(CASH, PurseKind.CASH)))
        cash = PurseRule(CASH, PurseKind.CASH, self.asset)
        return ProductRules(self.asset, issuer=self.issuer, purses=(purse, cash))


async def expire(
    connection: "asyncpg.Connection[asyncpg.Record]", ledger: PostsIntents, now_us: int
) -> Lapsed:
    """Let lapse what was good until a day before the open one.

    Args:
        connection: outside a transaction.
        ledger: a running ledger on the same database.
        now_us: microseconds since the epoch.

    Raises:
        DatabaseUnavailable: the database refuses or went away; the run may be begun again.
    """
    with database_errors():
        today = await connection.fetchval(statements.OPEN_DAY)
        if today is None:
            return Lapsed(0, 0, 0)
        run = _Run(connection, ledger, today.toordinal(), now_us)
        holds, refused_holds = await run.see_to(TransactionKind.HOLD_EXPIRY, statements.LAPSED_HOLDS, Hold)
        lots, refused_lots = await run.see_to(TransactionKind.LOT_EXPIRY, statements.LAPSED_LOTS, NamedLot)
    return Lapsed(holds, lots, refused_holds + refused_lots)


class _Run:
    """One run, on one business date."""

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        ledger: PostsIntents,
        today: int,
        now_us: int,
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._today = today
        self._now_us = now_us

    async def see_to(
        self, kind: TransactionKind, query: str, of_row: Callable[..., Hold | NamedLot]
    ) -> tuple[int, int]:
        """See to everything of a kind; how many lapsed, and how many couldn't now."""
        connection, lapsed, refused = self._connection, 0, 0
        through = await connection.fetchval(statements.EXPIRED_THROUGH, kind) or 0
        async with connection.transaction():
            cursor = await connection.cursor(query, through, self._today)
            while rows := await cursor.fetch(_AT_ONCE):
                results = await self._post_due([of_row(*row) for row in rows])
                approved = sum(result.outcome is Outcome.APPROVED for result in results)
                lapsed, refused = lapsed + approved, refused + len(results) - approved
        if not refused:
            await connection.execute(statements.NOTE_EXPIRED, kind, self._today - 1)
        return lapsed, refused

    async def _post_due(self, named: Sequence[Hold | NamedLot]) -> list[Result]:
        """Post what no run has posted before, but for holds that hold nothing any more."""
        ledger = self._ledger
        intents = [each.expiry(ledger.numbers.next(), self._now_us) for each in named]
        found = await read_keys(partial(probe, self._connection), intents)
        return await asyncio.gather(*(ledger.post(each) for each in intents if is_due(each, found)))


def is_due(intent: Intent, found: Mapping[bytes, Found]) -> bool:
    """Whether something still has to lapse, by the keys that are taken."""
    if intent.key in found:
        return False
    return intent.original_key is None or state_of(intent.original_key, found) in _IN_FORCE
