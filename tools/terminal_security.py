"""The security module of a simulated terminal: it keeps the session keys and does what a PIN pad does.

The terminal's side of what the HSM does for the switch: it takes the keys of a sign-on, writes PIN blocks
(the HSM only reads them), and makes and checks MACs. Keys stay inside as ciphers; nothing here shows them.
"""

from typing import Final

from hsm_soft.pos_mac import MacMismatch, pos_mac, verify_pos_mac
from hsm_soft.primitives import DES_BLOCK_BYTES, des_decryptor, des_encryptor
from hsm_soft.session_keys import check_value
from tools.trouble import Trouble

_CHECK_VALUE_BYTES: Final = 4
# Bytes of DE 62 → bytes of the PIN key; the MAC key has 8 in both layouts, whatever its place is.
_PIN_KEY_BYTES: Final = {24: 8, 40: 16}
_MAC_KEY_BYTES: Final = 8


class SessionKeysRefused(Trouble):
    """The keys of a sign-on answer can't be used; the text says why and holds no key."""


class TerminalSecurity:
    """The session keys of one sign-on, ready for use.

    Args:
        master_key: The terminal's master key, 16 bytes.
        field_62: DE 62 of the sign-on answer, 24 or 40 bytes: keys under the master key, with check values.

    Raises:
        SessionKeysRefused: The length is another, or a check value differs.
    """

    __slots__ = ("_encrypt_mac", "_encrypt_pin")

    def __init__(self, master_key: bytes, field_62: bytes) -> None:
        pin_key_bytes = _PIN_KEY_BYTES.get(len(field_62))
        if pin_key_bytes is None:
            raise SessionKeysRefused(f"field 62 has {len(field_62)} bytes instead of 24 or 40")
        middle = len(field_62) // 2
        decrypt = des_decryptor(master_key)
        pin_key = decrypt(field_62[:pin_key_bytes])
        mac_key = decrypt(field_62[middle : middle + _MAC_KEY_BYTES])
        if check_value(pin_key) != field_62[middle - _CHECK_VALUE_BYTES : middle]:
            raise SessionKeysRefused("the check value of the PIN key differs")
        if check_value(mac_key) != field_62[-_CHECK_VALUE_BYTES:]:
            raise SessionKeysRefused("the check value of the MAC key differs")
        self._encrypt_pin = des_encryptor(pin_key)
        self._encrypt_mac = des_encryptor(mac_key)

    def pin_block(self, pin: str, pan: str) -> bytes:
        """The encrypted block of a PIN of 4 to 12 digits and its card (ISO 9564-1, format 0): 8 bytes."""
        pin_field = int(f"0{len(pin):X}{pin}".ljust(2 * DES_BLOCK_BYTES, "F"), 16)
        pan_field = int(pan[-13:-1], 16)
        return self._encrypt_pin((pin_field ^ pan_field).to_bytes(DES_BLOCK_BYTES))

    def mac(self, data: bytes) -> bytes:
        """DE 64 for a message up to the field before it."""
        return pos_mac(self._encrypt_mac, data)

    def verify_mac(self, data: bytes, mac: bytes) -> None:
        """Returns only if `mac` is the MAC of `data`.

        Raises:
            MacMismatch: It is not.
        """
        verify_pos_mac(self._encrypt_mac, data, mac)


__all__ = ["MacMismatch", "SessionKeysRefused", "TerminalSecurity"]
