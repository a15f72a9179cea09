"""The self test passes here and stops the start where an algorithm is wrong."""

from types import SimpleNamespace

import pytest

from hsm_soft import selftest
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock
from hsm_soft.master_key import MasterKey
from hsm_soft.pin import PinResult
from hsm_soft.selftest import SelfTestFailed, run_self_test

_DATA, _SEALED = b"\2" + bytes(7), bytes.fromhex("1DE22967237A813291213F267E3B452F02D01AE33E4EC854")


def test_all_known_answers_hold() -> None:
    """This installation's algorithms are right."""
    run_self_test()


@pytest.mark.parametrize(
    ("broken", "stand_in", "expected"),
    [
        ("des_encryptor", lambda _: lambda _: bytes(8), "triple DES"),
        ("aes_cmac", lambda _: lambda _: bytes(16), "AES-CMAC"),
        ("hmac_sha256", lambda _: lambda _: bytes(32), "HMAC-SHA256"),
        ("KeyBlockProtection", lambda _: type("Broken", (), {"open": lambda *_: (None, b"")})(), "key block"),
        ("pos_mac", lambda *_: b"00000000", "POS MAC"),
        ("verify_pin_block", lambda *_: PinResult.MISMATCH, "PIN block"),
    ],
)
def test_a_wrong_algorithm_is_named(
    monkeypatch: pytest.MonkeyPatch, broken: str, stand_in: object, expected: str
) -> None:
    """The failure names the algorithm whose answer is wrong."""
    monkeypatch.setattr(selftest, broken, stand_in)

    with pytest.raises(SelfTestFailed, match=f"^self test failed: {expected}$"):
        run_self_test()


@pytest.mark.parametrize("broken", ["encrypt", "decrypt"])
def test_a_wrong_seal_is_named(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """GCM-SIV is tried in both directions."""
    answers = {"encrypt": _SEALED, "decrypt": _DATA} | {broken: b"wrong"}
    aead = SimpleNamespace(**{name: lambda *_, answer=answer: answer for name, answer in answers.items()})
    monkeypatch.setattr(selftest, "AESGCMSIV", lambda _: aead)

    with pytest.raises(SelfTestFailed, match=r"^self test failed: AES-256-GCM-SIV$"):
        run_self_test()


def test_an_hsm_does_not_start_on_a_failed_self_test(
    monkeypatch: pytest.MonkeyPatch, master_key: MasterKey, key_blocks: dict[int, KeyBlock]
) -> None:
    """The self test runs before any key is opened."""
    monkeypatch.setattr(selftest, "aes_cmac", lambda _: lambda _: bytes(16))

    with pytest.raises(SelfTestFailed):
        SoftHsm(master_key, key_blocks)
