"""A concentrator: a few terminals behind one line, trading without waiting for each other's answers.

It keeps a window of requests under way: sales with PIN and MAC on cards that other concentrators use as well,
now and then a repeat or a reversal of one of its own sales, answered or not. Whatever it sends or hears goes
into the journal. When the line breaks or stays silent it stops; what is under way then is settled later, on
another line, by repeats and reversals until each has its answer.

It stands on the plain terminal, so that it shares no code with the switch it tries.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Final, TypeAlias

from tests.crash.book import APPROVED, TRY_AGAIN, Violation
from tests.crash.journal import Answered, Journal, Kind, Reference, Sent
from tests.end_to_end.plain_dialect import Message, WrongAnswer
from tests.end_to_end.plain_line import Line, LineClosed, NoAnswer
from tests.end_to_end.plain_terminal import Card, Identity, Terminal, reversal_of

Address: TypeAlias = tuple[str, int]

WINDOW: Final = 16
_RECENT: Final = 100
_AMOUNT_MAX_MINOR: Final = 100
_HOT_CARDS: Final = 12
_SIGN_ON_AGAIN: Final = 0.2
_REPEAT_REFUSED: Final = 0.5
_PATIENCE_SECONDS: Final = 15.0
_SETTLING_SECONDS: Final = 40.0
_PAUSE_SECONDS: Final = 0.1


@dataclass(slots=True, eq=False)
class Sale:
    """A sale that this concentrator has made: what it takes to send or reverse it again."""

    terminal: Terminal
    card_number: int
    card: Card = field(repr=False)
    amount_minor: int
    request: Message = field(repr=False)
    is_reversed: bool = False

    @property
    def reference(self) -> Reference:
        """What its terminal calls it."""
        return Reference(self.request["41"], self.request["60"][2:8], self.request["11"])

    def message(self, kind: Kind, random: Random) -> Message:
        """The sale or its reversal, marked as a repeat or not, with the PIN under the keys of today."""
        message = self.request | self.terminal.encrypted_pin(self.card)
        if kind is Kind.REVERSAL:
            message = reversal_of(message)
        return message | {"t": message["t"][:3] + random.choice("01")}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that was sent and not answered yet."""

    kind: Kind
    sale: Sale
    message: Message = field(repr=False)


class Concentrator:
    """See the module's docstring.

    Args:
        devices: its terminals; no other concentrator has them.
        cards: the cards of the world, shared by all.
        journal: where everything is written down.
        random: decides what is done; never shared.
    """

    def __init__(
        self, devices: Iterable[Identity], cards: Sequence[Card], journal: Journal, random: Random
    ) -> None:
        self._devices = list(devices)
        self._terminals: list[Terminal] = []
        self._cards = cards
        self._journal = journal
        self._random = random
        self._under_way: deque[UnderWay] = deque()
        self._refused: list[UnderWay] = []
        self._recent: deque[Sale] = deque(maxlen=_RECENT)
        self.violations: list[Violation] = []
        self.sign_ons = 0

    def connect(self, address: Address) -> None:
        """Take a new line; the terminals keep their keys, and some of them sign on again."""
        self.close()
        line = Line.connected(address, timeout_seconds=_PATIENCE_SECONDS)
        if not self._terminals:
            self._terminals = [Terminal(device, line) for device in self._devices]
        for terminal in self._terminals:
            terminal.line = line
            if terminal.keys is None or self._random.random() < _SIGN_ON_AGAIN:
                self._sign_on(terminal)

    def cut(self) -> None:
        """Lose the line in the middle of everything."""
        self._terminals[0].line.cut()

    def close(self) -> None:
        """Hang up."""
        if self._terminals:
            self._terminals[0].line.close()

    def trade(self, stop: Event) -> None:
        """Send and take answers until told to stop, then take what is still under way, as far as it comes."""
        try:
            while not stop.is_set():
                while len(self._under_way) < WINDOW:
                    self._send(*self._next())
                self._take_answer()
            while self._under_way:
                self._take_answer()
        except (LineClosed, NoAnswer, OSError):
            pass
        except WrongAnswer as wrong:
            self.violations.append(Violation(str(self._under_way[0].sale.reference), str(wrong)))

    def settle(self) -> int:
        """Repeat or reverse what has no final answer until it has one; how many sales that were."""
        unsettled = self._unsettled()
        count = len(unsettled)
        self._under_way.clear()
        self._refused.clear()
        deadline = time.monotonic() + _SETTLING_SECONDS
        while unsettled and time.monotonic() < deadline:
            for kind, sale in unsettled:
                self._send(kind, sale)
            while self._under_way:
                self._take_answer()
            unsettled = [(each.kind, each.sale) for each in self._refused]
            self._refused.clear()
            time.sleep(_PAUSE_SECONDS if unsettled else 0)
        return count

    def balances(self, card_numbers: Iterable[int]) -> dict[int, int]:
        """What the switch says that cards hold, in minor units; it has to know that of each."""
        terminal = self._terminals[0]
        told: dict[int, int] = {}
        for number in card_numbers:
            try:
                told[number] = terminal.read_balance(self._cards[number])
            except WrongAnswer as wrong:
                self.violations.append(Violation(f"card {number}", str(wrong)))
        return told

    def _sign_on(self, terminal: Terminal) -> None:
        answer = terminal.sign_on()
        self.sign_ons += 1
        if answer.code not in {APPROVED, TRY_AGAIN} or terminal.keys is None:
            raise WrongAnswer(f"sign-on answered {answer.code}")

    def _next(self) -> tuple[Kind, Sale]:
        """Mostly a new sale; sometimes one of those before is sent again, or reversed."""
        luck = self._random.random()
        known = [*self._recent, *(each.sale for each in self._under_way if not each.sale.is_reversed)]
        if luck < 0.7 or not known:
            return Kind.SALE, self._new_sale()
        sale = self._random.choice(known)
        return (Kind.SALE if luck < 0.85 else Kind.REVERSAL), sale

    def _new_sale(self) -> Sale:
        terminal = self._random.choice(self._terminals)
        hot = self._random.random() < 0.4
        number = self._random.randrange(_HOT_CARDS if hot else len(self._cards))
        amount_minor = self._random.randint(1, _AMOUNT_MAX_MINOR)
        card = self._cards[number]
        return Sale(terminal, number, card, amount_minor, terminal.purchase(card, amount_minor))

    def _send(self, kind: Kind, sale: Sale) -> None:
        if kind is Kind.REVERSAL:
            sale.is_reversed = True
            if sale in self._recent:
                self._recent.remove(sale)
        message = sale.message(kind, self._random)
        self._under_way.append(UnderWay(kind, sale, message))
        self._journal.write(Sent(kind, sale.reference, sale.card_number, sale.amount_minor))
        sale.terminal.send(message)

    def _take_answer(self) -> None:
        """The answer to the oldest request under way."""
        first = self._under_way[0]
        kind, sale = first.kind, first.sale
        answer = sale.terminal.answer_to(first.message)
        approval_code = answer.fields.get("38")
        self._journal.write(Answered(kind, sale.reference, answer.code, answer["37"], approval_code))
        self._under_way.popleft()
        if answer.code == TRY_AGAIN:
            self._refused.append(first)
        elif answer.code == APPROVED and not sale.is_reversed and sale not in self._recent:
            self._recent.append(sale)

    def _unsettled(self) -> list[tuple[Kind, Sale]]:
        """What to send for each sale that is not answered for good.

        A reversal is repeated until it is answered. A sale without answer is repeated or reversed; one that
        was refused needs neither, and is repeated now and then.
        """
        unanswered = {each.sale: self._random.choice(list(Kind)) for each in self._under_way}
        refused = {each.sale: each.kind for each in self._refused if self._random.random() < _REPEAT_REFUSED}
        reversed_ = [each.sale for each in self._refused if each.kind is Kind.REVERSAL]
        ways_out = refused | unanswered | dict.fromkeys(reversed_, Kind.REVERSAL)
        return [(Kind.REVERSAL if sale.is_reversed else kind, sale) for sale, kind in ways_out.items()]
