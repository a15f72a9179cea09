"""Reversals, voids and reversals of voids: exactly the split that was posted, and its own day's window."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind, Leg, undone
from ledger.decision.model import Decision, Wallets
from ledger.decision.related import Related
from ledger.decision.undoing import undo, uphold
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.lifecycle import Action, OriginalState
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus, month_of

from .cases import BONUS, OTHER, POINTS, SHOP, TODAY, WALLET, request, state
from .originals import bonus, breakage, cash, fee, held, hoped, merchant, original, owed, points

HELD, POSTED = OriginalState.HELD, OriginalState.POSTED
VOIDED, REVERSED = OriginalState.VOIDED, OriginalState.REVERSED
COMPLETED, RELEASED = OriginalState.COMPLETED, OriginalState.RELEASED

SALE = original(bonus(-300), cash(-700), merchant(1000))
VOID = original(*undone(SALE.legs), kind=TransactionKind.PURCHASE_VOID, shares=())
HOLD = original(
    *(held(-300, BONUS, TODAY), held(-700), hoped(1000)),
    kind=TransactionKind.PREAUTH,
    state=HELD,
    expires_day=TODAY + 5,
)
COMPLETION = original(
    *(*undone(HOLD.legs), bonus(-300), cash(-500), merchant(800)),
    kind=TransactionKind.COMPLETION,
    amount_minor=800,
    shares=(),
)
INCREMENT = original(held(-200), hoped(200), kind=TransactionKind.PREAUTH_INCREMENT, amount_minor=200)


def spent_today(*lots: Lot, in_cash: int = 0) -> WalletState:
    """A wallet that spent 15.00 in two movements today, and 20.00 in three this month."""
    windows = {"day": TODAY, "day_count": 2, "day_minor": 1500}
    return state(*lots, cash=in_cash, **windows, month=month_of(TODAY), month_count=3, month_minor=2000)


def taken_back(
    kind: TransactionKind,
    what: Original,
    wallet: WalletState,
    *,
    parent: Original | None = None,
    parent_action: Action | None = None,
    root: Original | None = None,
    root_action: Action | None = None,
    **more: Any,
) -> Decision:
    """What a movement that fits decides."""
    intent = request(kind, what.amount_minor, **{"wallet_id": None, "rules": SHOP} | more)
    related = Related(what, Action.UNDO, parent, parent_action, root, root_action)
    return undo(intent, related, Wallets(wallet), TODAY)


def lots_of(decision: Decision) -> tuple[Lot, ...]:
    """The lots that a decision leaves."""
    assert decision.state is not None
    return decision.state.lots


def test_reversal_gives_back_the_split() -> None:
    """Each lot gets what was taken of it, and the windows lose the movement."""
    decision = taken_back(TransactionKind.PURCHASE_REVERSAL, SALE, spent_today(in_cash=100))

    assert (Outcome.APPROVED, undone(SALE.legs)) == decision[:2]
    assert (Lot(CASH, NEVER, 800), Lot(BONUS, TODAY, 300)) == lots_of(decision)
    assert decision.state is not None
    assert (TODAY, 1, 500, month_of(TODAY), 2, 1000) == decision.state[4:10]
    assert replace(SALE, state=REVERSED, changes=1) == decision.original
    assert (None, None) == (decision.parent, decision.root)


def test_shares_of_other_days_stay() -> None:
    """What was counted on another day leaves today's window as it is."""
    month = TODAY - 40
    old = replace(SALE, shares=(Share(month, 1000),))

    decision = taken_back(TransactionKind.PURCHASE_REVERSAL, old, spent_today())

    assert decision.state is not None
    assert spent_today()[4:10] == decision.state[4:10]


def test_every_share_is_given_back() -> None:
    """A sale with a tip counted twice, each on its day."""
    tipped = replace(SALE, amount_minor=1200, added_minor=200, shares=(Share(TODAY, 1000), Share(TODAY, 200)))

    decision = taken_back(TransactionKind.PURCHASE_VOID, tipped, spent_today())

    assert decision.state is not None
    assert (TODAY, 0, 300) == decision.state[4:7]


@pytest.mark.parametrize("amount", [1000, 1200])
def test_reversal_of_what_has_grown(amount: int) -> None:
    """A reversal may state the amount first asked for, or the whole; a void states the whole."""
    tipped = replace(SALE, amount_minor=1200, added_minor=200)
    related = Related(tipped, Action.UNDO)
    void = request(TransactionKind.PURCHASE_VOID, amount, SHOP)

    reversal = request(TransactionKind.PURCHASE_REVERSAL, amount, SHOP)
    assert undo(reversal, related, Wallets(state()), TODAY).outcome is Outcome.APPROVED
    expected = Outcome.APPROVED if amount == 1200 else Outcome.ORIGINAL_AMOUNT_DIFFERS
    assert undo(void, related, Wallets(state()), TODAY).outcome is expected


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"amount_minor": 999}, Outcome.ORIGINAL_AMOUNT_DIFFERS),
        ({"asset": 840}, Outcome.ORIGINAL_AMOUNT_DIFFERS),
        ({"wallet_id": OTHER}, Outcome.CARD_DIFFERS),
        ({"wallet_id": 0}, Outcome.CARD_DIFFERS),
        ({"wallet_id": WALLET}, Outcome.APPROVED),
    ],
)
@pytest.mark.parametrize("decide", [undo, uphold])
def test_what_does_not_fit(decide: object, fields: dict[str, int], outcome: Outcome) -> None:
    """Another amount, asset or card is refused and changes nothing."""
    intent = replace(request(TransactionKind.PURCHASE_REVERSAL, 1000, wallet_id=None), **fields)
    function = undo if decide is undo else uphold

    decision = function(intent, Related(SALE, Action.UNDO), Wallets(state()), TODAY)

    assert outcome is decision.outcome
    assert (outcome is Outcome.APPROVED) == (decision.original is not None)


def test_uphold_moves_nothing() -> None:
    """From then on the original stays taken back."""
    voided = replace(SALE, state=VOIDED, changes=1)
    intent = request(TransactionKind.PURCHASE_REVERSAL, 1000)

    expected = Decision(Outcome.APPROVED, original=replace(voided, state=REVERSED, changes=2))
    assert expected == uphold(intent, Related(voided, Action.UPHOLD), Wallets(state()), TODAY)


@pytest.mark.parametrize(
    ("wallet", "fields", "outcome", "failures"),
    [
        (state(), {}, Outcome.APPROVED, 0),
        (state(status=WalletStatus.FROZEN), {}, Outcome.APPROVED, 0),
        (state(status=WalletStatus.CLOSED), {}, Outcome.CARD_UNKNOWN, 0),
        (state(pin_failures=2), {"pin": PinVerdict.MATCH}, Outcome.APPROVED, 0),
        (state(pin_failures=2), {"pin": PinVerdict.MISMATCH}, Outcome.PIN_WRONG, 3),
        (state(pin_failures=3), {"pin": PinVerdict.MATCH}, Outcome.PIN_TRIES_EXCEEDED, 3),
        (state(pin_failures=3), {}, Outcome.APPROVED, 3),
        (state(), {"rules": None}, Outcome.APPROVED, 0),
        (state(), {"rules": ProductRules(movements=frozenset())}, Outcome.SERVICE_NOT_ALLOWED, 0),
        (state(), {"rules": ProductRules(pin_kinds=frozenset({TransactionKind.PURCHASE_VOID}))},
         Outcome.PIN_MISSING, 0),
    ],
)  # fmt: skip
def test_a_void_is_a_request(
    wallet: WalletState, fields: dict[str, Any], outcome: Outcome, failures: int
) -> None:
    """Its product must allow it and its PIN be right; frozen wallets take money back, closed ones don't."""
    decision = taken_back(TransactionKind.PURCHASE_VOID, SALE, wallet, **fields)

    assert outcome is decision.outcome
    assert failures == (decision.state or wallet).pin_failures
    if outcome is Outcome.APPROVED:
        assert decision.original is not None
        assert decision.original.state is VOIDED


@pytest.mark.parametrize("status", WalletStatus)
def test_a_reversal_is_never_refused(status: WalletStatus) -> None:
    """Neither for the wallet's state nor for the product."""
    rules = ProductRules(movements=frozenset())
    wallet = state(status=status)

    decision = taken_back(TransactionKind.PURCHASE_REVERSAL, SALE, wallet, rules=rules)

    assert decision.outcome is Outcome.APPROVED


TOP_UP = original(cash(1000), merchant(-1000), kind=TransactionKind.TOP_UP, shares=())


def test_void_of_a_top_up_needs_the_money() -> None:
    """A void asks: it is declined if the money is gone, and what its PIN said stays said."""
    wallet = state(cash=999, pin_failures=1)

    decision = taken_back(TransactionKind.TOP_UP_VOID, TOP_UP, wallet, pin=PinVerdict.MATCH)

    assert Decision(Outcome.INSUFFICIENT_FUNDS, state=wallet._replace(pin_failures=0)) == decision


@pytest.mark.parametrize(
    ("kind", "what", "rules", "failures"),
    [
        (TransactionKind.PURCHASE_REVERSAL, SALE, SHOP, 1),
        (TransactionKind.PURCHASE_VOID, SALE, None, 1),
        (TransactionKind.PURCHASE_VOID, SALE, SHOP, 0),
        (TransactionKind.TOP_UP_VOID, TOP_UP, None, 1),
        (TransactionKind.TOP_UP_VOID, TOP_UP, SHOP, 0),
    ],
)
def test_pin_that_nobody_looked_at(
    kind: TransactionKind, what: Original, rules: ProductRules | None, failures: int
) -> None:
    """It says nothing: of a reversal, and of a void whose product isn't known, approved or not."""
    wallet = state(pin_failures=1)

    decision = taken_back(kind, what, wallet, rules=rules, pin=PinVerdict.MATCH)

    assert failures == (decision.state or wallet).pin_failures


def test_reversal_of_a_top_up_posts() -> None:
    """A reversal tells: what is gone is owed."""
    decision = taken_back(TransactionKind.TOP_UP_REVERSAL, TOP_UP, state(cash=400))

    assert (cash(-400), owed(-600), merchant(1000)) == decision.legs


def test_void_takes_points_that_are_gone() -> None:
    """Points that were earned and spent don't keep a sale from being voided: they are owed."""
    sale = original(cash(-1000), merchant(1000), *points(10), charges=(True,))

    decision = taken_back(TransactionKind.PURCHASE_VOID, sale, state(Lot(POINTS, TODAY + 365, 4)))

    assert decision.outcome is Outcome.APPROVED
    assert (True, True) == decision.charges
    assert (Lot(CASH, NEVER, 1000),) == lots_of(decision)


def test_refunds_are_not_given_back_twice() -> None:
    """A reversal of a sale that was refunded in part takes back what is left of it, kept fees included."""
    sale = original(
        *(cash(-1000), merchant(1000), *fee(10)),
        state=OriginalState.PARTLY_REFUNDED,
        refunded_minor=400,
        charges=(False,),
        changes=1,
    )

    decision = taken_back(TransactionKind.PURCHASE_REVERSAL, sale, state())

    assert (cash(600), merchant(-600), *undone(fee(10))) == decision.legs


def test_transfer_is_taken_back_from_both_wallets() -> None:
    """The source gets its money, the target loses it or owes it."""
    transfer = original(
        cash(-400), cash(400, OTHER), kind=TransactionKind.TRANSFER, amount_minor=400, other_wallet_id=OTHER
    )
    intent = request(TransactionKind.TRANSFER_REVERSAL, 400)

    decision = undo(intent, Related(transfer, Action.UNDO), Wallets(state(), state(cash=100)), TODAY)

    assert (cash(400), cash(-100, OTHER), owed(-300, OTHER)) == decision.legs
    assert (Lot(CASH, NEVER, 400),) == lots_of(decision)
    assert state() == decision.other


def test_second_wallet_that_stays() -> None:
    """If nothing of the second wallet moves, it isn't written."""
    top_up = original(cash(400), merchant(-400), kind=TransactionKind.TOP_UP, other_wallet_id=OTHER,
                      amount_minor=400)  # fmt: skip
    intent = request(TransactionKind.TOP_UP_REVERSAL, 400)

    decision = undo(intent, Related(top_up, Action.UNDO), Wallets(state(cash=400), state()), TODAY)

    assert decision.other is None


def test_reversal_of_a_void_restores() -> None:
    """What the void gave back is taken again, the share is counted again, and the sale stands as posted."""
    voided = replace(SALE, state=VOIDED, changes=1)

    decision = taken_back(
        *(TransactionKind.PURCHASE_VOID_REVERSAL, VOID, spent_today(Lot(BONUS, TODAY, 300), in_cash=900)),
        parent=voided,
        parent_action=Action.RESTORE,
    )

    assert SALE.legs == decision.legs
    assert decision.state is not None
    assert (TODAY, 3, 2500) == decision.state[4:7]
    assert replace(SALE, changes=2) == decision.parent
    assert replace(VOID, state=REVERSED, changes=1) == decision.original


def test_restored_sale_has_the_split_of_its_restoration() -> None:
    """What the wallet lacked is owed, and a further void gives that back instead."""
    voided = replace(SALE, state=VOIDED, changes=1)

    decision = taken_back(
        *(TransactionKind.PURCHASE_VOID_REVERSAL, VOID, state(cash=800)),
        parent=voided,
        parent_action=Action.RESTORE,
    )

    assert decision.parent is not None
    assert (cash(-300), cash(-500), owed(-200), merchant(1000)) == decision.parent.legs


def test_reversal_of_a_void_whose_sale_was_reversed() -> None:
    """The sale is gone for good: nothing moves, and the void counts as reversed."""
    decision = taken_back(
        *(TransactionKind.PURCHASE_VOID_REVERSAL, VOID, state(cash=900)),
        parent=replace(SALE, state=REVERSED, changes=2),
        parent_action=Action.UPHOLD,
    )

    assert Decision(Outcome.APPROVED, original=replace(VOID, state=REVERSED, changes=1)) == decision


def restoring(
    kind: TransactionKind, what: Original, parent: Original, action: Action, *lots: Lot, in_cash: int = 0
) -> Decision:
    """What is decided of something whose parent is a hold."""
    wallet = spent_today(*lots, in_cash=in_cash)
    return taken_back(kind, what, wallet, parent=parent, parent_action=action)


@pytest.mark.parametrize("kind", [TransactionKind.PREAUTH_VOID, TransactionKind.PREAUTH_REVERSAL])
def test_hold_is_let_go(kind: TransactionKind) -> None:
    """Void and reversal of a pre-authorisation free what it held, and its share."""
    wallet = spent_today(Lot(BONUS, TODAY, 300, 300))._replace(
        lots=(Lot(CASH, NEVER, 900, 700), Lot(BONUS, TODAY, 300, 300))
    )

    decision = taken_back(kind, HOLD, wallet)

    assert undone(HOLD.legs) == decision.legs
    assert (Lot(CASH, NEVER, 900), Lot(BONUS, TODAY, 300)) == lots_of(decision)
    assert decision.original is not None
    assert HOLD.legs == decision.original.legs


@pytest.mark.parametrize(
    ("expires", "state_", "legs"),
    [(TODAY + 5, HELD, HOLD.legs), (TODAY, HELD, HOLD.legs), (TODAY - 1, RELEASED, ())],
)
def test_hold_is_restored_while_it_is_good(
    expires: int, state_: OriginalState, legs: tuple[Leg, ...]
) -> None:
    """The reversal of its void holds again what it held, to its last good day; after it nothing is held."""
    void = original(*undone(HOLD.legs), kind=TransactionKind.PREAUTH_VOID, shares=())
    voided = replace(HOLD, state=VOIDED, changes=1, expires_day=expires)

    decision = restoring(
        *(TransactionKind.PREAUTH_VOID_REVERSAL, void, voided, Action.RESTORE),
        Lot(BONUS, TODAY, 300),
        in_cash=700,
    )

    assert legs == decision.legs
    assert decision.parent is not None
    assert (state_, HOLD.legs, 2) == (decision.parent.state, decision.parent.legs, decision.parent.changes)


@pytest.mark.parametrize("kind", [TransactionKind.COMPLETION_VOID, TransactionKind.COMPLETION_REVERSAL])
def test_completion_taken_back_restores_its_hold(kind: TransactionKind) -> None:
    """Its money comes back and is held again, as it was before; no window changes."""
    completed = replace(HOLD, state=COMPLETED, changes=1)

    decision = restoring(kind, COMPLETION, completed, Action.RESTORE, in_cash=200)

    assert (*HOLD.legs, bonus(300), cash(500), merchant(-800)) == decision.legs
    assert (Lot(CASH, NEVER, 700, 700), Lot(BONUS, TODAY, 300, 300)) == lots_of(decision)
    assert decision.state is not None
    assert spent_today()[4:10] == decision.state[4:10]
    assert replace(HOLD, changes=2) == decision.parent


def test_restored_hold_is_of_what_is_there() -> None:
    """What a completion let go may be spent since; the rest is held."""
    completed = replace(HOLD, state=COMPLETED, changes=1)

    decision = restoring(TransactionKind.COMPLETION_REVERSAL, COMPLETION, completed, Action.RESTORE)

    assert decision.parent is not None
    assert (held(-300, BONUS, TODAY), held(-500), hoped(800)) == decision.parent.legs


def test_completion_taken_back_after_its_hold_is_over() -> None:
    """The money comes back and is free."""
    over = replace(HOLD, state=COMPLETED, expires_day=TODAY - 1)

    decision = restoring(TransactionKind.COMPLETION_REVERSAL, COMPLETION, over, Action.RESTORE)

    assert (bonus(300), cash(500), merchant(-800)) == decision.legs
    assert decision.parent is not None
    assert (RELEASED, HOLD.legs) == (decision.parent.state, decision.parent.legs)


def test_completion_taken_back_after_its_hold_was_reversed() -> None:
    """The money comes back, and what was reversed stays so."""
    reversed_ = replace(HOLD, state=REVERSED)

    decision = restoring(TransactionKind.COMPLETION_REVERSAL, COMPLETION, reversed_, Action.UPHOLD)

    assert (bonus(300), cash(500), merchant(-800)) == decision.legs
    assert decision.parent is None


@pytest.mark.parametrize(
    ("root_action", "hold_legs", "after"),
    [
        (Action.COMPLETE, undone(HOLD.legs), COMPLETED),
        (Action.FORCE, (), COMPLETED),
        (Action.UPHOLD, (), None),
    ],
)
def test_completion_restored(
    root_action: Action, hold_legs: tuple[Leg, ...], after: OriginalState | None
) -> None:
    """The reversal of its void takes its money again, out of the hold if that is there."""
    void = original(
        *(*HOLD.legs, bonus(300), cash(500), merchant(-800)),
        kind=TransactionKind.COMPLETION_VOID,
        amount_minor=800,
        shares=(),
    )
    lots = (Lot(CASH, NEVER, 700, 700), Lot(BONUS, TODAY, 300, 300)) if hold_legs else None
    wallet = WalletState(lots or (Lot(CASH, NEVER, 500), Lot(BONUS, TODAY, 300)))

    decision = taken_back(
        *(TransactionKind.COMPLETION_VOID_REVERSAL, void, wallet),
        parent=replace(COMPLETION, state=VOIDED, changes=1),
        parent_action=Action.RESTORE,
        root=HOLD,
        root_action=root_action,
    )

    assert (*hold_legs, bonus(-300), cash(-500), merchant(800)) == decision.legs
    assert decision.parent is not None
    assert (POSTED, decision.legs) == (decision.parent.state, decision.parent.legs)
    assert after == (decision.root and decision.root.state)


GROWN = replace(
    HOLD,
    legs=(held(-300, BONUS, TODAY), held(-900), hoped(1200)),
    amount_minor=1200,
    added_minor=200,
    shares=(Share(TODAY, 1000), Share(TODAY, 200)),
)


@pytest.mark.parametrize(
    ("state_", "action", "legs", "count"),
    [
        (HELD, Action.SHORTEN, undone(INCREMENT.legs), 1),
        (COMPLETED, Action.SHORTEN, (), 1),
        (RELEASED, Action.SHORTEN, (), 1),
        (VOIDED, Action.SHORTEN, (), 2),
        (REVERSED, Action.UPHOLD, (), 2),
    ],
)
def test_increment_taken_back(
    state_: OriginalState, action: Action, legs: tuple[Leg, ...], count: int
) -> None:
    """Only a hold that holds lets it go, and what gave back its share already doesn't again."""
    parent = replace(GROWN, state=state_, changes=3)

    decision = restoring(
        *(TransactionKind.PREAUTH_INCREMENT_REVERSAL, INCREMENT, parent, action), in_cash=1000
    )

    assert legs == decision.legs
    assert decision.state is not None
    assert count == decision.state.day_count
    expected = replace(HOLD, state=state_, changes=4) if action is Action.SHORTEN else None
    assert expected == decision.parent


def test_increment_of_a_hold_that_shrank() -> None:
    """Only what is still held of it is let go."""
    parent = replace(GROWN, legs=(held(-120), hoped(120)))

    decision = restoring(
        *(TransactionKind.PREAUTH_INCREMENT_REVERSAL, INCREMENT, parent, Action.SHORTEN), in_cash=1000
    )

    assert (held(120), hoped(-120)) == decision.legs
    assert decision.parent is not None
    assert () == decision.parent.legs


@pytest.mark.parametrize(
    ("merchant_", "left"),
    [(8, (hoped(1000),)), (7, (hoped(800), hoped(200)._replace(account_id=8)))],
)
def test_increment_at_one_of_two_merchants(merchant_: int, left: tuple[Leg, ...]) -> None:
    """What is let go is what was held for its own merchant, not for another."""
    increment = replace(INCREMENT, legs=(held(-200), hoped(200)._replace(account_id=merchant_)))
    legs = (held(-300, BONUS, TODAY), held(-900), hoped(1000), hoped(200)._replace(account_id=8))

    decision = restoring(
        *(TransactionKind.PREAUTH_INCREMENT_REVERSAL, increment, replace(GROWN, legs=legs), Action.SHORTEN),
        in_cash=1000,
    )

    assert undone(increment.legs) == decision.legs
    assert decision.parent is not None
    assert (held(-300, BONUS, TODAY), held(-700), *left) == decision.parent.legs


def test_increment_of_a_merchant_of_whom_less_is_held() -> None:
    """Where a hold shrank, what is let go beyond its own merchant's part comes from the others'."""
    increment = replace(INCREMENT, legs=(held(-200), hoped(200)._replace(account_id=8)))
    legs = (held(-900), hoped(850), hoped(50)._replace(account_id=8))

    decision = restoring(
        *(TransactionKind.PREAUTH_INCREMENT_REVERSAL, increment, replace(GROWN, legs=legs), Action.SHORTEN),
        in_cash=1000,
    )

    assert (held(200), hoped(-150), hoped(-50)._replace(account_id=8)) == decision.legs


@pytest.mark.parametrize("is_completion_void", [False, True])
def test_lapse_of_a_hold_behind_an_original(is_completion_void: bool) -> None:
    """Without the product the hold behind what is taken back knows its purses, so that they can lapse."""
    lot = {"purse": BONUS, "expires": TODAY - 1}
    hold = replace(
        HOLD,
        legs=(held(-200, **lot), hoped(200)),
        accounts=((BONUS, AccountKind.WALLET_BONUS),),
        shares=(*HOLD.shares, *INCREMENT.shares),
    )
    wallet = WalletState((Lot(CASH, NEVER, 800), Lot(BONUS, TODAY - 1, 200, 200)))
    if is_completion_void:
        void = original(cash(800), merchant(-800), kind=TransactionKind.COMPLETION_VOID, amount_minor=800)
        decision = taken_back(
            *(TransactionKind.COMPLETION_VOID_REVERSAL, replace(void, shares=()), wallet),
            parent=replace(COMPLETION, state=VOIDED),
            parent_action=Action.RESTORE,
            root=hold,
            root_action=Action.COMPLETE,
            rules=None,
        )
    else:
        decision = taken_back(
            *(TransactionKind.PREAUTH_INCREMENT_REVERSAL, replace(INCREMENT, legs=hold.legs), wallet),
            parent=hold,
            parent_action=Action.SHORTEN,
            rules=None,
        )

    assert (bonus(-200, TODAY - 1), breakage(200)) == decision.legs[-2:]


def test_increment_of_lots_that_are_not_held_any_more() -> None:
    """An increment of which nothing is left of the hold frees nothing."""
    parent = replace(GROWN, legs=(held(-300, BONUS, TODAY), hoped(300)))

    decision = restoring(TransactionKind.PREAUTH_INCREMENT_REVERSAL, INCREMENT, parent, Action.SHORTEN)

    assert () == decision.legs
    assert decision.parent is not None
    assert parent.legs == decision.parent.legs


def test_lapsed_lots_of_a_void_and_its_reversal() -> None:
    """What came back too late is dead, and stays so when the void itself is reversed."""
    sale = original(bonus(-300, TODAY - 1), cash(-700), merchant(1000))
    voided = taken_back(TransactionKind.PURCHASE_VOID, sale, state())
    assert (breakage(300), cash(700), merchant(-1000)) == voided.legs
    void = original(*voided.legs, kind=TransactionKind.PURCHASE_VOID, shares=())
    assert voided.state is not None

    decision = taken_back(
        *(TransactionKind.PURCHASE_VOID_REVERSAL, void, voided.state),
        parent=voided.original,
        parent_action=Action.RESTORE,
    )

    assert (breakage(-300), cash(-700), merchant(1000)) == decision.legs
