"""What the ledger needs of whoever keeps the keys: seal and open a wallet's state.

The ledger never sees a key. Bootstrap hands it the HSM, which fits this shape.
"""

from typing import Protocol


class Sealer(Protocol):
    """Seals wallet states; a seal binds the wallet, its version and the key."""

    def seal_wallet(self, wallet_id: int, version: int, state: bytes) -> tuple[int, bytes]:
        """The key's number and the sealed bytes."""
        ...

    def open_wallet(self, wallet_id: int, version: int, key_id: int, sealed: bytes) -> bytes:
        """The state; raises an exception of the keeper's if the seal isn't whole."""
        ...
