"""Numbers in an order that nobody can foresee: the format-preserving permutation FF1, over whole numbers.

Who knows one card number of a range must not be able to name the next. A permutation under a key takes 0, 1,
2 … to numbers that look drawn by lot, each exactly once, without a table of those that were used: who counts
positions never meets a number twice, and a position gives the same number after any interruption.

FF1 is NIST SP 800-38G, algorithm 7, with AES. A numeral string of n digits of a radix is one whole number
below radix^n here. `permuted` works on any size: FF1 in radix 2 over the next power of two, and again while
what comes out is not below the size (cycle walking, section 5.1 of the standard's references), twice on
average at most. The standard asks for a million strings at least (revision 1, section 5.1); a smaller range
gets its permutation too, but a number in it is soon guessed whatever is done.
"""

from typing import Final

from hsm_soft.primitives import AES_BLOCK_BYTES, Keyed

__all__ = ["ff1_encrypt", "permuted"]

_ROUNDS: Final = 10
_BITS_MIN: Final = 2
_HALF_BITS_MAX: Final = 96


def ff1_encrypt(encrypt: Keyed, radix: int, length: int, tweak: bytes, number: int) -> int:
    """FF1 of a numeral string, given and returned as a number.

    Args:
        encrypt: ECB encryption under an AES key.
        radix: 2 to 65,536.
        length: digits of the string, at least two; half of them have no more than 96 bits.
        tweak: public; another one makes another permutation.
        number: below radix ** length.
    """
    left_digits = length // 2
    right_digits = length - left_digits
    half_bytes = ((radix**right_digits - 1).bit_length() + 7) // 8
    assert 0 <= number < radix**length
    assert left_digits
    assert half_bytes * 8 <= _HALF_BITS_MAX
    taken = 4 * ((half_bytes + 3) // 4) + 4
    head = (
        b"\1\2\1" + radix.to_bytes(3, "big") + bytes((_ROUNDS, left_digits % 256))
        + length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    )  # fmt: skip
    before_round = tweak + bytes((-len(tweak) - half_bytes - 1) % AES_BLOCK_BYTES)
    state = _chained(encrypt, encrypt(head), before_round[: len(before_round) // 16 * 16])
    before_round = before_round[len(before_round) // 16 * 16 :]
    moduli: tuple[int, int] = (radix**left_digits, radix**right_digits)
    left, right = divmod(number, moduli[1])
    for number_of_round in range(_ROUNDS):
        block = before_round + bytes((number_of_round,)) + right.to_bytes(half_bytes, "big")
        mixed = _chained(encrypt, state, block)
        added = (left + int.from_bytes(mixed[:taken], "big")) % moduli[number_of_round % 2]
        left, right = right, added
    return left * moduli[1] + right


def permuted(encrypt: Keyed, size: int, tweak: bytes, position: int) -> int:
    """Where the permutation of 0 to `size` - 1 takes a position.

    Args:
        encrypt: ECB encryption under an AES key.
        size: at most 10 ** 19.
        tweak: what tells this permutation from others under the same key.
        position: below `size`.
    """
    assert 0 <= position < size
    bits = max((size - 1).bit_length(), _BITS_MIN)
    number = position
    while True:
        number = ff1_encrypt(encrypt, 2, bits, tweak, number)
        if number < size:
            return number


def _chained(encrypt: Keyed, state: bytes, data: bytes) -> bytes:
    """The CBC-MAC of whole blocks, begun from a state."""
    for start in range(0, len(data), AES_BLOCK_BYTES):
        mixed = int.from_bytes(state, "big") ^ int.from_bytes(data[start : start + AES_BLOCK_BYTES], "big")
        state = encrypt(mixed.to_bytes(AES_BLOCK_BYTES, "big"))
    return state
