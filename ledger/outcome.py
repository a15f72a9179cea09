"""Every way a request can end: one flat enumeration, in the order in which the checks are made.

A decline is a value. Whoever decides returns an `Outcome`; a total table per dialect turns it into that
dialect's response code, so a new outcome can't be forgotten anywhere. The numbers are stored in the journal:
they are never reused or changed, and the migrations carry the same names for readers of SQL.

Outcomes in `NOT_FINAL` leave no trace in the ledger and use no duplicate key up: the terminal mends what was
wrong (signs on, corrects the message, waits) and may send the very same transaction again.
"""

from enum import IntEnum


class Outcome(IntEnum):
    """What became of a request."""

    APPROVED = 0
    # The line: who speaks, and whether it can be believed.
    TERMINAL_UNKNOWN = 10
    MALFORMED = 11
    MAC_WRONG = 12
    MERCHANT_INVALID = 13
    TERMINAL_NOT_PERMITTED = 14
    BATCH_NOT_OPEN = 15
    FUNCTION_NOT_SUPPORTED = 16
    # What the ledger remembers of the same or a related transaction.
    DUPLICATE_DIFFERS = 20
    RELATED_TRANSACTION_WRONG = 21
    ORIGINAL_NOT_FOUND = 22
    ORIGINAL_AMOUNT_DIFFERS = 23
    RELATED_TRANSACTION_INVALID = 24
    # The way to the issuer.
    CARD_RANGE_UNKNOWN = 30
    NO_ROUTE = 31
    # The card and what it may do.
    CARD_UNKNOWN = 40
    CARD_DIFFERS = 41
    CARD_INACTIVE = 42
    CARD_LOST = 43
    CARD_STOLEN = 44
    CARD_EXPIRED = 45
    CARD_RESTRICTED = 46
    SERVICE_NOT_ALLOWED = 47
    # The PIN.
    PIN_UNREADABLE = 50
    PIN_MISSING = 51
    PIN_TRIES_EXCEEDED = 52
    PIN_WRONG = 53
    # Limits and funds.
    AMOUNT_INVALID = 60
    AMOUNT_OVER_LIMIT = 61
    COUNT_OVER_LIMIT = 62
    INSUFFICIENT_FUNDS = 63
    # The switch itself.
    SYSTEM_MALFUNCTION = 90
    WALLET_QUARANTINED = 91

    __hash__ = int.__hash__
    """The hash that Enum gives a member is a call in Python, at each look-up; equal ones hash alike."""


NOT_FINAL = frozenset(
    {
        Outcome.TERMINAL_UNKNOWN,
        Outcome.MALFORMED,
        Outcome.MAC_WRONG,
        Outcome.BATCH_NOT_OPEN,
        Outcome.FUNCTION_NOT_SUPPORTED,
        Outcome.DUPLICATE_DIFFERS,
        Outcome.PIN_UNREADABLE,
        Outcome.SYSTEM_MALFUNCTION,
        Outcome.WALLET_QUARANTINED,
    }
)
