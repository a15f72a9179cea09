"""Lanes with nothing to do whose connection ends: a node says that it isn't ready, and mends itself."""

import asyncio

from ledger.outcome import Outcome

from .line_cutter import LineCutter
from .nodes import StartNode, until


async def test_idle_node_sees_that_the_database_is_away_and_back(
    start_node: StartNode, line: LineCutter
) -> None:
    """Without any request a node is unready once its connections end, and ready with new ones."""
    node = await start_node(line.dsn)
    (wallet,) = await node.open(1000)

    line.go_down()
    await until(lambda: not node.ledger.is_ready)
    refused = await node.post(node.till.purchase(wallet, 100))
    line.come_up()
    await until(lambda: node.ledger.is_ready)

    assert refused is Outcome.SYSTEM_MALFUNCTION
    assert await node.post(node.till.purchase(wallet, 100)) is Outcome.APPROVED
    assert node.watcher.unknown == []


async def test_idle_node_stops_while_the_database_is_away(start_node: StartNode, line: LineCutter) -> None:
    """A node with nothing under way need not wait for the database in order to end."""
    node = await start_node(line.dsn)
    line.go_down()
    await until(lambda: not node.ledger.is_ready)

    await asyncio.wait_for(node.ledger.stop(), 5)
