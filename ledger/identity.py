"""The identity of a transaction: its number, its references on the wire, and its duplicate keys.

A transaction's number has 62 bits: the node's number (24 bits, a new one at every start) and a counter (38
bits). Written in base 36 it is the 12 characters of the retrieval reference (field 37), so a reference leads
to its transaction without a search, and no two nodes or restarts ever share one. Field 38 is its last six
characters.

A duplicate key names a request as the terminal identifies it: merchant, terminal, batch, STAN and operation.
Listener, link and node are no part of it, nor is the repeat digit of the MTI. The undo key is derived from an
original's key and is taken by whoever takes the original back, so that this happens once.
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
    WALLET_OPENING = 100


REVERSED_KIND = {TransactionKind.PURCHASE_REVERSAL: TransactionKind.PURCHASE}
"""Which kind of original each reversal takes back."""


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


def approval_code(transaction_id: int) -> str:
    """Field 38: the last six characters of the retrieval reference."""
    return retrieval_reference(transaction_id)[6:]


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


def undo_key(original_key: bytes) -> bytes:
    """The 16-byte key that whoever takes the original back must win."""
    return blake2b(original_key, digest_size=_KEY_BYTES, person=b"undo").digest()
