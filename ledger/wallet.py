"""A wallet: everything the ledger must know of a card's money to decide, as one value.

The state is what is sealed in the wallet's row. A wallet is the unit of concurrency: each change, with or
without money, makes the next version and one event. Fields are added with a new layout number, and a layout,
once written, is read for ever.

Value is kept in lots. A lot is what a wallet has of one purse with one last good day, so value of the same
programme and date merges and the state stays small. Lots are in order: by purse, then soonest to expire, what
never expires last. The cash purse has one lot, which is always there and always first; it alone may be below
zero, by the overdraft. Other lots vanish when they are empty.
"""

import struct
from datetime import date
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

CASH = 1
"""The number of the cash purse, the lowest there is."""

PURSE_MAX = 65_535
"""The highest number of a purse."""

GRADES_MAX = 256
"""The most credit grades of a product."""

LOTS_MAX = 512
"""The most lots that requests may give a wallet; a year of points that lapse day by day has room."""

NEVER = 0
"""The last good day of what doesn't expire."""

_LAYOUT_1, _LAYOUT_2 = 1, 2
_STATE_1 = struct.Struct(">BqHiIq")
_STATE_2 = struct.Struct(">BHBBIIqIIqqIH")
_LOT = struct.Struct(">HIqq")
_STATE_2_CASH = struct.Struct(">BHBBIIqIIqqIHHIqq")
"""A state with one lot, which most wallets have: the same bytes, read and written at once."""


class UnreadableState(Exception):
    """An opened seal doesn't hold a wallet state that this program knows."""


class WalletStatus(IntEnum):
    """What a wallet may be used for; the numbers are stored."""

    OPEN = 1
    FROZEN = 2
    """Only the operator and what must post move it."""
    CLOSED = 3


class Lot(NamedTuple):
    """What a wallet has of one purse with one last good day (a proleptic ordinal; `NEVER`: no end).

    `held_minor` is the part of `balance_minor` that pre-authorisations hold.
    """

    purse: int
    expires: int = NEVER
    balance_minor: int = 0
    held_minor: int = 0


class WalletState(NamedTuple):
    """The lots, the PIN failures in a row, and what was spent in the windows of the last movement."""

    lots: tuple[Lot, ...] = (Lot(CASH),)
    pin_failures: int = 0
    status: WalletStatus = WalletStatus.OPEN
    grade: int = 0
    """The credit grade: an index into the product's overdrafts."""
    day: int = 0
    """The business date of the day's window, as a proleptic ordinal."""
    day_count: int = 0
    day_minor: int = 0
    month: int = 0
    """The month's window: the year times 12, plus 0 to 11."""
    month_count: int = 0
    month_minor: int = 0
    burst_start_s: int = 0
    """When the running burst began, in seconds since the epoch."""
    burst_count: int = 0


def with_cash(balance_minor: int) -> WalletState:
    """A new wallet that holds so much cash."""
    return WalletState((Lot(CASH, NEVER, balance_minor),))


@lru_cache(maxsize=64)
def month_of(day: int) -> int:
    """The month of a business date: the year times 12, plus 0 to 11. Day 0, before all dates, has month 0."""
    if not day:
        return 0
    at = date.fromordinal(day)
    return at.year * 12 + at.month - 1


def encode_state(state: WalletState) -> bytes:
    """The bytes to seal."""
    lots, *rest = state
    if len(lots) == 1:
        return _STATE_2_CASH.pack(_LAYOUT_2, *rest, 1, *lots[0])
    return _STATE_2.pack(_LAYOUT_2, *rest, len(lots)) + b"".join([_LOT.pack(*lot) for lot in lots])


def decode_state(data: bytes) -> WalletState:
    """The state in opened bytes.

    Raises:
        UnreadableState: the layout is unknown, the length is not the layout's, or a status is none.
    """
    if len(data) == _STATE_2_CASH.size and data[0] == _LAYOUT_2:
        return _decode_cash(data)
    if len(data) < _STATE_2.size or data[0] != _LAYOUT_2:
        return _decode_layout_1(data)
    _, failures, status, *windows, count = _STATE_2.unpack_from(data)
    if len(data) != _STATE_2.size + count * _LOT.size:
        raise UnreadableState
    lots = tuple([Lot._make(lot) for lot in _LOT.iter_unpack(data[_STATE_2.size :])])
    return WalletState(lots, failures, _status(status), *windows)


_STATUSES = {int(status): status for status in WalletStatus}


def _status(number: int) -> WalletStatus:
    if number not in _STATUSES:
        raise UnreadableState
    return _STATUSES[number]


def _decode_cash(data: bytes) -> WalletState:
    (
        _, failures, status, grade, day, day_count, day_minor, month, month_count, month_minor,
        burst_start_s, burst_count, lots, purse, expires, balance, held,
    ) = _STATE_2_CASH.unpack(data)  # fmt: skip
    if lots != 1 or status not in _STATUSES:
        raise UnreadableState
    return WalletState(
        (Lot(purse, expires, balance, held),), failures, _STATUSES[status], grade, day, day_count, day_minor,
        month, month_count, month_minor, burst_start_s, burst_count,
    )  # fmt: skip


def _decode_layout_1(data: bytes) -> WalletState:
    """The first layout: cash only, no month; what was spent on the day is what is known of its month."""
    if len(data) != _STATE_1.size or data[0] != _LAYOUT_1:
        raise UnreadableState
    _, balance, failures, day, count, spent = _STATE_1.unpack(data)
    return with_cash(balance)._replace(
        pin_failures=failures,
        day=day,
        day_count=count,
        day_minor=spent,
        month=month_of(day),
        month_count=count,
        month_minor=spent,
    )
