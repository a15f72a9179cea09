"""PIN translation: what ISO 9564-1 allows, and nothing told about the PIN."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pin_block import PinBlockFormat, PinCipher, read_pin, write_pin
from hsm_soft.pin_translation import (
    ALLOWED_TRANSLATIONS,
    PinBlockRefused,
    TranslationForbidden,
    translate_pin_block,
)
from hsm_soft.primitives import (
    Random,
    aes_decryptor,
    aes_encryptor,
    des_decryptor,
    des_encryptor,
    sm4_decryptor,
    sm4_encryptor,
)

_PAN = "9900010000000003"
_SOURCE, _DESTINATION = bytes(range(16)), bytes(range(16, 32))
_ENCRYPTORS = {PinCipher.DES: des_encryptor, PinCipher.AES: aes_encryptor, PinCipher.SM4: sm4_encryptor}
_DECRYPTORS = {PinCipher.DES: des_decryptor, PinCipher.AES: aes_decryptor, PinCipher.SM4: sm4_decryptor}
_PAIRS = list(product(PinBlockFormat, repeat=2))
_ALLOWED = [(source, to) for source, to in _PAIRS if to in ALLOWED_TRANSLATIONS[source]]
_FORBIDDEN = [pair for pair in _PAIRS if pair not in _ALLOWED]


def _translate(
    source: PinBlockFormat, destination: PinBlockFormat, block: bytes, random: Random, pan: str = _PAN
) -> bytes:
    decrypt, encrypt = _DECRYPTORS[source.cipher](_SOURCE), _ENCRYPTORS[destination.cipher](_DESTINATION)
    return translate_pin_block(source, decrypt, destination, encrypt, block, pan, random)


def _block(source: PinBlockFormat, pin: str, random: Random) -> bytes:
    return write_pin(source, _ENCRYPTORS[source.cipher](_SOURCE), pin, _PAN, random)


@pytest.mark.parametrize(("source", "destination"), _ALLOWED, ids=lambda each: each.name)
def test_an_allowed_pair_keeps_the_pin(
    source: PinBlockFormat, destination: PinBlockFormat, random: Random
) -> None:
    """The PIN under the destination's key, in its format, is the one that came."""
    block = _translate(source, destination, _block(source, "739251", random), random)

    assert ("739251", True) == read_pin(
        destination, _DECRYPTORS[destination.cipher](_DESTINATION), block, _PAN
    )


@pytest.mark.parametrize(("source", "destination"), _FORBIDDEN, ids=lambda each: each.name)
def test_any_other_pair_is_forbidden(
    source: PinBlockFormat, destination: PinBlockFormat, random: Random
) -> None:
    """Nothing leaves its card number behind, and format 2 does not travel."""
    with pytest.raises(
        TranslationForbidden, match=f"{source.name} to format {destination.name}"
    ) as forbidden:
        _translate(source, destination, _block(source, "739251", random), random)

    assert (source, destination) == (forbidden.value.source, forbidden.value.destination)


def test_the_allowed_pairs_are_those_of_the_standard() -> None:
    """Of formats with a card number to such formats, and of format 1 to those and to itself."""
    bound = {PinBlockFormat.ISO_0, PinBlockFormat.ISO_3, PinBlockFormat.ISO_4, PinBlockFormat.SM4}
    first = PinBlockFormat.ISO_1

    assert set(_ALLOWED) == {*product(bound, bound), *((first, to) for to in bound), (first, first)}
    assert set(ALLOWED_TRANSLATIONS) == set(PinBlockFormat)


def test_digits_are_not_looked_at(random: Random) -> None:
    """With another card number the digits become others, letters too, and the answer tells nothing of it."""
    block = _block(PinBlockFormat.ISO_0, "1234", random)
    translated = _translate(PinBlockFormat.ISO_0, PinBlockFormat.ISO_0, block, random, "9999" + _PAN[4:])

    assert len(translated) == 8


@given(block=st.binary(max_size=20), pair=st.sampled_from(_ALLOWED))
def test_what_is_wrong_is_not_said(block: bytes, pair: tuple[PinBlockFormat, PinBlockFormat]) -> None:
    """Random bytes are refused with one and the same error, or are a block by chance."""
    decrypt = _DECRYPTORS[pair[0].cipher](_SOURCE)
    if read_pin(pair[0], decrypt, block, _PAN)[1]:
        assert _translate(*pair, block, bytes)
        return
    with pytest.raises(PinBlockRefused, match=r"^the PIN block is refused$"):
        _translate(*pair, block, bytes)
