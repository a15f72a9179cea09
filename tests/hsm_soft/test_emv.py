"""Chip cards: what is no chip data, and that a cryptogram fits one card, counter and message."""

import pytest

from hsm_soft.emv import (
    BadChipData,
    CardKeyOption,
    SessionKey,
    arpc_method_1,
    arpc_method_2,
    arqc,
    card_key,
    session_key,
    verify_arqc,
)
from hsm_soft.mac import Padding

_MASTER = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def _session(
    pan: str = "9900010000000003", sequence_number: str = "01", counter: bytes = b"\0\1"
) -> SessionKey:
    return session_key(card_key(_MASTER, pan, sequence_number, CardKeyOption.A), counter)


def test_a_cryptogram_fits_once() -> None:
    """Another card, sequence number, counter, message or padding has another cryptogram."""
    cryptogram = arqc(_session(), b"message")

    assert verify_arqc(_session(), b"message", cryptogram)
    for other in (
        _session(pan="9900010000000011"),
        _session(sequence_number="02"),
        _session(counter=b"\0\2"),
    ):
        assert not verify_arqc(other, b"message", cryptogram)
    assert not verify_arqc(_session(), b"massage", cryptogram)
    assert not verify_arqc(_session(), b"message", cryptogram, Padding.METHOD_1)


@pytest.mark.parametrize("sequence_number", ["", "1", "001", "0x", "\uff10\uff11"])
def test_another_sequence_number_is_refused(sequence_number: str) -> None:
    """Two digits."""
    with pytest.raises(BadChipData):
        _session(sequence_number=sequence_number)


def test_other_lengths_are_refused() -> None:
    """Counter, cryptogram, response code, status update and proprietary data have their lengths."""
    session = _session()
    for counter in (b"", b"\1", bytes(3)):
        with pytest.raises(BadChipData):
            _session(counter=counter)
    for cryptogram, code in ((bytes(7), bytes(2)), (bytes(8), bytes(3))):
        with pytest.raises(BadChipData):
            arpc_method_1(session, cryptogram, code)
    for cryptogram, status, proprietary in (
        (bytes(7), bytes(4), b""),
        (bytes(8), bytes(3), b""),
        (bytes(8), bytes(4), bytes(9)),
    ):
        with pytest.raises(BadChipData):
            arpc_method_2(session, cryptogram, status, proprietary)
