"""Movements between wallets of two lanes, and of two nodes: under row locks, never from the cache."""

import asyncio

import pytest

from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from tests.ledger.contract.stores import ask
from tests.ledger.intents import NO_LIMITS

from .nodes import Connection, Node, Pair, blocked_backends, locked


def transfer(node: Node, source: int, target: int, amount_minor: int) -> Intent:
    """Money from card to card."""
    return ask(
        node.till, TransactionKind.TRANSFER, source, amount_minor, other_wallet_id=target,
        other_rules=NO_LIMITS,
    )  # fmt: skip


def reversal(node: Node, sent: Intent) -> Intent:
    """The reversal of a transfer, without a card."""
    intent = ask(node.till, TransactionKind.TRANSFER_REVERSAL, None, sent.amount_minor, of=sent)
    intent.original_id = None
    return intent


async def test_foreign_wallet_is_never_remembered(node: Node) -> None:
    """A lane remembers its own wallets only; what it did to another lane's is seen there."""
    even, odd = await node.open(1000, 1000)
    await node.post(node.till.purchase(odd, 1))

    assert await node.post(transfer(node, even, odd, 300)) is Outcome.APPROVED

    lane = node.ledger._lanes[even % 2]
    assert (lane._cache.get(even) is None, lane._cache.get(odd)) == (False, None)
    assert await node.post(node.till.purchase(odd, 1299)) is Outcome.APPROVED
    assert await node.balances([even, odd]) == [700, 0]


async def test_transfer_within_a_lane_takes_no_locks(node: Node) -> None:
    """Two wallets of one lane are an ordinary group."""
    first, _, third = await node.open(1000, 0, 1000)

    assert await node.post(transfer(node, first, third, 300)) is Outcome.APPROVED
    assert node.ledger._lanes[first % 2]._cache.get(third) is not None


async def test_transfer_waits_for_the_other_wallet(node: Node) -> None:
    """Whoever holds the other lane's wallet is waited for, and what he did is seen."""
    even, odd = await node.open(1000, 0)
    async with locked(node.dsn, odd) as holder:
        sending = asyncio.create_task(node.post(transfer(node, even, odd, 300)))
        await blocked_backends(holder)
        assert not sending.done()

    assert await sending is Outcome.APPROVED
    assert node.watcher.results() == ["committed"]


async def test_reversal_finds_the_other_lane(node: Node, connection: Connection) -> None:
    """The reversal of a transfer knows the second wallet only from its original."""
    even, odd = await node.open(1000, 0)
    sent = transfer(node, even, odd, 300)
    await node.post(sent)

    assert await node.post(reversal(node, sent)) is Outcome.APPROVED

    assert await node.balances([even, odd]) == [1000, 0]
    (record,) = await inquiry.find_by_number(connection, [sent.transaction_id])
    assert (record.row.wallet_id, record.row.other_wallet_id) == (even, odd)
    assert record.reversed_by is not None
    seen = [found.row.id for found in await inquiry.find_by_wallet(connection, odd)]
    assert seen == [sent.transaction_id, record.reversed_by]
    assert await node.offences() == []


@pytest.mark.parametrize("wave", range(3))
async def test_transfers_that_cross(pair: Pair, wave: int) -> None:
    """Transfers in both directions on two nodes at once: no deadlock, no money lost, none made."""
    one, two = pair
    wallets = await one.open(*[10_000] * 8)

    def crossing(node: Node, step: int) -> list[Intent]:
        return [
            each
            for i in range(8)
            for each in (
                transfer(node, wallets[i], wallets[(i + step) % 8], 100),
                node.till.purchase(wallets[i], 10),
            )
        ]

    results = await asyncio.gather(
        *(node.post_all(crossing(node, step)) for node in pair for step in (1, 3, 7, 5))
    )

    assert {result.outcome for each in results for result in each} == {Outcome.APPROVED}
    assert await one.balances(wallets) == [10_000 - 80] * 8
    assert await two.offences() == []
