"""Movements between two wallets, of whatever lanes: both change, or neither does."""

import asyncio

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH
from tests.ledger.intents import NO_LIMITS

from .stores import Store, ask, cash, post_all

FLOAT = ProductRules(purses=(PurseRule(CASH, PurseKind.FLOAT),))


def transfer(store: Store, source: int, target: int, amount_minor: int) -> Intent:
    """Money from card to card."""
    return ask(
        store.till, TransactionKind.TRANSFER, source, amount_minor, other_wallet_id=target,
        other_rules=NO_LIMITS,
    )  # fmt: skip


def top_up(store: Store, wallet: int, agent: int, amount_minor: int) -> Intent:
    """Cash that an agent took, from the agent's float."""
    return ask(
        store.till, TransactionKind.TOP_UP, wallet, amount_minor, other_wallet_id=agent, other_rules=FLOAT
    )  # fmt: skip


async def test_transfer_of_either_lane(store: Store) -> None:
    """A transfer takes from one and gives to the other, whether they share a lane or not."""
    wallets = await store.open(1000, 1000, 1000)

    results = [
        await store.ledger.post(transfer(store, wallets[0], wallets[1], 300)),
        await store.ledger.post(transfer(store, wallets[0], wallets[2], 300)),
        await store.ledger.post(transfer(store, wallets[1], wallets[0], 1301)),
    ]

    assert [result.outcome for result in results] == [
        Outcome.APPROVED, Outcome.APPROVED, Outcome.INSUFFICIENT_FUNDS,
    ]  # fmt: skip
    assert [await cash(store, wallet) for wallet in wallets] == [400, 1300, 1300]


async def test_money_goes_round(store: Store) -> None:
    """Transfers in all directions at once, beside purchases: no cent is lost or made."""
    wallets = await store.open(*[1000] * 6)
    rounds = [
        [transfer(store, wallets[i], wallets[(i + step) % 6], 100) for i in range(6)]
        + [store.till.purchase(wallets[i], 10) for i in range(6)]
        for step in (1, 2, 3, 5)
    ]

    results = await asyncio.gather(*(post_all(store, intents) for intents in rounds))

    assert {result.outcome for each in results for result in each} == {Outcome.APPROVED}
    assert [await cash(store, wallet) for wallet in wallets] == [960] * 6
    assert await store.total(AccountKind.MERCHANT_PAYABLE) == 240


async def test_transfer_is_reversed(store: Store) -> None:
    """A reversal finds both wallets by the transfer alone, from any lane."""
    source, target = await store.open(1000, 0)
    sent = transfer(store, source, target, 400)
    await store.ledger.post(sent)
    reversal = ask(store.till, TransactionKind.TRANSFER_REVERSAL, None, 400, of=sent)
    reversal.original_id = None

    results = await post_all(store, [reversal, store.till.again(reversal)])

    assert {result.outcome for result in results} == {Outcome.APPROVED}
    assert (await cash(store, source), await cash(store, target)) == (1000, 0)


async def test_top_ups_never_exceed_the_float(store: Store) -> None:
    """Cards of both lanes are topped up at once from one float, as far as it goes."""
    agent, *cards = await store.open(500, *[0] * 8, rules=FLOAT)

    results = await post_all(store, [top_up(store, card, agent, 100) for card in cards])

    outcomes = [result.outcome for result in results]
    assert outcomes.count(Outcome.APPROVED) == 5
    assert sum([await cash(store, card) for card in cards]) == 500
    assert await cash(store, agent) == 0


async def test_unknown_target(store: Store) -> None:
    """Money for a wallet that isn't there stays where it is."""
    (source,) = await store.open(1000)

    result = await store.ledger.post(transfer(store, source, 999_999_999, 400))

    assert result.outcome is Outcome.WALLET_QUARANTINED
    assert await cash(store, source) == 1000
