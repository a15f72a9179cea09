"""Keys in parts: two to nine components, each known to one officer, whose XOR is the key.

Nobody who knows all but one of them knows anything of the key. Each component has the length of the key and a
check value of its own, so that its officer sees at entry whether it was mistyped; the key has one that all
agreed on. A component of a DES key has odd parity; two of them combine to even parity, which is set right in
the key and which no cipher sees. All zeros, a constant, or two equal components would hand the key to
somebody else, and are refused.

Between entry and combination components are stored as key blocks under the master key, with a key version of
c1 to c9, which X9.143 reserves for them and `import_block` refuses.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from hsm_soft.check_values import agrees
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.new_keys import has_odd_parity, refuse_weak, with_odd_parity
from hsm_soft.primitives import compare_digest, xor

__all__ = ["COMPONENTS_MAX", "COMPONENTS_MIN", "check_component", "combine"]

COMPONENTS_MIN: Final = 2
COMPONENTS_MAX: Final = 9

_DES: Final = frozenset({Algorithm.DES, Algorithm.TDES})


def check_component(algorithm: Algorithm, component: bytes, length_bytes: int, said: bytes | None) -> None:
    """Returns only if a component is sound.

    Args:
        algorithm: of the key.
        component: as its officer entered it.
        length_bytes: of the key.
        said: its check value, read off the same sheet; None where there is none.

    Raises:
        KeyBlockRefused: `LENGTH`, `PARITY`, `WEAK` (constant) or `CHECK_VALUE`.
    """
    if len(component) != length_bytes:
        raise KeyBlockRefused(Refusal.LENGTH)
    if len(set(component)) < 2:
        raise KeyBlockRefused(Refusal.WEAK)
    if algorithm in _DES and not has_odd_parity(component):
        raise KeyBlockRefused(Refusal.PARITY)
    if said is not None and not agrees(algorithm, component, said):
        raise KeyBlockRefused(Refusal.CHECK_VALUE)


def combine(algorithm: Algorithm, components: Sequence[bytes], said: bytes | None) -> bytes:
    """The key: the XOR of its components.

    Args:
        algorithm: of the key.
        components: two to nine, each checked and of the same length.
        said: the check value of the whole key that was agreed; None for a key that is made here.

    Raises:
        KeyBlockRefused: `COMPONENTS`: too few, too many, or two are equal; `CHECK_VALUE`; `WEAK`.
    """
    if not COMPONENTS_MIN <= len(components) <= COMPONENTS_MAX or _has_equal(components):
        raise KeyBlockRefused(Refusal.COMPONENTS)
    key = reduce(xor, components)
    refuse_weak(algorithm, key)
    if said is not None and not agrees(algorithm, key, said):
        raise KeyBlockRefused(Refusal.CHECK_VALUE)
    return with_odd_parity(key) if algorithm in _DES else key


def _has_equal(components: Sequence[bytes]) -> bool:
    return any(
        compare_digest(one, other) for place, one in enumerate(components) for other in components[:place]
    )
