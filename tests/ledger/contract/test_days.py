"""Business days: windows start anew, what is late posts today, and what has lapsed lapses once."""

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, Lot

from .stores import Store, ask, cash

BONUS = 3
ONCE_A_DAY = ProductRules(day_count_max=1)
WITH_BONUS = ProductRules(purses=(PurseRule(BONUS, PurseKind.BONUS), PurseRule(CASH, PurseKind.CASH)))
HOLDS_FOR_A_DAY = ProductRules(hold_days=1)


async def test_limits_start_anew(store: Store) -> None:
    """What was spent yesterday doesn't count today."""
    (wallet,) = await store.open(1000)
    outcomes = []
    for _ in range(2):
        for _ in range(2):
            result = await store.ledger.post(store.till.purchase(wallet, 100, rules=ONCE_A_DAY))
            outcomes.append(result.outcome)
        await store.close_day()

    assert outcomes == [Outcome.APPROVED, Outcome.COUNT_OVER_LIMIT] * 2


async def test_what_is_late_posts_today(store: Store) -> None:
    """A repeat of yesterday is known, a reversal of yesterday posts today, and is linked."""
    (wallet,) = await store.open(1000)
    purchase = store.till.purchase(wallet, 100, stan="1", rules=ONCE_A_DAY)
    first = await store.ledger.post(purchase)
    await store.close_day()
    today = await store.ledger.post(store.till.purchase(wallet, 50, rules=ONCE_A_DAY))

    assert first == await store.ledger.post(store.till.again(purchase))
    reversal = await store.ledger.post(store.till.reversal("1", 100))

    assert (today.outcome, reversal.outcome) == (Outcome.APPROVED, Outcome.APPROVED)
    assert await store.linked(reversal.transaction_id) == purchase.transaction_id
    assert await cash(store, wallet) == 950
    assert (await store.state(wallet)).day_count == 1


async def test_hold_lapses_once_and_never_early(store: Store) -> None:
    """A hold is good for its days, then the run lets go of it; another run finds nothing."""
    (wallet,) = await store.open(1000)
    hold = ask(store.till, TransactionKind.PREAUTH, wallet, 700, rules=HOLDS_FOR_A_DAY)
    assert (await store.ledger.post(hold)).outcome is Outcome.APPROVED
    seen = []
    for _ in range(3):
        lapsed = await store.expire()
        seen.append((lapsed.holds, (await store.state(wallet)).lots[0].held_minor))
        await store.close_day()

    assert seen == [(0, 700), (0, 700), (1, 0)]
    assert (await store.expire()).holds == 0
    assert await store.total(AccountKind.HELD_WALLET) == 0
    assert await cash(store, wallet) == 1000


async def test_completed_hold_does_not_lapse(store: Store) -> None:
    """The run leaves alone what was completed."""
    (wallet,) = await store.open(1000)
    hold = ask(store.till, TransactionKind.PREAUTH, wallet, 700, rules=HOLDS_FOR_A_DAY)
    await store.ledger.post(hold)
    completion = ask(store.till, TransactionKind.COMPLETION, wallet, 400, of=hold)
    assert (await store.ledger.post(completion)).outcome is Outcome.APPROVED
    for _ in range(2):
        await store.close_day()

    assert (await store.expire()).holds == 0
    assert await cash(store, wallet) == 600


async def test_late_advice_is_forced(store: Store) -> None:
    """An advice after the hold has lapsed posts; what the wallet lacks its cardholder owes."""
    (wallet,) = await store.open(1000)
    hold = ask(store.till, TransactionKind.PREAUTH, wallet, 700, rules=HOLDS_FOR_A_DAY)
    await store.ledger.post(hold)
    for _ in range(2):
        await store.close_day()
    await store.expire()
    await store.ledger.post(store.till.purchase(wallet, 900))

    result = await store.ledger.post(ask(store.till, TransactionKind.COMPLETION_ADVICE, wallet, 700, of=hold))

    assert result.outcome is Outcome.APPROVED
    assert await cash(store, wallet) == 0
    assert await store.total(AccountKind.CARDHOLDER_RECEIVABLE, wallet) == -600


async def test_lot_lapses_once_and_never_early(store: Store) -> None:
    """A lot is good through its last day; then what is left of it goes to breakage, once."""
    day = await _today(store) + 1
    (wallet,) = await store.open(1000, lots=[Lot(BONUS, day, 500), Lot(BONUS, day + 5, 70)], rules=WITH_BONUS)
    await store.ledger.post(store.till.purchase(wallet, 100, rules=WITH_BONUS))
    seen = []
    for _ in range(3):
        lapsed = await store.expire()
        seen.append((lapsed.lots, sum(lot.balance_minor for lot in (await store.state(wallet)).lots[1:])))
        await store.close_day()

    assert seen == [(0, 470), (0, 470), (1, 70)]
    assert (await store.expire()).lots == 0
    assert await store.total(AccountKind.BREAKAGE) == 400


async def _today(store: Store) -> int:
    """The open business date, as the window of a wallet that was just used tells it."""
    (spender,) = await store.open(1)
    await store.ledger.post(store.till.purchase(spender, 1, rules=ONCE_A_DAY))
    return (await store.state(spender)).day
