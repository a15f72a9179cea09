"""When parts fail: 96 where certainly nothing was done, silence where nobody knows, no harm to the rest."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from iso8583_specs.message import Message
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres.group import Result
from ledger.postgres.verify import verify
from storage.database import DatabaseUnavailable
from switch.transaction.parts import PostsIntents
from tests.switch.shop import BALANCE_MINOR, Node
from tests.switch.small_terminal import Card, Terminal

Request = Callable[[Terminal, Card], Message]


class Without:
    """A directory in which one method finds the database gone."""

    def __init__(self, directory: Any, lost: str) -> None:
        self._directory = directory
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        if name == self._lost:
            return self._unavailable
        if name.startswith("peek"):
            return lambda *_: None
        return getattr(self._directory, name)

    async def _unavailable(self, *_: object) -> None:
        raise DatabaseUnavailable("the database cannot be used")


class LedgerThat:
    """A ledger that does with every intent what it is told to."""

    def __init__(
        self, ledger: PostsIntents, does: Callable[[Intent, Callable[[Result], None]], None]
    ) -> None:
        self.numbers = ledger.numbers
        self._does = does

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Do it."""
        self._does(intent, told)


@pytest.mark.parametrize(
    ("lost", "request_of"),
    [
        ("terminal", lambda t, c: t.purchase(c)),
        ("terminal", lambda t, c: t.echo()),
        ("verified", lambda t, c: t.purchase(c)),
        ("card", lambda t, c: t.purchase(c)),
        ("card", lambda t, c: t.balance(c)),
        ("reload_terminal", lambda t, c: t.purchase(c, 100, {64: b"00000000"})),
        ("reload_terminal", lambda t, c: t.purchase(c, 100, {60: "22999999"})),
    ],
)
async def test_request_that_cannot_be_looked_up_is_96(node: Node, lost: str, request_of: Request) -> None:
    """Without the directory nothing can have been done: 96, no MAC, no row, and it may come again."""
    terminal, card = await node.terminal(), await node.card()
    without = node.with_parts(directory=Without(node.parts.directory, lost))
    request = request_of(terminal, card)

    answer = await without.ask(terminal, request)

    assert answer.fields[39] == "96"
    assert not {38, 64} & answer.fields.keys()
    assert not await node.journalled(terminal, TransactionKind.PURCHASE)
    assert await node.code(terminal, request) in {"00", "A0", "77"}
    assert len(node.parts.turns) == 0


async def test_what_the_ledger_could_not_do_is_96(node: Node) -> None:
    """A result that says that nothing was done is told without a MAC, and counted as what it is."""
    terminal, card = await node.terminal(), await node.card()

    def refuse(intent: Intent, told: Callable[[Result], None]) -> None:
        told(Result(Outcome.SYSTEM_MALFUNCTION, intent.transaction_id, 1))

    ledger = LedgerThat(node.parts.ledger, refuse)

    answer = await node.with_parts(ledger=ledger).ask(terminal, terminal.purchase(card))

    assert answer.fields[39] == "96"
    assert not {38, 64} & answer.fields.keys()
    assert node.counted("switch_transactions_total", kind="purchase", outcome="system_malfunction") == 1


async def test_repeat_is_not_told_that_nothing_was_done(node: Node) -> None:
    """Another node may have committed its first sending, so a repeat hears nothing, and asks again."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    repeat = Message("0201", purchase.fields)
    assert await node.code(terminal, purchase) == "00"

    def refuse(intent: Intent, told: Callable[[Result], None]) -> None:
        told(Result(Outcome.SYSTEM_MALFUNCTION, intent.transaction_id, 1))

    lost = node.with_parts(ledger=LedgerThat(node.parts.ledger, refuse))

    assert await lost.answer(terminal.sealed(repeat)) is None
    assert node.counted("switch_transactions_total", kind="purchase", outcome="unanswered") == 1
    assert await node.code(terminal, repeat) == "00"


async def test_wallet_that_cannot_be_trusted_is_96(node: Node) -> None:
    """A wallet that isn't what its events say is not used; once it is whole again the request is approved."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    change = "UPDATE ledger.wallet SET version = version + $2 WHERE id = $1"

    await node.execute(change, card.wallet_id, 1)
    broken = await node.code(terminal, purchase)
    await node.execute(change, card.wallet_id, -1)

    assert [broken, await node.code(terminal, purchase)] == ["96", "00"]
    assert [Outcome.APPROVED] == await node.journalled(terminal, TransactionKind.PURCHASE)


async def test_outcome_nobody_knows_is_not_answered(node: Node) -> None:
    """While the ledger doesn't know, no answer leaves, and the request counts as under way."""
    terminal, card = await node.terminal(), await node.card()
    forever = node.with_parts(ledger=LedgerThat(node.parts.ledger, lambda *_: None))

    asked = asyncio.create_task(forever.answer(terminal.sealed(terminal.purchase(card))))
    done, _ = await asyncio.wait([asked], timeout=0.1)

    assert not done
    assert node.counted("switch_transactions_in_flight") == 1
    asked.cancel()


async def test_defect_in_one_request_ends_that_one_only(node: Node) -> None:
    """An exception that nobody expected is silence for its request; its turn ends, and all others go on."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    broken = node.with_parts(ledger=LedgerThat(node.parts.ledger, break_down))
    assert await broken.answer(terminal.sealed(purchase)) is None

    assert node.counted("switch_transactions_total", kind="purchase", outcome="unanswered") == 1
    assert len(node.parts.turns) == 0
    assert await node.code(terminal, purchase) == "00"


async def test_database_lost_under_way(node: Node) -> None:
    """Sessions cut while purchases are under way: each gets a result or 96, and nothing is posted twice."""
    terminal, card = await node.terminal(), await node.card()
    purchases = [terminal.purchase(card, 1) for _ in range(200)]
    await node.code(terminal, terminal.balance(card))

    async def cut() -> None:
        for _ in range(5):
            await asyncio.sleep(0.01)
            await node.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )

    async def insist(purchase: Message) -> str:
        code = "96"
        while code == "96":
            code = await node.code(terminal, purchase)
            await asyncio.sleep(0.01)
        return code

    *codes, _ = await asyncio.gather(*(insist(purchase) for purchase in purchases), cut())

    assert ["00"] * 200 == codes
    assert BALANCE_MINOR - 200 == await node.balance_of(card)
    assert (await verify(node.connection, node.world.sealer)).is_clean
