"""What the switch may rely on: each intent is answered once, with what is stored."""

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from ledger.product import ProductRules
from tests.ledger.intents import MERCHANT_ACCOUNT

from .stores import Store, ask, cash, post_all


async def test_purchase(store: Store) -> None:
    """A purchase moves its amount from the wallet to the merchant, and its answer names it."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300)

    result = await store.ledger.post(purchase)

    assert Result(Outcome.APPROVED, purchase.transaction_id, purchase.received_at_us) == result
    assert await cash(store, wallet) == 700
    assert await store.total(AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT) == 300


async def test_decline_changes_nothing(store: Store) -> None:
    """What is declined for funds leaves the wallet and every account as they were."""
    (wallet,) = await store.open(1000)
    before = await store.state(wallet)

    result = await store.ledger.post(store.till.purchase(wallet, 1001))

    assert result.outcome is Outcome.INSUFFICIENT_FUNDS
    assert before == await store.state(wallet)
    assert await store.total(AccountKind.MERCHANT_PAYABLE) == 0


async def test_wrong_pins_count(store: Store) -> None:
    """A wrong PIN is remembered without any money; a right one clears the count."""
    (wallet,) = await store.open(1000)

    for pin in (PinVerdict.MISMATCH, PinVerdict.MISMATCH):
        assert (await store.ledger.post(store.till.purchase(wallet, 1, pin=pin))).outcome is Outcome.PIN_WRONG
    assert (await store.state(wallet)).pin_failures == 2
    await store.ledger.post(store.till.purchase(wallet, 1, pin=PinVerdict.MATCH))

    assert (await store.state(wallet)).pin_failures == 0


async def test_each_is_answered_once(store: Store) -> None:
    """Many that come at once are each told once, in whatever groups they are stored."""
    wallets = await store.open(*[1000] * 4)
    intents = [store.till.purchase(wallets[i % 4], 100) for i in range(60)]
    told: list[int] = []

    for intent in intents:
        store.ledger.submit(intent, lambda result: told.append(result.transaction_id))
    results = await post_all(store, [store.till.inquiry(wallet) for wallet in wallets])

    assert sorted(told) == sorted(intent.transaction_id for intent in intents)
    assert [result.available_minor for result in results] == [0] * 4


async def test_refused_on_the_way(store: Store) -> None:
    """A refusal that the switch found is recorded as the answer, and the wallet isn't asked."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 1, refusal=Outcome.CARD_EXPIRED)

    assert (await store.ledger.post(purchase)).outcome is Outcome.CARD_EXPIRED
    assert await cash(store, wallet) == 1000


async def test_wallet_nobody_opened(store: Store) -> None:
    """A wallet that isn't there is refused without a trace."""
    result = await store.ledger.post(store.till.purchase(999_999_998, 1))

    assert result.outcome is Outcome.WALLET_QUARANTINED


async def test_stopped_ledger_refuses(store: Store) -> None:
    """What comes after the stop is refused at once, and may be sent again."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 300)
    stopped = store.ledger
    await store.restart()

    assert (await stopped.post(purchase)).outcome is Outcome.SYSTEM_MALFUNCTION
    assert (await store.ledger.post(store.till.again(purchase))).outcome is Outcome.APPROVED
    assert store.ledger.is_ready


async def test_balance_of_a_service_fee(store: Store) -> None:
    """A debit that isn't a purchase counts against the same wallet, and goes to the issuer."""
    (wallet,) = await store.open(1000)
    rules = ProductRules(issuer=4)

    result = await store.ledger.post(
        ask(store.till, TransactionKind.SERVICE_FEE, wallet, 25, rules=rules, proposer="a", approver="b")
    )

    assert result.outcome is Outcome.APPROVED
    assert (await cash(store, wallet), await store.total(AccountKind.FEE_INCOME, 4)) == (975, 25)
