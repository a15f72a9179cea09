"""The versions of a key block: published ones open, ours come back, and whatever is no block is refused."""

from typing import Any

import psec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.key_block_versions import KeyBlockCipher, derive_keys, open_key_block
from hsm_soft.key_header import KeyBlockHeader
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.primitives import Random

_VERSIONS = [(version, length) for version in "ABC" for length in (16, 24)] + [
    (version, length) for version in "DE" for length in (16, 24, 32)
]
_PIN_KEY = ("P0", "T", "E", "00", "E", (), 0)


def _header(version: str) -> KeyBlockHeader:
    return KeyBlockHeader(version, *_PIN_KEY)


@pytest.mark.vectors(*(f"tr31-{name}" for name in ("psec", "test", "payshield")))
def test_published_blocks_open(vector: dict[str, Any]) -> None:
    """Blocks of the standards, of other programs and of another vendor's HSM give their keys."""
    protection_key = bytes.fromhex(vector["inputs"]["kbpk"])

    _, key = open_key_block(protection_key, vector["inputs"]["key_block"])

    assert vector["expected"]["key"] == key.hex().upper()


@pytest.mark.vectors("tr31-kbpk")
def test_the_derived_keys_are_the_published_ones(vector: dict[str, Any]) -> None:
    """Encryption and authentication keys are derived as TR-31:2018 shows."""
    derived = derive_keys(vector["name"][-1], bytes.fromhex(vector["inputs"]["kbpk"]))

    assert vector["expected"]["kbek"] == derived.encryption.hex().upper()
    assert vector["expected"]["kbak"] == derived.authentication.hex().upper()


@pytest.mark.parametrize(("version", "length"), _VERSIONS)
@pytest.mark.parametrize("key_bytes", [1, 8, 16, 24, 32, 64])
def test_a_sealed_key_comes_back(random: Random, version: str, length: int, key_bytes: int) -> None:
    """Each version under each kind of protection key gives back what it was given, padded or not."""
    cipher, key = KeyBlockCipher(version, random(length)), random(key_bytes)

    for padded in (0, 24):
        block = cipher.seal(_header(version), key, padded, random)
        assert key == cipher.open(block)[1]
        assert block.startswith(f"{version}{len(block):04}P0TE00E0000")


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize(("version", "length"), [each for each in _VERSIONS if each[0] != "E"])
def test_another_program_agrees(random: Random, version: str, length: int) -> None:
    """What psec seals opens here, and what is sealed here opens there."""
    protection_key, key = random(length), random(16)
    ours = KeyBlockCipher(version, protection_key).seal(_header(version), key, 24, random)
    theirs = psec.tr31.wrap(protection_key, psec.tr31.Header(version, "P0", "T", "E", "00", "E"), key)

    assert key == psec.tr31.unwrap(protection_key, ours)[1]
    assert key == open_key_block(protection_key, theirs)[1]


@pytest.mark.parametrize(
    ("version", "length"), [("A", 32), ("B", 8), ("C", 12), ("D", 8), ("E", 20), ("F", 16), ("", 16)]
)
def test_a_version_needs_a_key_of_its_algorithm(version: str, length: int) -> None:
    """A protection key of another length, or a version that does not exist, is refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        derive_keys(version, bytes(range(length)))

    assert Refusal.VERSION is refused.value.reason


def test_a_cipher_opens_its_own_version_only(random: Random) -> None:
    """A version B block is not taken for a version A block under the same key."""
    key = random(16)
    block = KeyBlockCipher("B", key).seal(_header("B"), random(16), 24, random)

    with pytest.raises(KeyBlockRefused) as refused:
        KeyBlockCipher("A", key).open(block)

    assert Refusal.VERSION is refused.value.reason
    assert repr(KeyBlockCipher("A", key)) == "<KeyBlockCipher version A>"


@given(data=st.data())
def test_no_changed_character_goes_unseen(data: st.DataObject) -> None:
    """Whatever single character of a block of any version is replaced, the block is refused."""
    version, length = data.draw(st.sampled_from(_VERSIONS))
    protection_key = bytes(range(length))
    block = KeyBlockCipher(version, protection_key).seal(_header(version), bytes(range(16)), 24, bytes)
    position = data.draw(st.integers(0, len(block) - 1))
    character = data.draw(st.characters(max_codepoint=255).filter(lambda c: c != block[position]))

    with pytest.raises(KeyBlockRefused):
        open_key_block(protection_key, block[:position] + character + block[position + 1 :])


@given(
    block=st.one_of(
        st.text(),
        st.builds(
            lambda head, tail: f"{head}{5 + len(tail):04}{tail}",
            st.sampled_from("ABCDE"),
            st.from_regex(r"\A[0-9A-Z]{7}[0-9]{2}00([A-Z0-9]{2}[0-9A-F]{2}[0-9A-F]*){0,3}[0-9A-F]*\Z"),
        ),
    ),
    length=st.sampled_from([16, 24, 32]),
)
def test_whatever_comes_is_refused_with_a_reason(block: str, length: int) -> None:
    """Text that no key was put into ends in the one typed error."""
    with pytest.raises(KeyBlockRefused):
        open_key_block(bytes(range(length)), block)


@pytest.mark.parametrize(
    ("version", "body"),
    [
        ("D", ""),
        ("D", "0" * 32),
        ("D", "0" * 36),
        ("D", "g" * 96),
        ("D", "a" * 96),
        ("D", "0" * 95),
        ("E", "0" * 36),
        ("A", "0" * 22),
        ("B", "0" * 30),
    ],
)
def test_a_body_of_the_wrong_form_never_reaches_the_cipher(version: str, body: str) -> None:
    """Too short, no whole cipher blocks, or other characters than upper case hexadecimal digits."""
    block = f"{version}{16 + len(body):04}P0TE00N0000{body}"

    with pytest.raises(KeyBlockRefused) as refused:
        open_key_block(bytes(range(16)), block)

    assert Refusal.MALFORMED is refused.value.reason


def test_a_cbc_mac_covers_the_whole_block() -> None:
    """A version A header of no whole cipher blocks would leave the last bytes unauthenticated."""
    with pytest.raises(KeyBlockRefused) as refused:
        open_key_block(bytes(range(16)), "A0079P0TE00N0100LB07abc" + "0" * 56)

    assert Refusal.MALFORMED is refused.value.reason


@pytest.mark.parametrize("payload", ["0000" + "00" * 30, "0081" + "00" * 30, "0100" + "00" * 14])
def test_an_authentic_block_with_an_impossible_length_is_malformed(
    random: Random, monkeypatch: pytest.MonkeyPatch, payload: str
) -> None:
    """A key of no bits, of no whole bytes or longer than the block is refused."""
    cipher = KeyBlockCipher("D", random(32))
    monkeypatch.setattr(KeyBlockCipher, "_payload", lambda *_: bytes.fromhex(payload))
    block = cipher.seal(_header("D"), random(8), 24, random)

    with pytest.raises(KeyBlockRefused) as refused:
        cipher.open(block)

    assert Refusal.MALFORMED is refused.value.reason
