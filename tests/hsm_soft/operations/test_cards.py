"""Card operations: values, chips, codes and batches, each under keys made for them."""

from collections.abc import Callable

import pytest

from hsm_soft.card_file import CardData
from hsm_soft.card_issue import CardToIssue
from hsm_soft.emv import CardKeyOption, arpc_method_1, arpc_method_2, arqc, card_key, session_key
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.operations.cards import ChipTransaction
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.primitives import Random
from hsm_soft.qr_token import TokenRefused
from hsm_soft.secret_file import read_secret_file

_CLEAR = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_PAN = "4111111111111111"
_CHIP = ChipTransaction("9900010000000003", "01", b"\0\1")


@pytest.fixture
def key_of(protection: KeyBlockProtection, random: Random) -> Callable[[KeyUsage, bytes], KeyBlock]:
    """The key block of a clear key."""
    return lambda usage, clear: protection.wrap(usage, clear, random)


def test_a_card_value_is_made_and_verified(hsm: SoftHsm, key_of: Callable[..., KeyBlock]) -> None:
    """The published value comes out, verifies, and no other does."""
    key = key_of(KeyUsage.CARD_VERIFICATION, _CLEAR)

    assert hsm.card_value(key, _PAN, "2512", "201") == "139"
    assert [True, False, False] == [
        hsm.verify_card_value(key, _PAN, "2512", "201", value) for value in ("139", "138", "é")
    ]
    with pytest.raises(KeyBlockRefused):
        hsm.card_value(key_of(KeyUsage.PIN_VISA, _CLEAR), _PAN, "2512", "201")


def test_cards_are_issued(hsm: SoftHsm, key_of: Callable[..., KeyBlock]) -> None:
    """What is stored finds and opens the number, and the file has it for who has the key."""
    file_key = key_of(KeyUsage.SECRET_FILE, bytes(range(32)))
    cards = [CardData("B1-1", _PAN, "2512", "201")]

    issued = hsm.issue_cards(cards, file_key, key_of(KeyUsage.CARD_VERIFICATION, _CLEAR))
    without_value = hsm.issue_cards(cards, file_key, None)

    (identity,) = issued.identities
    assert (hsm.pan_index(_PAN), _PAN) == (identity.pan_index, hsm.open_pan(identity.pan_sealed))
    ends = [
        read_secret_file(bytes(range(32)), "cards", each.file)[0][4][-3:] for each in (issued, without_value)
    ]
    assert ends == ["139", "000"]
    with pytest.raises(KeyBlockRefused):
        hsm.issue_cards(cards, key_of(KeyUsage.CARD_VERIFICATION, _CLEAR), None)


def test_numbers_are_scattered(hsm: SoftHsm) -> None:
    """A range's positions go to all of its places, each tweak in an order of its own."""
    places = hsm.scatter(b"range 7", 1_000, range(1_000))

    assert list(range(1_000)) == sorted(places) != places
    assert places != hsm.scatter(b"range 8", 1_000, range(1_000))


def test_a_chip_is_verified_and_answered(hsm: SoftHsm, key_of: Callable[..., KeyBlock]) -> None:
    """A card's cryptogram fits, and both answers are those under its session key."""
    master = key_of(KeyUsage.EMV_CRYPTOGRAM, _CLEAR)
    session = session_key(card_key(_CLEAR, _CHIP.pan, "01", CardKeyOption.A), b"\0\1")
    cryptogram = arqc(session, b"data")

    assert hsm.verify_arqc(master, _CHIP, b"data", cryptogram)
    assert not hsm.verify_arqc(master, _CHIP, b"date", cryptogram)
    assert arpc_method_1(session, cryptogram, b"00") == hsm.arpc_method_1(master, _CHIP, cryptogram, b"00")
    assert arpc_method_2(session, cryptogram, bytes(4), b"x") == hsm.arpc_method_2(
        master, _CHIP, cryptogram, bytes(4), b"x"
    )
    assert _CHIP.pan not in repr(_CHIP)


def test_a_chip_needs_a_master_key_of_its_algorithm(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random
) -> None:
    """The derivations are triple DES; an AES key is refused."""
    master = protection.wrap(KeyUsage.EMV_CRYPTOGRAM, random(16), random, algorithm=Algorithm.AES)

    with pytest.raises(KeyBlockRefused) as refused:
        hsm.verify_arqc(master, _CHIP, b"data", bytes(8))
    assert refused.value.reason is Refusal.ALGORITHM


def test_codes_have_keys_of_their_own(hsm: SoftHsm, random: Random, key_of: Callable[..., KeyBlock]) -> None:
    """A card code and a payment code open under their own keys, and under no other use."""
    card_key_block, payment_key = (
        key_of(usage, random(32)) for usage in (KeyUsage.CARD_CODE, KeyUsage.PAYMENT_CODE)
    )
    card_code = hsm.make_card_code(card_key_block, 77, 2)
    payment_code = hsm.make_payment_code(payment_key, 77, 156, 5_000, 1_800_000_000, 60)
    opened = hsm.open_payment_code(payment_key, payment_code, 156, 5_000, 1_800_000_000)

    assert (77, 2) == (hsm.open_card_code(card_key_block, card_code).wallet_id, 2)
    assert (77, 5_000) == (opened.wallet_id, opened.ceiling_minor)
    with pytest.raises(KeyBlockRefused):
        hsm.open_card_code(payment_key, card_code)
    with pytest.raises(TokenRefused):
        hsm.open_payment_code(payment_key, card_code, 156, 1, 1_800_000_000)


def test_first_pins_leave_in_a_file_and_as_mailers(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, key_of: Callable[..., KeyBlock]
) -> None:
    """The printing house reads a PIN for each card, and the mailer key must encrypt."""
    clear = random(32)
    file_key, cards = key_of(KeyUsage.SECRET_FILE, clear), [CardToIssue("A-1", _PAN, 7)]
    mailer_key = protection.wrap(KeyUsage.PIN_ENCRYPTION, random(16), random, mode="E")
    issued = hsm.issue_pins(cards, PinPolicy(), file_key, mailer_key, PinBlockFormat.ISO_0)
    ((serial, _, pin),) = read_secret_file(clear, "initial-pins", issued.file)

    assert ("A-1", 6, 1, 1) == (serial, len(pin), len(issued.references), len(issued.mailers))
    with pytest.raises(KeyBlockRefused):
        hsm.issue_pins(cards, PinPolicy(), mailer_key, mailer_key, PinBlockFormat.ISO_0)
    with pytest.raises(KeyBlockRefused):
        hsm.issue_pins(cards, PinPolicy(), file_key, mailer_key, PinBlockFormat.ISO_4)


def test_recharge_secrets_are_made_found_and_verified(
    hsm: SoftHsm, random: Random, key_of: Callable[..., KeyBlock]
) -> None:
    """What was printed is found by its digest and fits it."""
    clear = random(32)
    recharge_key = key_of(KeyUsage.RECHARGE_SECRET, random(32))
    issued = hsm.issue_recharges(recharge_key, key_of(KeyUsage.SECRET_FILE, clear), ["R-1"])
    ((_, secret),) = read_secret_file(clear, "recharge-secrets", issued.file)

    assert issued.digests[0] == hsm.recharge_digest(recharge_key, secret)
    assert hsm.verify_recharge_secret(recharge_key, secret, issued.digests[0])
    assert not hsm.verify_recharge_secret(recharge_key, "0" * 18, issued.digests[0])
