"""The table of usages: names, lengths, and how strong a key is."""

from pathlib import Path

import pytest

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import MODES, Action, Algorithm, KeyUsage, strength_bits


@pytest.mark.parametrize("usage", KeyUsage)
def test_a_usage_is_found_by_its_name(usage: KeyUsage) -> None:
    """As commands and the database write it."""
    assert usage is KeyUsage.titled(usage.title)
    assert usage.title == usage.title.lower()
    assert "_" not in usage.title


def test_an_unknown_name_is_refused() -> None:
    """There is no default usage."""
    with pytest.raises(KeyBlockRefused) as refused:
        KeyUsage.titled("everything")

    assert refused.value.reason is Refusal.USAGE


def test_no_two_usages_are_the_same_in_a_block() -> None:
    """Code and label together name one usage: that is what keeps keys apart."""
    assert len({(usage.code, usage.label) for usage in KeyUsage}) == len(KeyUsage)


@pytest.mark.parametrize("usage", KeyUsage)
def test_a_new_keys_mode_is_one_of_its_actions(usage: KeyUsage) -> None:
    """The mode a new key gets allows something, and nothing that the usage doesn't do."""
    assert MODES[usage.mode]
    assert MODES[usage.mode] <= usage.actions


def test_no_restriction_is_still_the_usages_own() -> None:
    """Mode N allows a MAC key to make and verify MACs and nothing else."""
    assert KeyUsage.RETAIL_MAC.allowed("N") == {Action.GENERATE, Action.VERIFY}


def test_strength_grows_from_des_to_aes_256() -> None:
    """Single, double and triple DES, then 128 bits of AES and SM4, 192 and 256; HMAC by its length."""
    ordered = [
        strength_bits(Algorithm.DES, 8),
        strength_bits(Algorithm.TDES, 16),
        strength_bits(Algorithm.TDES, 24),
        strength_bits(Algorithm.AES, 16),
        strength_bits(Algorithm.AES, 24),
        strength_bits(Algorithm.AES, 32),
    ]

    assert ordered == sorted(set(ordered))
    assert strength_bits(Algorithm.SM4, 16) == strength_bits(Algorithm.AES, 16)
    assert strength_bits(Algorithm.HMAC, 16) == 128
    assert strength_bits(Algorithm.HMAC, 64) == 256


@pytest.mark.parametrize("usage", KeyUsage)
def test_the_page_tells_what_the_table_says(usage: KeyUsage) -> None:
    """docs/hsm.md has a row for each usage, with its code, algorithms, mode and label."""
    page = Path(__file__).parents[2] / "docs" / "hsm.md"
    algorithms = ", ".join(
        f"{algorithm.name} {'/'.join(map(str, lengths))}" for algorithm, lengths in usage.algorithms.items()
    )
    row = f"| {usage.title} | {usage.code} | {algorithms} | {usage.mode} | {usage.label} |"

    assert row in page.read_text(encoding="utf-8").splitlines()
