"""What the flow of a request is made of, and what it asks of the rest of the node.

The ledger, the directory and network management are named here by what a request needs of them; `bootstrap`
fills them in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from directory.records import Card, KeySet, PanIndex, Terminal
from hsm_soft.interface import Hsm
from ledger.identity import TransactionNumbers
from ledger.intent import Intent
from ledger.postgres.dedup import Result
from routing.table import RangeTable
from switch.observability.metrics import Metrics
from switch.observability.transaction_log import TransactionLog
from switch.shell.clock import Clock
from switch.transaction.turns import Turns
from switch.vocabulary.model import Reply, Request


class PostsIntents(Protocol):
    """The ledger, as the flow uses it."""

    numbers: TransactionNumbers

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted; `told` is called once with its durable result."""
        ...


class SeesRecords(Protocol):
    """Cards and terminals, as the checks of a request ask for them."""

    def peek_card(self, pan_index: PanIndex) -> Card | None:
        """The card if it is in memory."""
        ...

    async def card(self, pan_index: PanIndex) -> Card | None:
        """The card."""
        ...

    def peek_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal if it is in memory."""
        ...

    async def terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal."""
        ...

    async def reload_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal as the database has it now."""
        ...

    async def verified(self, terminal: Terminal, used: KeySet) -> Terminal:
        """Note that these keys have been proven by a MAC."""
        ...


class SignsOn(Protocol):
    """Network management: what needs no MAC and moves no money."""

    async def manage(self, request: Request, terminal: Terminal, number: int, now_us: int) -> Reply:
        """The reply to a sign-on, sign-off or echo of a known terminal."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the node's flows have in common: a terminal may use any listener."""

    directory: SeesRecords
    management: SignsOn
    hsm: Hsm
    ledger: PostsIntents
    turns: Turns
    table: RangeTable
    clock: Clock
    metrics: Metrics
    old_set_us: int
    log: TransactionLog = field(default_factory=lambda: TransactionLog(enabled=True))


Respond: TypeAlias = Callable[[bytes | None], None]
"""Takes the answer to a message, without framing; None if none is due."""


@dataclass(slots=True, repr=False)
class UnderWay:
    """A request that was taken and isn't answered yet; `respond` is called exactly once.

    Attributes:
        request: As it was read.
        body: The message it was read from.
        respond: Told the answer.
        number: Its transaction's.
        now_us: When it came, in microseconds since the epoch.
        started: Likewise, as `time.perf_counter` tells it.
    """

    request: Request
    body: bytes
    respond: Respond
    number: int
    now_us: int
    started: float
