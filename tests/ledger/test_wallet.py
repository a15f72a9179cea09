"""The bytes of a wallet's state, which are kept for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.wallet import UnreadableState, WalletState, decode_state, encode_state

STATES = st.builds(
    WalletState,
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(0, 32_767),
    st.integers(0, 3_652_059),
    st.integers(0, (1 << 32) - 1),
    st.integers(-(1 << 63), (1 << 63) - 1),
)


@given(STATES)
def test_states_survive(state: WalletState) -> None:
    """What is encoded is decoded."""
    assert state == decode_state(encode_state(state))


def test_layout_1_never_changes() -> None:
    """Stored wallets can be read by every later program: layout 1, byte by byte."""
    stored = bytes.fromhex("01 000000000000c350 0002 000b4731 00000003 0000000000001388")

    assert WalletState(50_000, 2, 739_121, 3, 5_000) == decode_state(stored)
    assert stored == encode_state(WalletState(50_000, 2, 739_121, 3, 5_000))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", b"\x02" + encode_state(WalletState())[1:], encode_state(WalletState()) + b"\0"],
)
def test_unknown_layouts_are_refused(data: bytes) -> None:
    """Another layout or length is never guessed at."""
    with pytest.raises(UnreadableState):
        decode_state(data)
