"""A wallet: everything the ledger must know of a card's money to decide, as one value.

The state is what is sealed in the wallet's row. A wallet is the unit of concurrency: each change, with or
without money, makes the next version and one event. Fields are added with a new layout number, and a layout,
once written, is read for ever.
"""

import struct
from typing import NamedTuple

_LAYOUT = 1
_STATE = struct.Struct(">BqHiIq")


class UnreadableState(Exception):
    """An opened seal doesn't hold a wallet state that this program knows."""


class WalletState(NamedTuple):
    """The cash purse, the PIN failures in a row, and what was bought on the day of the last purchase."""

    balance_minor: int = 0
    pin_failures: int = 0
    window_day: int = 0
    """The business date of the window, as a proleptic ordinal."""
    window_count: int = 0
    window_amount_minor: int = 0


def encode_state(state: WalletState) -> bytes:
    """The bytes to seal."""
    return _STATE.pack(_LAYOUT, *state)


def decode_state(data: bytes) -> WalletState:
    """The state in opened bytes.

    Raises:
        UnreadableState: the layout is unknown or the length is not the layout's.
    """
    if len(data) != _STATE.size or data[0] != _LAYOUT:
        raise UnreadableState
    return WalletState(*_STATE.unpack(data)[1:])
