"""How an original stands, as stored bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind
from ledger.lifecycle import OriginalState
from ledger.original import Original, Share
from ledger.postgres.packing import STATE_NUMBERS, UnreadableOriginal, pack_original, unpack_original

NUMBERS = st.integers(1, (1 << 62) - 1)
AMOUNTS = st.integers(-(1 << 62), 1 << 62)
DAYS = st.integers(0, 3_000_000)
LEGS = st.builds(
    Leg, st.sampled_from(AccountKind), NUMBERS, st.integers(1, 9999), AMOUNTS, st.integers(0, 99), DAYS
)
ORIGINALS = st.builds(
    Original,
    NUMBERS,
    st.sampled_from(TransactionKind),
    NUMBERS,
    AMOUNTS,
    st.integers(1, 9999),
    DAYS,
    NUMBERS,
    st.lists(LEGS, max_size=6).map(tuple),
    st.sampled_from(sorted(STATE_NUMBERS, key=lambda state: state.value)),
    st.integers(0, 240),
    st.none() | NUMBERS,
    st.lists(st.booleans(), max_size=3).map(tuple),
    AMOUNTS,
    AMOUNTS,
    st.integers(0, 99_999),
    DAYS,
    st.lists(st.builds(Share, DAYS, AMOUNTS), max_size=3).map(tuple),
    st.lists(st.tuples(st.integers(1, 99), st.sampled_from(AccountKind)), max_size=3).map(tuple),
    st.none() | NUMBERS,
    st.none() | st.binary(min_size=16, max_size=16),
)
STORED = bytes.fromhex(
    "010000000000000007000100000000000000030000000000000190009c000b471e000000000000000701000200000000"
    "000000000000000000000000000000000000006400000005000000000000000000000000000200000001000000000100"
    "00000000000003009cfffffffffffffe7000010000000000020000000000000007009c00000000000001900000000000"
    "00000b471e0000000000000190"
)


@given(ORIGINALS)
def test_originals_survive(original: Original) -> None:
    """What was stored is read back, field by field."""
    assert original == unpack_original(pack_original(original))


def test_stored_originals_never_change() -> None:
    """Originals that earlier programs stored are read by later ones."""
    legs = (
        Leg(AccountKind.WALLET_CASH, 3, 156, -400, 1),
        Leg(AccountKind.MERCHANT_PAYABLE, 7, 156, 400),
    )
    original = Original(
        *(7, TransactionKind.PURCHASE, 3, 400, 156, 739_102, 7, legs, OriginalState.POSTED, 2),
        refunded_minor=100,
        issuer=5,
        shares=(Share(739_102, 400),),
    )

    assert original == unpack_original(STORED)
    assert STORED.hex() == pack_original(original).hex()


@pytest.mark.parametrize(
    "stored",
    [b"", STORED[:20], b"\x02" + STORED[1:], STORED[:-1], STORED + b"\0", STORED[:9] + b"\x7f" + STORED[10:]],
)
def test_other_bytes_are_refused(stored: bytes) -> None:
    """Bytes of an unknown layout, or of another length than their own, are no original."""
    with pytest.raises(UnreadableOriginal):
        unpack_original(stored)


def test_only_posted_originals_are_stored() -> None:
    """States have numbers of their own, and what was never posted has none."""
    assert len(STATE_NUMBERS) == len(set(STATE_NUMBERS.values()))
    assert {OriginalState.ABSENT, OriginalState.TOMBSTONE, OriginalState.DECLINED} == set(
        OriginalState
    ) - set(STATE_NUMBERS)
