"""The identity of a transaction: its number, its references on the wire, and its duplicate keys.

A transaction's number has 62 bits: the node's number (24 bits, a new one at every start) and a counter (38
bits). Written in base 36 it is the 12 characters of the retrieval reference (field 37), so a reference leads
to its transaction without a search, and no two nodes or restarts ever share one. Field 38 is its last six
characters.

A duplicate key names a request as the terminal identifies it: merchant, terminal, batch, STAN and operation.
Listener, link and node are no part of it, nor is the repeat digit of the MTI.

Change keys are derived from an original's key. What is done to a posted original (taken back, and after the
reversal of a void put in force again, refunded in part, and so on) takes its change keys in turn, 0, 1, 2:
whoever takes the next one first has made that change, and nobody else can. How an original stands is what its
last change left.

What the ledger posts by itself (the end of a hold, the lapse of a lot) has a key that follows from what it is
about, so that it is done once whoever does it, and however often.
"""

from enum import IntEnum
from hashlib import blake2b

COUNTER_BITS = 38
NODE_BITS = 24
_KEY_BYTES = 16
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TRIPLES = [a + b + c for a in _DIGITS for b in _DIGITS for c in _DIGITS]
_TRIPLE = len(_TRIPLES)


class TransactionKind(IntEnum):
    """What a transaction does; also the operation in a duplicate key. The numbers are stored."""

    PURCHASE = 1
    BALANCE_INQUIRY = 2
    PURCHASE_REVERSAL = 3
    PURCHASE_VOID = 4
    PURCHASE_VOID_REVERSAL = 5
    REFUND = 6
    PREAUTH = 10
    PREAUTH_REVERSAL = 11
    PREAUTH_VOID = 12
    PREAUTH_VOID_REVERSAL = 13
    PREAUTH_INCREMENT = 14
    PREAUTH_INCREMENT_REVERSAL = 15
    COMPLETION = 20
    COMPLETION_REVERSAL = 21
    COMPLETION_VOID = 22
    COMPLETION_VOID_REVERSAL = 23
    COMPLETION_ADVICE = 24
    HOLD_EXPIRY = 25
    OFFLINE_SALE = 30
    TIP_ADVICE = 31
    TOP_UP = 40
    TOP_UP_REVERSAL = 41
    TOP_UP_VOID = 42
    TOP_UP_VOID_REVERSAL = 43
    TOP_UP_VERIFY = 44
    TOP_UP_CONFIRM = 45
    TRANSFER = 50
    TRANSFER_REVERSAL = 51
    POINTS_EARN = 60
    POINTS_SPEND = 61
    POINTS_RETURN = 62
    POINTS_ADJUSTMENT = 63
    POINTS_INQUIRY = 64
    POINTS_SPEND_REVERSAL = 65
    POINTS_SPEND_VOID = 66
    POINTS_SPEND_VOID_REVERSAL = 67
    SERVICE_FEE = 70
    OPERATOR_DEBIT = 71
    ADJUSTMENT = 72
    WALLET_OPENING = 100
    WALLET_FREEZE = 101
    WALLET_UNFREEZE = 102
    CARD_REPLACEMENT = 103
    WALLET_CLOSING = 104
    LOT_EXPIRY = 105
    GRADE_CHANGE = 106

    __hash__ = int.__hash__
    """The hash that Enum gives a member is a call in Python, at each look-up; equal ones hash alike."""


REVERSED_KIND = {
    TransactionKind.PURCHASE_REVERSAL: TransactionKind.PURCHASE,
    TransactionKind.PURCHASE_VOID_REVERSAL: TransactionKind.PURCHASE_VOID,
    TransactionKind.PREAUTH_REVERSAL: TransactionKind.PREAUTH,
    TransactionKind.PREAUTH_VOID_REVERSAL: TransactionKind.PREAUTH_VOID,
    TransactionKind.PREAUTH_INCREMENT_REVERSAL: TransactionKind.PREAUTH_INCREMENT,
    TransactionKind.COMPLETION_REVERSAL: TransactionKind.COMPLETION,
    TransactionKind.COMPLETION_VOID_REVERSAL: TransactionKind.COMPLETION_VOID,
    TransactionKind.TOP_UP_REVERSAL: TransactionKind.TOP_UP,
    TransactionKind.TOP_UP_VOID_REVERSAL: TransactionKind.TOP_UP_VOID,
    TransactionKind.TRANSFER_REVERSAL: TransactionKind.TRANSFER,
    TransactionKind.POINTS_SPEND_REVERSAL: TransactionKind.POINTS_SPEND,
    TransactionKind.POINTS_SPEND_VOID_REVERSAL: TransactionKind.POINTS_SPEND_VOID,
}
"""Which kind of original each reversal takes back; both have the same STAN."""

VOIDED_KIND = {
    TransactionKind.PURCHASE_VOID: TransactionKind.PURCHASE,
    TransactionKind.PREAUTH_VOID: TransactionKind.PREAUTH,
    TransactionKind.COMPLETION_VOID: TransactionKind.COMPLETION,
    TransactionKind.TOP_UP_VOID: TransactionKind.TOP_UP,
    TransactionKind.POINTS_SPEND_VOID: TransactionKind.POINTS_SPEND,
}
"""Which kind of original each void takes back; it names the original's STAN, and has its own."""

_SALES = frozenset({TransactionKind.PURCHASE, TransactionKind.OFFLINE_SALE})
_COMPLETIONS = frozenset({TransactionKind.COMPLETION, TransactionKind.COMPLETION_ADVICE})
_HELD = frozenset({TransactionKind.PREAUTH})

ORIGINAL_KINDS = {
    **{kind: frozenset({original}) for kind, original in (REVERSED_KIND | VOIDED_KIND).items()},
    TransactionKind.COMPLETION_VOID: _COMPLETIONS,
    TransactionKind.REFUND: _SALES | _COMPLETIONS,
    TransactionKind.TIP_ADVICE: _SALES,
    TransactionKind.PREAUTH_INCREMENT: _HELD,
    TransactionKind.COMPLETION: _HELD,
    TransactionKind.COMPLETION_ADVICE: _HELD,
    TransactionKind.HOLD_EXPIRY: _HELD,
    TransactionKind.TOP_UP_CONFIRM: frozenset({TransactionKind.TOP_UP}),
    TransactionKind.POINTS_RETURN: frozenset({TransactionKind.POINTS_SPEND}),
}
"""The kinds of original that a movement may refer to; those that aren't here refer to none."""

CHANGES_MAX = 240
"""The most changes of one original: voids, each reversed, and refunds in part.

A terminal that voids the same purchase over and over is refused at last, so that what is known of an original
has a bound.
"""


class TransactionNumbers:
    """Numbers of one node's transactions, in order, each once.

    Args:
        node: the node's number, below 2 ** 24, never used by another start.
    """

    def __init__(self, node: int) -> None:
        assert 0 < node < 1 << NODE_BITS
        self._next = node << COUNTER_BITS

    def next(self) -> int:
        """A number nobody else has."""
        self._next += 1
        return self._next


def retrieval_reference(transaction_id: int) -> str:
    """Field 37: the transaction's number in base 36, 12 characters."""
    rest, d = divmod(transaction_id, _TRIPLE)
    rest, c = divmod(rest, _TRIPLE)
    a, b = divmod(rest, _TRIPLE)
    return _TRIPLES[a] + _TRIPLES[b] + _TRIPLES[c] + _TRIPLES[d]


def approval_code(reference: str) -> str:
    """Field 38: the last six characters of the retrieval reference."""
    return reference[6:]


def transaction_of_reference(reference: str) -> int | None:
    """The transaction's number in a retrieval reference, or None if it can't be one of ours."""
    if len(reference) != 12 or not reference.isascii() or not reference.isalnum():
        return None
    number = int(reference, 36)
    return number if number < 1 << (COUNTER_BITS + NODE_BITS) else None


def duplicate_key(merchant: str, terminal: str, batch: str, stan: str, kind: TransactionKind) -> bytes:
    """The 16-byte key under which a request is done once."""
    identity = "\0".join((merchant, terminal, batch, stan, str(int(kind))))
    return blake2b(identity.encode("latin-1", "replace"), digest_size=_KEY_BYTES, person=b"request").digest()


def change_key(original_key: bytes, change: int) -> bytes:
    """The 16-byte key that whoever makes an original's change number `change` must win, counted from 0."""
    assert 0 <= change < CHANGES_MAX
    named = original_key + bytes([change]) if change else original_key
    return blake2b(named, digest_size=_KEY_BYTES, person=b"undo").digest()


def system_key(kind: TransactionKind, *parts: int) -> bytes:
    """The 16-byte key of what the ledger posts by itself: `kind` once for each such `parts`."""
    identity = "\0".join(map(str, (int(kind), *parts)))
    return blake2b(identity.encode(), digest_size=_KEY_BYTES, person=b"system").digest()
