"""The ledger's sealer over an HSM: whole groups, keys it has to learn of, and an HSM that isn't there."""

from typing import Any

import pytest

from hsm_soft.data_keys import SealFault
from hsm_soft.interface import Hsm, HsmUnavailable
from ledger.sealer import SealerUnavailable
from storage.database import DatabaseUnavailable
from switch.shell.wallet_sealer import WalletSealer


class Scripted(Hsm):
    """Gives what a test says, or goes away."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def ask(self, operation: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The next answer."""
        self.asked.append((operation.__name__, len(args[0])))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def is_ready(self) -> bool:
        """It is."""
        return True

    async def close(self) -> None:
        """Nothing to close."""


async def _learn() -> None:
    """Nothing new."""


async def _no_database() -> None:
    raise DatabaseUnavailable("gone")


async def test_large_numbers_are_asked_in_parts() -> None:
    """No operation takes more than a thousand wallets, and the answers stay in order."""
    hsm = Scripted([(1, b"a")] * 1000, [(2, b"b")] * 5)

    sealed = await WalletSealer(hsm, _learn).seal_wallets([(n, 1, b"") for n in range(1005)])

    assert sealed == [(1, b"a")] * 1000 + [(2, b"b")] * 5
    assert hsm.asked == [("seal_wallets", 1000), ("seal_wallets", 5)]


async def test_an_unknown_key_is_learnt_once() -> None:
    """The data keys are read again and the group opened again; what is unknown even then doesn't open."""
    learnt: list[int] = []

    async def learn() -> None:
        learnt.append(1)

    hsm = Scripted([SealFault.UNKNOWN_KEY, b"a"], [SealFault.UNKNOWN_KEY, b"a"])

    assert await WalletSealer(hsm, learn).open_wallets([(1, 1, 9, b""), (2, 1, 1, b"")]) == [None, b"a"]
    assert learnt == [1]


async def test_a_broken_seal_is_no_reason_to_learn() -> None:
    """It is told as such."""
    sealer = WalletSealer(Scripted([SealFault.BROKEN]), _no_database)

    assert await sealer.open_wallets([(1, 1, 1, b"")]) == [None]


async def test_an_hsm_that_is_gone_is_the_ledgers_own_error() -> None:
    """Sealing and opening say that it can't be done now, also when the keys can't be read."""
    gone = HsmUnavailable("gone")
    with pytest.raises(SealerUnavailable):
        await WalletSealer(Scripted(gone), _learn).seal_wallets([(1, 1, b"")])
    with pytest.raises(SealerUnavailable):
        await WalletSealer(Scripted(gone), _learn).open_wallets([(1, 1, 1, b"")])
    with pytest.raises(SealerUnavailable):
        await WalletSealer(Scripted([SealFault.UNKNOWN_KEY]), _no_database).open_wallets([(1, 1, 1, b"")])
