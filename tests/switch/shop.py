"""A world for the switch's tests: merchants, terminals and cards put into a database as tests ask for them.

`World` is one database with its HSM, kept for all tests of a worker, in which every test gets parties of its
own. `Node` is one running switch on it without its TCP side: ledger, directory and flow; a test may have
several.
"""

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from random import Random
from typing import Any, Final

import asyncpg

from directory.commands import CardRow, insert_cards
from directory.product_terms import CardClass, CardService, Limits, PinRule, ProductTerms
from directory.records import CardState, Merchant, MerchantState, Product, ProductVersion
from directory.service import Directory
from hsm_soft.data_key_store import hand_over_data_keys
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, InProcessHsm
from hsm_soft.key_store import open_hsm
from hsm_soft.master_key import MasterKey
from iso8583_specs.message import Message
from ledger.identity import TransactionKind, TransactionNumbers
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from ledger.postgres.committer import Ledger, enter
from ledger.postgres.inquiry import TransactionRecord
from ledger.postgres.observer import LedgerObserver
from ledger.postgres.opening import Opening, WalletOpener
from routing.table import RangeTable
from storage.database import connect, create_pool
from switch.observability.metrics import Metrics
from switch.shell.clock import Clock
from switch.shell.wallet_sealer import WalletSealer
from switch.transaction.flow import Flow
from switch.transaction.management import Management
from switch.transaction.parts import Parts
from switch.transaction.turns import Turns
from tests.directory_rows import add_merchant, add_product, add_terminal
from tests.switch.small_terminal import CODEC, EXPIRY, Card, Terminal

BALANCE_MINOR: Final = 100_000
MASTER_KEY: Final = Random(8583).randbytes(32)
_TERMS: Final = ProductTerms(
    card_class=CardClass.CONSUMPTION,
    currency=156,
    services=frozenset({CardService.PURCHASE, CardService.BALANCE_INQUIRY}),
    pin={CardService.PURCHASE: PinRule(), CardService.BALANCE_INQUIRY: PinRule()},
)
_LIMITS: Final = Limits(transaction_max_minor=5_000, day_amount_max_minor=6_000, day_count_max=3)


def _product(number: int, name: str, terms: ProductTerms) -> Product:
    return Product(number, f"P{number}", name, (ProductVersion(1, 0, terms),))


PLAIN: Final = _product(1, "With PIN", _TERMS)
WITHOUT_PIN: Final = _product(2, "Without PIN", _TERMS.model_copy(update={"pin": {}}))
LIMITED: Final = _product(3, "Limited", _TERMS.model_copy(update={"limits": _LIMITS}))


_RANGE: Final = """
INSERT INTO directory.number_range
    (id, party_id, name, first, last, pan_digits, ordering, check_digit, quarantine_days, state)
VALUES (1, 1, 'Cards of tests', '990001', '990001', 19, 'sequence', 'none', 0, 'open')
"""


class HsmElsewhere(Hsm):
    """An HSM that is asked as one in another process is: whoever asks has to wait."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm

    async def ask(self, operation: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Do it, a little later."""
        await asyncio.sleep(0)
        return await self._hsm.ask(operation, *args, **kwargs)

    @property
    def is_ready(self) -> bool:
        """Always."""
        return True

    async def close(self) -> None:
        """Nothing to close."""


async def _learn_data_keys(dsn: str, hsm: Hsm) -> None:
    connection = await connect(dsn)
    try:
        await hand_over_data_keys(connection, hsm)
    finally:
        await connection.close()


@dataclass
class World:
    """A database with products, and ways to add what a test needs."""

    dsn: str
    hsm: SoftHsm
    sealer: WalletSealer
    opener: WalletOpener
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def make(cls, dsn: str) -> "World":
        """Products and a range of card numbers."""
        connection = await connect(dsn)
        try:
            hsm = await open_hsm(connection, MasterKey(MASTER_KEY, development=True, created=False))
            for product in (PLAIN, WITHOUT_PIN, LIMITED):
                await add_product(connection, product)
            await connection.execute(_RANGE)
        finally:
            await connection.close()
        node = await enter(dsn, date(2026, 1, 1))
        sealer = WalletSealer(InProcessHsm(hsm), partial(_learn_data_keys, dsn, InProcessHsm(hsm)))
        return cls(dsn, hsm, sealer, WalletOpener(node, TransactionNumbers(node), sealer))

    async def terminal(self, connection: "asyncpg.Connection[asyncpg.Record]") -> Terminal:
        """A new terminal of a new merchant, not signed on."""
        number = next(self.numbers)
        made = Terminal(f"990001{number:09}", f"T{number:07}", Random(number).randbytes(16))
        merchant = Merchant(number, made.merchant_id, MerchantState.LIVE)
        await add_merchant(connection, merchant, name="Corner shop", category="5411")
        master_key = self.hsm.import_terminal_master(made.master_key)
        await add_terminal(connection, made.merchant_id, made.terminal_id, master_key=master_key)
        return made

    async def card(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        product: Product = PLAIN,
        state: CardState = CardState.ACTIVE,
        expiry: str = EXPIRY,
        balance_minor: int = BALANCE_MINOR,
        pin: str | None = None,
    ) -> Card:
        """A new card with money on it."""
        number = next(self.numbers)
        card = Card(f"990001{number:013}", pin or f"{number % 10_000:04}", number)
        reference = self.hsm.make_pin_reference(card.pin, number)
        row = CardRow(
            *(self.hsm.pan_index(card.pan), number, product.id, state, expiry),
            *(self.hsm.seal_pan(card.pan), reference.salt, reference.value),
        )
        async with connection.transaction():
            await insert_cards(connection, [row])
            await self.opener.open_wallets(connection, [Opening(number, balance_minor)], 1)
        return card


@dataclass
class Node:
    """A switch without its listeners."""

    world: World
    flow: Flow
    parts: Parts
    metrics: Metrics
    connection: "asyncpg.Connection[asyncpg.Record]"

    @classmethod
    async def start(cls, world: World, stack: AsyncExitStack, **parts: Any) -> "Node":
        """Start one; it ends with the stack. `parts` take the place of the usual ones."""
        connection = await connect(world.dsn)
        stack.push_async_callback(connection.close)
        pool = await create_pool(world.dsn, size=2)
        stack.push_async_callback(pool.close)
        ledger = Ledger(world.dsn, world.sealer, await enter(world.dsn, date(2026, 1, 1)), LedgerObserver())
        await ledger.start()
        stack.push_async_callback(ledger.stop)
        metrics, clock, directory = Metrics(), Clock("Asia/Shanghai"), Directory(pool)
        hsm = InProcessHsm(world.hsm)
        usual = Parts(
            directory=directory,
            management=Management(hsm, directory, clock, metrics),
            hsm=hsm,
            ledger=ledger,
            turns=Turns(),
            table=RangeTable(),
            clock=clock,
            metrics=metrics,
            old_set_us=600_000_000,
        )
        chosen = replace(usual, **parts)
        return cls(world, Flow(CODEC, chosen), chosen, metrics, connection)

    def with_parts(self, **parts: Any) -> "Node":
        """The same node with something put in the place of some of its parts."""
        chosen = replace(self.parts, **parts)
        return replace(self, flow=Flow(CODEC, chosen), parts=chosen)

    async def terminal(self, *, signed_on: bool = True) -> Terminal:
        """A new terminal, signed on at this node unless told otherwise."""
        terminal = await self.world.terminal(self.connection)
        if signed_on:
            await self.sign_on(terminal)
        return terminal

    async def card(self, *args: Any, **kwargs: Any) -> Card:
        """A new card; see `World.card`."""
        return await self.world.card(self.connection, *args, **kwargs)

    async def sign_on(self, terminal: Terminal, *args: str) -> Message:
        """Sign a terminal on and let it take its keys."""
        answer = await self.ask(terminal, terminal.sign_on(*args))
        assert answer.fields[39] == "00"
        terminal.take_keys(answer)
        return answer

    async def answer(self, body: bytes, listener: str = "pos") -> bytes | None:
        """What the flow responds to the bytes of a message."""
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self.flow.take(body, listener, answer.set_result)
        return await answer

    async def ask(self, terminal: Terminal, message: Message) -> Message:
        """The checked answer to a message."""
        answer = await self.answer(terminal.sealed(message))
        assert answer is not None
        return terminal.opened(answer)

    async def code(self, terminal: Terminal, message: Message) -> str:
        """Field 39 of the answer to a message."""
        return str((await self.ask(terminal, message)).fields[39])

    async def balance_of(self, card: Card) -> int:
        """What a card's wallet holds."""
        return (await inquiry.balances(self.connection, self.world.sealer, [card.wallet_id]))[card.wallet_id]

    async def rows_of(self, terminal: Terminal, message: Message) -> list[TransactionRecord]:
        """What the ledger has under the batch and STAN of a message."""
        batch = str(message.fields[60])[2:8]
        names = [(terminal.merchant_id, terminal.terminal_id)]
        return await inquiry.find_by_terminal(self.connection, names, batch, str(message.fields[11]))

    async def journalled(self, terminal: Terminal, kind: TransactionKind) -> list[Outcome]:
        """How all transactions of a kind ended at a terminal, oldest first."""
        rows = await self.connection.fetch(
            "SELECT outcome FROM ledger.transaction WHERE merchant_id = $1 AND kind = $2 ORDER BY id",
            *(terminal.merchant_id, kind),
        )
        return [Outcome(row[0]) for row in rows]

    async def look_again_at(self, terminal: Terminal) -> None:
        """Let the node see what the database has of a terminal now."""
        await self.parts.directory.reload_terminal(terminal.merchant_id, terminal.terminal_id)

    async def execute(self, statement: str, *values: object) -> None:
        """Change the database behind the node's back."""
        await self.connection.execute(statement, *values)

    def counted(self, name: str, **labels: str) -> float:
        """The value of one sample of the metrics."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
