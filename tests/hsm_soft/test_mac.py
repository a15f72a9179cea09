"""Partner MACs: paddings, lengths and keys; the values are in the vectors."""

from random import Random as SeededRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.mac import MacAlgorithm, MacMethod, Padding, authenticator, make_mac, padded, verify_mac
from hsm_soft.pos_mac import MacMismatch

_KEY_BYTES = {
    MacAlgorithm.X9_9: 8,
    MacAlgorithm.X9_19: 16,
    MacAlgorithm.TDES_CBC: 16,
    MacAlgorithm.TDES_CMAC: 24,
    MacAlgorithm.AES_CMAC: 32,
    MacAlgorithm.HMAC_SHA256: 32,
}


@pytest.mark.parametrize(
    ("method", "data", "expected"),
    [
        (Padding.METHOD_1, b"", bytes(8)),
        (Padding.METHOD_1, b"12345678", b"12345678"),
        (Padding.METHOD_1, b"123456789", b"123456789" + bytes(7)),
        (Padding.METHOD_2, b"", b"\x80" + bytes(7)),
        (Padding.METHOD_2, b"12345678", b"12345678\x80" + bytes(7)),
        (Padding.METHOD_3, b"", bytes(16)),
        (Padding.METHOD_3, b"123", bytes(7) + b"\x18123" + bytes(5)),
    ],
)
def test_padding_is_the_standards(method: Padding, data: bytes, expected: bytes) -> None:
    """Zeros, a one bit and zeros, or the length in front; never an empty string."""
    assert expected == padded(method, data)


@given(
    algorithm=st.sampled_from(MacAlgorithm),
    padding=st.sampled_from(Padding),
    data=st.binary(max_size=300),
    seed=st.integers(),
)
def test_a_mac_verifies_itself_and_nothing_else(
    algorithm: MacAlgorithm, padding: Padding, data: bytes, seed: int
) -> None:
    """What was made fits; one more byte, one other bit, and a shorter or longer MAC don't."""
    random = SeededRandom(seed)
    method = MacMethod(algorithm, random.randint(4, algorithm.full_bytes), padding)
    authenticate = authenticator(algorithm, padding, random.randbytes(_KEY_BYTES[algorithm]))
    mac = make_mac(authenticate, method, data)

    verify_mac(authenticate, method, data, mac)
    assert method.length == len(mac)
    for wrong in (mac[:-1], mac + b"\0", mac[:-1] + bytes((mac[-1] ^ 1,)), b""):
        with pytest.raises(MacMismatch):
            verify_mac(authenticate, method, data, wrong)
    with pytest.raises(MacMismatch):
        verify_mac(authenticate, method, data + b"1", mac)


@pytest.mark.parametrize("length", [3, 9])
def test_a_mac_has_at_least_four_bytes_and_no_more_than_it_has(length: int) -> None:
    """Shorter ones are guessed, longer ones don't exist."""
    with pytest.raises(ValueError, match="4 to 8 bytes"):
        MacMethod(MacAlgorithm.X9_19, length)


@pytest.mark.parametrize(
    ("algorithm", "key_bytes"),
    [(MacAlgorithm.X9_9, 16), (MacAlgorithm.X9_19, 8), (MacAlgorithm.X9_19, 24), (MacAlgorithm.TDES_CBC, 12)],
)
def test_a_key_of_another_length_is_refused(algorithm: MacAlgorithm, key_bytes: int) -> None:
    """Each MAC has its key lengths."""
    with pytest.raises(ValueError, match="bytes"):
        authenticator(algorithm, Padding.METHOD_1, bytes(key_bytes))
