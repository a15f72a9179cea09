"""DUKPT operations: a terminal's whole transaction in both kinds, once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hsm_soft import dukpt_aes, dukpt_tdes
from hsm_soft.dukpt import DukptRefusal, DukptRefused, aes_serial_number, tdes_serial_number
from hsm_soft.dukpt_aes import AesUsage, WorkingAlgorithm
from hsm_soft.dukpt_tdes import TdesUsage
from hsm_soft.failure_limit import CARD_LIMIT
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage
from hsm_soft.key_usage import Algorithm
from hsm_soft.mac import MacAlgorithm, Padding, authenticator
from hsm_soft.pin import PinResult
from hsm_soft.pin_block import PinBlockFormat, read_pin, write_pin
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.primitives import (
    Random,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_encryptor,
    des_cbc_decrypt,
    des_decryptor,
    des_encryptor,
)

_PAN = "9900010000000003"
_WALLET = 7


@dataclass(frozen=True)
class _Terminal:
    """What a DUKPT terminal has and computes for one transaction."""

    base_key: KeyBlock
    initial_key: bytes
    serial_number: bytes
    counter: int
    pin_format: PinBlockFormat
    pin_block: Callable[[str], bytes]
    mac: Callable[[bytes, bool], bytes]
    answer_data: Callable[[bytes], bytes]


@pytest.fixture(params=["tdes", "aes"])
def terminal(request: pytest.FixtureRequest, protection: KeyBlockProtection, random: Random) -> _Terminal:
    """A terminal of each kind, at its fifth transaction."""
    clear = random(16)
    return (_tdes if request.param == "tdes" else _aes)(protection, clear, random)


def _tdes(protection: KeyBlockProtection, clear: bytes, random: Random) -> _Terminal:
    ksn = bytes.fromhex("FFFF9876543210E00005")
    number = tdes_serial_number(ksn)
    initial = dukpt_tdes.initial_key(clear, number.device)
    transaction = dukpt_tdes.transaction_key(initial, number)
    pin_key = dukpt_tdes.working_key(transaction, TdesUsage.PIN).key
    data_key = dukpt_tdes.working_key(transaction, TdesUsage.DATA_RESPONSE).key

    def mac(data: bytes, request: bool) -> bytes:
        usage = TdesUsage.MAC_REQUEST if request else TdesUsage.MAC_RESPONSE
        key = dukpt_tdes.working_key(transaction, usage).key
        return authenticator(MacAlgorithm.X9_19, Padding.METHOD_1, key)(data)

    return _Terminal(
        protection.wrap(KeyUsage.BASE_DERIVATION, clear, random),
        initial.key,
        ksn,
        5,
        PinBlockFormat.ISO_0,
        lambda pin: write_pin(PinBlockFormat.ISO_0, des_encryptor(pin_key), pin, _PAN, random),
        mac,
        lambda data: des_cbc_decrypt(data_key, bytes(8), data),
    )


def _aes(protection: KeyBlockProtection, clear: bytes, random: Random) -> _Terminal:
    ksn = bytes.fromhex("123456789012345600000005")
    number = aes_serial_number(ksn)
    initial = dukpt_aes.initial_key(clear, number.device)
    transaction = dukpt_aes.transaction_key(initial, number)

    def key(usage: AesUsage) -> bytes:
        return dukpt_aes.working_key(transaction, usage, WorkingAlgorithm.AES_128).key

    def mac(data: bytes, request: bool) -> bytes:
        usage = AesUsage.MAC_GENERATION if request else AesUsage.MAC_VERIFICATION
        return authenticator(MacAlgorithm.AES_CMAC, Padding.METHOD_1, key(usage))(data)

    return _Terminal(
        protection.wrap(KeyUsage.BASE_DERIVATION, clear, random, algorithm=Algorithm.AES),
        initial.key,
        ksn,
        5,
        PinBlockFormat.ISO_4,
        lambda pin: write_pin(PinBlockFormat.ISO_4, aes_encryptor(key(AesUsage.PIN)), pin, _PAN, random),
        mac,
        lambda data: aes_cbc_decrypt(key(AesUsage.DATA_DECRYPTION), bytes(16), data),
    )


def test_a_pin_verifies_and_moves_the_counter(hsm: SoftHsm, terminal: _Terminal) -> None:
    """Right and wrong PINs have their verdict, and the counter to store is the terminal's."""
    reference = hsm.make_pin_reference("739251", _WALLET)

    def verified(pin: str) -> tuple[PinResult, int]:
        known = hsm.verify_pin_dukpt(
            terminal.base_key,
            terminal.serial_number,
            4,
            terminal.pin_format,
            terminal.pin_block(pin),
            _PAN,
            _WALLET,
            reference,
        )
        return known.result, known.counter

    assert (PinResult.MATCH, 5) == verified("739251")
    assert {(PinResult.MISMATCH, 5)} == {verified("739252") for _ in range(CARD_LIMIT.failures)}
    assert (PinResult.LIMITED, 5) == verified("739251")


def test_a_pin_is_translated_to_a_partner(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, terminal: _Terminal
) -> None:
    """The PIN arrives under the partner's key, with the counter to store."""
    clear = random(16)
    partner = protection.wrap(KeyUsage.PIN_ENCRYPTION, clear, random, mode="E")
    translated = hsm.translate_pin_dukpt(
        terminal.base_key,
        terminal.serial_number,
        4,
        terminal.pin_format,
        partner,
        PinBlockFormat.ISO_0,
        terminal.pin_block("739251"),
        _PAN,
    )

    assert ("739251", True) == read_pin(
        PinBlockFormat.ISO_0, des_decryptor(clear), translated.pin_block, _PAN
    )
    assert translated.counter == 5


def test_a_message_is_verified_and_answered(hsm: SoftHsm, terminal: _Terminal) -> None:
    """The terminal's MAC fits at the agreed length only, and the answer's is the one it expects."""
    base_key, ksn, mac = terminal.base_key, terminal.serial_number, terminal.mac(b"request", True)

    assert hsm.verify_mac_dukpt(base_key, ksn, 4, b"request", mac[:8], 8) == 5
    assert terminal.mac(b"answer", False)[:4] == hsm.make_mac_dukpt(base_key, ksn, b"answer", 4)
    for data, wrong in ((b"request", mac[:4]), (b"requesT", mac[:8])):
        with pytest.raises(MacMismatch):
            hsm.verify_mac_dukpt(base_key, ksn, 4, data, wrong, 8)


def test_a_replay_is_refused_whatever_it_carries(hsm: SoftHsm, terminal: _Terminal) -> None:
    """A counter that is not above the stored one gets no key."""
    mac = terminal.mac(b"request", True)[:8]

    for last_counter in (5, 6):
        with pytest.raises(DukptRefused) as refused:
            hsm.verify_mac_dukpt(terminal.base_key, terminal.serial_number, last_counter, b"request", mac, 8)
        assert refused.value.reason is DukptRefusal.REPLAYED


def test_a_terminal_has_the_format_of_its_kind(hsm: SoftHsm, terminal: _Terminal) -> None:
    """A block of the other kind's cipher is refused, and so is a key that is no base derivation key."""
    other = {PinBlockFormat.ISO_0: PinBlockFormat.ISO_4, PinBlockFormat.ISO_4: PinBlockFormat.ISO_0}
    reference = hsm.make_pin_reference("739251", _WALLET)

    with pytest.raises(KeyBlockRefused):
        hsm.verify_pin_dukpt(
            terminal.base_key,
            terminal.serial_number,
            4,
            other[terminal.pin_format],
            bytes(16),
            _PAN,
            _WALLET,
            reference,
        )
    with pytest.raises(KeyBlockRefused):
        hsm.make_mac_dukpt(
            hsm.dukpt_initial_key(terminal.base_key, terminal.serial_number), terminal.serial_number, b"", 8
        )


def test_a_device_is_given_its_initial_key(
    hsm: SoftHsm, protection: KeyBlockProtection, terminal: _Terminal
) -> None:
    """The initial key comes as a key block of its own usage and is the one the terminal derives from."""
    block = hsm.dukpt_initial_key(terminal.base_key, terminal.serial_number)

    assert terminal.initial_key == protection.unwrap(block, KeyUsage.INITIAL_KEY)


@pytest.mark.vectors("tdes-dukpt-a42-05", "tdes-dukpt-a42-19")
def test_published_data_is_deciphered(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, vector: dict[str, Any]
) -> None:
    """Data of the standard's examples comes out in clear, filled up with zeros, with its counter."""
    told = vector["inputs"]
    base_key = protection.wrap(KeyUsage.BASE_DERIVATION, bytes.fromhex(told["bdk"]), random)
    ksn = bytes.fromhex(told["ksn"])
    clear = told["txn_data_ascii"].encode("ascii").ljust(24, b"\0")
    sent = bytes.fromhex(vector["expected"]["encrypted_txn_request"])

    deciphered = hsm.decrypt_data_dukpt(base_key, ksn, 0, sent)

    assert (clear, tdes_serial_number(ksn).counter) == (deciphered.data, deciphered.counter)


@pytest.mark.vectors("aes128-dukpt-5", "aes256-dukpt-5")
def test_data_under_a_published_key_is_deciphered(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, vector: dict[str, Any]
) -> None:
    """AES: the standard gives the data key; what is in CBC under it comes out in clear."""
    told = vector["inputs"]
    clear_key, ksn = bytes.fromhex(told["bdk"]), bytes.fromhex(told["ksn"])
    base_key = protection.wrap(KeyUsage.BASE_DERIVATION, clear_key, random, algorithm=Algorithm.AES)
    data_key = bytes.fromhex(vector["expected"][f"data_encrypt_key_aes{len(clear_key) * 8}"])
    track = b"9900010000000003D2612201".ljust(32, b"\0")

    deciphered = hsm.decrypt_data_dukpt(base_key, ksn, 4, aes_cbc_encrypt(data_key, bytes(16), track))

    assert (track, 5) == (deciphered.data, deciphered.counter)


def test_data_of_an_answer_is_under_the_terminals_other_key(hsm: SoftHsm, terminal: _Terminal) -> None:
    """Each direction has its key."""
    base_key, ksn, clear = terminal.base_key, terminal.serial_number, b"the answer".ljust(32, b"\0")

    answered = hsm.encrypt_data_dukpt(base_key, ksn, clear)

    assert clear == terminal.answer_data(answered)
    assert clear != hsm.decrypt_data_dukpt(base_key, ksn, 4, answered).data


@pytest.mark.parametrize("size", [0, 7, 33])
def test_data_is_whole_blocks(hsm: SoftHsm, terminal: _Terminal, size: int) -> None:
    """Both ways."""
    base_key, ksn = terminal.base_key, terminal.serial_number

    for work in (
        lambda: hsm.decrypt_data_dukpt(base_key, ksn, 4, bytes(size)),
        lambda: hsm.encrypt_data_dukpt(base_key, ksn, bytes(size)),
    ):
        with pytest.raises(DukptRefused) as refused:
            work()
        assert refused.value.reason is DukptRefusal.DATA


def test_replayed_data_stays_in_cipher(hsm: SoftHsm, terminal: _Terminal) -> None:
    """A counter that is not above the stored one gets no key."""
    with pytest.raises(DukptRefused) as refused:
        hsm.decrypt_data_dukpt(terminal.base_key, terminal.serial_number, 5, bytes(16))

    assert refused.value.reason is DukptRefusal.REPLAYED
