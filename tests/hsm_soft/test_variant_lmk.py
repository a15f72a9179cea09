"""Keys under a variant LMK: every scheme there and back, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.variant_lmk import VARIANTS, key_under_lmk, open_variant_key

_PAIR = bytes.fromhex("E0E0010101010101F1F1010101010101")


@given(
    scheme=st.sampled_from("ZXUT"),
    variant=st.integers(0, len(VARIANTS) - 1),
    key=st.binary(min_size=24, max_size=24),
)
def test_a_key_comes_back(scheme: str, variant: int, key: bytes) -> None:
    """Each scheme and variant opens what it made, and another variant doesn't."""
    clear = key[: {"Z": 8, "X": 16, "U": 16, "T": 24}[scheme]]
    text = key_under_lmk(_PAIR, variant, scheme, clear)

    assert clear == open_variant_key(_PAIR, variant, text)
    assert clear != open_variant_key(_PAIR, (variant + 1) % len(VARIANTS), text)


@pytest.mark.parametrize(
    ("pair", "variant", "text", "expected"),
    [
        (_PAIR, 9, "00" * 8, Refusal.MALFORMED),
        (_PAIR, -1, "00" * 8, Refusal.MALFORMED),
        (_PAIR, 0, "", Refusal.LENGTH),
        (_PAIR, 0, "U" + "00" * 8, Refusal.LENGTH),
        (_PAIR, 0, "Y" + "00" * 16, Refusal.MALFORMED),
        (_PAIR[:8], 0, "00" * 8, Refusal.LENGTH),
    ],
)
def test_other_texts_are_refused(pair: bytes, variant: int, text: str, expected: Refusal) -> None:
    """No such variant, no hexadecimal, another length."""
    with pytest.raises(KeyBlockRefused) as refused:
        open_variant_key(pair, variant, text)

    assert expected is refused.value.reason


@pytest.mark.parametrize(
    ("scheme", "key_bytes", "expected"), [("U", 8, Refusal.LENGTH), ("S", 8, Refusal.MALFORMED)]
)
def test_a_key_has_its_schemes_length(scheme: str, key_bytes: int, expected: Refusal) -> None:
    """A key of another length, or an unknown scheme, is not wrapped."""
    with pytest.raises(KeyBlockRefused) as refused:
        key_under_lmk(_PAIR, 0, scheme, bytes(key_bytes))

    assert expected is refused.value.reason
