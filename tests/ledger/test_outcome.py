"""The order of outcomes, and which leave no trace."""

from ledger.outcome import NOT_FINAL, Outcome


def test_outcomes_stand_in_the_order_of_the_checks() -> None:
    """Who reads the enumeration reads the order in which refusals win."""
    assert sorted(Outcome) == list(Outcome)


def test_what_may_be_sent_again() -> None:
    """Whatever the terminal or the operator can mend leaves the key free; decisions never do."""
    decided = {
        Outcome.APPROVED,
        Outcome.RELATED_TRANSACTION_WRONG,
        Outcome.ORIGINAL_NOT_FOUND,
        Outcome.RELATED_TRANSACTION_INVALID,
        Outcome.PIN_WRONG,
        Outcome.PIN_TRIES_EXCEEDED,
        Outcome.AMOUNT_INVALID,
        Outcome.AMOUNT_OVER_LIMIT,
        Outcome.COUNT_OVER_LIMIT,
        Outcome.INSUFFICIENT_FUNDS,
    }

    assert decided.isdisjoint(NOT_FINAL)
    assert {Outcome.SYSTEM_MALFUNCTION, Outcome.WALLET_QUARANTINED, Outcome.DUPLICATE_DIFFERS} <= NOT_FINAL


def test_outcomes_are_equal_to_their_numbers() -> None:
    """A number that was read from the journal finds what is kept by outcome."""
    assert {outcome: outcome.name for outcome in Outcome}[63] == "INSUFFICIENT_FUNDS"
