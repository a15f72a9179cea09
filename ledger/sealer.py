"""What the ledger needs of whoever keeps the keys: seal and open wallets' states, many at a time.

The ledger never sees a key. Bootstrap hands it the HSM in this shape. The HSM may be another process, so it
is waited for, and a whole group is one call.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ledger.wallet import WalletState, decode_state

WalletToSeal: TypeAlias = tuple[int, int, bytes]
"""Wallet, version and state."""

SealedWallet: TypeAlias = tuple[int, int, int, bytes]
"""Wallet, version, the key's number and the sealed state."""


class SealerUnavailable(Exception):
    """Whoever keeps the keys can't be asked now; nothing was sealed or opened."""


class SealBroken(Exception):
    """A wallet's seal isn't whole, or isn't this wallet's."""


class Sealer(Protocol):
    """Seals wallet states; a seal binds the wallet, its version and the key."""

    async def seal_wallets(self, wallets: Sequence[WalletToSeal]) -> Sequence[tuple[int, bytes]]:
        """The key's number and the sealed bytes of each wallet, in the same order.

        Raises:
            SealerUnavailable: not now.
        """
        ...

    async def open_wallets(self, wallets: Sequence[SealedWallet]) -> Sequence[bytes | None]:
        """The state of each wallet in the same order, None for one whose seal isn't whole.

        Raises:
            SealerUnavailable: not now.
        """
        ...


def state_in(opened: bytes | None) -> WalletState:
    """The state of a wallet that was opened.

    Raises:
        SealBroken: it didn't open.
        UnreadableState: it opened, and this program doesn't know what is in it.
    """
    if opened is None:
        raise SealBroken
    return decode_state(opened)
