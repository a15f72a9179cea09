"""What a terminal keeps of a sale or a void until it is settled: enough to send or reverse it again."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from tests.crash.journal import REVERSAL_OF, Kind, Reference, Sent
from tests.end_to_end.plain_dialect import Message
from tests.end_to_end.plain_terminal import Card, Terminal, reversal_of


@dataclass(slots=True, eq=False)
class Request:
    """A sale, or a void of one."""

    kind: Kind
    terminal: Terminal
    card_number: int
    card: Card = field(repr=False)
    amount_minor: int
    original: Message = field(repr=False)
    voided: Reference | None = None
    retrieval_reference: str | None = None
    """Field 37 of its approval."""
    is_reversed: bool = False
    voids_sent: int = 0
    is_sent: bool = False

    @classmethod
    def sale(cls, terminal: Terminal, card_number: int, card: Card, amount_minor: int) -> "Request":
        """A new sale."""
        message = terminal.purchase(card, amount_minor)
        return cls(Kind.SALE, terminal, card_number, card, amount_minor, message)

    def void(self) -> "Request":
        """A void of this approved sale."""
        assert self.retrieval_reference is not None
        self.voids_sent += 1
        message = self.terminal.void(self.original, self.retrieval_reference)
        return Request(
            Kind.VOID, self.terminal, self.card_number, self.card, self.amount_minor, message, self.reference
        )

    @property
    def reference(self) -> Reference:
        """What its terminal calls it."""
        return Reference(self.original["41"], self.original["60"][2:8], self.original["11"])

    def itself(self, random: Random) -> "Sending":
        """Send it, the first time or again; the PIN is under the keys of today."""
        message, is_first, self.is_sent = self.original, not self.is_sent, True
        if self.kind is Kind.SALE:
            message = message | self.terminal.encrypted_pin(self.card)
        return Sending(self.kind, self, _marked(message, random), is_first)

    def reversal(self, random: Random) -> "Sending":
        """Take it back, the first time or again."""
        is_first, self.is_reversed = not self.is_reversed, True
        return Sending(REVERSAL_OF[self.kind], self, _marked(reversal_of(self.original), random), is_first)


class Sending(NamedTuple):
    """A message that goes out for a request: itself, or its reversal."""

    kind: Kind
    request: Request
    message: Message
    is_first: bool

    @property
    def is_reversal(self) -> bool:
        """Whether it takes the request back."""
        return self.kind is not self.request.kind

    @property
    def record(self) -> Sent:
        """What the journal says of it."""
        request = self.request
        return Sent(self.kind, request.reference, request.card_number, request.amount_minor, request.voided)


def _marked(message: Message, random: Random) -> Message:
    """Some terminals mark a repeat by the last digit of the message type, others don't."""
    return message | {"t": message["t"][:3] + random.choice("01")}
