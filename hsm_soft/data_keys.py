"""Data keys: what seals the rows of the database, one for each epoch of each use, under a key-encrypting key.

    master key → data key wrapping key → data key 1, 2, 3 …          a number is never used again

A number stands in clear beside whatever its key sealed. The key with the highest number of a use is current:
it seals. Older ones only open, until no row needs them. So rotation is one new key: from the moment a node
knows it, that node seals under it, and what others sealed before opens as ever. No moment is shared, nothing
stops, and rows move over in the background (docs/sealing.md).

Keys are handed to the ring as they stand in the database, as often as anybody likes. It only ever learns: a
list that misses the newest key, from a node that hasn't seen it yet, doesn't bring the one before it back.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from hsm_soft.check_values import shown
from hsm_soft.key_block import KeyBlock, KeyBlockProtection
from hsm_soft.key_usage import Algorithm, KeyUsage
from hsm_soft.primitives import Random
from hsm_soft.sealing import FieldSeal, SealBroken, WalletSeal

__all__ = ["DATA_KEY_USAGES", "DataKey", "DataKeyRing", "NoDataKey", "SealFault", "UnknownDataKey"]

DATA_KEY_USAGES: Final = (KeyUsage.WALLET_SEALING, KeyUsage.PAN_ENCRYPTION, KeyUsage.PERSONAL_DATA)
"""What has data keys; the first three of an installation are for these, in this order."""

_KEY_BYTES: Final = 32


class DataKey(NamedTuple):
    """A data key as it is stored; nothing in it is secret. One that was destroyed has no key block."""

    id: int
    usage: KeyUsage
    key_block: KeyBlock | None
    check_value: str


class SealFault(Enum):
    """Why something sealed can't be opened."""

    BROKEN = "seal broken"
    UNKNOWN_KEY = "sealed under a data key that is not known here"


class UnknownDataKey(SealBroken):
    """Sealed under a data key that this HSM was not given."""


class NoDataKey(Exception):
    """There is no data key to seal with: none was given to this HSM."""

    def __init__(self) -> None:
        super().__init__("the HSM was given no data key for this use")


class DataKeyRing:
    """Every data key there is, opened; see the module's docstring.

    Args:
        wrapping_key: the data key wrapping key.
        random: the source of keys and nonces.
    """

    def __init__(self, wrapping_key: bytes, random: Random) -> None:
        self._protection = KeyBlockProtection(wrapping_key)
        self._random = random
        self._wallets: dict[int, WalletSeal] = {}
        self._fields: dict[KeyUsage, dict[int, FieldSeal]] = {usage: {} for usage in DATA_KEY_USAGES[1:]}
        self._current: dict[KeyUsage, int] = {}

    def __repr__(self) -> str:
        return f"<DataKeyRing, {sum(map(len, self._fields.values()), len(self._wallets))} data keys>"

    def load(self, keys: Iterable[DataKey]) -> None:
        """Learn these keys, and forget those that were destroyed.

        Raises:
            KeyBlockRefused: a key block is broken, under another wrapping key or for another use.
        """
        for key in keys:
            seals = self._wallets if key.usage is KeyUsage.WALLET_SEALING else self._fields[key.usage]
            if key.key_block is None:
                seals.pop(key.id, None)
            elif key.id not in seals:
                self._add(key.usage, key.id, self._protection.unwrap(key.key_block, key.usage))

    def _add(self, usage: KeyUsage, key_id: int, clear: bytes) -> None:
        if usage is KeyUsage.WALLET_SEALING:
            self._wallets[key_id] = WalletSeal(key_id, clear, self._random)
        else:
            self._fields[usage][key_id] = FieldSeal(key_id, clear, self._random)
        self._current[usage] = max(key_id, self._current.get(usage, 0))

    def make(self, usage: KeyUsage, key_id: int) -> DataKey:
        """A new key under the wrapping key; it is used once it is loaded."""
        return self.wrapped(usage, key_id, self._random(_KEY_BYTES))

    def wrapped(self, usage: KeyUsage, key_id: int, clear: bytes) -> DataKey:
        """A key block of a clear key under the wrapping key."""
        assert usage in DATA_KEY_USAGES
        block = self._protection.wrap(usage, clear, self._random)
        return DataKey(key_id, usage, block, shown(Algorithm.AES, clear))

    def wallet_seal(self) -> WalletSeal:
        """What seals wallets now.

        Raises:
            NoDataKey: no key for wallets was loaded.
        """
        try:
            return self._wallets[self._current[KeyUsage.WALLET_SEALING]]
        except KeyError:
            raise NoDataKey from None

    def wallet_seal_of(self, key_id: int) -> WalletSeal | None:
        """What opens wallets that were sealed under this key; None if it isn't known."""
        return self._wallets.get(key_id)

    def field_seal(self, usage: KeyUsage) -> FieldSeal:
        """What seals fields of this use now.

        Raises:
            NoDataKey: no key for this use was loaded.
        """
        try:
            return self._fields[usage][self._current[usage]]
        except KeyError:
            raise NoDataKey from None

    def field_seal_of(self, usage: KeyUsage, sealed: bytes) -> FieldSeal:
        """What opens this sealed field.

        Raises:
            UnknownDataKey: the key that it names isn't known.
        """
        seal = self._fields[usage].get(FieldSeal.key_id_in(sealed))
        if seal is None:
            raise UnknownDataKey
        return seal
