"""The same computed by others: psec, pydukpt and the vectors of `cryptography`.

They are oracles here and nothing more: psec shows PINs in its errors and uses what is deprecated, pydukpt
knows TDES only.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cryptography_vectors
import psec
import pydukpt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft import dukpt_tdes
from hsm_soft.card_values import CardValueKey, card_value
from hsm_soft.dukpt import tdes_serial_number
from hsm_soft.mac import MacAlgorithm, Padding, authenticator
from hsm_soft.pin_block import PinBlockFormat, read_pin, write_pin
from hsm_soft.pin_verification_value import (
    DecimalisationTable,
    ibm_3624_natural_pin,
    ibm_3624_offset,
    visa_pvv,
)
from hsm_soft.primitives import aes_cmac, aes_decryptor, des_cmac, des_encryptor, sm4_encryptor

# psec imports triple DES from its old home and passes 16 bytes of key.
pytestmark = pytest.mark.filterwarnings("ignore:.*:cryptography.utils.CryptographyDeprecationWarning")

_KEYS = st.binary(min_size=16, max_size=16)
_PINS = st.text("0123456789", min_size=4, max_size=12)
_PANS = st.text("0123456789", min_size=13, max_size=19)


@given(pin=_PINS, pan=_PANS)
def test_pin_blocks_of_psec_are_read(pin: str, pan: str) -> None:
    """Clear blocks of formats 0, 2 and 3 hold the PIN, and ours of format 0 and 2 are theirs."""
    theirs = {
        PinBlockFormat.ISO_0: psec.pinblock.encode_pinblock_iso_0(pin, pan),
        PinBlockFormat.ISO_2: psec.pinblock.encode_pinblock_iso_2(pin),
        PinBlockFormat.ISO_3: psec.pinblock.encode_pinblock_iso_3(pin, pan),
    }

    assert {(pin, True)} == {read_pin(each, bytes, block, pan) for each, block in theirs.items()}
    for each in (PinBlockFormat.ISO_0, PinBlockFormat.ISO_2):
        assert theirs[each] == write_pin(each, bytes, pin, pan, bytes)


@given(key=_KEYS, pin=_PINS, pan=_PANS)
def test_format_4_of_psec_is_read(key: bytes, pin: str, pan: str) -> None:
    """A block that psec enciphered holds the PIN."""
    block = psec.pinblock.encipher_pinblock_iso_4(key, pin, pan)

    assert (pin, True) == read_pin(PinBlockFormat.ISO_4, aes_decryptor(key), block, pan)


@given(key=_KEYS, pan=_PANS, expiry=st.text("0123456789", min_size=4, max_size=4))
def test_card_values_agree(key: bytes, pan: str, expiry: str) -> None:
    """CVV, CVV2 and iCVV of psec."""
    for code in ("201", "000", "999"):
        expected = psec.cvv.generate_cvv(key, pan, expiry, code)
        assert expected == card_value(CardValueKey(key), pan, expiry, code)


@given(key=_KEYS, pin=_PINS, pan=_PANS, index=st.integers(0, 9))
def test_pin_values_agree(key: bytes, pin: str, pan: str, index: int) -> None:
    """PVV and IBM 3624 offset of psec."""
    table = "0123456789012345"
    natural = ibm_3624_natural_pin(
        des_encryptor(key), DecimalisationTable(table), pan[:12] + "0000", len(pin)
    )

    assert psec.pin.generate_visa_pvv(key, str(index), pin[:4], pan) == visa_pvv(
        des_encryptor(key), pan, index, pin
    )
    assert psec.pin.generate_ibm3624_offset(key, table, pin, pan, 0, 12, "0") == ibm_3624_offset(natural, pin)


@given(key=_KEYS, data=st.binary(min_size=1, max_size=200), padding=st.sampled_from(Padding))
def test_macs_agree(key: bytes, data: bytes, padding: Padding) -> None:
    """ISO 9797-1 algorithms 1 and 3 of psec, with each padding."""
    retail = authenticator(MacAlgorithm.X9_19, padding, key)(data)
    chained = authenticator(MacAlgorithm.TDES_CBC, padding, key)(data)

    assert psec.mac.generate_retail_mac(key[:8], key[8:], data, padding.value) == retail
    assert psec.mac.generate_cbc_mac(key, data, padding.value) == chained


@given(
    key=_KEYS,
    device=st.binary(min_size=8, max_size=8),
    bits=st.sets(st.integers(0, 20), min_size=1, max_size=10),
)
def test_tdes_dukpt_agrees(key: bytes, device: bytes, bits: set[int]) -> None:
    """Initial and transaction keys of pydukpt, for every counter a terminal uses."""
    counter = sum(1 << bit for bit in bits)
    number = int.from_bytes(b"\xff\xff" + device, "big") >> 21 << 21 | counter
    ksn = number.to_bytes(10, "big")
    parsed = tdes_serial_number(ksn)
    initial = dukpt_tdes.initial_key(key, parsed.device)

    assert pydukpt.derive_ipek(key, ksn) == initial.key
    assert pydukpt.derive_key(initial.key, ksn) == dukpt_tdes.transaction_key(initial, parsed).key


def _records(name: str) -> Iterator[dict[str, str]]:
    """The records of a NIST or GB/T file: lines NAME = VALUE, parted by lines that begin a new record."""
    record: dict[str, str] = {}
    path = Path(cryptography_vectors.__file__).parent / name
    for line in path.read_text(encoding="ascii").splitlines():
        key, separator, value = (part.strip() for part in line.partition("="))
        if not separator:
            continue
        if key.upper() == "COUNT":
            if record:
                yield record
            record = {}
        record[key.upper()] = value
    yield record


@pytest.mark.parametrize(
    ("name", "keys", "make"),
    [
        ("CMAC/nist-800-38b-aes128.txt", ("KEY",), aes_cmac),
        ("CMAC/nist-800-38b-aes192.txt", ("KEY",), aes_cmac),
        ("CMAC/nist-800-38b-aes256.txt", ("KEY",), aes_cmac),
        ("CMAC/nist-800-38b-3des.txt", ("KEY1", "KEY2", "KEY3"), des_cmac),
    ],
)
def test_cmac_agrees_with_nist(name: str, keys: tuple[str, ...], make: Callable[[bytes], Any]) -> None:
    """Every CMAC example of NIST."""
    for record in _records(name):
        message = record["MESSAGE"] if record.get("LENGTH") != "0" else ""
        key = bytes.fromhex("".join(record[each] for each in keys))
        assert record["OUTPUT"].lower() == make(key)(bytes.fromhex(message)).hex()


def test_sm4_agrees_with_the_draft() -> None:
    """The SM4 examples of draft-ribose-cfrg-sm4."""
    records = list(_records("ciphers/SM4/draft-ribose-cfrg-sm4-10-ecb.txt"))

    assert records
    for record in records:
        encrypted = sm4_encryptor(bytes.fromhex(record["KEY"]))(bytes.fromhex(record["PLAINTEXT"]))
        assert record["CIPHERTEXT"].lower() == encrypted.hex()
