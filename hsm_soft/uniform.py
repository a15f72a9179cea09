"""Choosing characters so that each is equally likely, from bytes that are.

256 is no multiple of 6 or 10, so a byte taken modulo the alphabet's length would favour its first
characters. A byte at or above the largest multiple is thrown away and drawn anew (rejection sampling).
"""

from typing import Final

from hsm_soft.primitives import Random

__all__ = ["DIGITS", "uniform_characters"]

DIGITS: Final = "0123456789"


def uniform_characters(alphabet: str, count: int, random: Random) -> str:
    """`count` characters, each of the alphabet (1 to 256 different ones) equally likely."""
    if len(alphabet) == 1:
        return alphabet * count
    usable = 256 - 256 % len(alphabet)
    chosen = ""
    while len(chosen) < count:
        drawn = random(count - len(chosen))
        chosen += "".join(alphabet[byte % len(alphabet)] for byte in drawn if byte < usable)
    return chosen
