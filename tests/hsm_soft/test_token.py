"""A master key inside a PKCS#11 token, with SoftHSM as the token."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hsm_soft.check_values import shown
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKeyMissing, MasterKeyUnreadable
from hsm_soft.primitives import Random
from tests.softhsm import SOFTHSM_PIN

if TYPE_CHECKING:
    from hsm_soft.token import Token


@pytest.fixture
def token(softhsm: Path) -> "Token":
    """How the token is opened."""
    from hsm_soft.token import Token

    return Token(softhsm, "lmk", "LMK-01", SOFTHSM_PIN)


def test_the_token_gives_the_key_back(token: "Token", random: Random) -> None:
    """What was made opens again, and the token's own key can't be read."""
    from hsm_soft.token import new_token_master_key, token_master_key

    check, text = new_token_master_key(token, random)
    again = new_token_master_key(token, random)[0]
    asked: list[str] = []

    key = token_master_key(token.module, text, lambda label: asked.append(label) or SOFTHSM_PIN)

    assert check == shown(Algorithm.AES, key)
    assert check != again
    assert asked == ["lmk"]
    assert key.hex() not in text
    assert SOFTHSM_PIN not in repr(token)


@pytest.mark.parametrize(
    ("changes", "pin", "expected"),
    [
        ({"sealed": "AAAA"}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"check value": "0000000000"}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"nonce": "AAAA"}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"nonce": 7}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"format": "another"}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"token": None}, SOFTHSM_PIN, MasterKeyUnreadable),
        ({"key": "LMK-99"}, SOFTHSM_PIN, MasterKeyMissing),
        ({"token": "another"}, SOFTHSM_PIN, MasterKeyMissing),
        ({}, "wrong", MasterKeyMissing),
    ],
)
def test_what_the_token_does_not_open(
    token: "Token", random: Random, changes: dict[str, object], pin: str, expected: type[Exception]
) -> None:
    """A changed file, another token or key, a wrong PIN: typed, and without the PIN."""
    from hsm_soft.token import new_token_master_key, token_master_key

    text = json.dumps(json.loads(new_token_master_key(token, random)[1]) | changes)

    with pytest.raises(expected) as refused:
        token_master_key(token.module, text, lambda _: pin)

    assert pin not in str(refused.value)


def test_a_library_that_is_none(token: "Token") -> None:
    """A path to nothing is said to be no token."""
    from hsm_soft.token import Token, new_token_master_key, token_master_key

    text = json.dumps({"format": "cardswitch token master key 1", "token": "lmk", "key": "LMK-01"})
    with pytest.raises(MasterKeyUnreadable):
        token_master_key(Path(os.devnull), text, lambda _: SOFTHSM_PIN)
    with pytest.raises(MasterKeyMissing, match="can't be used"):
        new_token_master_key(Token(Path(sys.executable), "lmk", "LMK-01", SOFTHSM_PIN), os.urandom)
