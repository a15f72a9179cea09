"""How an original stands, as bytes: what a change row of `ledger.dedup` keeps beside the result.

The layout is versioned, and a layout, once written, is read for ever: the rows are kept as long as an
original may be referred to.
"""

import struct
from typing import Final

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind
from ledger.lifecycle import OriginalState
from ledger.original import Original, Share

_LAYOUT = 1
_HEAD = struct.Struct(">BqhqqhiqBhqqqiiqHHHHB")
_LEG = struct.Struct(">hqhqhi")
_SHARE = struct.Struct(">iq")
_ACCOUNT = struct.Struct(">hh")

STATE_NUMBERS: Final = {
    OriginalState.POSTED: 1,
    OriginalState.PARTLY_REFUNDED: 2,
    OriginalState.REFUNDED: 3,
    OriginalState.VOIDED: 4,
    OriginalState.REVERSED: 5,
    OriginalState.HELD: 6,
    OriginalState.COMPLETED: 7,
    OriginalState.RELEASED: 8,
}
"""The numbers of the states that are stored; the others aren't those of anything posted."""

_STATES = {number: state for state, number in STATE_NUMBERS.items()}


class UnreadableOriginal(Exception):
    """Stored bytes aren't those of an original that this program knows."""


def pack_original(original: Original) -> bytes:
    """The stored form of an original."""
    key = original.original_key or b""
    head = _HEAD.pack(
        _LAYOUT, original.transaction_id, original.kind, original.wallet_id, original.amount_minor,
        original.asset, original.day, original.merchant_account, STATE_NUMBERS[original.state],
        original.changes, original.other_wallet_id or 0, original.added_minor, original.refunded_minor,
        original.issuer, original.expires_day, original.original_id or 0, len(original.legs),
        len(original.charges), len(original.shares), len(original.accounts), len(key),
    )  # fmt: skip
    legs = [_LEG.pack(*leg) for leg in original.legs]
    shares = [_SHARE.pack(*share) for share in original.shares]
    accounts = [_ACCOUNT.pack(*account) for account in original.accounts]
    return b"".join((head, key, *legs, bytes(original.charges), *shares, *accounts))


def unpack_original(stored: bytes) -> Original:
    """The original that `pack_original` stored.

    Raises:
        UnreadableOriginal: the layout is unknown, the length is not the layout's, or a number means nothing.
    """
    if len(stored) < _HEAD.size or stored[0] != _LAYOUT:
        raise UnreadableOriginal
    try:
        return _unpacked(stored)
    except (ValueError, KeyError):
        raise UnreadableOriginal from None


def _unpacked(stored: bytes) -> Original:
    (
        _, number, kind, wallet, amount, asset, day, merchant, state, changes, other, added, refunded, issuer,
        expires, original_id, leg_count, charge_count, share_count, account_count, key_length,
    ) = _HEAD.unpack_from(stored)  # fmt: skip
    legs_at = _HEAD.size + key_length
    charges_at = legs_at + leg_count * _LEG.size
    shares_at = charges_at + charge_count
    accounts_at = shares_at + share_count * _SHARE.size
    if len(stored) != accounts_at + account_count * _ACCOUNT.size:
        raise UnreadableOriginal
    legs = _LEG.iter_unpack(stored[legs_at:charges_at])
    return Original(
        number, TransactionKind(kind), wallet, amount, asset, day, merchant,
        tuple(Leg(AccountKind(account), *rest) for account, *rest in legs), _STATES[state], changes,
        other or None, tuple(map(bool, stored[charges_at:shares_at])), added, refunded, issuer, expires,
        tuple(Share._make(share) for share in _SHARE.iter_unpack(stored[shares_at:accounts_at])),
        tuple((purse, AccountKind(kind)) for purse, kind in _ACCOUNT.iter_unpack(stored[accounts_at:])),
        original_id or None, stored[_HEAD.size : legs_at] or None,
    )  # fmt: skip
