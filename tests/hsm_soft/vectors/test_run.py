"""Every published vector, the format they come in, and how liberal a reader the recipes are."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.vectors.run import BadVectors, Result, VectorResult, read_vectors, run_vector


def _read(path: Path) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return document


_VECTORS = _read(Path(__file__).parents[1] / "vectors.json")
_OTHER_HANDS = _read(Path(__file__).with_name("other_hands.json"))
_CONFIRMED = [vector for vector in _VECTORS if vector["confirmed"]]
_UNCONFIRMED = [vector for vector in _VECTORS if not vector["confirmed"]]


def _run(vector: dict[str, Any]) -> Result:
    return run_vector(read_vectors([vector])[0]).result


def _id(vector: dict[str, Any]) -> str:
    return f"{vector['name']} ({vector['source']})"


@pytest.mark.parametrize("vector", _CONFIRMED, ids=_id)
def test_a_confirmed_vector_passes(vector: dict[str, Any]) -> None:
    """What is published, and confirmed by a second implementation, comes out."""
    assert _run(vector) is Result.PASSED


@pytest.mark.parametrize("vector", _UNCONFIRMED, ids=_id)
def test_an_unconfirmed_vector_is_reported(vector: dict[str, Any]) -> None:
    """What only its source says is computed, and the result told."""
    pytest.skip(f"unconfirmed, here: {_run(vector).value}")


@pytest.mark.parametrize("vector", _CONFIRMED, ids=lambda vector: vector["name"])
def test_a_wrong_expectation_fails(vector: dict[str, Any]) -> None:
    """One changed character of any expected value is noticed, and so is a value in a refusal's place."""
    expected = vector["expected"]
    if not isinstance(expected, str):
        wrong = [expected | {name: _changed(value)} for name, value in expected.items()]
    else:
        wrong = ["0000"] if expected.startswith("REJECT") else [_changed(expected)]

    assert [Result.FAILED] * len(wrong) == [_run(vector | {"expected": each}) for each in wrong]


@pytest.mark.parametrize("expected", ["", "REJECT: anything"])
@pytest.mark.parametrize("name", ["pinblock-fmt0-psec-4", "cmac-aes128-2", "tdes-dukpt-ik", "sm3-24"])
def test_an_answer_where_none_is_expected_fails(name: str, expected: str) -> None:
    """Nothing, or a refusal, expected of a vector that has an answer is a failure."""
    vector = next(vector for vector in _VECTORS if vector["name"] == name)

    assert _run(vector | {"expected": expected}) is Result.FAILED


def _changed(text: str) -> str:
    return text[:-1] + ("1" if text[-1] == "0" else "0")


@given(
    vector=st.sampled_from(_VECTORS),
    data=st.data(),
    junk=st.sampled_from(
        ["", "0", "00", "zz", "é", "00" * 7, "FF" * 40, "123456789", 3, -1, None, True, [], {}]
    ),
)
def test_broken_inputs_never_raise(vector: dict[str, Any], data: st.DataObject, junk: object) -> None:
    """A missing, short, long or senseless input fails or is not covered; the other vectors still run."""
    name = data.draw(st.sampled_from(sorted(vector["inputs"])))
    inputs = {key: value for key, value in vector["inputs"].items() if key != name}

    assert _run(vector | {"inputs": inputs}) in Result
    assert _run(vector | {"inputs": inputs | {name: junk}}) in Result
    assert _run(vector | {"expected": junk}) in (Result.FAILED, Result.NOT_COVERED)


def test_results_carry_name_algorithm_and_confirmation() -> None:
    """What a report needs is in the result."""
    entry = {"name": "n", "algorithm": "Unheard of", "inputs": {}, "expected": "x", "confirmed": False}

    assert VectorResult("n", "Unheard of", Result.NOT_COVERED, confirmed=False) == run_vector(
        read_vectors([entry])[0]
    )


@pytest.mark.parametrize(
    ("algorithm", "inputs", "expected"),
    [
        ("payShield/RG7000 host command A0", {"command": "A0"}, "00"),
        ("HMAC-SHA1", {"key": "00", "message_hex": ""}, "00"),
        ("SM3", {}, "00"),
        ("DES-CTR", {"key": "00" * 8, "iv": "00" * 8, "plaintext": ""}, "00"),
        ("TR-31 key derivation", {"kbpk": "00" * 16}, {"kbek": "00"}),
        ("ISO 9564-1 format 1", {"pin": "1234"}, "141234FFFFFFFFFF"),
        ("ISO 9564-1 format 0", {"pan": "12345678901234"}, "00"),
        ("ISO 9564-1 format 0", {"key": "00" * 8, "clear_pin_field": "00" * 8}, "00"),
        ("PIN block", {"pin": "1234"}, "00"),
        ("AES DUKPT", {"bdk": "00" * 16, "ksn": "00" * 11 + "01"}, {"sense_key_aes128": "00"}),
        ("AES DUKPT", {"bdk": "00" * 16, "ksn": "00" * 11 + "01"}, {"encrypted_pin_block": "00"}),
        ("AES DUKPT", {"bdk": "00" * 16, "ksn": "00" * 11 + "01"}, {"colour": "00"}),
        ("SM3", {"message_hex": ""}, {}),
        ("SM3", {"message_hex": ""}, {"colour": "red"}),
        ("SM3", {"message_hex": ""}, 7),
        ("SM4-ECB", {"key": "00" * 16, "ciphertext": "00" * 16}, 7),
        ("RFC 6962 tree head", {"leaves_hex": ""}, "00"),
    ],
)
def test_what_is_not_computed_here_is_not_covered(
    algorithm: str, inputs: dict[str, Any], expected: object
) -> None:
    """Host commands, unknown algorithms, missing inputs and unknown names are neither passed nor failed."""
    entry = {"name": "n", "algorithm": algorithm, "inputs": inputs, "expected": expected}

    assert _run(entry) is Result.NOT_COVERED


@pytest.mark.parametrize(
    ("algorithm", "inputs"),
    [
        ("RFC 6962 tree head", {"leaves_hex": [1]}),
        ("UnionPay POS MAC, SM4", {"key": "00" * 16, "data": ""}),
        ("PIN block format 1", {"pin": "123", "random": "0" * 11}),
        ("PIN block format 1", {"pin": "1234", "random": "0" * 9}),
        ("PVV", {"pvk": "00" * 16, "pvki": "one", "pin": "1234", "pan": "99"}),
    ],
)
def test_what_can_not_be_computed_fails(algorithm: str, inputs: dict[str, Any]) -> None:
    """Inputs that are wrong, or an answer that is another one, are failures of their vector."""
    assert _run({"name": "n", "algorithm": algorithm, "inputs": inputs, "expected": "00"}) is Result.FAILED


@pytest.mark.parametrize("vector", _OTHER_HANDS, ids=lambda vector: vector["algorithm"])
def test_vectors_of_other_hands_are_understood(vector: dict[str, Any]) -> None:
    """Other names for inputs and values, other lengths and other directions give the same answers."""
    assert _run(vector) is Result.PASSED


@pytest.mark.parametrize(
    "document",
    [{}, "x", [1], [{}], [{"name": 1, "algorithm": "a", "inputs": {}, "expected": ""}], [{"name": "n"}]],
)
def test_another_document_is_refused(document: object) -> None:
    """A document that is not a list of vectors says so, with the entry's number."""
    with pytest.raises(BadVectors, match=r"list of objects|vector 1 has no"):
        read_vectors(document)
