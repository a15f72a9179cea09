"""Key blocks: published ones open, ours come back, and every change or other use is refused."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft import key_block
from hsm_soft.key_block import KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.primitives import Random, aes_cmac

_PROTECTION_KEY = bytes(range(32))
_KEY_OF_USAGE = [(usage, length) for usage in KeyUsage for length in usage.algorithms]


@pytest.mark.vectors("tr31-test")
def test_published_blocks_open(vector: dict[str, Any]) -> None:
    """Version D blocks of the standards and of another vendor's HSM, padded or not, give their keys."""
    protection = KeyBlockProtection(bytes.fromhex(vector["inputs"]["kbpk"]))

    assert vector["expected"]["key"] == protection.open(vector["inputs"]["key_block"])[1].hex().upper()


def test_the_header_is_read() -> None:
    """Each field of a published header is found in its place."""
    protection = KeyBlockProtection(
        bytes.fromhex("3235362D62697420414553207772617070696E67202849534F20323030333829")
    )
    block = (
        "D0112M3TV16N000018462FA5903B8D2B82FEE26B29713C0BE7ED81601087F122"
        "52093D06FC0A012C1CF769AD0E3E9E4877166AB013FC22B4"
    )

    assert protection.open(block)[0] == ("M3", "T", "V", "16", "N", (), 16)


@pytest.mark.vectors("tr31-kbpk-derive-D")
def test_the_derived_keys_are_the_published_ones(vector: dict[str, Any]) -> None:
    """Encryption and authentication keys are derived as TR-31:2018 shows."""
    derive = aes_cmac(bytes.fromhex(vector["inputs"]["kbpk"]))
    derived = [
        (
            derive(key_block._derivation_data(purpose, 1)) + derive(key_block._derivation_data(purpose, 2))
        ).hex()
        for purpose in (0, 1)
    ]

    assert [vector["expected"]["kbek"], vector["expected"]["kbak"]] == [key.upper() for key in derived]


@pytest.mark.parametrize(("usage", "length"), _KEY_OF_USAGE)
def test_a_wrapped_key_comes_back(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, length: int
) -> None:
    """Every usage and key length round-trips, under a header of whole blocks with its own length in it."""
    key = random(length)
    block = protection.wrap(usage, key, random)

    assert key == protection.unwrap(block, usage)
    assert len(block) == int(block[1:5])
    assert protection.open(block)[0].length % 16 == 0


def test_a_block_says_what_its_key_may_do(protection: KeyBlockProtection, random: Random) -> None:
    """Labelled keys carry hash algorithm, label and padding as optional blocks; terminal keys carry none."""
    index = protection.wrap(KeyUsage.PAN_INDEX, random(32), random)
    single = protection.wrap(KeyUsage.POS_MAC, random(8), random)

    assert index[:48] == "D0176M7HC00N0300HM0621LB0Dpan indexPB0D000000000"
    assert single[:16] == "D0112M1DC00N0000"


def test_the_length_of_a_des_key_is_hidden(protection: KeyBlockProtection, random: Random) -> None:
    """Single and double length keys give blocks of the same length."""
    blocks = [protection.wrap(KeyUsage.PIN_ENCRYPTION, random(length), random) for length in (8, 16)]

    assert len(blocks[0]) == len(blocks[1])


def test_the_same_key_never_looks_the_same(protection: KeyBlockProtection, random: Random) -> None:
    """Random filler, and with it MAC and initial vector, differ at each wrapping."""
    key = random(16)
    first, second = (protection.wrap(KeyUsage.TERMINAL_MASTER, key, random) for _ in range(2))

    assert first[16:48] != second[16:48]


def test_a_block_opens_for_its_own_usage_only(protection: KeyBlockProtection, random: Random) -> None:
    """No usage accepts a block made for another one, even where code, algorithm and mode are equal."""
    for (made_for, length), asked_for in product(_KEY_OF_USAGE, KeyUsage):
        block = protection.wrap(made_for, random(length), random)
        if made_for is not asked_for:
            with pytest.raises(KeyBlockRefused):
                protection.unwrap(block, asked_for)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("P0AE00E", Refusal.USAGE),
        ("K0AE00E", Refusal.ALGORITHM),
        ("K0TB00N", Refusal.MODE),
    ],
)
def test_each_header_field_is_enforced(
    protection: KeyBlockProtection,
    random: Random,
    monkeypatch: pytest.MonkeyPatch,
    block: str,
    expected: Refusal,
) -> None:
    """A correctly authenticated block whose usage, algorithm or mode differs is refused with that reason."""
    original = key_block._header_text
    monkeypatch.setattr(key_block, "_header_text", lambda *part: original(*part)[:5] + block + "0000")
    wrapped = protection.wrap(KeyUsage.TERMINAL_MASTER, random(16), random)

    with pytest.raises(KeyBlockRefused) as refused:
        protection.unwrap(wrapped, KeyUsage.TERMINAL_MASTER)

    assert expected is refused.value.reason


def test_two_data_keys_are_kept_apart(protection: KeyBlockProtection, random: Random) -> None:
    """The wallet key does not open card numbers although both are D0 A B."""
    block = protection.wrap(KeyUsage.WALLET_SEALING, random(32), random)

    with pytest.raises(KeyBlockRefused) as refused:
        protection.unwrap(block, KeyUsage.PAN_ENCRYPTION)

    assert Refusal.PURPOSE is refused.value.reason


@pytest.mark.parametrize(("usage", "length"), [(KeyUsage.TERMINAL_MASTER, 8), (KeyUsage.WALLET_SEALING, 16)])
def test_a_key_of_the_wrong_length_is_not_wrapped(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, length: int
) -> None:
    """A usage has its key lengths and takes no other."""
    with pytest.raises(KeyBlockRefused) as refused:
        protection.wrap(usage, bytes(length), random)

    assert Refusal.LENGTH is refused.value.reason


def test_the_protection_key_is_aes_256() -> None:
    """A shorter protection key is refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        KeyBlockProtection(bytes(16))

    assert Refusal.LENGTH is refused.value.reason


@given(data=st.data())
def test_no_changed_character_goes_unseen(data: st.DataObject) -> None:
    """Whatever single character of a block is replaced, the block is refused."""
    protection = KeyBlockProtection(_PROTECTION_KEY)
    block = protection.wrap(KeyUsage.PAN_INDEX, bytes(range(32)), bytes)
    position = data.draw(st.integers(0, len(block) - 1))
    character = data.draw(st.characters(max_codepoint=255).filter(lambda c: c != block[position]))

    with pytest.raises(KeyBlockRefused):
        protection.unwrap(block[:position] + character + block[position + 1 :], KeyUsage.PAN_INDEX)


def test_another_protection_key_refuses_a_block(protection: KeyBlockProtection, random: Random) -> None:
    """A block made under another master key does not authenticate."""
    block = KeyBlockProtection(_PROTECTION_KEY).wrap(KeyUsage.POS_MAC, random(8), random)

    with pytest.raises(KeyBlockRefused) as refused:
        protection.unwrap(block, KeyUsage.POS_MAC)

    assert Refusal.FORGED is refused.value.reason


@pytest.mark.parametrize(
    "block",
    [
        "",
        "D",
        "B0112P0TE00N0000" + "0" * 96,
        "D0113P0TE00N0000" + "0" * 96,
        "D0016P0TE00N0000",
        "D0048P0TE00N0000" + "0" * 32,
        "D0112P0TE00N0000" + "g" * 96,
        "D0112P0TE00N0000" + "é" * 96,
        "D0112P0TE00N0000" + "a" * 96,
        "D0112P0TE00N0100" + "AB00" + "0" * 92,
        "D0112P0TE00N0100" + "AB03" + "0" * 92,
        "D0112P0TE00N0100" + "--10" + "0" * 92,
        "D0112P0TE00N0100" + "KCFF" + "0" * 92,
        "D0112P0TE00N9900" + "KC10" + "0" * 92,
    ],
)
def test_what_is_no_block_is_malformed(protection: KeyBlockProtection, block: str) -> None:
    """Other versions, wrong lengths, other characters and broken optional blocks never reach the cipher."""
    with pytest.raises(KeyBlockRefused) as refused:
        protection.open(block)

    assert Refusal.MALFORMED is refused.value.reason


@pytest.mark.parametrize("payload", [b"\x00\x81" + bytes(30), b"\x01\x00" + bytes(14)])
def test_an_authentic_block_with_an_impossible_length_is_malformed(
    protection: KeyBlockProtection, random: Random, monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    """A key length that is no whole bytes or more than the block holds is refused."""
    monkeypatch.setattr(key_block, "_payload", lambda *_: payload)
    block = protection.wrap(KeyUsage.POS_MAC, random(8), random)

    with pytest.raises(KeyBlockRefused) as refused:
        protection.open(block)

    assert Refusal.MALFORMED is refused.value.reason


def test_a_protection_shows_nothing_of_its_key(protection: KeyBlockProtection) -> None:
    """The repr says what it is and no more."""
    assert repr(protection) == "<KeyBlockProtection version D>"
