"""A concentrator: a few terminals behind one line or more, trading without waiting for each other's answers.

It keeps a window of requests under way: sales with PIN and MAC on cards that other concentrators use as well,
now and then a repeat, a reversal or a void of something it sent before, answered or not. Whatever it sends or
hears goes into the journal. When a line breaks or stays silent it stops; what is under way then is settled
later, on other lines, by repeats and reversals until each has its answer.

With a line to each of several nodes, every message takes any of them: what is repeated, reversed or voided
meets its original on another node, often in the same moment.

It stands on the plain terminal, so that it shares no code with the switch it tries.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final, NamedTuple, TypeAlias

from tests.crash.book import APPROVED, TRY_AGAIN, Violation
from tests.crash.journal import Answered, Journal, Kind
from tests.crash.requests import Request, Sending
from tests.end_to_end.plain_dialect import WrongAnswer
from tests.end_to_end.plain_line import Line, LineClosed, NoAnswer
from tests.end_to_end.plain_terminal import Card, Identity, Terminal

Address: TypeAlias = tuple[str, int]

WINDOW: Final = 16
_RECENT: Final = 100
_AMOUNT_MAX_MINOR: Final = 100
_LARGE_AMOUNT_MAX_MINOR: Final = 50_000
_HOT_CARDS: Final = 12
_HOT: Final = 0.4
_LARGE: Final = 0.01
_NEW_SALE, _REPEAT, _REVERSAL = 0.64, 0.78, 0.88
_VOIDS_MAX: Final = 2
_SIGN_ON_AGAIN: Final = 0.2
_REPEAT_REFUSED: Final = 0.5
_PATIENCE_SECONDS: Final = 15.0
_SETTLING_SECONDS: Final = 40.0
_SETTLING_PATIENCE_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.1


class UnderWay(NamedTuple):
    """What was sent, and the terminal as it is seen from the line that it was sent on."""

    sending: Sending
    terminal: Terminal


class Concentrator:
    """See the module's docstring.

    Args:
        devices: its terminals; no other concentrator has them.
        cards: the cards of the world, shared by all.
        journal: where everything is written down.
        random: decides what is done; never shared.
        large: the share of sales that take a large part of what a card holds.
    """

    def __init__(
        self,
        devices: Iterable[Identity],
        cards: Sequence[Card],
        journal: Journal,
        random: Random,
        large: float = _LARGE,
    ) -> None:
        self._devices = list(devices)
        self._terminals: list[Terminal] = []
        self._cards = cards
        self._journal = journal
        self._random = random
        self._large = large
        self._lines: list[Line] = []
        self._under_way: deque[UnderWay] = deque()
        self._refused: list[Sending] = []
        self._recent: deque[Request] = deque(maxlen=_RECENT)
        self.violations: list[Violation] = []
        self.sign_ons = 0
        self.operations = 0
        """How many sales, voids and reversals it has sent, repeats aside."""

    def connect(self, *addresses: Address) -> None:
        """Take a new line to each of these; the terminals keep their keys, and some of them sign on again."""
        self.close()
        self._lines = [Line.connected(address, timeout_seconds=_PATIENCE_SECONDS) for address in addresses]
        if not self._terminals:
            self._terminals = [Terminal(device, self._lines[0]) for device in self._devices]
        for terminal in self._terminals:
            terminal.line = self._lines[0]
            if terminal.keys is None or self._random.random() < _SIGN_ON_AGAIN:
                self._sign_on(terminal)

    def cut(self) -> None:
        """Lose the lines in the middle of everything."""
        for line in self._lines:
            line.cut()

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.close()

    def trade(self, is_over: Callable[[], bool]) -> None:
        """Send and take answers until it is over, then take what is still under way, as far as it comes."""
        try:
            while not is_over():
                while len(self._under_way) < WINDOW:
                    self._send(self._next())
                self._take_answer()
            while self._under_way:
                self._take_answer()
        except (LineClosed, NoAnswer, OSError):
            pass
        except WrongAnswer as wrong:
            self.violations.append(Violation(str(self._under_way[0].sending.request.reference), str(wrong)))

    def settle(self) -> int:
        """Repeat or reverse what has no final answer until it has one; how many requests that were.

        As long as a switch has no database it says nothing to a repeat, so one waits less for each.
        """
        unsettled = self._unsettled()
        count = len(unsettled)
        deadline = time.monotonic() + _SETTLING_SECONDS
        while unsettled and time.monotonic() < deadline:
            for sending in unsettled:
                self._send(sending)
            self._take_settled()
            unsettled = [self._again(sending) for sending in self._refused]
            self._refused.clear()
            time.sleep(_PAUSE_SECONDS if unsettled else 0)
        return count

    def _take_settled(self) -> None:
        """Take the answers that come; what gets none counts as refused."""
        for line in self._lines:
            line.wait_at_most(_SETTLING_PATIENCE_SECONDS)
        try:
            while self._under_way:
                self._take_answer()
        except NoAnswer:
            self._refused += [sending for sending, _ in self._under_way]
            self._under_way.clear()
        finally:
            for line in self._lines:
                line.wait_at_most(_PATIENCE_SECONDS)

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

    def _next(self) -> Sending:
        """Mostly a new sale; sometimes what was sent before is sent again, reversed or voided."""
        luck, random = self._random.random(), self._random
        under_way = (sending.request for sending, _ in self._under_way)
        known = [*self._recent, *(each for each in under_way if not each.is_reversed)]
        approved = [each for each in self._recent if each.kind is Kind.SALE and each.voids_sent < _VOIDS_MAX]
        if known and _NEW_SALE <= luck < _REPEAT:
            return random.choice(known).itself(random)
        if known and _REPEAT <= luck < _REVERSAL:
            return random.choice(known).reversal(random)
        if approved and _REVERSAL <= luck:
            return random.choice(approved).void().itself(random)
        return self._new_sale().itself(random)

    def _new_sale(self) -> Request:
        terminal = self._random.choice(self._terminals)
        hot = self._random.random() < _HOT
        number = self._random.randrange(min(_HOT_CARDS, len(self._cards)) if hot else len(self._cards))
        large = self._random.random() < self._large
        amount_minor = self._random.randint(1, _LARGE_AMOUNT_MAX_MINOR if large else _AMOUNT_MAX_MINOR)
        return Request.sale(terminal, number, self._cards[number], amount_minor)

    def _send(self, sending: Sending) -> None:
        if sending.is_reversal and sending.request in self._recent:
            self._recent.remove(sending.request)
        terminal = sending.request.terminal.seen_from(self._random.choice(self._lines))
        self._under_way.append(UnderWay(sending, terminal))
        self.operations += sending.is_first
        self._journal.write(sending.record)
        terminal.send(sending.message)

    def _take_answer(self) -> None:
        """The answer to the oldest request under way."""
        sending, terminal = self._under_way[0]
        request = sending.request
        answer = terminal.answer_to(sending.message)
        approval_code = answer.fields.get("38")
        self._journal.write(
            Answered(sending.kind, request.reference, answer.code, answer["37"], approval_code)
        )
        self._under_way.popleft()
        if answer.code == TRY_AGAIN:
            self._refused.append(sending)
        elif answer.code == APPROVED and not request.is_reversed and request not in self._recent:
            request.retrieval_reference = answer["37"]
            self._recent.append(request)

    def _unsettled(self) -> list[Sending]:
        """What to send for each request that is not answered for good; it is forgotten otherwise.

        A reversal is repeated until it is answered. A request without answer is repeated or reversed; one
        that was refused needs neither, and is repeated now and then.
        """
        unanswered, refused = [sending for sending, _ in self._under_way], self._refused
        self._under_way, self._refused = deque(), []
        ways_out = {each.request: each for each in refused if each.is_reversal or self._repeats_refused()}
        ways_out |= {each.request: each for each in unanswered}
        return [self._way_out(sending) for sending in ways_out.values()]

    def _repeats_refused(self) -> bool:
        return self._random.random() < _REPEAT_REFUSED

    def _way_out(self, sending: Sending) -> Sending:
        if sending.request.is_reversed or self._random.random() < 0.5:
            return sending.request.reversal(self._random)
        return sending.request.itself(self._random)

    def _again(self, sending: Sending) -> Sending:
        if sending.is_reversal:
            return sending.request.reversal(self._random)
        return sending.request.itself(self._random)
