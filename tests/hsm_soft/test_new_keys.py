"""The quality of keys: parity, weak keys, equal halves."""

from random import Random as SeededRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft import new_keys
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.new_keys import has_odd_parity, new_des_key, new_key, refuse_weak
from hsm_soft.primitives import des_encryptor


@given(seed=st.integers(), length=st.sampled_from([8, 16, 24]))
def test_new_keys_have_odd_parity(seed: int, length: int) -> None:
    """Every byte of a new key has an odd number of ones."""
    key = new_des_key(length, SeededRandom(seed).randbytes)

    assert length == len(key)
    assert [1] * length == [byte.bit_count() % 2 for byte in key]


def test_weak_keys_and_equal_halves_are_drawn_again() -> None:
    """Weak, semi-weak and equal halves, also behind wrong parity, are thrown away until a good key comes."""
    good = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    drawn = iter([bytes(16), good[:8] + bytes.fromhex("011F011F010E010E"), good[:8] * 2, good])

    assert good == new_des_key(16, lambda _: next(drawn))


def test_the_weak_keys_are_weak() -> None:
    """For each of the sixteen there is one under which a second encryption undoes the first."""
    weak = new_keys._WEAK
    undone = [
        any(des_encryptor(second)(des_encryptor(first)(b"8 bytes!")) == b"8 bytes!" for second in weak)
        for first in weak
    ]

    assert undone == [True] * 16


@pytest.mark.parametrize(
    "key",
    [
        "00" * 8 + "0123456789ABCDEF",
        "0123456789ABCDEF" * 2,
        "0123456789ABCDEF0022446688AACCEE",
        "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF",
    ],
)
def test_a_weak_key_is_refused_whatever_its_parity(key: str) -> None:
    """A weak half or halves that differ in parity bits only are refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        refuse_weak(Algorithm.TDES, bytes.fromhex(key))

    assert Refusal.WEAK is refused.value.reason


def test_a_sound_key_is_not_refused() -> None:
    """A key with wrong parity but different halves passes."""
    refuse_weak(Algorithm.TDES, bytes.fromhex("55036372B17543ECB173730768B8D6C4"))


@pytest.mark.parametrize("algorithm", [Algorithm.AES, Algorithm.SM4, Algorithm.HMAC])
def test_other_keys_are_weak_only_if_constant(algorithm: Algorithm) -> None:
    """Zeros are refused as a key of any cipher; two equal halves are nothing to an AES key."""
    refuse_weak(algorithm, bytes.fromhex("0123456789ABCDEF" * 2))

    with pytest.raises(KeyBlockRefused) as refused:
        refuse_weak(algorithm, bytes(16))

    assert Refusal.WEAK is refused.value.reason


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_new_key_is_random(algorithm: Algorithm) -> None:
    """A new key of any algorithm has its length and is good; a DES key has its parity."""
    key = new_key(algorithm, 16, SeededRandom(1).randbytes)

    refuse_weak(algorithm, key)
    assert len(key) == 16
    assert has_odd_parity(key) == (algorithm in {Algorithm.DES, Algorithm.TDES})
