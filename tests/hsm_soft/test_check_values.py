"""Check values: the published ones come out, and disagreement is seen."""

from typing import Any

import pytest

from hsm_soft.check_values import agrees, check_value, refuse_disagreement, shown
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.primitives import sm4_decryptor

_DOUBLE = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_AES = bytes.fromhex("3F419E1CB7079442AA37474C2EFBF8B8")


@pytest.mark.vectors("kcv-tdes-2key", "kcv-aes-cmac")
def test_published_check_values(vector: dict[str, Any]) -> None:
    """Triple DES gives three bytes, AES five."""
    algorithm = Algorithm.TDES if "tdes" in vector["name"] else Algorithm.AES
    key = bytes.fromhex(vector["inputs"]["key"])

    assert vector["expected"] == check_value(algorithm, key).hex().upper() == shown(algorithm, key)


@pytest.mark.vectors("sm4-workingkey")
def test_a_published_sm4_check_value(vector: dict[str, Any]) -> None:
    """A working key decrypted under its terminal master key has the published value of eight bytes."""
    tmk, wrapped = (bytes.fromhex(vector["inputs"][name]) for name in ("tmk", "key_under_tmk"))
    key = sm4_decryptor(tmk)(wrapped)

    assert vector["expected"]["kcv"] == check_value(Algorithm.SM4, key).hex().upper()
    assert vector["expected"]["kcv"][:10] == shown(Algorithm.SM4, key)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_every_algorithm_has_one(algorithm: Algorithm) -> None:
    """At least three bytes, never more than ten digits shown."""
    key = bytes(range(1, 33))[: {Algorithm.DES: 8, Algorithm.TDES: 16, Algorithm.SM4: 16}.get(algorithm, 32)]

    assert len(check_value(algorithm, key)) >= 3
    assert shown(algorithm, key) == check_value(algorithm, key).hex().upper()[:10]


@pytest.mark.vectors("kcv-aes-legacy")
def test_the_older_check_value_of_an_aes_key_agrees(vector: dict[str, Any]) -> None:
    """A partner who encrypts zeros is understood; a value of one byte or of another key isn't taken."""
    key, said = bytes.fromhex(vector["inputs"]["key"]), bytes.fromhex(vector["expected"])

    assert agrees(Algorithm.AES, key, said)
    assert not agrees(Algorithm.AES, key, said[:1])
    assert not agrees(Algorithm.AES, _AES, said)


@pytest.mark.parametrize(
    ("algorithm", "key", "data"),
    [
        (Algorithm.TDES, _DOUBLE, "0008D7B4"),
        (Algorithm.AES, _AES, "0108793E25AB"),
        (Algorithm.HMAC, _AES, "01AAAAAA"),
    ],
)
def test_the_value_in_a_block_is_compared(algorithm: Algorithm, key: bytes, data: str) -> None:
    """A KC block that fits passes, and one of a method that the algorithm does not have."""
    refuse_disagreement(algorithm, key, data)


def test_another_value_in_a_block_is_refused() -> None:
    """The key is not the one the block says."""
    with pytest.raises(KeyBlockRefused) as refused:
        refuse_disagreement(Algorithm.TDES, _DOUBLE, "0008D7B5")

    assert Refusal.CHECK_VALUE is refused.value.reason
