"""Wallets moved under a new data key: beside postings, by several at once, from wherever it stopped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest

from hsm_soft.data_keys import SealFault
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import new_named_keys
from ledger.outcome import Outcome
from ledger.postgres.resealing import Resealed, reseal_wallets, wallets_under
from ledger.sealer import SealedWallet
from switch.shell.wallet_sealer import WalletSealer

from .nodes import Connection, Node, locked, session

NEW = 9


class Epochs:
    """An HSM whose epoch a test moves on."""

    def __init__(self) -> None:
        random = Random(8583).randbytes
        master_key = MasterKey(random(32), development=True, created=False)
        keys = new_named_keys(KeyBlockProtection(master_key.key), random)
        self.hsm = SoftHsm(master_key, {key.id: key.key_block for key in keys})
        self.hsm.load_data_keys([self.hsm.new_data_key(KeyUsage.WALLET_SEALING, 1)])
        self.asked = 0

    def rotate(self) -> None:
        """Begin the new epoch."""
        self.hsm.load_data_keys([self.hsm.new_data_key(KeyUsage.WALLET_SEALING, NEW)])

    async def reseal(self, wallets: Sequence[SealedWallet]) -> list[tuple[int, bytes] | None]:
        """What the ledger asks for."""
        self.asked += len(wallets)
        seals = self.hsm.reseal_wallets(wallets)
        return [None if isinstance(seal, SealFault) else seal for seal in seals]

    async def learn(self) -> None:
        """Nothing more to learn."""


@pytest.fixture
def epochs() -> Epochs:
    """An HSM in its first epoch."""
    return Epochs()


@pytest.fixture
async def nodes(database_dsn: str, epochs: Epochs) -> "AsyncIterator[list[Node]]":
    """Two nodes on a database of their own."""
    sealer = WalletSealer(InProcessHsm(epochs.hsm), epochs.learn)
    nodes = [await Node.started(database_dsn, sealer) for _ in range(2)]
    yield nodes
    for node in nodes:
        await node.ledger.stop()


async def _move_all(connection: Connection, epochs: Epochs, limit: int) -> int:
    after, moved = -(2**63), 0
    while True:
        batch = await reseal_wallets(connection, epochs.reseal, NEW, after, limit)
        moved += batch.moved
        if batch.last is None:
            return moved
        after = batch.last


async def test_every_wallet_moves_once(nodes: "list[Node]", epochs: Epochs) -> None:
    """Balances stay, versions stay, and what was moved is not moved again."""
    node = nodes[0]
    wallets = await node.open(*range(100, 125))
    epochs.rotate()
    async with session(node.dsn) as connection:
        before = await wallets_under(connection, 1)
        moved = await _move_all(connection, epochs, 7)
        again = await _move_all(connection, epochs, 7)
        after = await wallets_under(connection, 1), await wallets_under(connection, NEW)

    assert (before, moved, again, after) == (25, 25, 0, (0, 25))
    assert await node.balances(wallets) == list(range(100, 125))
    assert await node.offences() == []


async def test_rotation_under_load_on_two_nodes(nodes: "list[Node]", epochs: Epochs) -> None:
    """While two nodes post to the same wallets, rows move and no posting is lost, refused or doubled."""
    wallets = await nodes[0].open(*([1_000_000] * 20))
    loads = [
        asyncio.create_task(node.post_all([node.till.purchase(wallets[i % 20], 1) for i in range(600)]))
        for node in nodes
    ]
    epochs.rotate()
    async with session(nodes[0].dsn) as one, session(nodes[0].dsn) as other:
        await asyncio.gather(*(_move_all(each, epochs, 3) for each in (one, other)))
        outcomes = [result.outcome for load in loads for result in await load]
        await _move_all(one, epochs, 3)
        left = await wallets_under(one, 1)

    assert outcomes == [Outcome.APPROVED] * 1200
    assert left == 0
    assert await nodes[0].balances(wallets) == [1_000_000 - 60] * 20
    assert await nodes[1].offences() == []


async def test_a_posting_in_between_wins(nodes: "list[Node]", epochs: Epochs) -> None:
    """A row that was posted to after it was read is left as the posting wrote it."""
    node = nodes[0]
    (wallet,) = await node.open(1000)
    epochs.rotate()

    async def slow(wallets: Sequence[SealedWallet]) -> list[tuple[int, bytes] | None]:
        seals = await epochs.reseal(wallets)
        await node.post(node.till.purchase(wallet, 1))
        return seals

    async with session(node.dsn) as connection:
        batch = await reseal_wallets(connection, slow, NEW, 0, 10)
        under_new = await wallets_under(connection, NEW)

    assert batch == Resealed(wallet, 0, ())
    assert under_new == 1
    assert await node.balances([wallet]) == [999]


async def test_a_row_that_is_held_is_passed_over(nodes: "list[Node]", epochs: Epochs) -> None:
    """Nothing waits for a posting that holds a row; the row moves the next time."""
    node = nodes[0]
    wallets = await node.open(1000, 1000)
    epochs.rotate()
    async with session(node.dsn) as connection:
        async with locked(node.dsn, wallets[0]):
            first = await reseal_wallets(connection, epochs.reseal, NEW, 0, 10)
        second = await reseal_wallets(connection, epochs.reseal, NEW, 0, 10)

    assert (first.moved, second.moved) == (1, 1)


async def test_a_wallet_that_does_not_open_is_named(nodes: "list[Node]", epochs: Epochs) -> None:
    """It stays as it is, under its key, for somebody to look at; the others move."""
    node = nodes[0]
    wallets = await node.open(1000, 1000)
    async with session(node.dsn) as connection:
        await connection.execute(
            "UPDATE ledger.wallet SET sealed = sealed || '\\x00' WHERE id = $1", wallets[0]
        )
        epochs.rotate()
        batch = await reseal_wallets(connection, epochs.reseal, NEW, 0, 10)
        alone = await reseal_wallets(connection, epochs.reseal, NEW, 0, 10)

    assert batch == Resealed(wallets[1], 1, (wallets[0],))
    assert alone == Resealed(wallets[0], 0, (wallets[0],))
