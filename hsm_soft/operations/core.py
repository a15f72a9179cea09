"""What every group of operations works with; `SoftHsm` fills it in.

An operation is a method with bytes, text, numbers and plain values for arguments and result, so that it can
be asked across a socket, or of a hardware module, as well as here.
"""

from hsm_soft.data_keys import DataKeyRing
from hsm_soft.failure_limit import FailureLimit
from hsm_soft.key_block import KeyBlock, KeyBlockProtection
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.open_keys import OpenKeys
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.primitives import Keyed, Random

__all__ = ["Core"]


class Core:
    """The inside of an HSM."""

    _protection: KeyBlockProtection
    _keys: OpenKeys
    _random: Random
    _pin_reference: Keyed
    _pan_index: Keyed
    _scatter: Keyed
    _data_keys: DataKeyRing
    _failures: FailureLimit

    def _pin_encryptor(self, pin_key: KeyBlock, pin_format: PinBlockFormat) -> Keyed:
        cipher, encrypt = self._keys.pin_encryptor(pin_key)
        if cipher is not pin_format.cipher:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return encrypt
