"""DUKPT serial numbers, replays, and what is not derived; the keys are in the vectors."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft import dukpt_aes, dukpt_tdes
from hsm_soft.dukpt import (
    DukptRefusal,
    DukptRefused,
    InitialKey,
    KeySerialNumber,
    TransactionKey,
    accept_counter,
    aes_device,
    aes_serial_number,
    one_bits,
    tdes_device,
    tdes_serial_number,
)
from hsm_soft.dukpt_aes import AesUsage, WorkingAlgorithm
from hsm_soft.dukpt_tdes import TdesUsage

_TDES_DEVICE = bytes.fromhex("FFFF9876543210E00000")


def _refusal(of: Callable[[bytes], object], ksn: bytes) -> DukptRefusal:
    with pytest.raises(DukptRefused) as refused:
        of(ksn)
    return refused.value.reason


def test_a_tdes_serial_number_is_split() -> None:
    """Twenty-one bits of counter, and a device that is the number without them."""
    assert KeySerialNumber(_TDES_DEVICE, 1) == tdes_serial_number(bytes.fromhex("FFFF9876543210E00001"))
    assert KeySerialNumber(_TDES_DEVICE, 0x1FF800 & 0x1FFFFF) == tdes_serial_number(
        bytes.fromhex("FFFF9876543210FFF800")
    )


def test_a_short_tdes_serial_number_is_filled() -> None:
    """Leading F may be left out."""
    assert KeySerialNumber(_TDES_DEVICE, 1) == tdes_serial_number(bytes.fromhex("9876543210E00001"))
    assert _TDES_DEVICE == tdes_device(bytes.fromhex("9876543210E00000"))


def test_an_aes_serial_number_is_split() -> None:
    """Eight bytes of device, four of counter."""
    ksn = bytes.fromhex("123456789012345600020001")

    assert KeySerialNumber(ksn[:8], 0x20001) == aes_serial_number(ksn)
    assert ksn[:8] == aes_device(ksn) == aes_device(ksn[:8])


@pytest.mark.parametrize(
    ("of", "ksn", "expected"),
    [
        (tdes_serial_number, "00" * 7, DukptRefusal.MALFORMED),
        (tdes_serial_number, "00" * 11, DukptRefusal.MALFORMED),
        (tdes_serial_number, "FFFF9876543210E00000", DukptRefusal.COUNTER),
        (tdes_serial_number, "FFFF9876543210E007FF", DukptRefusal.COUNTER),
        (tdes_device, "00" * 12, DukptRefusal.MALFORMED),
        (aes_serial_number, "00" * 11, DukptRefusal.MALFORMED),
        (aes_serial_number, "123456789012345600000000", DukptRefusal.COUNTER),
        (aes_serial_number, "12345678901234560001FFFF", DukptRefusal.COUNTER),
        (aes_device, "00" * 9, DukptRefusal.MALFORMED),
    ],
)
def test_other_serial_numbers_are_refused(
    of: Callable[[bytes], object], ksn: str, expected: DukptRefusal
) -> None:
    """Another length, no counter, or one with more one bits than a terminal uses."""
    assert expected is _refusal(of, bytes.fromhex(ksn))


@given(last=st.integers(0, 100), counter=st.integers(1, 100))
def test_a_counter_is_accepted_once(last: int, counter: int) -> None:
    """Only a counter above the stored one is no replay."""
    serial_number = KeySerialNumber(_TDES_DEVICE, counter)
    if counter > last:
        assert counter == accept_counter(serial_number, last)
    else:
        with pytest.raises(DukptRefused) as refused:
            accept_counter(serial_number, last)
        assert refused.value.reason is DukptRefusal.REPLAYED


def test_one_bits_come_from_the_left() -> None:
    """A derivation's steps are the bits of the counter, highest first."""
    assert one_bits(0b1011, 21) == [8, 2, 1]


@pytest.mark.parametrize("usage", TdesUsage)
def test_a_tdes_working_key_is_not_the_transaction_key(usage: TdesUsage) -> None:
    """Each usage has a key of its own."""
    transaction = TransactionKey(bytes(range(16)), KeySerialNumber(_TDES_DEVICE, 1))
    keys = {each: dukpt_tdes.working_key(transaction, each).key for each in TdesUsage}

    assert keys[usage] != transaction.key
    assert len(set(keys.values())) == len(TdesUsage)
    assert dukpt_tdes.working_key(transaction, usage).usage is usage


@pytest.mark.parametrize("algorithm", WorkingAlgorithm)
def test_an_aes_working_key_is_no_stronger_than_what_it_comes_from(algorithm: WorkingAlgorithm) -> None:
    """A key that would only look longer is refused; every other has its length and is one of its kind."""
    transaction = TransactionKey(bytes(16), KeySerialNumber(bytes(8), 1))
    if algorithm.strength_bits > 128:
        with pytest.raises(DukptRefused) as refused:
            dukpt_aes.working_key(transaction, AesUsage.PIN, algorithm)
        assert refused.value.reason is DukptRefusal.STRENGTH
        return

    keys = {dukpt_aes.working_key(transaction, usage, algorithm).key for usage in AesUsage}
    assert {algorithm.length_bits // 8} == {len(key) for key in keys}
    assert len(keys) == len(AesUsage)


def test_keys_are_not_shown() -> None:
    """The repr of a key has no bytes of it."""
    key = b"secret key bytes"
    number = KeySerialNumber(bytes(8), 1)
    shown = [
        InitialKey(key),
        TransactionKey(key, number),
        dukpt_aes.AesWorkingKey(AesUsage.PIN, WorkingAlgorithm.AES_128, key),
    ]

    assert not any("secret" in repr(each) for each in shown)
