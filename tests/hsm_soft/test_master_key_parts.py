"""The master key in parts: all of them give it, anything else is refused."""

import json

import pytest

from hsm_soft.check_values import shown
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKeyUnreadable
from hsm_soft.master_key_parts import master_key_of_parts, new_master_key_parts
from hsm_soft.passphrase import PassphraseRefused
from hsm_soft.primitives import Random

pytestmark = pytest.mark.usefixtures("quick_passphrases")

_OFFICERS = {name: f"the passphrase of {name}" for name in ("alice", "bob", "carol")}


def _ask(officer: str) -> str:
    return _OFFICERS[officer]


def test_all_parts_give_the_key(random: Random) -> None:
    """In any order, as the key whose check value was told."""
    check, texts = new_master_key_parts(_OFFICERS, random)

    key = master_key_of_parts(texts, _ask)

    assert len(key) == 32
    assert check == shown(Algorithm.AES, key)
    assert key == master_key_of_parts(texts[::-1], _ask)
    assert [json.loads(text)["officer"] for text in texts] == list(_OFFICERS)


def test_parts_that_do_not_belong_together_are_refused(random: Random) -> None:
    """One missing, one twice, one of another key, none, or no part at all."""
    _, texts = new_master_key_parts(_OFFICERS, random)
    _, others = new_master_key_parts(_OFFICERS, random)
    unnamed = json.dumps({name: value for name, value in json.loads(texts[0]).items() if name != "of"})

    for wrong in (
        texts[:2],
        [*texts[:2], texts[0]],
        [*texts[:2], others[2]],
        [],
        [*texts[:2], "{}"],
        [unnamed, *texts[1:]],
    ):
        with pytest.raises(MasterKeyUnreadable, match="not all the components of one master key"):
            master_key_of_parts(wrong, _ask)


def test_a_wrong_passphrase_is_refused(random: Random) -> None:
    """The error says so and names nothing else."""
    _, texts = new_master_key_parts(_OFFICERS, random)

    with pytest.raises(MasterKeyUnreadable, match="passphrase is not the one"):
        master_key_of_parts(texts, lambda _: "another passphrase")


@pytest.mark.parametrize("count", [0, 1, 10])
def test_two_to_nine_officers_make_a_key(random: Random, count: int) -> None:
    """Fewer or more are refused."""
    officers = {f"officer{number}": "a long enough passphrase" for number in range(count)}

    with pytest.raises(MasterKeyUnreadable, match="two to nine"):
        new_master_key_parts(officers, random)


def test_a_short_passphrase_makes_no_part(random: Random) -> None:
    """As for every officer."""
    with pytest.raises(PassphraseRefused):
        new_master_key_parts({"alice": "short", "bob": "short"}, random)
