"""A ledger with its store, as the contract's tests use it, and the two there are."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ledger.chart import AccountKind
from ledger.identity import TransactionKind, TransactionNumbers
from ledger.intent import Intent, PinVerdict
from ledger.postgres.dedup import Result
from ledger.postgres.expiry import Lapsed
from ledger.product import ProductRules
from ledger.wallet import Lot, WalletState
from tests.ledger.intents import NO_LIMITS, Till, fingerprint_of


class PostsIntents(Protocol):
    """A running ledger: what the switch has of it."""

    numbers: TransactionNumbers

    @property
    def is_ready(self) -> bool:
        """Whether it takes intents."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """Answer what is under way, and end."""
        ...

    async def post(self, intent: Intent) -> Result:
        """The durable result of an intent."""
        ...

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted; `told` is called once with its durable result."""
        ...


class Store(Protocol):
    """A running ledger, a till, and ways to look at what is stored."""

    ledger: PostsIntents
    till: Till

    async def open(
        self, *balances_minor: int, lots: Sequence[Lot] = (), rules: ProductRules = NO_LIMITS
    ) -> list[int]:
        """New wallets with these cash balances, and each with these lots; their ids follow each other."""
        ...

    async def restart(self) -> None:
        """Stop the ledger, and start another one on what is stored."""
        ...

    async def close_day(self) -> None:
        """Close the business day, and open the next."""
        ...

    async def expire(self) -> Lapsed:
        """Let lapse what was good until a day before this one."""
        ...

    async def state(self, wallet_id: int) -> WalletState:
        """A wallet as it is stored."""
        ...

    async def total(self, kind: AccountKind, account_id: int | None = None) -> int:
        """The sum of the entries of all accounts of a kind, or of one of them."""
        ...

    async def linked(self, transaction_id: int) -> int | None:
        """What a transaction in the journal refers to."""
        ...

    async def is_sound(self) -> bool:
        """Whether every row of the books is as it should be."""
        ...


async def cash(store: Store, wallet_id: int) -> int:
    """A wallet's cash, in minor units."""
    return (await store.state(wallet_id)).lots[0].balance_minor


async def post_all(store: Store, intents: Iterable[Intent]) -> list[Result]:
    """The results of intents that come all at once."""
    return await asyncio.gather(*map(store.ledger.post, intents))


def ask(
    till: Till,
    kind: TransactionKind,
    wallet_id: int | None,
    amount_minor: int,
    *,
    rules: ProductRules = NO_LIMITS,
    of: Intent | None = None,
    **more: Any,
) -> Intent:
    """A request of any kind under a STAN of its own; `of` is what it refers to."""
    intent = till._request(kind, wallet_id, amount_minor, None, PinVerdict.ABSENT, rules, None)
    if of is not None:
        intent.original_key, intent.original_id = of.key, of.transaction_id
    intent.fingerprint = fingerprint_of(intent.fingerprint, intent.original_key, sorted(more))
    return replace(intent, **more)
