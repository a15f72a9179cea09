"""Components: what an officer may enter, and what they combine to."""

from functools import reduce
from random import Random as SeededRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.check_values import check_value
from hsm_soft.components import check_component, combine
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.new_keys import has_odd_parity, new_des_key
from hsm_soft.primitives import xor

_GOOD = bytes.fromhex("F1FD46F7E60DC81CAD97E0FE1C15A72F")


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(2, 9),
    algorithm=st.sampled_from([Algorithm.TDES, Algorithm.AES, Algorithm.SM4]),
)
def test_components_combine_by_xor(seed: int, count: int, algorithm: Algorithm) -> None:
    """Two to nine give their XOR; a DES key gets its parity set right, which no cipher sees."""
    random = SeededRandom(seed).randbytes
    make = new_des_key if algorithm is Algorithm.TDES else lambda length, draw: draw(length)
    components = [make(16, random) for _ in range(count)]
    joined = reduce(xor, components)

    key = combine(algorithm, components, check_value(algorithm, joined))

    assert check_value(algorithm, joined) == check_value(algorithm, key)
    assert has_odd_parity(key) if algorithm is Algorithm.TDES else key == joined


@pytest.mark.parametrize(
    ("components", "said", "expected"),
    [
        ([], None, Refusal.COMPONENTS),
        ([_GOOD], None, Refusal.COMPONENTS),
        ([_GOOD, _GOOD], None, Refusal.COMPONENTS),
        ([bytes([number]) * 16 for number in range(10)], None, Refusal.COMPONENTS),
        ([_GOOD, bytes(16)], b"\0\0\0", Refusal.CHECK_VALUE),
        ([_GOOD, bytes(16)], b"", Refusal.CHECK_VALUE),
        ([_GOOD, xor(_GOOD, b"\1" * 16)], None, Refusal.WEAK),
    ],
)
def test_what_does_not_combine(components: list[bytes], said: bytes | None, expected: Refusal) -> None:
    """Too few, too many, equal ones, another key than was agreed, and a weak key are refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        combine(Algorithm.TDES, components, said)

    assert expected is refused.value.reason


@pytest.mark.parametrize(
    ("algorithm", "component", "said", "expected"),
    [
        (Algorithm.TDES, _GOOD[:8], None, Refusal.LENGTH),
        (Algorithm.TDES, bytes(16), None, Refusal.WEAK),
        (Algorithm.AES, b"\xff" * 16, None, Refusal.WEAK),
        (Algorithm.TDES, xor(_GOOD, b"\0" * 15 + b"\1"), None, Refusal.PARITY),
        (Algorithm.TDES, _GOOD, b"\0\0\0", Refusal.CHECK_VALUE),
        (Algorithm.TDES, _GOOD, b"", Refusal.CHECK_VALUE),
    ],
)
def test_an_unsound_component_is_refused(
    algorithm: Algorithm, component: bytes, said: bytes | None, expected: Refusal
) -> None:
    """Another length, a constant, wrong parity of a DES component, a check value that does not fit."""
    with pytest.raises(KeyBlockRefused) as refused:
        check_component(algorithm, component, 16, said)

    assert expected is refused.value.reason


def test_a_sound_component_is_taken() -> None:
    """With its check value or without one; parity is DES keys' only."""
    check_component(Algorithm.TDES, _GOOD, 16, check_value(Algorithm.TDES, _GOOD))
    check_component(Algorithm.TDES, _GOOD, 16, None)
    check_component(Algorithm.AES, xor(_GOOD, b"\0" * 15 + b"\1"), 16, None)
