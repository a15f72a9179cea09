"""Wallets opened in bulk."""

import asyncio

import asyncpg
import pytest

from ledger.chart import AccountKind
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from ledger.postgres.opening import CHUNK_LIMIT, Opening, WalletOpener
from tests.ledger.intents import FIRST_US

from .nodes import Connection, Node, StartNode, session, until


async def test_opened_wallets_can_be_used_at_once(node: Node) -> None:
    """A wallet has its first balance, one event, and a version that the lanes go on from."""
    full, empty = await node.open(1000, 0)

    assert await node.balances([full, empty]) == [1000, 0]
    assert await node.post(node.till.purchase(full, 1000)) is Outcome.APPROVED
    assert await node.post(node.till.purchase(empty, 1)) is Outcome.INSUFFICIENT_FUNDS
    assert await node.offences() == []


async def test_chunk_is_one_transaction(node: Node, connection: Connection) -> None:
    """A chunk is one balanced transaction: a credit for each wallet with money, one debit for their sum."""
    wallets = await node.open(1000, 0, 250)

    (number,) = await connection.fetchrow(
        "SELECT DISTINCT transaction_id FROM ledger.wallet_event WHERE wallet_id = ANY($1::bigint[])", wallets
    ) or (None,)
    (record,) = await inquiry.find_by_number(connection, [number])
    assert [(leg.account_kind, leg.account_id, leg.amount_minor) for leg in record.legs] == [
        (AccountKind.PROGRAMME_FUNDING, 0, -1250),
        (AccountKind.WALLET_CASH, wallets[0], 1000),
        (AccountKind.WALLET_CASH, wallets[2], 250),
    ]
    assert (record.row.amount_minor, record.outcome) == (1250, Outcome.APPROVED)


async def test_chunk_of_empty_wallets(node: Node) -> None:
    """Wallets without money are opened too, by a transaction that moves nothing."""
    wallets = await node.open(0, 0)

    assert await node.balances(wallets) == [0, 0]
    assert await node.offences() == []


async def test_chunks_follow_each_other(node: Node, connection: Connection) -> None:
    """The chunks of an opener are one chain, apart from the lanes' chains."""
    (first,) = await node.open(1)
    await node.post(node.till.purchase(first, 1))
    await node.open(2)

    groups = await connection.fetch(
        "SELECT writer % 8, seq, transactions, wallets FROM ledger.commit_group WHERE writer / 8 = $1 "
        "ORDER BY writer, seq",
        node.number,
    )
    assert [tuple(group) for group in groups] == [(0, 1, 1, 1), (7, 1, 1, 1), (7, 2, 1, 1)]


async def test_nothing_is_left_of_a_chunk_that_failed(node: Node) -> None:
    """When the caller's transaction is rolled back nothing of the chunk is left, and the next one works."""
    opener = WalletOpener(node.number, node.ledger.numbers, node.sealer)
    async with session(node.dsn) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await opener.open_wallets(connection, [Opening(1, 500), Opening(2, 500)], FIRST_US)
        await transaction.rollback()
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM ledger.wallet WHERE id <= 2), "
            "(SELECT count(*) FROM ledger.wallet_event WHERE wallet_id <= 2), "
            "(SELECT count(*) FROM ledger.writer WHERE id = $1)",
            8 * node.number + 7,
        )

    assert tuple(counts or ()) == (0, 0, 0)
    (wallet,) = await node.open(5)
    assert await node.balances([wallet]) == [5]
    assert await node.offences() == []


async def test_session_killed_in_the_middle(node: Node) -> None:
    """An opener whose connection is ended before the commit leaves nothing."""
    opener = WalletOpener(node.number, node.ledger.numbers, node.sealer)
    async with session(node.dsn) as connection, session(node.dsn) as administrator:
        await connection.execute("BEGIN")
        await opener.open_wallets(connection, [Opening(1, 500)], FIRST_US)
        backend = connection.get_server_pid()
        await administrator.execute("SELECT pg_terminate_backend($1)", backend)
        await until(connection.is_closed)

        assert await administrator.fetchval("SELECT count(*) FROM ledger.wallet WHERE id = 1") == 0
    assert await node.offences() == []


async def test_wallet_that_exists_stops_its_chunk(node: Node) -> None:
    """A wallet is opened once; a chunk that names it again is refused as a whole."""
    (wallet,) = await node.open(100)
    opener = WalletOpener(node.number, node.ledger.numbers, node.sealer)
    async with session(node.dsn) as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            async with connection.transaction():
                await opener.open_wallets(connection, [Opening(wallet + 8, 1), Opening(wallet, 1)], FIRST_US)

    assert await node.balances([wallet]) == [100]
    assert await node.offences() == []


async def test_nodes_open_beside_each_other(start_node: StartNode) -> None:
    """Openers of two nodes and their lanes don't stand in each other's way."""
    nodes = await start_node(), await start_node()

    async def open_and_buy(node: Node) -> None:
        for _ in range(5):
            wallets = await node.open(*[100] * 20)
            results = await node.post_all(node.till.purchase(wallet, 40) for wallet in wallets)
            assert {result.outcome for result in results} == {Outcome.APPROVED}

    await asyncio.gather(*map(open_and_buy, nodes))

    assert await nodes[0].offences() == []


@pytest.mark.parametrize(
    "openings",
    [[], [Opening(1, -1)], [Opening(1, 0)] * (CHUNK_LIMIT + 1)],
    ids=["none", "negative", "too many"],
)
async def test_misuse(node: Node, connection: Connection, openings: list[Opening]) -> None:
    """A chunk has one wallet at least and a bounded number at most, and nobody starts with a debt."""
    opener = WalletOpener(node.number, node.ledger.numbers, node.sealer)

    with pytest.raises(AssertionError):
        await opener.open_wallets(connection, openings, FIRST_US)


async def test_largest_chunk(database_dsn: str, start_node: StartNode) -> None:
    """The largest chunk fits the numbers of its legs."""
    node = await start_node(database_dsn)

    wallets = await node.open(*[1] * CHUNK_LIMIT)

    assert await node.balances(wallets[-1:]) == [1]
    assert await node.post(node.till.purchase(wallets[-1], 1)) is Outcome.APPROVED
