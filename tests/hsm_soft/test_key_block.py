"""Key blocks under the master key: they come back, and every change or other use is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.key_block import KeyBlockHeader, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_block_versions import KeyBlockCipher
from hsm_soft.key_usage import MODES, Action, Algorithm
from hsm_soft.master_key import MasterKey
from hsm_soft.primitives import Random

_PROTECTION_KEY = bytes(range(32))
_KEY_OF_USAGE = [
    (usage, algorithm, length)
    for usage in KeyUsage
    for algorithm, lengths in usage.algorithms.items()
    for length in lengths
]


@pytest.mark.parametrize(("usage", "algorithm", "length"), _KEY_OF_USAGE)
def test_a_wrapped_key_comes_back(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, algorithm: Algorithm, length: int
) -> None:
    """Every usage, algorithm and key length round-trips, under a header of whole blocks."""
    key = random(length)
    block = protection.wrap(usage, key, random, algorithm=algorithm)
    header = protection.open(block)[0]

    assert key == protection.unwrap(block, usage)
    assert len(block) == int(block[1:5])
    assert (usage.code, algorithm.value, "N") == (header.usage, header.algorithm, header.exportability)
    assert header.length % 16 == 0


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
    for made_for in KeyUsage:
        algorithm, lengths = next(iter(made_for.algorithms.items()))
        block = protection.wrap(made_for, random(lengths[0]), random, algorithm=algorithm)
        for asked_for in set(KeyUsage) - {made_for}:
            with pytest.raises(KeyBlockRefused):
                protection.unwrap(block, asked_for)


@pytest.mark.parametrize("mode", [*MODES, "T", "Y"])
@pytest.mark.parametrize("usage", KeyUsage)
def test_each_mode_allows_its_actions_and_no_other(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, mode: str
) -> None:
    """Cell by cell: a call gets a key if its action is the usage's and the mode's; else it is refused."""
    algorithm, lengths = next(iter(usage.algorithms.items()))
    expected = MODES.get(mode, frozenset()) & usage.actions
    if not expected:
        with pytest.raises(KeyBlockRefused) as refused:
            protection.wrap(usage, random(lengths[0]), random, algorithm=algorithm, mode=mode)
        assert Refusal.MODE is refused.value.reason
        return
    block = protection.wrap(usage, random(lengths[0]), random, algorithm=algorithm, mode=mode)

    assert expected == {action for action in Action if _opens(protection, block, usage, action)}
    assert _opens(protection, block, usage, None) == (MODES[usage.mode] <= expected)


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("usage", KeyUsage)
def test_each_usage_takes_its_algorithms_and_lengths_only(
    protection: KeyBlockProtection, random: Random, usage: KeyUsage, algorithm: Algorithm
) -> None:
    """Cell by cell: a key is wrapped if the usage's row has its algorithm with its length."""
    wrapped = set()
    for length in (8, 16, 24, 32, 64):
        with suppress(KeyBlockRefused):
            protection.wrap(usage, random(length), random, algorithm=algorithm)
            wrapped.add(length)

    assert set(usage.algorithms.get(algorithm, ())) == wrapped


def _opens(protection: KeyBlockProtection, block: str, usage: KeyUsage, action: Action | None) -> bool:
    try:
        protection.unwrap(block, usage, action)
    except KeyBlockRefused as refused:
        return refused.reason is not Refusal.MODE
    return True


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("P0", "T", "E"), Refusal.USAGE),
        (("K0", "A", "E"), Refusal.ALGORITHM),
        (("K0", "D", "E"), Refusal.ALGORITHM),
        (("K0", "R", "E"), Refusal.ALGORITHM),
        (("K0", "T", "D"), Refusal.MODE),
        (("K0", "T", "Y"), Refusal.MODE),
    ],
)
def test_each_header_field_is_enforced(
    protection: KeyBlockProtection,
    master_key: MasterKey,
    random: Random,
    header: tuple[str, str, str],
    expected: Refusal,
) -> None:
    """A correctly authenticated block whose usage, algorithm or mode differs is refused with that reason."""
    fields = KeyBlockHeader("D", *header, "00", "N", (), 0)
    block = KeyBlockCipher("D", master_key.key).seal(fields, random(16), 24, random)

    with pytest.raises(KeyBlockRefused) as refused:
        protection.unwrap(block, KeyUsage.TERMINAL_MASTER)

    assert expected is refused.value.reason


def test_blocks_that_travel_with_a_key_do_not_change_its_purpose(
    protection: KeyBlockProtection, random: Random
) -> None:
    """A serial number beside the key is kept, and the key opens for its usage."""
    serial = (("KS", "00604B120F9292800000"),)
    block = protection.wrap(KeyUsage.BASE_DERIVATION, random(16), random, optional=serial)

    assert protection.open(block)[0].optional_data("KS") == "00604B120F9292800000"
    assert len(protection.unwrap(block, KeyUsage.BASE_DERIVATION, Action.DERIVE)) == 16


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


def test_a_protection_shows_nothing_of_its_key(protection: KeyBlockProtection) -> None:
    """The repr says what it is and no more."""
    assert repr(protection) == "<KeyBlockProtection version D>"
