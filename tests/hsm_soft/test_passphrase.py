"""Passphrases: proofs, seals, and what is refused without a word about them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_soft.passphrase import (
    PassphraseRefused,
    SealedUnreadable,
    open_sealed,
    passphrase_proof,
    proves,
    readable_part,
    seal_under,
)
from hsm_soft.primitives import Random

pytestmark = pytest.mark.usefixtures("quick_passphrases")

_PASSPHRASE = "Frühling läßt sein blaues Band"
_SECRET = bytes(range(32))


def test_a_proof_proves_its_passphrase_only(random: Random) -> None:
    """Right is right, anything else is wrong, and equal passphrases give different proofs."""
    proof = passphrase_proof(_PASSPHRASE, random)

    assert proves(proof, _PASSPHRASE)
    assert not proves(proof, _PASSPHRASE + "x")
    assert not proves("no proof", _PASSPHRASE)
    assert proof != passphrase_proof(_PASSPHRASE, random)
    assert proof.startswith("$argon2id$")


def test_a_short_passphrase_is_refused(random: Random) -> None:
    """Fewer than twelve characters prove nothing and seal nothing."""
    with pytest.raises(PassphraseRefused, match="at least 12"):
        passphrase_proof("eleven char", random)
    with pytest.raises(PassphraseRefused, match="at least 12"):
        seal_under("eleven char", _SECRET, {}, random)


def test_a_sealed_secret_opens_under_its_passphrase(random: Random) -> None:
    """With what everybody may read."""
    text = seal_under(_PASSPHRASE, _SECRET, {"officer": "alice"}, random)

    readable, secret = open_sealed(text, _PASSPHRASE)

    assert (secret, readable["officer"]) == (_SECRET, "alice")
    assert readable_part(text) == readable


def test_another_passphrase_or_a_changed_word_opens_nothing(random: Random) -> None:
    """What is readable is authenticated too."""
    text = seal_under(_PASSPHRASE, _SECRET, {"officer": "alice"}, random)

    for changed, passphrase in ((text, "another passphrase"), (text.replace("alice", "mallo"), _PASSPHRASE)):
        with pytest.raises(PassphraseRefused):
            open_sealed(changed, passphrase)


@pytest.mark.parametrize("name", ["salt", "nonce", "sealed", "format"])
def test_a_missing_or_broken_part_makes_it_unreadable(random: Random, name: str) -> None:
    """Each part has to be there, in its form and length."""
    content = json.loads(seal_under(_PASSPHRASE, _SECRET, {}, random))
    without = {part: value for part, value in content.items() if part != name}

    for broken in (without, content | {name: 7}, content | {name: "!"}):
        if name != "sealed" or broken is without:
            with pytest.raises(SealedUnreadable):
                open_sealed(json.dumps(broken), _PASSPHRASE)


@given(
    text=st.text()
    | st.recursive(st.none(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)).map(json.dumps)
)
@settings(max_examples=50)
def test_nonsense_is_unreadable(text: str) -> None:
    """Whatever a file holds, the error is typed."""
    with pytest.raises(SealedUnreadable):
        readable_part(text)
