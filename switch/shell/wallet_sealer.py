"""The ledger's sealer: the HSM, asked for whole groups, told of data keys that it doesn't know yet.

Another node may have begun a new epoch since this one looked. Then a wallet comes back as sealed under an
unknown key; the data keys are read again, once, and the wallet is opened with what is there. An HSM that
can't be asked becomes the ledger's own `SealerUnavailable`: the group is refused, nothing is guessed.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from hsm_soft.data_keys import SealFault
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, HsmUnavailable
from ledger.sealer import SealedWallet, SealerUnavailable, WalletToSeal
from storage.database import DatabaseUnavailable

__all__ = ["WalletSealer"]

T = TypeVar("T")

_WALLETS_MAX: Final = 1_000
"""Wallets in one operation: what opens thousands in bulk must not hold everybody else up."""


class WalletSealer:
    """Seals and opens wallets with an HSM.

    Args:
        hsm: the installation's.
        learn: reads the data keys again and hands them to the HSM.
    """

    def __init__(self, hsm: Hsm, learn: Callable[[], Awaitable[object]]) -> None:
        self._hsm = hsm
        self._learn = learn

    async def seal_wallets(self, wallets: Sequence[WalletToSeal]) -> list[tuple[int, bytes]]:
        """Seal them under the current data key.

        Raises:
            SealerUnavailable: the HSM can't be asked.
        """
        try:
            return [
                seal for part in _parts(wallets) for seal in await self._hsm.ask(SoftHsm.seal_wallets, part)
            ]
        except HsmUnavailable as unavailable:
            raise SealerUnavailable(str(unavailable)) from None

    async def open_wallets(self, wallets: Sequence[SealedWallet]) -> list[bytes | None]:
        """Open them, under whichever data key each was sealed.

        Raises:
            SealerUnavailable: the HSM can't be asked.
        """
        try:
            opened = await self._opened(wallets)
            if SealFault.UNKNOWN_KEY in opened:
                await self._learn()
                opened = await self._opened(wallets)
        except (HsmUnavailable, DatabaseUnavailable) as unavailable:
            raise SealerUnavailable(str(unavailable)) from None
        return [None if isinstance(state, SealFault) else state for state in opened]

    async def _opened(self, wallets: Sequence[SealedWallet]) -> list[bytes | SealFault]:
        return [
            state for part in _parts(wallets) for state in await self._hsm.ask(SoftHsm.open_wallets, part)
        ]


def _parts(wallets: Sequence[T]) -> list[Sequence[T]]:
    return [wallets[start : start + _WALLETS_MAX] for start in range(0, len(wallets), _WALLETS_MAX)]
