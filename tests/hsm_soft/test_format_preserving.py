"""FF1 is NIST's, and the permutation over any range loses and repeats nothing."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.format_preserving import ff1_encrypt, permuted
from hsm_soft.primitives import aes_encryptor

_DIGITS = string.digits + string.ascii_lowercase
_KEY_128 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
_KEY_256 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
_TWEAK = bytes.fromhex("39383736353433323130")
_LONG_TWEAK = bytes.fromhex("3737373770717273373737")
_CIPHER = aes_encryptor(bytes(32))


@pytest.mark.parametrize(
    ("key", "radix", "tweak", "plain", "expected"),
    [
        (_KEY_128, 10, b"", "0123456789", "2433477484"),
        (_KEY_128, 10, _TWEAK, "0123456789", "6124200773"),
        (_KEY_128, 36, _LONG_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
        (_KEY_256, 10, b"", "0123456789", "6657667009"),
        (_KEY_256, 10, _TWEAK, "0123456789", "1001623463"),
        (_KEY_256, 36, _LONG_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
    ],
)
def test_ff1_gives_the_published_samples(
    key: bytes, radix: int, tweak: bytes, plain: str, expected: str
) -> None:
    """The samples that NIST publishes with SP 800-38G come out, for 128 and 256 bits of key."""
    number = ff1_encrypt(aes_encryptor(key), radix, len(plain), tweak, int(plain, radix))

    assert int(expected, radix) == number
    assert set(expected) <= set(_DIGITS)


@given(size=st.integers(1, 3_000), tweak=st.binary(max_size=40))
def test_permutation_takes_each_place_once(size: int, tweak: bytes) -> None:
    """Every position of a range of any size gets a place of its own in it."""
    places = {permuted(_CIPHER, size, tweak, position) for position in range(size)}

    assert set(range(size)) == places


@given(size=st.integers(10**6, 10**18), positions=st.sets(st.integers(0, 10**6 - 1), min_size=2, max_size=20))
def test_places_of_a_large_range_differ(size: int, positions: set[int]) -> None:
    """Different positions of a large range have different places within it."""
    places = {permuted(_CIPHER, size, b"range", position) for position in positions}

    assert len(positions) == len(places)
    assert max(places) < size


def test_tweaks_make_different_permutations() -> None:
    """Two ranges of one size don't draw their numbers in one order."""
    orders = [[permuted(_CIPHER, 1_000, tweak, position) for position in range(20)] for tweak in (b"1", b"2")]

    assert orders[0] != orders[1]
