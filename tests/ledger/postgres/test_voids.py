"""Voids on PostgreSQL, and between two nodes: whatever races, a purchase stands or is taken back, never both.

What each order of events does to money is in the tables of `test_void_money`; here keys, lanes and database
hold the order.
"""

import asyncio
from collections import Counter
from itertools import chain
from typing import NamedTuple

from ledger.chart import AccountKind, Leg
from ledger.identity import CHANGES_MAX
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from ledger.postgres.dedup import Result
from ledger.wallet import CASH
from tests.ledger.intents import MERCHANT_ACCOUNT

from .nodes import Connection, Node, Pair, StartNode

WAVES, PURCHASES = 10, 12
APPROVED, WRONG = Outcome.APPROVED, Outcome.RELATED_TRANSACTION_WRONG


async def bought(node: Node, count: int = PURCHASES) -> tuple[list[int], list[Intent]]:
    """Wallets with 1000 each, and a purchase of 400 from each."""
    wallets = await node.open(*[1000] * count)
    purchases = [node.till.purchase(wallet, 400) for wallet in wallets]
    assert {APPROVED} == {result.outcome for result in await node.post_all(purchases)}
    return wallets, purchases


class Voided(NamedTuple):
    """Wallets, a purchase of each, and its void: both posted, so that the wallets are full again."""

    wallets: list[int]
    purchases: list[Intent]
    voids: list[Intent]


async def voided(node: Node) -> Voided:
    """Wallets with 1000 each, a purchase of 400 from each, and a void of each of these."""
    wallets, purchases = await bought(node)
    voids = [node.till.void(purchase) for purchase in purchases]
    assert {APPROVED} == {result.outcome for result in await node.post_all(voids)}
    return Voided(wallets, purchases, voids)


async def race(pair: Pair, *intents: list[Intent]) -> list[list[Outcome]]:
    """The outcomes of lists of intents, the first at one node, the next at the other, and so on, at once."""
    results: list[list[Result]] = await asyncio.gather(
        *(pair[i % 2].post_all(each) for i, each in enumerate(intents))
    )
    return [[result.outcome for result in each] for each in results]


async def test_void_and_restoration_over_nodes(pair: Pair, connection: Connection) -> None:
    """Void, spend, restore and void again, each at the other node: legs, debt and records are right."""
    one, two = pair
    (wallet,) = await one.open(1000)
    till = one.till
    purchase, other = till.purchase(wallet, 400), till.purchase(wallet, 900)
    void, void_again = till.void(purchase), till.void(purchase)
    restored = till.void_reversal(void)

    outcomes = [
        await node.post(intent)
        for node, intent in zip((one, two) * 3, (purchase, void, other, restored), strict=False)
    ]

    assert outcomes == [APPROVED] * 4
    assert await one.balances([wallet]) == [0]
    assert two.watcher.shortfalls == [(wallet, 300)]
    assert one.watcher.shortfalls == []
    records = {record.row.id: record for record in await inquiry.find_by_wallet(connection, wallet)}
    assert records[restored.transaction_id].legs == (
        Leg(AccountKind.WALLET_CASH, wallet, 156, -100, CASH),
        Leg(AccountKind.CARDHOLDER_RECEIVABLE, wallet, 156, -300),
        Leg(AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT, 156, 400),
    )
    assert records[purchase.transaction_id].voided_by is None
    assert records[void.transaction_id].reversed_by == restored.transaction_id
    assert ("CARDHOLDER_RECEIVABLE", wallet, "CNY", -300, 1) in [
        (total.kind, total.account_id, total.asset, total.balance_minor, total.entries)
        for total in await inquiry.account_totals(connection)
    ]

    assert await one.post(void_again) is APPROVED
    assert await one.balances([wallet]) == [100]
    records = {record.row.id: record for record in await inquiry.find_by_wallet(connection, wallet)}
    assert records[purchase.transaction_id].voided_by == void_again.transaction_id
    assert records[purchase.transaction_id].reversed_by is None


async def test_another_node_knows_how_a_purchase_stands(start_node: StartNode) -> None:
    """A node started later reads everything from the keys, and answers repeats, voids and reversals alike."""
    first = await start_node()
    _, (kept, voided, restored, upheld) = await bought(first, 4)
    till = first.till
    voids = [till.void(purchase) for purchase in (voided, restored, upheld)]
    await first.post_all(voids)
    reversal = till.void_reversal(voids[1])
    await first.post_all([reversal, till.reversal(upheld.origin.stan, 400)])

    node = await start_node()

    repeats = await node.post_all(map(till.again, (kept, voided, restored, upheld)))
    assert [result.outcome for result in repeats] == [APPROVED, WRONG, APPROVED, WRONG]
    assert [repeats[i].transaction_id for i in (0, 2)] == [kept.transaction_id, restored.transaction_id]
    repeats = await node.post_all(map(till.again, [*voids, reversal]))
    assert [result.outcome for result in repeats] == [APPROVED, WRONG, APPROVED, APPROVED]
    again = await node.post_all([till.void(purchase) for purchase in (kept, voided, restored, upheld)])
    assert [result.outcome for result in again] == [APPROVED, WRONG, APPROVED, WRONG]
    assert await node.offences() == []


async def test_voids_of_one_purchase(pair: Pair) -> None:
    """Voids under different keys, at both nodes at once: one is approved, and the money comes back once."""
    for _ in range(WAVES):
        wallets, purchases = await bought(pair[0])
        voids = [[pair[0].till.void(purchase) for purchase in purchases] for _ in range(4)]

        outcomes = await race(pair, *voids)

        for of_one in zip(*outcomes, strict=True):
            assert sorted(of_one) == [APPROVED, WRONG, WRONG, WRONG]
        assert await pair[0].balances(wallets) == [1000] * PURCHASES


async def test_reversals_of_one_void(pair: Pair) -> None:
    """Reversals of a void under different keys are all approved, and put the purchase in force once."""
    for _ in range(WAVES):
        till, (wallets, _, voids) = pair[0].till, await voided(pair[0])
        reversals = [
            [till.void_reversal(void, stan=f"{n}{void.origin.stan}") for void in voids] for n in "ab"
        ]

        outcomes = await race(pair, *reversals)

        assert {APPROVED} == set(chain(*outcomes))
        assert await pair[0].balances(wallets) == [600] * PURCHASES


async def test_void_reversal_against_reversal_of_the_purchase(pair: Pair) -> None:
    """Both are approved, whoever comes first, and the purchase that was said to be reversed never stands."""
    for wave in range(WAVES):
        till, (wallets, purchases, voids) = pair[0].till, await voided(pair[0])
        restoring = [till.void_reversal(void) for void in voids]
        reversing = [till.reversal(purchase.origin.stan, 400) for purchase in purchases]

        outcomes = await race(pair if wave % 2 else pair[::-1], restoring, reversing)

        assert {APPROVED} == set(chain(*outcomes))
        assert await pair[0].balances(wallets) == [1000] * PURCHASES


async def test_void_reversal_against_the_next_void(pair: Pair) -> None:
    """The next void is approved if it comes after the reversal of the first, and then it holds."""
    for wave in range(WAVES):
        till, (wallets, purchases, voids) = pair[0].till, await voided(pair[0])
        restoring = [till.void_reversal(void) for void in voids]
        next_voids = [till.void(purchase) for purchase in purchases]

        restored, voided_next = await race(pair if wave % 2 else pair[::-1], restoring, next_voids)

        assert {APPROVED} == set(restored)
        expected = [{APPROVED: 1000, WRONG: 600}[outcome] for outcome in voided_next]
        assert expected == await pair[0].balances(wallets)


async def test_void_against_its_own_reversal(pair: Pair) -> None:
    """A void whose reversal was answered never holds, whichever of them comes first."""
    seen: Counter[tuple[Outcome, Outcome]] = Counter()
    for wave in range(WAVES):
        wallets, purchases = await bought(pair[0])
        till = pair[0].till
        voids = [till.void(purchase) for purchase in purchases]
        reversals = [till.void_reversal(void) for void in voids]

        outcomes = await race(pair if wave % 2 else pair[::-1], voids, reversals)

        assert await pair[0].balances(wallets) == [600] * PURCHASES
        seen.update(zip(*outcomes, strict=True))
    assert set(seen) <= {(APPROVED, APPROVED), (WRONG, Outcome.ORIGINAL_NOT_FOUND)}


async def test_longest_life(node: Node) -> None:
    """A purchase voided and restored as often as may be is answered rightly at each point and at the end."""
    wallets, (purchase,) = await bought(node, 1)
    till = node.till
    for _ in range(CHANGES_MAX // 2 - 1):
        void = till.void(purchase)
        assert await node.post(void) is APPROVED
        assert await node.post(till.again(purchase)) is WRONG
        assert await node.post(till.void_reversal(void)) is APPROVED
        assert await node.post(till.again(purchase)) is APPROVED

    assert await node.post(till.void(purchase)) is WRONG
    assert await node.balances(wallets) == [600]
    assert await node.post(till.reversal(purchase.origin.stan, 400)) is APPROVED
    assert await node.post(till.again(purchase)) is WRONG
    assert await node.balances(wallets) == [1000]
    assert await node.offences() == []
