"""The keeper of the keys goes away: groups are refused whole, nothing is stored, and later all goes on."""

from collections.abc import Sequence

import pytest

from ledger.outcome import Outcome
from ledger.sealer import SealedWallet, Sealer, SealerUnavailable, WalletToSeal

from .nodes import Node


class Interrupted:
    """A sealer that can be taken away."""

    def __init__(self, sealer: Sealer) -> None:
        self.sealer = sealer
        self.seals = self.opens = True

    async def seal_wallets(self, wallets: Sequence[WalletToSeal]) -> Sequence[tuple[int, bytes]]:
        """Seal, or say that it can't be done."""
        if not self.seals:
            raise SealerUnavailable("gone")
        return await self.sealer.seal_wallets(wallets)

    async def open_wallets(self, wallets: Sequence[SealedWallet]) -> Sequence[bytes | None]:
        """Open, or say that it can't be done."""
        if not self.opens:
            raise SealerUnavailable("gone")
        return await self.sealer.open_wallets(wallets)


@pytest.mark.parametrize("lost", ["seals", "opens"])
async def test_without_a_sealer_nothing_is_posted(database_dsn: str, sealer: Sealer, lost: str) -> None:
    """Intents hear that the system fails, at once and without a trace; the same intents go through later."""
    interrupted = Interrupted(sealer)
    node = await Node.started(database_dsn, interrupted)
    wallets = await node.open(1000, 1000)
    intents = [node.till.purchase(wallet, 1) for wallet in wallets]
    setattr(interrupted, lost, False)
    refused = [result.outcome for result in await node.post_all(intents)]
    setattr(interrupted, lost, True)
    accepted = [result.outcome for result in await node.post_all(intents)]
    await node.ledger.stop()

    assert refused == [Outcome.SYSTEM_MALFUNCTION] * 2
    assert accepted == [Outcome.APPROVED] * 2
    assert {"NoSealer"} == {result for result in node.watcher.results() if result != "committed"}
    assert node.watcher.given_up == []
    assert node.watcher.quarantined == []
    assert await node.balances(wallets) == [999, 999]
    assert await node.offences() == []
