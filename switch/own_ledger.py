"""A command's own ledger: it posts beside running nodes, as one more of them.

What the back office changes about a card and the wallet must follow (its PIN tries start anew with a new PIN)
is posted after the directory's transaction has committed. A command that dies between the two leaves a card
with its new PIN and the old count of tries; giving it a PIN once more mends that.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from directory.refusals import Refused, message
from ledger.identity import TransactionKind, system_key
from ledger.intent import Intent, Origin
from ledger.outcome import Outcome
from ledger.postgres.committer import Ledger, enter
from ledger.postgres.observer import LedgerObserver
from ledger.product import ProductRules
from switch.bootstrap import Workbench

_CACHED_WALLETS = 1_000


class TriesNotCleared(Refused):
    """The card has its new PIN, and its wallet still counts the tries of the old one."""

    text = message("the card has its new PIN, but the tries of the old one still count: reset its PIN again")


@asynccontextmanager
async def own_ledger(bench: Workbench) -> AsyncIterator[Ledger]:
    """A running ledger, for the time of a command."""
    node = await enter(bench.dsn, bench.clock.today().date())
    ledger = Ledger(bench.dsn, bench.sealer, node, LedgerObserver(), cached_wallets=_CACHED_WALLETS)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()


async def clear_tries(bench: Workbench, wallet_id: int, issuer: int, operator: str) -> None:
    """Let the PIN tries of a wallet start anew, since its card has a new PIN.

    Raises:
        TriesNotCleared: the ledger refused.
    """
    async with own_ledger(bench) as ledger:
        kind, now_us = TransactionKind.CARD_REPLACEMENT, bench.clock.now_us()
        key, rules = system_key(kind, wallet_id, now_us), ProductRules(issuer=issuer)
        number, nowhere = ledger.numbers.next(), Origin(0, "", "", "", "")
        intent = Intent(number, kind, key, key, now_us, rules.asset, 0, nowhere, wallet_id, rules)
        intent.proposer = operator
        result = await ledger.post(intent)
    if result.outcome is not Outcome.APPROVED:
        raise TriesNotCleared
