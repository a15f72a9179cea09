"""A master key inside a PKCS#11 token, with SoftHSM as the token."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hsm_soft.check_values import shown
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKeyMissing, MasterKeyUnreadable
from hsm_soft.primitives import Random

if TYPE_CHECKING:
    from hsm_soft.token import Token

pytest.importorskip("pkcs11", reason="the extra cardswitch[pkcs11] is not installed")

_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
_LIBRARY = next((Path(name) for name in _LIBRARIES if Path(name).exists()), None)
_PIN = "271828"

pytestmark = pytest.mark.skipif(
    _LIBRARY is None or shutil.which("softhsm2-util") is None, reason="softhsm2 is not installed"
)


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SoftHSM token; the library reads its configuration once in a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    environment = pytest.MonkeyPatch()
    environment.setenv("SOFTHSM2_CONF", str(configuration))
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "lmk", "--so-pin", "31415926", "--pin", _PIN],
        check=True,
        capture_output=True,
    )
    yield
    environment.undo()


@pytest.fixture
def token(softhsm: None) -> "Token":
    """How the token is opened."""
    from hsm_soft.token import Token

    assert _LIBRARY is not None
    return Token(_LIBRARY, "lmk", "LMK-01", _PIN)


def test_the_token_gives_the_key_back(token: "Token", random: Random) -> None:
    """What was made opens again, and the token's own key can't be read."""
    from hsm_soft.token import new_token_master_key, token_master_key

    check, text = new_token_master_key(token, random)
    again = new_token_master_key(token, random)[0]
    asked: list[str] = []

    key = token_master_key(token.module, text, lambda label: asked.append(label) or _PIN)

    assert check == shown(Algorithm.AES, key)
    assert check != again
    assert asked == ["lmk"]
    assert key.hex() not in text
    assert _PIN not in repr(token)


@pytest.mark.parametrize(
    ("changes", "pin", "expected"),
    [
        ({"sealed": "AAAA"}, _PIN, MasterKeyUnreadable),
        ({"check value": "0000000000"}, _PIN, MasterKeyUnreadable),
        ({"nonce": "AAAA"}, _PIN, MasterKeyUnreadable),
        ({"nonce": 7}, _PIN, MasterKeyUnreadable),
        ({"format": "another"}, _PIN, MasterKeyUnreadable),
        ({"token": None}, _PIN, MasterKeyUnreadable),
        ({"key": "LMK-99"}, _PIN, MasterKeyMissing),
        ({"token": "another"}, _PIN, MasterKeyMissing),
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
        token_master_key(Path(os.devnull), text, lambda _: _PIN)
    with pytest.raises(MasterKeyMissing, match="can't be used"):
        new_token_master_key(Token(Path(sys.executable), "lmk", "LMK-01", _PIN), os.urandom)
