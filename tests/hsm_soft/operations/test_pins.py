"""PIN operations: keys used for their purpose only, verdicts, and the brake on guessing."""

from collections.abc import Callable

import pytest

from hsm_soft.failure_limit import CARD_LIMIT
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.pin import PinChange, PinReference, PinResult
from hsm_soft.pin_block import PinBlockFormat, PinCipher, read_pin, write_pin
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.pin_translation import PinBlockRefused, TranslationForbidden
from hsm_soft.pin_verification_value import BadDecimalisationTable, BadVerificationData
from hsm_soft.primitives import Random, aes_encryptor, des_decryptor, des_encryptor, sm4_encryptor

_PAN = "9900010000000003"
_WALLET = 7
_CLEAR = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_ENCRYPTORS = {PinCipher.DES: des_encryptor, PinCipher.AES: aes_encryptor, PinCipher.SM4: sm4_encryptor}
_ALGORITHMS = {
    PinCipher.DES: Algorithm.TDES,
    PinCipher.AES: Algorithm.AES,
    PinCipher.SM4: Algorithm.SM4,
}
_ISO_0 = PinBlockFormat.ISO_0
_TABLE = "0123456789012345"

MakeKey = Callable[..., KeyBlock]


@pytest.fixture
def make_key(protection: KeyBlockProtection, random: Random) -> MakeKey:
    """The key block of the published test key, for a usage, algorithm and mode."""

    def make(usage: KeyUsage, algorithm: Algorithm | None = Algorithm.TDES, mode: str = "") -> KeyBlock:
        return protection.wrap(usage, _CLEAR, random, algorithm=algorithm, mode=mode)

    return make


@pytest.fixture
def reference(hsm: SoftHsm) -> PinReference:
    """What is stored of PIN 739251."""
    return hsm.make_pin_reference("739251", _WALLET)


def _block(pin: str, pin_format: PinBlockFormat = _ISO_0) -> bytes:
    return write_pin(pin_format, _ENCRYPTORS[pin_format.cipher](_CLEAR), pin, _PAN, bytes)


@pytest.mark.parametrize("pin_format", PinBlockFormat)
def test_a_pin_verifies_in_every_format(
    hsm: SoftHsm, make_key: MakeKey, reference: PinReference, pin_format: PinBlockFormat
) -> None:
    """Under a key of the format's cipher the right PIN matches and another doesn't."""
    key = make_key(KeyUsage.PIN_ENCRYPTION, _ALGORITHMS[pin_format.cipher])
    results = [
        hsm.verify_pin(key, _block(pin, pin_format), _PAN, _WALLET, reference, pin_format)
        for pin in ("739251", "739252")
    ]

    assert results == [PinResult.MATCH, PinResult.MISMATCH]


@pytest.mark.parametrize("pin_format", [_ISO_0, PinBlockFormat.ISO_4, PinBlockFormat.SM4])
def test_a_keys_cipher_has_its_usual_format(
    hsm: SoftHsm, make_key: MakeKey, reference: PinReference, pin_format: PinBlockFormat
) -> None:
    """Who doesn't say how a block is laid out means format 0, format 4 under AES, the long one under SM4."""
    key = make_key(KeyUsage.PIN_ENCRYPTION, _ALGORITHMS[pin_format.cipher])

    verified = hsm.verify_pin(key, _block("739251", pin_format), _PAN, _WALLET, reference)

    assert verified is PinResult.MATCH


@pytest.mark.parametrize("pin_format", [PinBlockFormat.ISO_4, PinBlockFormat.SM4])
def test_a_key_of_another_cipher_is_refused(
    hsm: SoftHsm, make_key: MakeKey, reference: PinReference, pin_format: PinBlockFormat
) -> None:
    """A format's block can't be deciphered, or made, under a key of another cipher."""
    key = make_key(KeyUsage.PIN_ENCRYPTION, mode="B")

    with pytest.raises(KeyBlockRefused) as refused:
        hsm.verify_pin(key, _block("739251", pin_format), _PAN, _WALLET, reference, pin_format)
    assert refused.value.reason is Refusal.ALGORITHM
    with pytest.raises(KeyBlockRefused) as refused:
        hsm.translate_pin(key, _ISO_0, key, pin_format, _block("739251"), _PAN)
    assert refused.value.reason is Refusal.ALGORITHM
    with pytest.raises(KeyBlockRefused) as refused:
        hsm.change_pin(key, b"", b"", _PAN, _WALLET, reference, PinPolicy(), pin_format)
    assert refused.value.reason is Refusal.ALGORITHM


def test_a_card_that_failed_too_often_is_not_verified(
    hsm: SoftHsm, make_key: MakeKey, reference: PinReference
) -> None:
    """The right PIN too is LIMITED then, a change as well, and another card is not."""
    key, offset_key = make_key(KeyUsage.PIN_ENCRYPTION), make_key(KeyUsage.PIN_VISA)
    right, other = _block("739251"), _PAN[:-1] + "4"
    wrong = [
        hsm.verify_pin(key, _block("111111"), _PAN, _WALLET, reference) for _ in range(CARD_LIMIT.failures)
    ]
    changed = hsm.change_pin(key, right, right, _PAN, _WALLET, reference, PinPolicy())

    assert {PinResult.MISMATCH} == set(wrong)
    assert hsm.verify_pin(key, right, _PAN, _WALLET, reference) is PinResult.LIMITED
    assert hsm.verify_pin_visa(key, _ISO_0, right, _PAN, offset_key, 1, "0000") is PinResult.LIMITED
    assert (PinChange.LIMITED, None) == (changed.result, changed.reference)
    assert hsm.verify_pin(key, right, other, _WALLET, reference) is not PinResult.LIMITED


def test_the_right_pin_is_never_limited(hsm: SoftHsm, make_key: MakeKey, reference: PinReference) -> None:
    """However often a card pays, it is not a failure."""
    key = make_key(KeyUsage.PIN_ENCRYPTION)
    results = {
        hsm.verify_pin(key, _block("739251"), _PAN, _WALLET, reference)
        for _ in range(3 * CARD_LIMIT.failures)
    }

    assert {PinResult.MATCH} == results


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("739251", "482916", PinChange.CHANGED),
        ("739252", "482916", PinChange.WRONG_PIN),
        ("739251", "123456", PinChange.EXCLUDED),
        ("73925a", "482916", PinChange.UNREADABLE),
        ("739251", "48291b", PinChange.UNREADABLE),
    ],
)
def test_a_pin_is_changed_by_showing_the_old_one(
    hsm: SoftHsm, make_key: MakeKey, reference: PinReference, old: str, new: str, expected: PinChange
) -> None:
    """The old PIN must be right, the new one readable and allowed; only then there is something to store."""
    key = make_key(KeyUsage.PIN_ENCRYPTION)
    changed = hsm.change_pin(key, _block(old), _block(new), _PAN, _WALLET, reference, PinPolicy())

    assert expected is changed.result
    if changed.reference is not None:
        verified = hsm.verify_pin(key, _block(new), _PAN, _WALLET, changed.reference)
        assert (PinChange.CHANGED, PinResult.MATCH) == (expected, verified)
    assert (changed.reference is None) == (expected is not PinChange.CHANGED)


def test_a_block_is_translated_between_keys(
    hsm: SoftHsm, protection: KeyBlockProtection, make_key: MakeKey, random: Random
) -> None:
    """From a terminal's key to a partner's the PIN stays, and the partner's key must encrypt."""
    clear = random(16)
    partner = protection.wrap(KeyUsage.PIN_ENCRYPTION, clear, random, mode="E")
    terminal = make_key(KeyUsage.PIN_ENCRYPTION)
    block = hsm.translate_pin(terminal, _ISO_0, partner, PinBlockFormat.ISO_3, _block("739251"), _PAN)

    assert ("739251", True) == read_pin(PinBlockFormat.ISO_3, des_decryptor(clear), block, _PAN)
    for source, destination in ((terminal, terminal), (partner, partner)):
        with pytest.raises(KeyBlockRefused) as refused:
            hsm.translate_pin(source, _ISO_0, destination, _ISO_0, _block("739251"), _PAN)
        assert refused.value.reason is Refusal.MODE
    with pytest.raises(TranslationForbidden):
        hsm.translate_pin(terminal, _ISO_0, partner, PinBlockFormat.ISO_1, _block("739251"), _PAN)
    with pytest.raises(PinBlockRefused):
        hsm.translate_pin(terminal, _ISO_0, partner, _ISO_0, b"8 bytes!", _PAN)


def test_an_offset_verifies_its_pin(hsm: SoftHsm, make_key: MakeKey) -> None:
    """The offset of a PIN is as long as the PIN and verifies it, under a stored table only."""
    key, verification_key = make_key(KeyUsage.PIN_ENCRYPTION), make_key(KeyUsage.PIN_IBM_3624)
    table = hsm.store_decimalisation_table(_TABLE)
    offset = hsm.pin_offset_ibm_3624(key, _ISO_0, _block("739251"), _PAN, verification_key, table)
    with_data = hsm.pin_offset_ibm_3624(
        key, _ISO_0, _block("739251"), _PAN, verification_key, table, "0011223344556677"
    )

    def verified(pin: str, said: str) -> PinResult:
        return hsm.verify_pin_ibm_3624(key, _ISO_0, _block(pin), _PAN, verification_key, table, said)

    assert [6, 6] == [len(offset), len(with_data)]
    assert offset != with_data
    results = [verified("739251", offset), verified("739252", offset), verified("7392", offset)]
    assert [PinResult.MATCH, PinResult.MISMATCH, PinResult.MISMATCH] == results
    assert verified("73925a", offset) is PinResult.UNREADABLE
    with pytest.raises(BadVerificationData):
        verified("739251", "12")
    with pytest.raises(KeyBlockRefused):
        hsm.verify_pin_ibm_3624(
            key, _ISO_0, _block("739251"), _PAN, verification_key, verification_key, offset
        )


def test_a_one_sided_table_is_not_stored(hsm: SoftHsm) -> None:
    """The attack by chosen tables needs one that is not accepted."""
    with pytest.raises(BadDecimalisationTable):
        hsm.store_decimalisation_table("1000000000000000")


def test_a_pvv_verifies_its_pin(hsm: SoftHsm, make_key: MakeKey) -> None:
    """The PVV of a PIN verifies it, and any other with the same first four digits."""
    key, verification_key = make_key(KeyUsage.PIN_ENCRYPTION), make_key(KeyUsage.PIN_VISA)
    pvv = hsm.pin_value_visa(key, _ISO_0, _block("7392"), _PAN, verification_key, 1)

    def verified(pin: str) -> PinResult:
        return hsm.verify_pin_visa(key, _ISO_0, _block(pin), _PAN, verification_key, 1, pvv)

    assert len(pvv) == 4
    results = [verified(pin) for pin in ("7392", "739251", "7393", "739a")]
    assert [PinResult.MATCH, PinResult.MATCH, PinResult.MISMATCH, PinResult.UNREADABLE] == results


@pytest.mark.parametrize("pin_format", [PinBlockFormat.ISO_1, PinBlockFormat.ISO_2])
def test_a_pvv_is_made_of_bound_blocks_only(
    hsm: SoftHsm, make_key: MakeKey, pin_format: PinBlockFormat
) -> None:
    """A block without a card number could be any card's, and one without digits has no value."""
    key, verification_key = make_key(KeyUsage.PIN_ENCRYPTION), make_key(KeyUsage.PIN_VISA)

    with pytest.raises(PinBlockRefused):
        hsm.pin_value_visa(key, pin_format, _block("7392", pin_format), _PAN, verification_key, 1)
    with pytest.raises(PinBlockRefused):
        hsm.pin_value_visa(key, _ISO_0, _block("739a"), _PAN, verification_key, 1)
