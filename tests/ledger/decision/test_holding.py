"""Holds: what they keep aside, how they grow, what is posted of them, and when they end."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind, Leg, undone
from ledger.decision.holding import complete, decide_preauth, extend, release
from ledger.decision.model import Decision, Wallets
from ledger.decision.related import Related
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.lifecycle import Action, OriginalState
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.product import EarningRule, FeeRule, Party, ProductRules
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus

from .cases import BONUS, OTHER, PLAIN, POINTS, SHOP, SPECIAL, TODAY, request, state
from .originals import bonus, breakage, cash, held, hoped, merchant, original, owed

GROCER = {"category": "5411"}
PREAUTH, COMPLETION = TransactionKind.PREAUTH, TransactionKind.COMPLETION
ACCOUNTS = ((BONUS, AccountKind.WALLET_BONUS),)
ADVICE = TransactionKind.COMPLETION_ADVICE


def hold_of(*legs: Leg, amount_minor: int = 1000, **more: Any) -> Original:
    """A pre-authorisation that holds this."""
    fields = {"kind": PREAUTH, "state": OriginalState.HELD, "expires_day": TODAY + 5, "accounts": ACCOUNTS}
    fields |= more
    return original(*legs, hoped(amount_minor), amount_minor=amount_minor, **fields)


HOLD = hold_of(held(-300, BONUS, TODAY), held(-700))
HOLDING = WalletState((Lot(CASH, NEVER, 900, 700), Lot(BONUS, TODAY, 300, 300)))


def test_hold_takes_the_waterfall_aside() -> None:
    """What a purchase would take is held, lot by lot, and counted in the windows."""
    wallet = state(Lot(SPECIAL, NEVER, 200), Lot(BONUS, TODAY, 300), cash=900)

    decision = decide_preauth(request(PREAUTH, 1000, SHOP, **GROCER), Wallets(wallet), TODAY)

    legs = (held(-200, SPECIAL), held(-300, BONUS, TODAY), held(-500), hoped(1000))
    assert (Outcome.APPROVED, legs) == decision[:2]
    assert decision.state is not None
    lots = (Lot(CASH, NEVER, 900, 500), Lot(SPECIAL, NEVER, 200, 200), Lot(BONUS, TODAY, 300, 300))
    assert lots == decision.state.lots
    assert (TODAY, 1, 1000) == decision.state[4:7]


@pytest.mark.parametrize("kind", [PREAUTH, TransactionKind.PREAUTH_INCREMENT])
@pytest.mark.parametrize(
    ("amount", "rules", "wallet", "outcome"),
    [
        (0, PLAIN, state(cash=900), Outcome.AMOUNT_INVALID),
        (901, PLAIN, state(cash=900), Outcome.INSUFFICIENT_FUNDS),
        (100, ProductRules(transaction_max_minor=99), state(cash=900), Outcome.AMOUNT_OVER_LIMIT),
        (100, PLAIN, state(cash=900, status=WalletStatus.FROZEN), Outcome.CARD_RESTRICTED),
        (100, PLAIN, state(cash=900, status=WalletStatus.CLOSED), Outcome.CARD_UNKNOWN),
        (100, ProductRules(movements=frozenset()), state(cash=900), Outcome.SERVICE_NOT_ALLOWED),
        (100, None, state(cash=900), Outcome.CARD_UNKNOWN),
    ],
)
def test_holds_are_declined_like_purchases(
    kind: TransactionKind, amount: int, rules: ProductRules | None, wallet: WalletState, outcome: Outcome
) -> None:
    """Card, product, amount, limits and funds are checked, of a hold and of its increment."""
    intent = replace(request(kind, amount), rules=rules)
    related = Related(HOLD, Action.EXTEND)

    decision = (
        decide_preauth(intent, Wallets(wallet), TODAY)
        if kind is PREAUTH
        else extend(intent, related, Wallets(wallet), TODAY)
    )

    assert outcome is decision.outcome
    assert ((), None) == (decision.legs, decision.original)


def test_increment_holds_more() -> None:
    """The hold grows by what is taken aside, and so do its amount and its shares."""
    intent = request(TransactionKind.PREAUTH_INCREMENT, 200, SHOP)

    decision = extend(intent, Related(HOLD, Action.EXTEND), Wallets(HOLDING), TODAY)

    assert (held(-200), hoped(200)) == decision.legs
    assert decision.original == replace(
        HOLD,
        legs=(held(-300, BONUS, TODAY), held(-900), hoped(1200)),
        amount_minor=1200,
        added_minor=200,
        shares=(Share(TODAY, 1000), Share(TODAY, 200)),
        changes=1,
    )


def test_increment_of_another_card() -> None:
    """An increment that states another card than the hold's is refused."""
    intent = request(TransactionKind.PREAUTH_INCREMENT, 200, wallet_id=OTHER)

    decision = extend(intent, Related(HOLD, Action.EXTEND), Wallets(HOLDING), TODAY)

    assert Decision(Outcome.CARD_DIFFERS) == decision


@pytest.mark.parametrize(("expires", "is_over"), [(TODAY, False), (TODAY - 1, True)])
def test_hold_ends_after_its_last_good_day(expires: int, is_over: bool) -> None:
    """Never before; its money is free then, and its windows stay as they are."""
    hold = replace(HOLD, expires_day=expires)
    intent = request(TransactionKind.HOLD_EXPIRY, 0, SHOP)

    decision = release(intent, Related(hold, Action.RELEASE), Wallets(HOLDING), TODAY)

    if not is_over:
        assert Decision(Outcome.RELATED_TRANSACTION_INVALID) == decision
        return
    assert undone(hold.legs) == decision.legs
    assert state(Lot(BONUS, TODAY, 300), cash=900) == decision.state
    assert replace(hold, state=OriginalState.RELEASED, changes=1) == decision.original


def completed(
    amount_minor: int,
    hold: Original = HOLD,
    wallet: WalletState = HOLDING,
    kind: TransactionKind = COMPLETION,
    **more: Any,
) -> Decision:
    """What a completion of a hold decides."""
    intent = request(kind, amount_minor, **{"rules": SHOP} | more)
    return complete(intent, Related(hold, Action.COMPLETE), Wallets(wallet), TODAY)


@pytest.mark.parametrize("kind", [COMPLETION, ADVICE])
@pytest.mark.parametrize(
    ("amount", "taken", "lots"),
    [
        (100, [bonus(-100)], (Lot(CASH, NEVER, 900), Lot(BONUS, TODAY, 200))),
        (800, [bonus(-300), cash(-500)], (Lot(CASH, NEVER, 400),)),
        (1000, [bonus(-300), cash(-700)], (Lot(CASH, NEVER, 200),)),
        (1150, [bonus(-300), cash(-850)], (Lot(CASH, NEVER, 50),)),
    ],
)
def test_completion_takes_what_was_held(
    kind: TransactionKind, amount: int, taken: list[Leg], lots: tuple[Lot, ...]
) -> None:
    """In the order in which it was held; the rest is let go, and what is above the hold is taken besides."""
    decision = completed(amount, kind=kind)

    assert (*undone(HOLD.legs), *taken, merchant(amount)) == decision.legs
    assert decision.state is not None
    assert lots == decision.state.lots
    assert replace(HOLD, state=OriginalState.COMPLETED, changes=1) == decision.original


def test_completion_is_not_counted_again() -> None:
    """The pre-authorisation was counted in the windows."""
    decision = completed(1000)

    assert decision.state is not None
    assert HOLDING[1:] == decision.state[1:]


@pytest.mark.parametrize("kind", [COMPLETION, ADVICE])
@pytest.mark.parametrize(
    ("amount", "more", "outcome"),
    [
        (1151, {}, Outcome.AMOUNT_OVER_LIMIT),
        (1100, {"rules": replace(SHOP, completion_excess_percent=9)}, Outcome.AMOUNT_OVER_LIMIT),
        (1100, {"rules": replace(SHOP, completion_excess_percent=10)}, Outcome.APPROVED),
        (0, {}, Outcome.AMOUNT_INVALID),
        (1000, {"asset": 840}, Outcome.SERVICE_NOT_ALLOWED),
        (1000, {"wallet_id": OTHER}, Outcome.CARD_DIFFERS),
        (1000, {"wallet_id": None}, Outcome.APPROVED),
    ],
)
def test_what_fits_a_hold(kind: TransactionKind, amount: int, more: dict[str, Any], outcome: Outcome) -> None:
    """Up to a percent above what was authorised, in both forms."""
    decision = completed(amount, kind=kind, **more)

    assert outcome is decision.outcome
    assert (outcome is Outcome.APPROVED) == (decision.original is not None)


@pytest.mark.parametrize(
    ("more", "wallet", "request_", "advice"),
    [
        ({}, HOLDING._replace(status=WalletStatus.FROZEN), Outcome.CARD_RESTRICTED, Outcome.APPROVED),
        ({}, HOLDING._replace(status=WalletStatus.CLOSED), Outcome.CARD_UNKNOWN, Outcome.APPROVED),
        ({"rules": replace(SHOP, movements=frozenset())}, HOLDING, Outcome.SERVICE_NOT_ALLOWED,
         Outcome.APPROVED),
        ({"pin": PinVerdict.MISMATCH}, HOLDING, Outcome.PIN_WRONG, Outcome.APPROVED),
        ({"rules": None}, HOLDING, Outcome.CARD_UNKNOWN, Outcome.APPROVED),
    ],
)  # fmt: skip
def test_only_the_request_form_is_checked(
    more: dict[str, Any], wallet: WalletState, request_: Outcome, advice: Outcome
) -> None:
    """An advice tells what has happened, so neither card nor product nor PIN stops it."""
    assert request_ is completed(1000, wallet=wallet, **more).outcome
    assert advice is completed(1000, wallet=wallet, kind=ADVICE, **more).outcome


@pytest.mark.parametrize(
    ("kind", "amount", "failures"),
    [(COMPLETION, 1000, 0), (COMPLETION, 0, 0), (ADVICE, 1000, 1), (ADVICE, 0, 1)],
)
def test_whose_pin_is_looked_at(kind: TransactionKind, amount: int, failures: int) -> None:
    """That of the request form; an advice's says nothing, approved or not."""
    wallet = HOLDING._replace(pin_failures=1)

    decision = completed(amount, wallet=wallet, kind=kind, pin=PinVerdict.MATCH)

    assert failures == (decision.state or wallet).pin_failures


def test_above_the_hold_a_request_needs_funds() -> None:
    """What the right PIN said stays said."""
    wallet = WalletState((Lot(CASH, NEVER, 700, 700), Lot(BONUS, TODAY, 300, 300)), pin_failures=1)

    decision = completed(1100, wallet=wallet, pin=PinVerdict.MATCH)

    assert Decision(Outcome.INSUFFICIENT_FUNDS, state=wallet._replace(pin_failures=0)) == decision


def test_above_the_hold_an_advice_is_forced() -> None:
    """What isn't there is owed."""
    wallet = WalletState((Lot(CASH, NEVER, 760, 700), Lot(BONUS, TODAY, 300, 300)))

    decision = completed(1100, wallet=wallet, kind=ADVICE)

    assert (*undone(HOLD.legs), bonus(-300), cash(-760), owed(-40), merchant(1100)) == decision.legs


def test_above_the_hold_the_overdraft_helps() -> None:
    """A completion may use the credit that a purchase may."""
    wallet = WalletState((Lot(CASH, NEVER, 700, 700), Lot(BONUS, TODAY, 300, 300)), grade=1)

    assert (bonus(-300), cash(-800), merchant(1100)) == completed(1100, wallet=wallet).legs[3:]


def test_advice_after_the_hold_is_gone() -> None:
    """It is posted without one: by the waterfall, and what isn't there is owed."""
    gone = replace(HOLD, state=OriginalState.RELEASED, changes=1)
    wallet = state(Lot(BONUS, TODAY, 100), cash=200)

    decision = completed(1000, gone, wallet, ADVICE)

    assert (bonus(-100), cash(-200), owed(-700), merchant(1000)) == decision.legs
    assert replace(gone, state=OriginalState.COMPLETED, changes=2) == decision.original


def test_what_was_held_in_a_lapsed_lot() -> None:
    """A completion still takes it; what it doesn't take of it lapses."""
    hold = hold_of(held(-300, BONUS, TODAY - 1), held(-700))
    wallet = WalletState((Lot(CASH, NEVER, 700, 700), Lot(BONUS, TODAY - 1, 300, 300)))

    decision = completed(200, hold, wallet)

    lapsed = (bonus(-100, TODAY - 1), breakage(100))
    assert (*undone(hold.legs), bonus(-200, TODAY - 1), merchant(200), *lapsed) == decision.legs
    assert (False,) == decision.charges
    assert state(cash=700) == decision.state


def test_purse_that_the_product_has_lost() -> None:
    """The hold remembers what its purses are, so it is posted as it was held."""
    decision = completed(900, rules=PLAIN)

    assert (*undone(HOLD.legs), bonus(-300), cash(-600), merchant(900)) == decision.legs


def test_increment_of_another_purse() -> None:
    """A hold remembers the purses of its increments, too."""
    hold = hold_of(held(-1000), accounts=())
    intent = request(TransactionKind.PREAUTH_INCREMENT, 200, SHOP)
    wallet = WalletState((Lot(CASH, NEVER, 1000, 1000), Lot(BONUS, TODAY, 300)))

    decision = extend(intent, Related(hold, Action.EXTEND), Wallets(wallet), TODAY)

    assert decision.original is not None
    assert ACCOUNTS == decision.original.accounts


def test_hold_that_ends_in_a_lapsed_lot() -> None:
    """What it held of the lot lapses with it, even where only the hold knows the purse."""
    hold = hold_of(held(-300, BONUS, TODAY - 1), expires_day=TODAY - 1, amount_minor=300)
    wallet = WalletState((Lot(CASH), Lot(BONUS, TODAY - 1, 300, 300)))
    intent = request(TransactionKind.HOLD_EXPIRY, 0, PLAIN)

    decision = release(intent, Related(hold, Action.RELEASE), Wallets(wallet), TODAY)

    assert (*undone(hold.legs), bonus(-300, TODAY - 1), breakage(300)) == decision.legs
    assert state() == decision.state


def test_completion_pays_fees_and_earns() -> None:
    """A completion is a sale: it is charged, and earns points, by the rules for completions."""
    kinds = frozenset({COMPLETION, ADVICE})
    rules = replace(
        SHOP,
        fees=(FeeRule(kinds, Party.CARDHOLDER, Party.ISSUER, flat_minor=50, returned_on_refund=True),),
        earning=(EarningRule(POINTS, kinds, per_minor=100, points=1),),
    )

    decision = completed(1000, rules=rules)

    assert (True, True) == decision.charges
    assert [AccountKind.FEE_INCOME, AccountKind.WALLET_POINTS] == [
        leg.account_kind for leg in decision.legs[-3::2]
    ]
    poor = WalletState((Lot(CASH, NEVER, 720, 700), Lot(BONUS, TODAY, 300, 300)))
    assert completed(1000, wallet=poor, rules=rules).outcome is Outcome.INSUFFICIENT_FUNDS
    assert owed(-30) in completed(1000, wallet=poor, kind=ADVICE, rules=rules).legs
