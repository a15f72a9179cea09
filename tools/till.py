"""A till: a simulated terminal at its line, doing the steps of a script.

Brings the parts together: the terminal writes and reads messages, its memory is saved before each send, the
line carries them. A till does one step at a time and hands back what was asked and what came; it judges
nothing but whether a repeat brought the first answer again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, assert_never

from iso8583_specs.codec import MalformedMessage
from tools.demo_parties import DemoTerminal, demo_card, demo_terminal, track2_of
from tools.demo_seed import DemoSeed
from tools.exclusive import exclusive
from tools.pos_script import ScriptError, Step, TypedPin, Verb, by_terminal
from tools.terminal import Answer, NotSignedOn, PosTerminal, Request, Swipe
from tools.terminal_line import Address, LineError, TerminalLine, connected_line
from tools.terminal_memory import TerminalMemory

ANSWER_TIMEOUT_SECONDS: Final = 60.0
_MEMORY_WAIT_SECONDS: Final = 10.0
_PIN_OF_UNKNOWN_CARD: Final = "000000"
_SIGN_ON_MTI: Final = "0800"
_MANAGEMENT: Final = {
    Verb.SIGN_ON: PosTerminal.sign_on,
    Verb.SIGN_OFF: PosTerminal.sign_off,
    Verb.ECHO: PosTerminal.echo,
}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step, done.

    Attributes:
        step: What was to be done.
        terminal: Who did it.
        request: What was sent.
        answer: What came; None if it got lost, as the step wanted.
        same_as_before: For a repeat of an answered request: it brought the same result.
    """

    step: Step
    terminal: DemoTerminal
    request: Request
    answer: Answer | None
    same_as_before: bool | None = None

    @property
    def as_expected(self) -> bool:
        """The answer is believed, is what the step expects, and is the old one if the request was."""
        if self.answer is None:
            return True
        expected_code = self.step.expect in {None, self.answer.code}
        return expected_code and self.answer.believed and self.same_as_before is not False


class Till:
    """One terminal at its line; `open_till` makes one.

    Args:
        seed: Where cards and their PINs come from.
        party: Which terminal it is.
        memory_path: Where the terminal's memory is kept.
        line: Its connection.
        timeout_seconds: How long it waits for an answer.

    Raises:
        BadTerminalMemory: The file holds something else.
        SessionKeysRefused: The keys in the file are not this terminal's.
    """

    def __init__(
        self,
        seed: DemoSeed,
        party: DemoTerminal,
        memory_path: Path,
        line: TerminalLine,
        *,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> None:
        self._seed = seed
        self._party = party
        self._memory_path = memory_path
        self._memory = TerminalMemory.read(memory_path)
        self._terminal = PosTerminal(party, self._memory)
        self._line = line
        self._timeout_seconds = timeout_seconds
        self._last: Exchange | None = None
        self._last_purchase: Request | None = None
        self._reference: str | None = None
        self._reversible: Request | None = None

    async def do(self, step: Step) -> Exchange:
        """Send what a step asks for and wait for the answer.

        Raises:
            ScriptError: The step needs session keys or a reference that the terminal never got.
            LineError: No answer came, or not a message.
            SessionKeysRefused: The keys of a sign-on did not arrive whole.
        """
        try:
            request = self._request(step)
        except NotSignedOn:
            raise ScriptError(step.line, "the terminal has no keys yet: sign-on comes first") from None
        self._memory.write(self._memory_path)
        answer = await self._ask(request)
        exchange = Exchange(
            step, self._party, request, None if step.lose_answer else answer, self._compare(step, answer)
        )
        self._remember(exchange)
        return exchange

    def _request(self, step: Step) -> Request:
        match step.verb:
            case Verb.SIGN_ON | Verb.SIGN_OFF | Verb.ECHO:
                return _MANAGEMENT[step.verb](self._terminal)
            case Verb.BALANCE:
                return self._terminal.balance(self._swipe(step), wrong_mac=step.wrong_mac)
            case Verb.PURCHASE:
                return self._terminal.purchase(self._swipe(step), step.amount_minor, wrong_mac=step.wrong_mac)
            case Verb.VOID:
                purchase, reference = _there(self._last_purchase), self._reference_for(step)
                return self._terminal.void(purchase, reference, wrong_mac=step.wrong_mac)
            case Verb.REVERSE:
                return self._terminal.reversal(_there(self._reversible), wrong_mac=step.wrong_mac)
            case Verb.REPEAT:
                return _there(self._last).request
            case Verb.TERMINAL:
                raise AssertionError("a till is one terminal")
            case _:
                assert_never(step.verb)

    async def _ask(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._line.send(request.frame)
                while True:
                    answer = self._terminal.read(await self._line.receive())
                    if request.is_answered_by(answer.message):
                        return answer
        except TimeoutError:
            raise LineError(f"no answer within {self._timeout_seconds:g} seconds") from None
        except MalformedMessage as error:
            raise LineError(f"what came is not a message: {error}") from None

    def _compare(self, step: Step, answer: Answer) -> bool | None:
        before = self._last.answer if self._last and step.verb is Verb.REPEAT else None
        return None if before is None else before.result == answer.result

    def _remember(self, exchange: Exchange) -> None:
        self._last = exchange
        request, answer = exchange.request, exchange.answer
        if exchange.step.verb is Verb.PURCHASE:
            self._last_purchase, self._reference = request, None
        if exchange.step.verb in {Verb.PURCHASE, Verb.VOID}:
            self._reversible = request
        if answer is not None and request is self._last_purchase:
            self._reference = str(answer.message.fields.get(37, ""))
        if answer is not None and answer.approved and exchange.request.message.mti == _SIGN_ON_MTI:
            self._terminal.take_keys(answer)
            self._memory.write(self._memory_path)

    def _reference_for(self, step: Step) -> str:
        """The reference number of the last purchase's answer."""
        if self._reference is None:
            raise ScriptError(step.line, "no answer came to the purchase, so only reverse takes it back")
        return self._reference

    def _swipe(self, step: Step) -> Swipe:
        if step.card is not None:
            card = demo_card(self._seed, step.card)
            return Swipe(card.pan, card.track2, _typed_pin(step, card.pin))
        pan = step.pan or ""
        return Swipe(pan, track2_of(pan), _typed_pin(step, _PIN_OF_UNKNOWN_CARD))


@asynccontextmanager
async def open_till(
    seed: DemoSeed,
    number: int,
    folder: Path,
    address: Address,
    *,
    timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
) -> AsyncIterator[Till]:
    """A demo terminal, connected and held for nobody else's use, until the end of the block.

    Args:
        seed: Of the demo world.
        number: Which terminal.
        folder: The demo folder of the home; memories are in `terminals` under it.
        address: Where the switch listens.
        timeout_seconds: How long the terminal waits for an answer.

    Raises:
        InUse: Another command plays this terminal.
        LineError: Nobody listens there.
        BadTerminalMemory: The terminal's memory can't be read.
        SessionKeysRefused: The keys in its memory are not this terminal's.
    """
    party = demo_terminal(seed, number)
    memory_path = _memory_path(folder, party.terminal_id)
    async with (
        exclusive(memory_path.with_suffix(".lock"), wait_seconds=_MEMORY_WAIT_SECONDS),
        connected_line(address) as line,
    ):
        yield Till(seed, party, memory_path, line, timeout_seconds=timeout_seconds)


async def play(
    steps: Sequence[Step],
    seed: DemoSeed,
    folder: Path,
    address: Address,
    *,
    timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
) -> AsyncIterator[Exchange]:
    """Do the steps of a script, each terminal on a line of its own; see `open_till` and `Till.do`."""
    for terminal, its_steps in by_terminal(steps):
        async with open_till(seed, terminal, folder, address, timeout_seconds=timeout_seconds) as till:
            for step in its_steps:
                yield await till.do(step)


def _memory_path(folder: Path, terminal_id: str) -> Path:
    memories = folder / "terminals"
    memories.mkdir(mode=0o700, parents=True, exist_ok=True)
    return memories / f"{terminal_id}.json"


def _typed_pin(step: Step, right_pin: str) -> str | None:
    """What is typed at the PIN pad, digits or nothing."""
    match step.pin:
        case TypedPin.NONE:
            return None
        case TypedPin.RIGHT:
            return right_pin
        case TypedPin.WRONG:
            return right_pin[:-1] + str((int(right_pin[-1]) + 1) % 10)
        case digits:
            return digits


def _there(value: _T | None) -> _T:
    """What the order of a script's steps, checked when it was read, makes sure of."""
    assert value is not None
    return value
