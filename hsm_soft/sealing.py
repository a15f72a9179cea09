"""What the database holds and only the HSM may read: wallets, card numbers and other personal data.

All are sealed with AES-256-GCM-SIV (RFC 8452) under a random 12-byte nonce, which stands in front. GCM-SIV
and not GCM because it survives a nonce used twice: a restored machine or a copied process then shows at
most that two equal states are equal.

A wallet's seal binds wallet id, version and key id, so a state can't be put into another wallet or under
another version. An old row put back whole still opens: the ledger's event chain sees that, a seal can't. A
field's seal carries its key's id in front and binds the field's name; its index, a keyed hash of the whole
value, finds the row without opening anything.
"""

from struct import Struct
from typing import Final

from hsm_soft.primitives import AESGCMSIV, InvalidTag, Keyed, Random

__all__ = ["DIGEST_BYTES", "FieldSeal", "SealBroken", "WalletSeal", "keyed_digest"]

DIGEST_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEAL_BYTES_MIN: Final = _NONCE_BYTES + _TAG_BYTES
_KEY_ID_BYTES: Final = 2
_wallet_binding: Final = Struct(">qqI").pack


class SealBroken(Exception):
    """Sealed data that was changed, moved, cut short or sealed under another key."""

    def __init__(self) -> None:
        super().__init__("the seal is broken")


class WalletSeal:
    """Seals wallet states under one key."""

    __slots__ = ("_aead", "_random", "key_id")

    def __init__(self, key_id: int, key: bytes, random: Random) -> None:
        self.key_id = key_id
        self._aead = AESGCMSIV(key)
        self._random = random

    def seal(self, wallet_id: int, version: int, state: bytes) -> bytes:
        """Nonce 12 ‖ ciphertext ‖ tag 16, bound to wallet and version (both 64 bits signed)."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, state, _wallet_binding(wallet_id, version, self.key_id))

    def open(self, wallet_id: int, version: int, sealed: bytes) -> bytes:
        """The state.

        Raises:
            SealBroken: not sealed by this key for this wallet and version.
        """
        return _opened(self._aead, sealed, _wallet_binding(wallet_id, version, self.key_id))


class FieldSeal:
    """Seals single values under one key."""

    __slots__ = ("_aead", "_head", "_random", "key_id")

    def __init__(self, key_id: int, key: bytes, random: Random) -> None:
        self.key_id = key_id
        self._head = key_id.to_bytes(_KEY_ID_BYTES, "big")
        self._aead = AESGCMSIV(key)
        self._random = random

    @staticmethod
    def key_id_in(sealed: bytes) -> int:
        """The id of the key under which something was sealed, as it says."""
        return int.from_bytes(sealed[:_KEY_ID_BYTES], "big")

    def seal(self, data: bytes, field: bytes = b"") -> bytes:
        """Key id 2 ‖ nonce 12 ‖ ciphertext ‖ tag 16, bound to the field's name; differs at each call."""
        nonce = self._random(_NONCE_BYTES)
        return self._head + nonce + self._aead.encrypt(nonce, data, self._head + field)

    def open(self, sealed: bytes, field: bytes = b"") -> bytes:
        """The value.

        Raises:
            SealBroken: not sealed by this key for this field.
        """
        if sealed[:_KEY_ID_BYTES] != self._head:
            raise SealBroken
        return _opened(self._aead, sealed[_KEY_ID_BYTES:], self._head + field)


def keyed_digest(authenticate: Keyed, data: bytes) -> bytes:
    """The first 16 bytes of HMAC-SHA256: enough that no two cards or requests ever meet."""
    return authenticate(data)[:DIGEST_BYTES]


def _opened(aead: AESGCMSIV, sealed: bytes, binding: bytes) -> bytes:
    if len(sealed) < _SEAL_BYTES_MIN:
        raise SealBroken
    try:
        return aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], binding)
    except InvalidTag:
        raise SealBroken from None
