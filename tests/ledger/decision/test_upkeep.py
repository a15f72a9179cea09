"""Upkeep: freezing, replacing, grading and closing a wallet, and the lapse of its lots."""

from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.model import Decision, Wallets
from ledger.decision.upkeep import (
    decide_closing,
    decide_freeze,
    decide_grade_change,
    decide_lot_expiry,
    decide_replacement,
    decide_unfreeze,
)
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus

from .cases import BONUS, ISSUER, PLAIN, POINTS, SHOP, SPECIAL, STARS, TODAY, WALLET, moved, request, state

FREEZE, UNFREEZE = TransactionKind.WALLET_FREEZE, TransactionKind.WALLET_UNFREEZE
REPLACEMENT, GRADE = TransactionKind.CARD_REPLACEMENT, TransactionKind.GRADE_CHANGE
CLOSING, LAPSE = TransactionKind.WALLET_CLOSING, TransactionKind.LOT_EXPIRY
OPEN, FROZEN, CLOSED = WalletStatus.OPEN, WalletStatus.FROZEN, WalletStatus.CLOSED
UNKNOWN = Decision(Outcome.CARD_UNKNOWN)
PAYOUT, BREAKAGE = (AccountKind.PAYOUT, ISSUER, 0, 0), (AccountKind.BREAKAGE, ISSUER, 0, 0)
CASH_LEG = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)


def approved(after: WalletState | None) -> Decision:
    """An approval that moves nothing."""
    return Decision(Outcome.APPROVED, state=after)


@pytest.mark.parametrize(
    ("before", "frozen", "unfrozen"),
    [(OPEN, approved(state(status=FROZEN)), approved(None)), (FROZEN, approved(None), approved(state()))],
)
def test_freezing_may_be_told_twice(before: WalletStatus, frozen: Decision, unfrozen: Decision) -> None:
    """A wallet is frozen and unfrozen; told again, nothing changes."""
    wallets = Wallets(state(status=before))

    assert frozen == decide_freeze(request(FREEZE), wallets, TODAY)
    assert unfrozen == decide_unfreeze(request(UNFREEZE), wallets, TODAY)


def test_a_closed_wallet_stays_closed() -> None:
    """Nothing about a closed wallet can be changed."""
    wallets = Wallets(state(status=CLOSED, pin_failures=2))

    assert UNKNOWN == decide_freeze(request(FREEZE), wallets, TODAY)
    assert UNKNOWN == decide_unfreeze(request(UNFREEZE), wallets, TODAY)
    assert UNKNOWN == decide_replacement(request(REPLACEMENT), wallets, TODAY)
    assert UNKNOWN == decide_grade_change(request(GRADE), wallets, TODAY)
    assert UNKNOWN == decide_closing(request(CLOSING), wallets, TODAY)


def test_a_new_card_begins_with_no_failed_tries() -> None:
    """A replaced card keeps everything but its tries; one without any keeps all."""
    tried = state(Lot(BONUS, TODAY, 5), cash=9, status=FROZEN, pin_failures=3)

    assert approved(tried._replace(pin_failures=0)) == decide_replacement(
        request(REPLACEMENT), Wallets(tried), TODAY
    )
    assert approved(None) == decide_replacement(request(REPLACEMENT), Wallets(state(cash=9)), TODAY)


@pytest.mark.parametrize(
    ("grade", "decision"),
    [
        (0, approved(None)),
        (1, approved(state(cash=-600, grade=1))),
        (2, Decision(Outcome.SERVICE_NOT_ALLOWED)),
        (-1, Decision(Outcome.SERVICE_NOT_ALLOWED)),
    ],
)
def test_grades_are_the_products(grade: int, decision: Decision) -> None:
    """A wallet gets a grade that its product has, however far it is overdrawn."""
    wallets = Wallets(state(cash=-600))

    assert decision == decide_grade_change(request(GRADE, rules=SHOP, grade=grade), wallets, TODAY)


LOTS = (
    Lot(SPECIAL, NEVER, 10),
    Lot(BONUS, TODAY, 20),
    Lot(POINTS, TODAY + 1, 30),
)


@pytest.mark.parametrize(
    ("lots", "cash", "written_off", "books"),
    [
        (LOTS, 5, False, {PAYOUT: 15, BREAKAGE: 50}),
        (LOTS, 5, True, {BREAKAGE: 65}),
        ((Lot(SPECIAL, TODAY - 1, 10),), 0, False, {BREAKAGE: 10}),
        ((), -40, True, {(AccountKind.CARDHOLDER_RECEIVABLE, WALLET, 0, 0): -40}),
        ((), 0, False, {}),
    ],
)
def test_closing_empties_a_wallet(
    lots: tuple[Lot, ...], cash: int, written_off: bool, books: dict[tuple[int, int, int, int], int]
) -> None:
    """The holder's own good money is paid out or written off; gifts, points and what lapsed are breakage."""
    intent = request(CLOSING, rules=SHOP, is_written_off=written_off, proposer="anna", approver="bert")

    decision = decide_closing(intent, Wallets(state(*lots, cash=cash, status=FROZEN)), TODAY)

    assert state(status=CLOSED) == decision.state
    assert books == {key: sum_ for key, sum_ in moved(decision.legs).items() if key[2] == 0}
    assert {STARS, 156} >= {leg.asset for leg in decision.legs}


def test_two_operators_write_off() -> None:
    """One operator may pay out what is left, and not keep it."""
    wallets = Wallets(state(cash=5))
    paid = request(CLOSING, proposer="anna")
    kept = request(CLOSING, proposer="anna", is_written_off=True)

    assert Outcome.APPROVED is decide_closing(paid, wallets, TODAY).outcome
    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decide_closing(kept, wallets, TODAY)


def test_what_comes_late_may_be_paid_out_too() -> None:
    """A closed wallet that a late reversal filled is closed once more."""
    decision = decide_closing(request(CLOSING), Wallets(state(cash=7, status=CLOSED)), TODAY)

    assert {CASH_LEG: -7, PAYOUT: 7} == moved(decision.legs)
    assert state(status=CLOSED) == decision.state


def test_a_float_is_paid_out() -> None:
    """An agent gets back what is left of the float."""
    rules = ProductRules(issuer=ISSUER, purses=(PurseRule(CASH, PurseKind.FLOAT),))

    decision = decide_closing(request(CLOSING, rules=rules), Wallets(state(cash=7)), TODAY)

    assert {(AccountKind.AGENT_FLOAT, WALLET, CASH, NEVER): -7, PAYOUT: 7} == moved(decision.legs)


@pytest.mark.parametrize(
    ("own", "outcome"),
    [
        (state(cash=-1), Outcome.INSUFFICIENT_FUNDS),
        (state(Lot(BONUS, TODAY, 5, 1)), Outcome.RELATED_TRANSACTION_INVALID),
        (WalletState((Lot(CASH, NEVER, 5, 5),)), Outcome.RELATED_TRANSACTION_INVALID),
        (state(Lot(99, NEVER, 1)), Outcome.SERVICE_NOT_ALLOWED),
    ],
)
def test_wallets_that_are_not_closed(own: WalletState, outcome: Outcome) -> None:
    """What is overdrawn, held or of a purse that nobody knows has to be settled first."""
    assert Decision(outcome) == decide_closing(request(CLOSING, rules=SHOP), Wallets(own), TODAY)


@pytest.mark.parametrize("status", WalletStatus)
def test_a_lot_lapses_after_its_last_good_day(status: WalletStatus) -> None:
    """What is not held of a lapsed lot is breakage, whatever the wallet's state."""
    wallets = Wallets(state(Lot(BONUS, TODAY - 1, 20, 5), Lot(BONUS, TODAY, 7), status=status))

    decision = decide_lot_expiry(request(LAPSE, rules=SHOP, purse=BONUS, expires=TODAY - 1), wallets, TODAY)

    assert {
        (AccountKind.WALLET_BONUS, WALLET, BONUS, TODAY - 1): -15, BREAKAGE: 15
    } == moved(decision.legs)  # fmt: skip
    assert state(Lot(BONUS, TODAY - 1, 5, 5), Lot(BONUS, TODAY, 7), status=status) == decision.state


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"expires": TODAY}, Outcome.RELATED_TRANSACTION_INVALID),
        ({"expires": NEVER}, Outcome.RELATED_TRANSACTION_INVALID),
        ({"expires": TODAY - 1, "purse": None}, Outcome.SERVICE_NOT_ALLOWED),
        ({"expires": TODAY - 1, "purse": 99}, Outcome.SERVICE_NOT_ALLOWED),
        ({"expires": TODAY - 2}, Outcome.APPROVED),
        ({"expires": TODAY - 1, "rules": PLAIN}, Outcome.SERVICE_NOT_ALLOWED),
    ],
)
def test_lapses_that_move_nothing(asked: dict[str, Any], outcome: Outcome) -> None:
    """No lot lapses early; one that was spent has nothing left, which is no fault."""
    wallets = Wallets(state(Lot(BONUS, TODAY - 1, 20), Lot(BONUS, TODAY, 7)))

    assert Decision(outcome) == decide_lot_expiry(
        request(LAPSE, **({"rules": SHOP, "purse": BONUS} | asked)), wallets, TODAY
    )
