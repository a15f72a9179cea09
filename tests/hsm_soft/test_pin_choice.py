"""PINs: which are excluded, and that every allowed one is equally likely."""

from collections import Counter
from random import Random as SeededRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pin_choice import PinPolicy, draw_pin
from hsm_soft.primitives import Random
from hsm_soft.uniform import DIGITS, uniform_characters

_EXCLUDED = [
    "000000",
    "999999",
    "123456",
    "654321",
    "890123",
    "210987",
    "1212",
    "123123",
    "00000000",
    "112112",
]
_ALLOWED = ["739251", "135790", "1147", "100000", "123457", "12121", "4711"]
_DATES = ["19840723", "840723", "230784", "072384", "0723", "2307", "1984", "2031", "23071984", "07231984"]


@pytest.mark.parametrize("pin", _EXCLUDED)
def test_patterns_are_excluded(pin: str) -> None:
    """Equal digits, steps of one, past the end too, and repeated patterns may not be chosen."""
    assert PinPolicy().excludes(pin)


@pytest.mark.parametrize("pin", _ALLOWED)
def test_others_are_allowed(pin: str) -> None:
    """A PIN that only looks like a pattern is allowed."""
    assert not PinPolicy(exclude_dates=True).excludes(pin)


@pytest.mark.parametrize("pin", _DATES)
def test_dates_are_excluded_where_the_issuer_says_so(pin: str) -> None:
    """Birthdays in any order, days and years are excluded by an option."""
    assert PinPolicy(exclude_dates=True).excludes(pin)
    assert not PinPolicy().excludes(pin)


def test_an_issuer_has_a_list_of_its_own() -> None:
    """What the issuer lists is excluded too."""
    assert PinPolicy(also_excluded=("147258",)).excludes("147258")


@pytest.mark.parametrize("length", [3, 13])
def test_a_policy_draws_4_to_12_digits(length: int) -> None:
    """A PIN of another length can't be asked for."""
    with pytest.raises(ValueError, match="4 to 12"):
        PinPolicy(length=length)


@given(length=st.integers(4, 12), seed=st.integers())
def test_a_drawn_pin_is_allowed(length: int, seed: int) -> None:
    """It has the policy's length, digits only, and is not excluded."""
    policy = PinPolicy(length=length)
    pin = draw_pin(policy, SeededRandom(seed).randbytes)

    assert (length, True, False) == (len(pin), pin.isdigit(), policy.excludes(pin))


def test_an_excluded_pin_is_drawn_again() -> None:
    """What is excluded never leaves, and nothing of it is kept."""
    drawn = iter([bytes(6), b"\1\2\3\4\5\6", b"\7\3\x09\2\5\1"])

    assert draw_pin(PinPolicy(), lambda _: next(drawn)) == "739251"


def test_bytes_that_favour_some_digits_are_drawn_again() -> None:
    """250 to 255 would make 0 to 5 likelier, so they are thrown away."""
    drawn = iter([b"\xfa\xff\xf9", b"\0\1"])

    assert uniform_characters(DIGITS, 3, lambda _: next(drawn)) == "901"


def test_digits_are_uniform(random: Random) -> None:
    """Of many digits, each comes about as often."""
    counts = Counter(uniform_characters(DIGITS, 50_000, random))

    assert set(DIGITS) == set(counts)
    assert all(4_700 < count < 5_300 for count in counts.values())


def test_one_character_needs_no_choice() -> None:
    """An alphabet of one gives that one, and draws nothing."""
    assert uniform_characters("F", 3, lambda _: b"") == "FFF"
