"""The self test passes here and stops the start where an algorithm is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsm_soft import selftest
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock
from hsm_soft.master_key import MasterKey
from hsm_soft.selftest import SelfTestFailed, known_answers, run_self_test
from hsm_soft.vectors.run import Result


def _wrong(*_: object) -> Callable[[bytes], bytes]:
    return lambda data: bytes(max(len(data), 16))


def test_all_known_answers_hold() -> None:
    """This installation's algorithms are right."""
    run_self_test()


def test_known_answers_are_published_ones() -> None:
    """Each built-in vector is, without change, one of those the tests run, and is confirmed."""
    tested = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
    confirmed = {vector["name"]: vector for vector in tested if vector["confirmed"]}
    built_in: list[dict[str, Any]] = json.loads(selftest._FILE.read_text(encoding="utf-8"))

    assert [] == [
        vector["name"] for vector in built_in if not vector.items() <= confirmed[vector["name"]].items()
    ]


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("keys.des_encryptor", "kcv-tdes-2key"),
        ("keys.aes_cmac", "kcv-aes-cmac-x9143"),
        ("keys.aes_encryptor", "kcv-aes-legacy"),
        ("keys.sm4_encryptor", "sm4-ecb-2"),
        ("keys.sm3", "sm3-24"),
        ("pins.read_pin", "pinblock-fmt0-reject-non-numeric-PIN-digit"),
        ("pins.visa_pvv", "pvv-house"),
        ("macs.pos_mac", "unionpay-ecb-mac"),
        ("macs.authenticator", "cmac-aes256-2"),
    ],
)
def test_a_wrong_algorithm_is_named(monkeypatch: pytest.MonkeyPatch, broken: str, expected: str) -> None:
    """The failure names the first vector whose answer is wrong."""
    stand_ins = {"keys.sm3": lambda _: bytes(32), "pins.read_pin": lambda *_: (b"0000", True)}
    stand_ins |= {"pins.visa_pvv": lambda *_: b"0000", "macs.pos_mac": lambda *_: b"00000000"}
    monkeypatch.setattr(f"hsm_soft.vectors.{broken}", stand_ins.get(broken, _wrong))

    with pytest.raises(SelfTestFailed) as failed:
        run_self_test()

    assert expected == failed.value.vector
    assert expected in str(failed.value)


def test_every_answer_is_computed_whatever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report has all vectors, the wrong ones marked."""
    monkeypatch.setattr("hsm_soft.vectors.keys.sm3", lambda _: bytes(32))

    assert ["sm3-24"] == [each.name for each in known_answers() if each.result is Result.FAILED]


def test_an_hsm_does_not_start_on_a_failed_self_test(
    monkeypatch: pytest.MonkeyPatch, master_key: MasterKey, key_blocks: dict[int, KeyBlock]
) -> None:
    """The self test runs before any key is opened."""
    monkeypatch.setattr("hsm_soft.vectors.keys.aes_cmac", _wrong)

    with pytest.raises(SelfTestFailed):
        SoftHsm(master_key, key_blocks)
