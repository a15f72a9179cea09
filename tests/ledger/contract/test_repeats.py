"""Exactly once: repeats, misused keys, reversals that overtake, and two that want the same."""

from dataclasses import replace

from ledger.intent import Intent
from ledger.outcome import Outcome

from .stores import Store, cash, post_all


async def outcome(store: Store, intent: Intent) -> Outcome:
    """How an intent ends."""
    return (await store.ledger.post(intent)).outcome


async def test_repeat_gets_the_first_result(store: Store) -> None:
    """At once, later and after a restart a repeat gets the very result of the first time."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 600)

    results = await post_all(store, [purchase, store.till.again(purchase), store.till.again(purchase)])
    later = await store.ledger.post(store.till.again(purchase))
    await store.restart()
    much_later = await store.ledger.post(store.till.again(purchase))

    assert {*results, later, much_later} == {results[0]}
    assert await cash(store, wallet) == 400


async def test_repeat_of_a_decline(store: Store) -> None:
    """What was declined stays declined, even if the money is there by now."""
    (wallet,) = await store.open(1000)
    first, declined = store.till.purchase(wallet, 1000, stan="1"), store.till.purchase(wallet, 1000)
    await store.ledger.post(first)
    await store.ledger.post(declined)
    await store.ledger.post(store.till.reversal("1", 1000))

    assert await outcome(store, store.till.again(declined)) is Outcome.INSUFFICIENT_FUNDS
    assert await cash(store, wallet) == 1000


async def test_balance_is_that_of_the_first_time(store: Store) -> None:
    """The repeat of an inquiry tells the balance of then."""
    (wallet,) = await store.open(1000)
    inquiry = store.till.inquiry(wallet)
    first = await store.ledger.post(inquiry)
    await store.ledger.post(store.till.purchase(wallet, 300))

    assert first == await store.ledger.post(store.till.again(inquiry))
    assert first.available_minor == 1000


async def test_key_of_another_request(store: Store) -> None:
    """A key that was used for something else is refused, and what it stood for is as it was."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300, stan="1")
    await store.ledger.post(purchase)

    assert await outcome(store, store.till.purchase(wallet, 301, stan="1")) is Outcome.DUPLICATE_DIFFERS
    assert await outcome(store, store.till.again(purchase)) is Outcome.APPROVED
    assert await cash(store, wallet) == 700


async def test_what_is_not_final_uses_no_key(store: Store) -> None:
    """A request that the terminal may mend and send again leaves nothing behind."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300)

    assert await outcome(store, replace(purchase, refusal=Outcome.BATCH_NOT_OPEN)) is Outcome.BATCH_NOT_OPEN
    assert await outcome(store, store.till.again(purchase)) is Outcome.APPROVED


async def test_reversal_that_overtakes_its_original(store: Store) -> None:
    """The reversal leaves a tombstone: the late original is refused, and stays refused."""
    (wallet,) = await store.open(1000)
    original, reversal = store.till.purchase(wallet, 300, stan="1"), store.till.reversal("1", 300)

    assert await outcome(store, reversal) is Outcome.ORIGINAL_NOT_FOUND
    assert await outcome(store, original) is Outcome.RELATED_TRANSACTION_WRONG
    assert await outcome(store, store.till.again(reversal)) is Outcome.ORIGINAL_NOT_FOUND
    await store.restart()
    assert await outcome(store, store.till.again(original)) is Outcome.RELATED_TRANSACTION_WRONG
    assert await cash(store, wallet) == 1000


async def test_two_reversals_of_one_purchase(store: Store) -> None:
    """Reversals under different keys both hear that it is reversed; the money comes back once."""
    (wallet,) = await store.open(1000)
    await store.ledger.post(store.till.purchase(wallet, 300, stan="1"))

    results = await post_all(store, [store.till.reversal("1", 300, stan=name) for name in ("a", "b", "c")])

    assert {result.outcome for result in results} == {Outcome.APPROVED}
    assert await cash(store, wallet) == 1000


async def test_void_and_reversal_of_one_purchase(store: Store) -> None:
    """A void, a late reversal and the reversal of the void: what is told as reversed stays reversed."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300, stan="1")
    void = store.till.void(purchase)
    await store.ledger.post(purchase)

    assert await outcome(store, void) is Outcome.APPROVED
    assert await outcome(store, store.till.reversal("1", 300)) is Outcome.APPROVED
    assert await outcome(store, store.till.void_reversal(void)) is Outcome.APPROVED
    assert await outcome(store, store.till.again(purchase)) is Outcome.RELATED_TRANSACTION_WRONG
    assert await cash(store, wallet) == 1000


async def test_voids_of_one_purchase_at_once(store: Store) -> None:
    """Of voids that come at once one takes the purchase back, the others hear that it is."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300)
    await store.ledger.post(purchase)

    results = await post_all(store, [store.till.void(purchase) for _ in range(4)])

    assert sorted(result.outcome for result in results) == [
        Outcome.APPROVED, *[Outcome.RELATED_TRANSACTION_WRONG] * 3,
    ]  # fmt: skip
    assert await cash(store, wallet) == 1000
