"""Card numbers by position, and the range that a number belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.numbering import BadRange, CheckDigit, Numbers, luhn_digit, most_specific, refuse_conflict

ranges = st.builds(
    lambda first, width, free, check: Numbers(
        f"{first:06}", f"{min(first + width, 999_999):06}", 6 + free + (check is CheckDigit.LUHN), check
    ),
    st.integers(100_000, 999_999),
    st.integers(0, 50),
    st.integers(6, 12),
    st.sampled_from(CheckDigit),
)


@pytest.mark.parametrize(
    ("payload", "digit"),
    [
        ("7992739871", "3"),
        ("411111111111111", "1"),
        ("0", "0"),
        ("9", "1"),
        ("", "0"),
        ("99000100000000000", "1"),
    ],
)
def test_luhn_digit(payload: str, digit: str) -> None:
    """The check digit is that of ISO/IEC 7812-1, annex B."""
    assert digit == luhn_digit(payload)


@given(numbers=ranges, data=st.data())
def test_number_at_a_place_is_of_the_range(numbers: Numbers, data: st.DataObject) -> None:
    """A number has the range's digits, is held by it, and no other place has it."""
    places = data.draw(st.lists(st.integers(0, numbers.size - 1), min_size=2, max_size=2, unique=True))

    made = [numbers.number(place) for place in places]

    assert {numbers.pan_digits} == {len(number) for number in made}
    assert all(numbers.holds(number) for number in made)
    assert (places[0] < places[1]) is (made[0] < made[1])


def test_range_ends_where_it_says() -> None:
    """The first and the last place have the lowest and the highest number."""
    numbers = Numbers("0012", "0014", 12, CheckDigit.NONE)

    assert numbers.size == 300_000_000
    assert (numbers.number(0), numbers.number(numbers.size - 1)) == ("001200000000", "001499999999")


@pytest.mark.parametrize(
    ("number", "held"),
    [
        ("9900010000000001", True),
        ("9900010000000002", False),
        ("990001000000000", False),
        ("9900020000000000", False),
        ("99000100000000x1", False),
        ("\uff19900010000000001", False),
    ],
)
def test_only_numbers_of_the_range_are_held(number: str, held: bool) -> None:
    """Length, leading digits and check digit decide, and only digits are digits."""
    assert held is Numbers("990001", "990001", 16).holds(number)


@pytest.mark.parametrize(
    ("first", "last", "digits", "field"),
    [
        ("99", "999", 16, "first"),
        ("", "", 16, "first"),
        ("9x", "99", 16, "first"),
        ("²2", "²3", 16, "first"),
        ("99", "98", 16, "last"),
        ("99", "99", 11, "digits"),
        ("99", "99", 20, "digits"),
        ("9999999999999", "9999999999999", 12, "digits"),
        ("1", "9", 19, "digits"),
    ],
)
def test_what_is_no_range_is_refused(first: str, last: str, digits: int, field: str) -> None:
    """A range has digits of one length, an end behind its start, and room for numbers that can be counted."""
    with pytest.raises(BadRange) as refused:
        Numbers(first, last, digits, CheckDigit.NONE)

    assert field == refused.value.values["field"]


def test_one_number_is_a_range() -> None:
    """A range may have no free digit at all."""
    assert Numbers("99999999999", "99999999999", 12).size == 1


def test_most_specific_range_wins() -> None:
    """Of nested ranges the smallest that holds a number has it; what none holds has none."""
    there = [
        (Numbers("9900", "9900", 16), "issuer"),
        (Numbers("990001", "990009", 16), "agent"),
        (Numbers("99000155", "99000155", 16), "store"),
    ]
    numbers = ["9900015500000000", "9900016600000008", "9900100000000000", "9901000000000000"]
    numbers = [number[:-1] + luhn_digit(number[:-1]) for number in numbers]

    assert ["store", "agent", "issuer", None] == [most_specific(number, there) for number in numbers]


@given(st.lists(ranges, max_size=6), st.randoms())
def test_most_specific_does_not_depend_on_order(there: list[Numbers], shuffler: object) -> None:
    """The same range is found in whichever order the ranges come, if they nest."""
    kept: list[Numbers] = []
    for numbers in there:
        try:
            refuse_conflict(numbers, kept)
        except BadRange:
            continue
        kept.append(numbers)
    for numbers in kept:
        number = numbers.number(0)
        pairs = [(each, each) for each in kept]
        found = most_specific(number, pairs)

        assert found is most_specific(number, pairs[::-1])
        assert found is not None
        assert found.size <= numbers.size


@pytest.mark.parametrize(
    ("first", "last", "allowed"),
    [
        ("9905", "9905", True),
        ("9900", "9999", True),
        ("989", "989", True),
        ("9910", "9919", True),
        ("9901", "9908", False),
        ("9905", "9915", False),
        ("9895", "9905", False),
    ],
)
def test_ranges_nest_or_lie_apart(first: str, last: str, allowed: bool) -> None:
    """A range that overlaps another in part, or is there already, is refused."""
    new = Numbers(first, last, 16)
    there = [Numbers("9901", "9908", 16)]
    if allowed:
        refuse_conflict(new, there)
    else:
        with pytest.raises(BadRange):
            refuse_conflict(new, there)
