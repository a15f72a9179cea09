"""Operations on messages: the MACs of terminals and of partner hosts."""

from hsm_soft import mac
from hsm_soft.key_block import KeyBlock
from hsm_soft.key_usage import Action
from hsm_soft.mac import MacMethod
from hsm_soft.operations.core import Core
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.primitives import compare_digest

__all__ = ["MacOperations"]


class MacOperations(Core):
    """MACs made and verified."""

    def pos_mac(self, mac_key: KeyBlock, data: bytes) -> bytes:
        """Field 64: 8 ASCII characters over `data`, MTI up to the field before 64.

        Raises:
            KeyBlockRefused: `mac_key` is not a POS MAC key, or an SM4 one while its MAC is off.
        """
        return self._keys.pos_mac(mac_key)(data)

    def verify_pos_mac(self, mac_key: KeyBlock, data: bytes, mac: bytes) -> None:
        """Returns only if `mac` is what `pos_mac` gives.

        Raises:
            MacMismatch: it is not.
            KeyBlockRefused: `mac_key` is not a POS MAC key, or an SM4 one while its MAC is off.
        """
        if not compare_digest(self._keys.pos_mac(mac_key)(data), mac):
            raise MacMismatch

    def make_mac(self, mac_key: KeyBlock, method: MacMethod, data: bytes) -> bytes:
        """The MAC of `data`, as long as the method says.

        Raises:
            KeyBlockRefused: `mac_key` may not make MACs of this method.
        """
        return mac.make_mac(self._keys.mac(mac_key, method, Action.GENERATE), method, data)

    def verify_mac(self, mac_key: KeyBlock, method: MacMethod, data: bytes, mac_bytes: bytes) -> None:
        """Returns only if `mac_bytes` is the MAC of `data`, of the method's length.

        Raises:
            MacMismatch: it is not.
            KeyBlockRefused: `mac_key` may not verify MACs of this method.
        """
        mac.verify_mac(self._keys.mac(mac_key, method, Action.VERIFY), method, data, mac_bytes)
