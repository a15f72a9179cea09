"""A terminal's security module, against published keys, messages and PIN blocks."""

import pytest

from hsm_soft.primitives import des_decryptor, des_encryptor
from hsm_soft.session_keys import check_value
from tools.terminal_security import MacMismatch, SessionKeysRefused, TerminalSecurity

MASTER_KEY = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
PIN_KEY = bytes.fromhex("D931648F3DE313A4A22C15DCA4F4299E")
# A published sale with its PAN replaced, up to field 64, and the MAC recomputed for it.
MAC_KEY_UNDER_MASTER_KEY = bytes.fromhex("96D605EA176B7E9E")
SALE = bytes.fromhex(
    "0200302004C020C098110000000000000000510018340210000632439226000000"
    "0008D1312101000000003136363838303134303030303030303030303030303030"
    "313536ACF46E73838A82F92600000000000000000822000001"
)
SALE_MAC = b"03965B45"


def field_62(pin_key: bytes = PIN_KEY) -> bytes:
    """A sign-on answer with the published MAC key."""
    mac_key = des_decryptor(MASTER_KEY)(MAC_KEY_UNDER_MASTER_KEY)
    mac_place = MAC_KEY_UNDER_MASTER_KEY.ljust(len(pin_key), b"\0")
    pin_place = des_encryptor(MASTER_KEY)(pin_key)
    return pin_place + check_value(pin_key) + mac_place + check_value(mac_key)


@pytest.mark.parametrize("pin_key", [PIN_KEY, PIN_KEY[:8]])
def test_mac_of_a_published_sale(pin_key: bytes) -> None:
    """The MAC of a real message comes out right, by the keys of both layouts."""
    security = TerminalSecurity(MASTER_KEY, field_62(pin_key))

    assert security.mac(SALE) == SALE_MAC
    security.verify_mac(SALE, SALE_MAC)


def test_wrong_mac_is_refused() -> None:
    """A message that was changed has another MAC."""
    security = TerminalSecurity(MASTER_KEY, field_62())

    with pytest.raises(MacMismatch):
        security.verify_mac(SALE[:-1] + b"\x11", SALE_MAC)


@pytest.mark.parametrize(
    ("pin", "pan", "clear_block"),
    [
        ("1234", "4012345678909", "041274EDCBA9876F"),
        ("1234", "5555555551234567", "041261AAAAEDCBA9"),
        ("1234567890", "5555555551234567", "0A1261032D82CBA9"),
        ("123456789012", "5555555551234567", "0C1261032D8226A9"),
    ],
)
@pytest.mark.parametrize("pin_key", [PIN_KEY, PIN_KEY[:8]])
def test_pin_blocks_of_the_standard_and_its_implementers(
    pin_key: bytes, pin: str, pan: str, clear_block: str
) -> None:
    """PIN blocks are ISO 9564-1 format 0 (ANSI X9.24-1:2009 A.4 and published tests)."""
    block = TerminalSecurity(MASTER_KEY, field_62(pin_key)).pin_block(pin, pan)

    assert clear_block == des_decryptor(pin_key)(block).hex().upper()


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"", "has 0 bytes"),
        (field_62() + b"\0", "has 41 bytes"),
        (field_62()[:19] + b"\0" + field_62()[20:], "check value of the PIN key"),
        (field_62()[:-1] + b"\0", "check value of the MAC key"),
    ],
)
def test_keys_that_did_not_arrive_whole_are_refused(field: bytes, reason: str) -> None:
    """A sign-on answer of another length or with a wrong check value gives no keys."""
    with pytest.raises(SessionKeysRefused, match=reason):
        TerminalSecurity(MASTER_KEY, field)
