"""Hypothesis strategies: what the dialect's fields can hold on the wire, whoever would send it."""

from hypothesis import strategies as st

from iso8583_specs.dialects.unionpay_pos import SPEC
from tests.switch.small_terminal import Changes

NUMBERS = sorted(int(key) for key in SPEC if key.isdigit())
_LETTERS = {"n": st.sampled_from("0123456789"), "z": st.sampled_from("0123456789=")}
_LONGEST = 45
# What is more often at the edge of a rule than chance would find.
_LIKELY: dict[int, list[str | bytes]] = {
    2: ["", "9", "9900010000000000019", "9" * 19],
    3: ["000000", "310000", "200000", "999999"],
    4: ["0" * 12, "9" * 12, "000000000001"],
    14: ["0000", "9999", "3112"],
    25: ["00", "65", "99"],
    35: [
        "",
        "=",
        "==",
        "9" * 37,
        "=" * 37,
        "9900010000000000019=",
        "1=2=3",
        "9" * 19 + "=3112",
        "9" * 20 + "=",
    ],
    37: ["0" * 12, "\0" * 12, "\xff" * 12],
    41: ["\0" * 8, "\xff" * 8, "T0000001", " " * 8, "\n" * 8],
    42: ["\0" * 15, "\xff" * 15, " " * 15],
    49: ["156", "000", "999", "\0\0\0", "\xb2\xb9\xb3", "CNY", "15\xb2"],
    52: [bytes(8), b"\xff" * 8],
    53: ["2600000000000000", "0" * 16, "9" * 16],
    60: [
        "",
        "2",
        "22",
        "22000001",
        "2200000",
        "01000001",
        "00000001001",
        "00000001003",
        "00000001002",
        "9" * 17,
    ],
    61: ["", "9" * 29],
    64: [bytes(8), b"\xff" * 8],
}


def values(number: int) -> st.SearchStrategy[str | bytes]:
    """What a field can hold."""
    spec = SPEC[str(number)]
    if spec["content"] == "xn":
        return st.from_regex(r"[CD][0-9]{8}", fullmatch=True)
    least = 0 if spec["len_type"] else spec["max_len"]
    most = spec["max_len"] if spec["len_type"] == 0 else min(spec["max_len"], _LONGEST)
    if spec["content"] == "b":
        return st.binary(min_size=least, max_size=most)
    characters = _LETTERS.get(spec["content"], st.characters(max_codepoint=255))
    anything = st.text(characters, min_size=least, max_size=most)
    return st.sampled_from(_LIKELY[number]) | anything if number in _LIKELY else anything


def changes(*, fields_max: int = 6) -> st.SearchStrategy[Changes]:
    """Fields that take another value, and fields that are left out."""
    numbers = st.sampled_from([*_LIKELY] * 3 + NUMBERS)
    chosen = st.dictionaries(numbers, st.booleans(), max_size=fields_max)
    return chosen.flatmap(
        lambda kept: st.fixed_dictionaries(
            {number: values(number) if keep else st.none() for number, keep in kept.items()}
        )
    )
