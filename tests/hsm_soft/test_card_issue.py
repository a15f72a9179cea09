"""New cards: what the printing house gets fits what is stored, and nobody else can read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.card_issue import (
    PINS_PURPOSE,
    RECHARGE_PURPOSE,
    BadSerial,
    CardToIssue,
    IssuedPins,
    NotARechargeSecret,
    issue_pins,
    issue_recharges,
    recharge_digest,
    recharge_matches,
)
from hsm_soft.pan import NotAPan
from hsm_soft.pin import PinReference, PinResult, verify_pin_block
from hsm_soft.pin_block import PinBlockFormat, pin_reader, read_pin, write_pin
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.primitives import Random, aes_cmac, des_decryptor, des_encryptor, hmac_sha256
from hsm_soft.secret_file import SecretFileBroken, read_secret_file, secret_file

_AUTHENTICATE, _HASH = aes_cmac(bytes(32)), hmac_sha256(bytes(32))
_FILE_KEY, _PRINTER_KEY = bytes(range(32)), bytes(range(16))
_CARDS = [CardToIssue(f"CARD-{number:04}", f"99000100000000{number:02}", number) for number in range(20)]


def _issued(random: Random, policy: PinPolicy) -> IssuedPins:
    mailer = PinBlockFormat.ISO_0, des_encryptor(_PRINTER_KEY)
    return issue_pins(_AUTHENTICATE, _FILE_KEY, mailer, _CARDS, policy, random)


def _verified(pin: str, card: CardToIssue, reference: PinReference) -> PinResult:
    block = write_pin(PinBlockFormat.ISO_0, bytes, pin, card.pan, bytes)
    return verify_pin_block(
        pin_reader(PinBlockFormat.ISO_0, bytes), _AUTHENTICATE, block, card.pan, card.wallet_id, reference
    )


def test_file_and_mailers_have_the_pins_that_are_stored(random: Random) -> None:
    """The PIN of each line and of each mailer record is the one whose reference value is stored."""
    issued = _issued(random, PinPolicy(length=8))
    lines = read_secret_file(_FILE_KEY, PINS_PURPOSE, issued.file)
    decrypt = des_decryptor(_PRINTER_KEY)

    for card, line, mailer, reference in zip(_CARDS, lines, issued.mailers, issued.references, strict=True):
        serial, masked, pin = line
        assert [serial, masked] == [card.serial, "990001******00" + card.pan[-2:]]
        assert (8, PinResult.MATCH) == (len(pin), _verified(pin, card, reference))
        assert (pin, True) == read_pin(PinBlockFormat.ISO_0, decrypt, mailer.pin_block, card.pan)
        assert f"{serial},{masked},{mailer.pin_block.hex().upper()}" == mailer.line()


def test_pins_differ(random: Random) -> None:
    """Twenty cards don't share a PIN of eight digits."""
    lines = read_secret_file(_FILE_KEY, PINS_PURPOSE, _issued(random, PinPolicy(length=8)).file)

    assert len({pin for _, _, pin in lines}) == len(_CARDS)


def test_nothing_issued_shows_a_secret(random: Random) -> None:
    """Neither file nor records nor their repr hold a PIN or a card number."""
    issued = _issued(random, PinPolicy(length=12))
    pins = [pin for _, _, pin in read_secret_file(_FILE_KEY, PINS_PURPOSE, issued.file)]
    said = repr(issued) + repr(_CARDS) + issued.file.decode("latin-1")

    assert not [secret for secret in [*pins, *(card.pan for card in _CARDS)] if secret in said]


@pytest.mark.parametrize(
    ("pan", "masked"),
    [("12345", "*2345"), ("1234567890", "******7890"), ("12345678901", "123456*8901"), ("123", "123")],
)
def test_short_numbers_show_less(random: Random, pan: str, masked: str) -> None:
    """At most six and four digits, and of a short number four."""
    mailer = PinBlockFormat.ISO_0, des_encryptor(_PRINTER_KEY)
    issued = issue_pins(_AUTHENTICATE, _FILE_KEY, mailer, [CardToIssue("1", pan, 1)], PinPolicy(), random)

    assert [masked] == [each.masked_pan for each in issued.mailers]


@pytest.mark.parametrize("serial", ["", "a,b", "a\nb", "x" * 33, "é"])
def test_a_serial_number_fits_a_line(random: Random, serial: str) -> None:
    """One that would break the file is refused, before anything is drawn."""
    mailer = PinBlockFormat.ISO_0, des_encryptor(_PRINTER_KEY)
    with pytest.raises(BadSerial):
        issue_pins(_AUTHENTICATE, _FILE_KEY, mailer, [CardToIssue(serial, "99", 1)], PinPolicy(), random)
    with pytest.raises(BadSerial):
        issue_recharges(_HASH, _FILE_KEY, [serial], random)


def test_a_card_number_is_checked(random: Random) -> None:
    """Digits only, before anything is drawn."""
    mailer = PinBlockFormat.ISO_0, des_encryptor(_PRINTER_KEY)
    with pytest.raises(NotAPan):
        issue_pins(_AUTHENTICATE, _FILE_KEY, mailer, [CardToIssue("1", "99x", 1)], PinPolicy(), random)


def test_a_recharge_secret_is_found_by_its_hash(random: Random) -> None:
    """What was printed matches its stored hash, with spaces and hyphens too, and no other."""
    issued = issue_recharges(_HASH, _FILE_KEY, ["A-1", "A-2"], random)
    (_, first), (_, second) = read_secret_file(_FILE_KEY, RECHARGE_PURPOSE, issued.file)

    assert [16, 16] == [len(digest) for digest in issued.digests]
    assert recharge_matches(_HASH, f"{first[:6]} {first[6:12]}-{first[12:]}", issued.digests[0])
    assert recharge_digest(_HASH, second) == issued.digests[1]
    assert not recharge_matches(_HASH, second, issued.digests[0])
    assert not recharge_matches(hmac_sha256(b"other" * 8), first, issued.digests[0])


@pytest.mark.parametrize("secret", ["", "1" * 17, "1" * 19, "1" * 17 + "x", "\uff11" * 18])
def test_what_is_no_recharge_secret_is_refused(secret: str) -> None:
    """Eighteen digits, and the error doesn't quote what was typed."""
    with pytest.raises(NotARechargeSecret, match=r"^a recharge secret has 18 digits$"):
        recharge_digest(_HASH, secret)


@given(content=st.binary(max_size=100) | st.binary(max_size=60).map(b"cardswitch-secrets 1 test 0\n".__add__))
def test_any_other_file_is_broken(content: bytes) -> None:
    """Random bytes, with or without a right first line, are refused with one error."""
    with pytest.raises(SecretFileBroken):
        read_secret_file(_FILE_KEY, "test", content)


def test_a_file_is_bound_to_its_key_purpose_and_count(random: Random) -> None:
    """Another key, another purpose, a changed line or byte: nothing is read."""
    content = secret_file(_FILE_KEY, "test", [["a", "b"], ["c", "d"]], random)

    assert [["a", "b"], ["c", "d"]] == read_secret_file(_FILE_KEY, "test", content)
    for key, purpose, changed in (
        (bytes(32), "test", content),
        (_FILE_KEY, "tests", content),
        (_FILE_KEY, "test", content.replace(b"test 2", b"test 3")),
        (_FILE_KEY, "test", content[:-1]),
    ):
        with pytest.raises(SecretFileBroken):
            read_secret_file(key, purpose, changed)
