"""Top-ups: in one step and verified, owed by the merchant or sold from a float."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.model import Decision, Wallets
from ledger.decision.topping_up import decide_top_up, decide_top_up_verify
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from ledger.product import FeeRule, Party, ProductRules
from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot, WalletState, WalletStatus

from .cases import (
    AGENT,
    BONUS,
    BONUS_PURSE,
    CASH_PURSE,
    FLOAT,
    ISSUER,
    MERCHANT,
    OTHER,
    PLAIN,
    POINTS,
    SHOP,
    SPECIAL,
    STARS,
    TODAY,
    WALLET,
    fee,
    moved,
    request,
    state,
)

TOP_UP, ADJUSTMENT = TransactionKind.TOP_UP, TransactionKind.ADJUSTMENT
CASH_LEG = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)
FLOAT_LEG = (AccountKind.AGENT_FLOAT, OTHER, CASH, NEVER)
MERCHANT_LEG = (AccountKind.MERCHANT_PAYABLE, MERCHANT, 0, 0)
PLAIN_DOLLARS = ProductRules(840, issuer=ISSUER)
FULL_OF_OTHERS = tuple(Lot(SPECIAL, day, 1) for day in range(TODAY + 1, TODAY + LOTS_MAX))
TOP_UPS = frozenset({TOP_UP})


def test_a_top_up_is_owed_by_the_merchant() -> None:
    """Who took the cash owes it; no window counts it."""
    decision = decide_top_up(request(TOP_UP, 500), Wallets(state(cash=-20)), TODAY)

    assert {MERCHANT_LEG: -500, CASH_LEG: 500} == moved(decision.legs)
    assert Decision(Outcome.APPROVED, decision.legs, state(cash=480)) == decision


def test_a_top_up_comes_from_the_float() -> None:
    """Where there is a float it goes down by as much: nobody mints money."""
    intent = request(TOP_UP, 500, other_wallet_id=OTHER, other_rules=FLOAT, pin=PinVerdict.MATCH)

    decision = decide_top_up(intent, Wallets(state(pin_failures=1), state(cash=500)), TODAY)

    assert {FLOAT_LEG: -500, CASH_LEG: 500} == moved(decision.legs)
    assert (state(cash=500), state()) == (decision.state, decision.other)


@pytest.mark.parametrize(
    ("amount", "grade", "rules", "outcome"),
    [
        (501, 0, FLOAT, Outcome.INSUFFICIENT_FUNDS),
        (540, 1, FLOAT, Outcome.APPROVED),
        (541, 1, FLOAT, Outcome.INSUFFICIENT_FUNDS),
    ],
)
def test_a_float_sells_what_it_has(amount: int, grade: int, rules: ProductRules, outcome: Outcome) -> None:
    """A float is sold to its last cent, and to the credit of its agent's grade."""
    intent = request(TOP_UP, amount, other_wallet_id=OTHER, other_rules=rules)
    agents = state(cash=510, grade=grade)._replace(lots=(Lot(CASH, NEVER, 510, 10),))

    assert outcome is decide_top_up(intent, Wallets(state(), agents), TODAY).outcome


@pytest.mark.parametrize(
    ("asked", "agents"),
    [
        ({}, None),
        ({"other_rules": None}, state(cash=900)),
        ({"other_rules": replace(FLOAT, issuer=ISSUER + 1)}, state(cash=900)),
        ({"other_rules": PLAIN_DOLLARS}, state(cash=900)),
        ({"other_wallet_id": WALLET}, state(cash=900)),
        ({}, state(cash=900, status=WalletStatus.FROZEN)),
    ],
)
def test_nothing_else_is_a_float(asked: dict[str, Any], agents: WalletState | None) -> None:
    """A top-up is sold from an open wallet of the same issuer and money, and never from the card itself."""
    intent = replace(request(TOP_UP, 500, other_wallet_id=OTHER, other_rules=FLOAT), **asked)

    decision = decide_top_up(intent, Wallets(state(), agents), TODAY)

    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decision


def test_a_top_up_goes_to_the_purse_that_is_meant() -> None:
    """Value with a validity goes into the lot of its last good day."""
    decision = decide_top_up(request(TOP_UP, 500, SHOP, purse=BONUS), Wallets(state()), TODAY)

    assert state(Lot(BONUS, TODAY + 30, 500)) == decision.state


def test_a_top_up_pays_its_fees_from_what_it_brings() -> None:
    """The cardholder's fee comes from cash after the top-up, and the agent's commission from the issuer."""
    commission = FeeRule(TOP_UPS, Party.ISSUER, Party.AGENT, percent_hundredths=100, returned_on_refund=True)
    rules = ProductRules(issuer=ISSUER, fees=(fee(TOP_UP), commission))

    decision = decide_top_up(request(TOP_UP, 500, rules, agent=AGENT), Wallets(state()), TODAY)

    assert (470, -5) == (
        moved(decision.legs)[CASH_LEG],
        moved(decision.legs)[AccountKind.COMMISSION, ISSUER, 0, 0],
    )
    assert (state(cash=470), (False, True)) == (decision.state, decision.charges)


@pytest.mark.parametrize(
    ("rules", "asked", "wallets", "outcome"),
    [
        (PLAIN, {"amount_minor": 0}, Wallets(state()), Outcome.AMOUNT_INVALID),
        (PLAIN, {"amount_minor": -5}, Wallets(state()), Outcome.AMOUNT_INVALID),
        (PLAIN, {"asset": 840}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (PLAIN, {}, Wallets(state(status=WalletStatus.FROZEN)), Outcome.CARD_RESTRICTED),
        (replace(PLAIN, movements=frozenset()), {}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (SHOP, {"purse": POINTS, "asset": STARS}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (
            ProductRules(purses=(replace(CASH_PURSE, inflows=frozenset({ADJUSTMENT})),)),
            *({}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        ),
        (ProductRules(wallet_max_minor=599), {}, Wallets(state(cash=100)), Outcome.AMOUNT_OVER_LIMIT),
        (SHOP, {"purse": BONUS}, Wallets(state(*FULL_OF_OTHERS)), Outcome.COUNT_OVER_LIMIT),
        (
            ProductRules(purses=(CASH_PURSE, BONUS_PURSE), fees=(fee(TOP_UP),)),
            *({"purse": BONUS}, Wallets(state(cash=29)), Outcome.INSUFFICIENT_FUNDS),
        ),
    ],
)
def test_refused_top_ups(
    rules: ProductRules, asked: dict[str, Any], wallets: Wallets, outcome: Outcome
) -> None:
    """Card, product, purse, amount, ceilings, room and funds are checked in this order."""
    intent = replace(request(TOP_UP, 500, rules), **asked)

    assert Decision(outcome) == decide_top_up(intent, wallets, TODAY)


@pytest.mark.parametrize(
    ("rules", "amount", "outcome", "told"),
    [
        (PLAIN, 500, Outcome.APPROVED, None),
        (ProductRules(wallet_max_minor=500), 400, Outcome.APPROVED, 400),
        (ProductRules(wallet_max_minor=500), 0, Outcome.APPROVED, 400),
        (ProductRules(wallet_max_minor=500), 401, Outcome.AMOUNT_OVER_LIMIT, None),
        (ProductRules(wallet_max_minor=50), 0, Outcome.APPROVED, 0),
        (PLAIN, -1, Outcome.AMOUNT_INVALID, None),
    ],
)
def test_verifying_tells_what_may_be_topped_up(
    rules: ProductRules, amount: int, outcome: Outcome, told: int | None
) -> None:
    """A verification answers as the top-up would, and with the most that would go through."""
    intent = request(TransactionKind.TOP_UP_VERIFY, amount, rules)

    decision = decide_top_up_verify(intent, Wallets(state(cash=100)), TODAY)

    assert Decision(outcome, available_minor=told) == decision
