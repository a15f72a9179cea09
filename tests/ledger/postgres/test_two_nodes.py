"""Two nodes on one database, without leases: what they race for is won once.

Every race here is run both ways and many times at once, so that groups of both nodes overlap in all orders.
"""

import asyncio
from itertools import chain
from random import Random

from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.group import Result

from .nodes import Node, Pair, locked

WAVES, PAIRS = 15, 16


async def test_five_wallets_are_never_overspent(pair: Pair) -> None:
    """Two nodes that buy from the same five wallets spend what there is, to the cent, and not a cent more."""
    random = Random(8583)
    wallets = await pair[0].open(10_000, 20_000, 30_000, 40_000, 50_000)
    intents = [
        [node.till.purchase(random.choice(wallets), random.choice([100, 200, 700])) for _ in range(1000)]
        for node in pair
    ]

    async def shop(node: Node, shopping: list[Intent]) -> list[Result]:
        return list(chain(*[await node.post_all(shopping[i : i + 100]) for i in range(0, 1000, 100)]))

    results = list(chain(*await asyncio.gather(*map(shop, pair, intents))))

    assert {result.outcome for result in results} == {Outcome.APPROVED, Outcome.INSUFFICIENT_FUNDS}
    spent = dict.fromkeys(wallets, 0)
    for intent, result in zip(chain(*intents), results, strict=True):
        if result.outcome is Outcome.APPROVED:
            spent[intent.wallet_id or 0] += intent.amount_minor
    balances = dict(zip(wallets, await pair[0].balances(wallets), strict=True))
    assert [10_000, 20_000, 30_000, 40_000, 50_000] == [spent[w] + balances[w] for w in wallets]
    assert all(balance < 100 for balance in balances.values())
    assert "SwapLost" in pair[0].watcher.results() + pair[1].watcher.results()


async def test_lost_swap_is_decided_again_under_locks(pair: Pair) -> None:
    """A node whose cached wallet is old reads it again, and stays with row locks for its next groups."""
    one, two = pair
    (wallet,) = await one.open(1000)
    await one.post(one.till.purchase(wallet, 100))
    await two.post(two.till.purchase(wallet, 800))

    results = [await one.post(one.till.purchase(wallet, 100)) for _ in range(2)]

    assert results == [Outcome.APPROVED, Outcome.INSUFFICIENT_FUNDS]
    assert one.watcher.results() == ["committed", "SwapLost", "committed", "committed"]
    lane = one.ledger._lanes[0]
    assert lane._groups_under_locks == 98


async def test_decline_on_an_old_version_does_not_leave(pair: Pair) -> None:
    """A decline decided on a version that is gone is decided again: here the money has come back."""
    one, two = pair
    (wallet,) = await one.open(1000)
    await one.post(one.till.purchase(wallet, 1000, stan="1"))
    await two.post(one.till.reversal("1", 1000))

    assert await one.post(one.till.purchase(wallet, 1000)) is Outcome.APPROVED
    assert one.watcher.results() == ["committed", "SwapLost", "committed"]


async def test_reversal_on_an_old_window_is_decided_again(pair: Pair) -> None:
    """A reversal at a node whose cached wallet knows nothing of the purchase yet gets through as well."""
    one, two = pair
    (wallet,) = await one.open(1000)
    await one.post(one.till.purchase(wallet, 100, stan="1"))
    await one.post(one.till.reversal("1", 100))
    await two.post(one.till.purchase(wallet, 700, stan="2"))

    assert await one.post(one.till.reversal("2", 700)) is Outcome.APPROVED
    assert await one.balances([wallet]) == [1000]


async def test_pin_tries_count_over_nodes(pair: Pair) -> None:
    """Wrong PINs tried on two nodes at once are no more tries than on one."""
    (wallet,) = await pair[0].open(1000)
    guesses = [node.till.purchase(wallet, 1, pin=PinVerdict.MISMATCH) for node in pair for _ in range(20)]

    results = await asyncio.gather(
        *(node.ledger.post(guess) for node, guess in zip(pair * 20, guesses, strict=True))
    )

    outcomes = [result.outcome for result in results]
    assert outcomes.count(Outcome.PIN_WRONG) == 3
    assert outcomes.count(Outcome.PIN_TRIES_EXCEEDED) == 37


async def test_one_request_on_two_nodes(pair: Pair) -> None:
    """The same request sent to both nodes at once is done once, and both give the same answer."""
    one, two = pair
    for _ in range(WAVES):
        wallets = await one.open(*[100] * PAIRS)
        intents = [one.till.purchase(wallet, 60) for wallet in wallets]

        first, second = await asyncio.gather(
            one.post_all(intents), two.post_all(map(one.till.again, reversed(intents)))
        )

        assert first == second[::-1]
        assert {result.outcome for result in first} == {Outcome.APPROVED}
        assert await one.balances(wallets) == [40] * PAIRS


async def test_one_key_for_two_requests(pair: Pair) -> None:
    """Different requests under one key on two nodes: one is done, the other refused, in any lane."""
    one, two = pair
    wallets = await one.open(*[100] * (2 * PAIRS))
    stans = [f"same{i}" for i in range(PAIRS)]

    first, second = await asyncio.gather(
        one.post_all([one.till.purchase(wallets[2 * i], 60, stan=stan) for i, stan in enumerate(stans)]),
        two.post_all([one.till.purchase(wallets[2 * i + 1], 60, stan=stan) for i, stan in enumerate(stans)]),
    )

    for one_result, two_result in zip(first, second, strict=True):
        assert {one_result.outcome, two_result.outcome} == {Outcome.APPROVED, Outcome.DUPLICATE_DIFFERS}
    assert sum(await one.balances(wallets)) == 140 * PAIRS


async def test_original_and_reversal_race(pair: Pair) -> None:
    """Whoever wins, a purchase whose reversal was answered is never posted and left standing."""
    one, two = pair
    seen = set()
    for wave in range(2 * WAVES):
        wallets = await one.open(*[100] * PAIRS)
        stans = [f"{wallet}" for wallet in wallets]
        originals = [one.till.purchase(w, 60, stan=stan) for w, stan in zip(wallets, stans, strict=True)]
        reversals = [one.till.reversal(stan, 60) for stan in stans]
        head_start_seconds = (wave // 2) * 0.0005

        purchased, reversed_ = await asyncio.gather(
            one.post_all(originals, after_seconds=head_start_seconds * (wave % 2)),
            two.post_all(reversals, after_seconds=head_start_seconds * (1 - wave % 2)),
        )

        seen |= {(p.outcome, r.outcome) for p, r in zip(purchased, reversed_, strict=True)}
        assert await one.balances(wallets) == [100] * PAIRS
    assert seen == {
        (Outcome.APPROVED, Outcome.APPROVED),
        (Outcome.RELATED_TRANSACTION_WRONG, Outcome.ORIGINAL_NOT_FOUND),
    }
    assert "DuplicateKeyTaken" in one.watcher.results() + two.watcher.results()


async def test_reversals_with_different_keys_race(pair: Pair) -> None:
    """Two reversals of one purchase under different keys on two nodes give the money back once."""
    one, two = pair
    for _ in range(WAVES):
        wallets = await one.open(*[100] * PAIRS)
        stans = [f"{wallet}" for wallet in wallets]
        await one.post_all(one.till.purchase(w, 60, stan=s) for w, s in zip(wallets, stans, strict=True))

        results = await asyncio.gather(
            one.post_all(one.till.reversal(stan, 60, stan=f"a{stan}") for stan in stans),
            two.post_all(one.till.reversal(stan, 60, stan=f"b{stan}") for stan in stans),
        )

        assert {result.outcome for result in chain(*results)} == {Outcome.APPROVED}
        assert await one.balances(wallets) == [100] * PAIRS


async def test_void_and_reversal_race(pair: Pair) -> None:
    """A void and a reversal of one purchase give the money back once, and the reversal is never declined."""
    one, two = pair
    voided = set()
    for _ in range(WAVES):
        wallets = await one.open(*[100] * PAIRS)
        purchases = [one.till.purchase(wallet, 60, stan=str(wallet)) for wallet in wallets]
        await one.post_all(purchases)

        voids, reversals = await asyncio.gather(
            one.post_all(map(one.till.void, purchases)),
            two.post_all(one.till.reversal(str(wallet), 60) for wallet in wallets),
        )

        assert {result.outcome for result in reversals} == {Outcome.APPROVED}
        voided |= {result.outcome for result in voids}
        assert await one.balances(wallets) == [100] * PAIRS
    assert voided <= {Outcome.APPROVED, Outcome.RELATED_TRANSACTION_WRONG}


async def test_reversal_of_a_void_and_late_reversal_race(pair: Pair) -> None:
    """Who hears that a purchase is reversed can rely on it, even if its void is just taken back."""
    one, two = pair
    for _ in range(WAVES):
        wallets = await one.open(*[100] * PAIRS)
        purchases = [one.till.purchase(wallet, 60, stan=str(wallet)) for wallet in wallets]
        await one.post_all(purchases)
        voids = [one.till.void(purchase) for purchase in purchases]
        await one.post_all(voids)

        _, reversals = await asyncio.gather(
            one.post_all(map(one.till.void_reversal, voids)),
            two.post_all(one.till.reversal(str(wallet), 60) for wallet in wallets),
        )

        assert {result.outcome for result in reversals} == {Outcome.APPROVED}
        assert await one.balances(wallets) == [100] * PAIRS


async def test_groups_that_cross_do_not_deadlock(pair: Pair) -> None:
    """Groups that write the same wallets in opposite order of arrival wait for each other, in one order."""
    wallets = await pair[0].open(*[100_000] * 64)
    for _ in range(WAVES):
        await asyncio.gather(
            pair[0].post_all(pair[0].till.purchase(wallet, 1) for wallet in wallets),
            pair[1].post_all(pair[1].till.purchase(wallet, 1) for wallet in reversed(wallets)),
        )

    assert await pair[0].balances(wallets) == [100_000 - 2 * WAVES] * 64


async def test_locking_lane_queues_behind_another(pair: Pair) -> None:
    """A lane that decides under locks waits for whoever holds the wallet, and then sees what he did."""
    one, two = pair
    (wallet,) = await one.open(1000)
    for lane in two.ledger._lanes:
        lane._groups_under_locks = 1
    async with locked(one.dsn, wallet) as holder:
        waiting = asyncio.create_task(two.post(two.till.purchase(wallet, 600)))
        posting = asyncio.create_task(one.post(one.till.purchase(wallet, 600)))
        done, _ = await asyncio.wait([waiting, posting], timeout=0.05)
        assert not done
        await holder.execute("ROLLBACK")
        outcomes = {await waiting, await posting}

    assert outcomes == {Outcome.APPROVED, Outcome.INSUFFICIENT_FUNDS}
