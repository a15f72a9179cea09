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
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import asyncpg

from ledger.chart import AccountKind
from ledger.identity import TransactionKind, TransactionNumbers, duplicate_key, system_key
from ledger.intent import Intent, Origin
from ledger.outcome import NOT_FINAL, Outcome
from ledger.postgres import statements
from ledger.postgres.columns import byte_strings
from ledger.postgres.dedup import Result
from ledger.product import ACCOUNT_OF, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH
from storage.database import database_errors

_AT_ONCE: Final = 256
_NOWHERE: Final = Origin(0, "", "", "", "")
_KIND_OF: Final = {account: kind for kind, account in ACCOUNT_OF.items()}
_RUN_OF: Final = {
    TransactionKind.HOLD_EXPIRY: statements.LAPSED_HOLDS,
    TransactionKind.LOT_EXPIRY: statements.LAPSED_LOTS,
}


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
        holds, refused_holds = await run.of(TransactionKind.HOLD_EXPIRY, run.hold_intent)
        lots, refused_lots = await run.of(TransactionKind.LOT_EXPIRY, run.lot_intent)
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

    async def of(
        self, kind: TransactionKind, intent_of: Callable[[asyncpg.Record], Intent]
    ) -> tuple[int, int]:
        """See to everything of a kind; how many lapsed, and how many couldn't now."""
        connection, lapsed, refused = self._connection, 0, 0
        done = await connection.fetchval(statements.EXPIRED_THROUGH, kind) or 0
        async with connection.transaction():
            cursor = await connection.cursor(_RUN_OF[kind], done, self._today)
            while rows := await cursor.fetch(_AT_ONCE):
                results = await self._post_missing([intent_of(row) for row in rows])
                lapsed += sum(result.outcome is Outcome.APPROVED for result in results)
                refused += sum(result.outcome in NOT_FINAL for result in results)
        if not refused:
            await connection.execute(statements.NOTE_EXPIRED, kind, self._today - 1)
        return lapsed, refused

    async def _post_missing(self, intents: Sequence[Intent]) -> list[Result]:
        """Post those that no run has posted before."""
        keys = byte_strings([intent.key for intent in intents])
        known = {row[0] for row in await self._connection.fetch(statements.PROBE, keys)}
        return await asyncio.gather(
            *(self._ledger.post(intent) for intent in intents if intent.key not in known)
        )

    def hold_intent(self, row: asyncpg.Record) -> Intent:
        """The end of a hold, from the pre-authorisation's row in the journal."""
        number, wallet_id, asset, issuer, *names = row
        return Intent(
            self._ledger.numbers.next(), TransactionKind.HOLD_EXPIRY,
            system_key(TransactionKind.HOLD_EXPIRY, number), b"", self._now_us, asset, 0, _NOWHERE, wallet_id,
            ProductRules(asset, issuer=issuer), original_id=number,
            original_key=duplicate_key(*names, TransactionKind.PREAUTH),
        )  # fmt: skip

    def lot_intent(self, row: asyncpg.Record) -> Intent:
        """The lapse of a lot, from its entries in the journal."""
        account_kind, wallet_id, issuer, asset, purse, expires = row
        return Intent(
            self._ledger.numbers.next(), TransactionKind.LOT_EXPIRY,
            system_key(TransactionKind.LOT_EXPIRY, wallet_id, purse, expires), b"", self._now_us, asset, 0,
            _NOWHERE, wallet_id, _rules(AccountKind(account_kind), issuer, asset, purse), purse=purse,
            expires=expires,
        )  # fmt: skip


def _rules(account: AccountKind, issuer: int, asset: int, purse: int) -> ProductRules:
    """As much of a product as one lot tells: the purse that it is in."""
    kind = _KIND_OF[account]
    lot_purse = PurseRule(purse, kind, asset)
    if kind is PurseKind.POINTS:
        return ProductRules(issuer=issuer, purses=(PurseRule(CASH, PurseKind.CASH), lot_purse))
    return ProductRules(asset, issuer=issuer, purses=(lot_purse, PurseRule(CASH, PurseKind.CASH, asset)))
