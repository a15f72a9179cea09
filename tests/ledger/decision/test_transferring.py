"""Transfers: two cards, lot by lot, all or nothing."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.model import Decision, Wallets
from ledger.decision.transferring import decide_transfer
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus

from .cases import (
    BONUS,
    CASH_PURSE,
    FLOAT,
    FULL,
    ISSUER,
    OTHER,
    PLAIN,
    SHOP,
    SPECIAL,
    TODAY,
    WALLET,
    fee,
    moved,
    request,
    state,
)

TRANSFER = TransactionKind.TRANSFER
CASH_LEG = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)
OTHER_CASH = (AccountKind.WALLET_CASH, OTHER, CASH, NEVER)


def transfer(amount: int, rules: ProductRules = PLAIN, **asked: Any) -> Intent:
    """A transfer to another card of the same product."""
    basic = {"other_wallet_id": OTHER, "other_rules": rules}
    return replace(request(TRANSFER, amount, rules), **(basic | asked))


def test_a_transfer_moves_both_wallets() -> None:
    """What one card loses the other gets, and the sender's windows count it."""
    intent = transfer(40, pin=PinVerdict.MATCH)

    decision = decide_transfer(intent, Wallets(state(cash=100, pin_failures=2), state(cash=-7)), TODAY)

    assert {CASH_LEG: -40, OTHER_CASH: 40} == moved(decision.legs)
    assert state(cash=33) == decision.other
    assert decision.state is not None
    assert (60, 0, 40) == (
        decision.state.lots[0].balance_minor, decision.state.pin_failures, decision.state.day_minor
    )  # fmt: skip


def test_a_transfer_keeps_the_lots() -> None:
    """Value of a purse that lapses lapses on the same day for whom it is given to."""
    sender = state(Lot(BONUS, TODAY, 20), Lot(BONUS, TODAY + 9, 30))
    wallets = Wallets(sender, state(Lot(BONUS, TODAY + 9, 1)))

    decision = decide_transfer(transfer(40, SHOP, purse=BONUS), wallets, TODAY)

    assert state(Lot(BONUS, TODAY, 20), Lot(BONUS, TODAY + 9, 21)) == decision.other


def test_a_transfer_may_cost_a_fee() -> None:
    """The sender pays the fee on top."""
    rules = ProductRules(issuer=ISSUER, fees=(fee(TRANSFER),))

    decision = decide_transfer(transfer(70, rules), Wallets(state(cash=100), state()), TODAY)

    assert (state(cash=70), (False,)) == (decision.other, decision.charges)
    assert -100 == moved(decision.legs)[CASH_LEG]


@pytest.mark.parametrize(
    ("asked", "other", "outcome"),
    [
        ({}, None, Outcome.SERVICE_NOT_ALLOWED),
        ({"other_wallet_id": WALLET}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": None}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": ProductRules(issuer=ISSUER + 1)}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": FLOAT}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": ProductRules(840, issuer=ISSUER)}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"purse": 99}, state(), Outcome.SERVICE_NOT_ALLOWED),
        (
            {"rules": ProductRules(issuer=ISSUER, purses=(replace(CASH_PURSE, outflows=frozenset()),))},
            *(state(), Outcome.SERVICE_NOT_ALLOWED),
        ),
        (
            {"other_rules": ProductRules(issuer=ISSUER, purses=(replace(CASH_PURSE, inflows=frozenset()),))},
            *(state(), Outcome.SERVICE_NOT_ALLOWED),
        ),
        ({"rules": replace(PLAIN, movements=frozenset())}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({}, state(status=WalletStatus.FROZEN), Outcome.CARD_RESTRICTED),
        ({}, state(status=WalletStatus.CLOSED), Outcome.CARD_UNKNOWN),
        ({"amount_minor": 0}, state(), Outcome.AMOUNT_INVALID),
        ({"rules": replace(PLAIN, transaction_max_minor=39)}, state(), Outcome.AMOUNT_OVER_LIMIT),
        ({"amount_minor": 101}, state(), Outcome.INSUFFICIENT_FUNDS),
        (
            {"rules": replace(PLAIN, fees=(fee(TRANSFER),)), "amount_minor": 71},
            state(),
            Outcome.INSUFFICIENT_FUNDS,
        ),
        (
            {"rules": replace(PLAIN, overdraft_by_grade=(500,)), "amount_minor": 101},
            state(),
            Outcome.INSUFFICIENT_FUNDS,
        ),
        ({"other_rules": replace(PLAIN, wallet_max_minor=39)}, state(), Outcome.AMOUNT_OVER_LIMIT),
    ],
)
def test_refused_transfers(asked: dict[str, Any], other: WalletState | None, outcome: Outcome) -> None:
    """Both cards, both purses, limits, funds without overdraft, and the ceiling of the other are checked."""
    decision = decide_transfer(transfer(40, **asked), Wallets(state(cash=100), other), TODAY)

    assert Decision(outcome) == decision


def test_a_transfer_needs_room_for_its_lots() -> None:
    """Who has as many lots as a wallet may have gets no further one; one that has more gets into those."""
    rules = SHOP
    sender = state(Lot(BONUS, TODAY + 9999, 40))

    refused = decide_transfer(transfer(40, rules, purse=BONUS), Wallets(sender, state(*FULL)), TODAY)
    passed = decide_transfer(
        transfer(40, rules, purse=BONUS),
        Wallets(sender, state(*FULL, Lot(BONUS, TODAY + 9999, 1))),
        TODAY,
    )

    assert (Outcome.COUNT_OVER_LIMIT, Outcome.APPROVED) == (refused.outcome, passed.outcome)


def test_special_value_is_transferred_where_its_product_lets_it() -> None:
    """Special value is given to the same purse of the other card, if transfers are among its places."""
    purse = PurseRule(SPECIAL, PurseKind.SPECIAL, services=frozenset({"gift"}))
    rules = ProductRules(issuer=ISSUER, purses=(purse, CASH_PURSE))
    wallets = Wallets(state(Lot(SPECIAL, NEVER, 40)), state())

    decision = decide_transfer(transfer(40, rules, purse=SPECIAL, service="gift"), wallets, TODAY)

    assert state(Lot(SPECIAL, NEVER, 40)) == decision.other
    elsewhere = decide_transfer(transfer(40, rules, purse=SPECIAL), wallets, TODAY)
    assert Outcome.SERVICE_NOT_ALLOWED is elsewhere.outcome
