"""The bytes of a wallet's state, which are kept for ever."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.wallet import (
    CASH,
    Lot,
    UnreadableState,
    WalletState,
    WalletStatus,
    decode_state,
    encode_state,
    month_of,
    with_cash,
)

AMOUNTS = st.integers(-(1 << 63), (1 << 63) - 1)
COUNTS = st.integers(0, (1 << 32) - 1)
LOTS = st.builds(Lot, st.integers(CASH, 65_535), COUNTS, AMOUNTS, AMOUNTS)
STATES = st.builds(
    WalletState,
    st.lists(LOTS, max_size=4).map(tuple),
    st.integers(0, 65_535),
    st.sampled_from(WalletStatus),
    st.integers(0, 255),
    COUNTS,
    COUNTS,
    AMOUNTS,
    COUNTS,
    COUNTS,
    AMOUNTS,
    AMOUNTS,
    COUNTS,
)
CASH_ALONE = WalletState(
    (Lot(CASH, 0, 50_000, 700),),
    2,
    WalletStatus.FROZEN,
    1,
    739_121,
    3,
    5_000,
    24_293,
    9,
    7_000,
    1_767_600_000,
    4,
)
CASH_BYTES = bytes.fromhex(
    "02 0002 02 01 000b4731 00000003 0000000000001388 00005ee5 00000009 0000000000001b58"
    "00000000695b6f80 00000004 0001"
    "0001 00000000 000000000000c350 00000000000002bc"
)
WITH_BONUS = CASH_ALONE._replace(lots=(*CASH_ALONE.lots, Lot(3, 739_200, 9, 0)))
BONUS_BYTES = (
    CASH_BYTES.replace(bytes.fromhex("00000004 0001 0001"), bytes.fromhex("00000004 0002 0001"))
    + bytes.fromhex("0003 000b4780 0000000000000009 0000000000000000")
)  # fmt: skip


@given(STATES)
def test_states_survive(state: WalletState) -> None:
    """What is encoded is decoded, with any number of lots."""
    assert state == decode_state(encode_state(state))


def test_a_new_wallet_is_open_and_holds_cash() -> None:
    """A wallet has its cash lot from the start, and is its own default but for the money."""
    assert WalletState() == with_cash(0)
    assert (Lot(CASH, 0, 5),) == with_cash(5).lots
    assert WalletStatus.OPEN is with_cash(5).status


@pytest.mark.parametrize(("state", "stored"), [(CASH_ALONE, CASH_BYTES), (WITH_BONUS, BONUS_BYTES)])
def test_layout_2_never_changes(state: WalletState, stored: bytes) -> None:
    """Stored wallets can be read by every later program: layout 2, byte by byte."""
    assert stored == encode_state(state)
    assert state == decode_state(stored)
    assert type(decode_state(stored).status) is WalletStatus


def test_layout_1_is_still_read() -> None:
    """A wallet of the first layout is open, has cash alone, and spent in its month what it did on its day."""
    stored = bytes.fromhex("01 000000000000c350 0002 000b4731 00000003 0000000000001388")

    state = decode_state(stored)

    assert WalletState(
        (Lot(CASH, 0, 50_000),), 2, WalletStatus.OPEN, 0, 739_121, 3, 5_000, month_of(739_121), 3, 5_000
    ) == state  # fmt: skip
    assert with_cash(5) == decode_state(bytes.fromhex("01 0000000000000005") + bytes(18))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x02",
        b"\x03" + CASH_BYTES[1:],
        CASH_BYTES + b"\0",
        CASH_BYTES[:-1],
        BONUS_BYTES + bytes(22),
        CASH_BYTES[:3] + b"\x09" + CASH_BYTES[4:],
        BONUS_BYTES[:3] + b"\x09" + BONUS_BYTES[4:],
        CASH_BYTES[:49] + b"\x00\x02" + CASH_BYTES[51:],
    ],
)
def test_unknown_layouts_are_refused(data: bytes) -> None:
    """Another layout, length, status or number of lots is never guessed at."""
    with pytest.raises(UnreadableState):
        decode_state(data)


@pytest.mark.parametrize(
    ("day", "month"),
    [
        (0, 0),
        (date(2026, 1, 31).toordinal(), 2026 * 12),
        (date(2026, 2, 1).toordinal(), 2026 * 12 + 1),
        (date(2026, 12, 31).toordinal(), 2026 * 12 + 11),
    ],
)
def test_months_are_counted_through(day: int, month: int) -> None:
    """A month has a number of its own in each year; day 0 is before all of them."""
    assert month == month_of(day)
