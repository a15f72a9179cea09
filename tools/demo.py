"""`cardswitch demo`: a terminal's morning, played against a switch of its own, and told in plain words.

The morning is `SCENES`, a table: what happens, the step that does it, the response code it should bring,
and how much the card should have spent by then. Everything is done as a user would: the switch, the world
and the ledger's check are the commands of that name, the terminal is the one of `cardswitch pos`. What
differs from the table makes the demo fail.

It may run again and again in one home, and beside another switch on the same database: it plays a terminal
that no example uses, with a card that still has money.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from tools.demo_seed import DemoSeed
from tools.pos_script import Step, parse_script
from tools.pos_words import meaning, money
from tools.switch_process import COMMAND, SwitchFailed, run_command, running_switch
from tools.till import Exchange, Till, open_till
from tools.trouble import Trouble

TERMINAL: Final = 2
TERMINALS: Final = 10
CARDS: Final = 100
_CARDS_OF_EXAMPLES: Final = 10
_ENOUGH_MINOR: Final = 100_00
_TOO_MUCH_MINOR: Final = 20_000_00
_UNKNOWN_PAN: Final = "9900019999999999999"
_NO_ANSWER: Final = "no answer"
_BOOKS: Final = "every row of the ledger is checked"
_CLEAN: Final = "clean"

EXAMPLE: Final = """\
# A morning at the till. Play it as often as you like:
# the terminal remembers its trace numbers.
terminal 1
sign-on
balance  card=1
purchase card=1 amount=12.50
repeat                              # the same bytes again
purchase card=1 amount=5.00 lose-answer
reverse                             # the last purchase
purchase card=1 amount=3.00
void                                # at the shop's wish
purchase card=2 amount=1.00 pin=wrong
purchase card=1 amount=1.00 mac=wrong
purchase card=3 amount=99999.99
purchase pan=9900019999999999999 amount=1.00
balance  card=1
echo
sign-off
"""

WHAT_TO_TRY: Final = (
    "",
    "a switch is listening on {switch.address}; in another shell, try:",
    "  {command} pos {script}",
    "  {command} world --json",
    "  {command} ledger show",
    "  {command} ledger verify",
    "  curl {switch.observability}/metrics",
    "Ctrl-C here stops it",
)


class NoCardToPlay(Trouble):
    """No demo card holds 100.00 to 20,000.00; `cardswitch world --cards 1000` makes more of them."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Scene(NamedTuple):
    """One event of the morning.

    Attributes:
        words: What happens.
        step: The step of a script that does it; the card is filled in.
        code: The response code it should bring; None if the answer gets lost.
        spent_minor: For a balance, what the card should have spent since the first balance.
    """

    words: str
    step: str
    code: str | None
    spent_minor: int | None = None


SCENES: Final = (
    Scene("the terminal signs on", "sign-on", "00"),
    Scene("balance of a card", "balance card={card}", "00", 0),
    Scene("a purchase of 12.50", "purchase card={card} amount=12.50", "00"),
    Scene("the same bytes again: the same answer", "repeat", "00"),
    Scene("balance: 12.50 is gone, once", "balance card={card}", "00", 12_50),
    Scene("a purchase of 5.00, its answer gets lost", "purchase card={card} amount=5.00 lose-answer", None),
    Scene("so the terminal reverses it", "reverse", "00"),
    Scene("balance: nothing is missing", "balance card={card}", "00", 12_50),
    Scene("a purchase of 3.00", "purchase card={card} amount=3.00", "00"),
    Scene("the shop takes it back", "void", "00"),
    Scene("balance: nothing is missing", "balance card={card}", "00", 12_50),
    Scene("a purchase with a wrong PIN", "purchase card={card} amount=1.00 pin=wrong", "55"),
    Scene("a purchase with a wrong MAC", "purchase card={card} amount=1.00 mac=wrong", "A0"),
    Scene(
        "a purchase for more than the card holds",
        f"purchase card={{card}} amount={_TOO_MUCH_MINOR // 100}",
        "51",
    ),
    Scene("a purchase with an unknown card", f"purchase pan={_UNKNOWN_PAN} amount=1.00", "14"),
    Scene("balance: no refusal cost anything", "balance card={card}", "00", 12_50),
    Scene("the terminal signs off", "sign-off", "00"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What should have happened and what did, in words."""

    words: str
    expected: str
    got: str

    @property
    def as_expected(self) -> bool:
        """They are the same."""
        return self.expected == self.got


def card_with_money(world: bytes) -> int:
    """The number of the first card that no example uses and that holds enough, but less than is asked of it.

    Args:
        world: The world's JSON.

    Raises:
        NoCardToPlay: There is none.
    """
    cards = orjson.loads(world)["cards"]
    for number, card in enumerate(cards[_CARDS_OF_EXAMPLES:], start=_CARDS_OF_EXAMPLES + 1):
        if _ENOUGH_MINOR <= card["balance_minor"] < _TOO_MUCH_MINOR:
            return number
    raise NoCardToPlay


async def demonstrate(
    seed: DemoSeed, folder: Path, environment: Mapping[str, str], say: Callable[[str], None]
) -> list[Finding]:
    """Start a switch, make the world, play the morning, check the books; what was found.

    Args:
        seed: Of the demo world.
        folder: The demo folder of the home.
        environment: Settings for the switch and the commands, over those of this process.
        say: Tells the user what is being done, line by line.

    Raises:
        Trouble: Something did not even start.
    """
    free_ports = {"CARDSWITCH_LISTENERS__POS__PORT": "0", "CARDSWITCH_OBSERVABILITY__PORT": "0"}
    async with running_switch({**environment, **free_ports}, folder / "switch.log") as switch:
        say(f"a switch is listening on {switch.address}, its metrics are on {switch.observability}")
        world = await run_command(
            ["world", f"--terminals={TERMINALS}", f"--cards={CARDS}", "--json"], environment
        )
        card = card_with_money(world)
        say(f"terminal {TERMINAL} and card {card} of the demo world play a morning\n")
        async with open_till(seed, TERMINAL, folder, switch.address) as till:
            findings = await play(till, card)
        findings.append(await check_books(environment))
    return findings


async def serve(folder: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Run a switch with a demo world on the configured ports until it ends, and say what can be tried.

    Raises:
        SwitchFailed: It did not start, or ended by itself.
    """
    async with running_switch(environment) as switch:
        await run_command(["world", f"--terminals={TERMINALS}", f"--cards={CARDS}"], environment)
        script = _example_script(folder)
        for line in WHAT_TO_TRY:
            say(line.format(command=_shown_command(), script=script, switch=switch))
        await switch.process.wait()
    raise SwitchFailed("the switch has ended")


async def play(till: Till, card: int) -> list[Finding]:
    """Play the morning with a card, scene by scene."""
    findings: list[Finding] = []
    first_balance_minor: int | None = None
    for scene, step in zip(SCENES, steps_of(SCENES, card), strict=True):
        exchange = await till.do(step)
        if first_balance_minor is None and exchange.answer is not None:
            first_balance_minor = exchange.answer.balance_minor
        findings.append(finding(scene, exchange, first_balance_minor))
    return findings


async def check_books(environment: Mapping[str, str]) -> Finding:
    """Have the ledger checked, row by row."""
    try:
        await run_command(["ledger", "verify"], environment)
    except SwitchFailed as failure:
        return Finding(_BOOKS, _CLEAN, str(failure))
    return Finding(_BOOKS, _CLEAN, _CLEAN)


def steps_of(scenes: Sequence[Scene], card: int) -> list[Step]:
    """The steps of scenes, parsed as a script is; nothing that comes is an error of the script's."""
    lines = [scene.step.format(card=card) for scene in scenes]
    steps = parse_script("\n".join([f"terminal {TERMINAL}", *lines]))[1:]
    return [replace(step, expect=scene.code) for scene, step in zip(scenes, steps, strict=True)]


def finding(scene: Scene, exchange: Exchange, first_balance_minor: int | None) -> Finding:
    """Compare what came with what should."""
    answer = exchange.answer
    if answer is None:
        return Finding(scene.words, _verdict(scene.code), _NO_ANSWER)
    expected, got = [_verdict(scene.code)], [_verdict(answer.code)]
    if scene.spent_minor is not None:
        expected.append(f"balance {_balance(first_balance_minor, scene.spent_minor)}")
        got.append(f"balance {_balance(answer.balance_minor, 0)}")
    if not answer.believed:
        got.append(f"MAC {answer.mac}")
    if exchange.same_as_before is False:
        got.append("another answer than before")
    return Finding(scene.words, ", ".join(expected), ", ".join(got))


def told(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings as a table."""
    rows = [("what happened", "expected", "got"), *((f.words, f.expected, f.got) for f in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    marks = ["  ", *("ok" if each.as_expected else "!!" for each in findings)]
    for mark, (words, expected, got) in zip(marks, rows, strict=True):
        yield f"{mark}  {words:<{widths[0]}}  {expected:<{widths[1]}}  {got}"


def _verdict(code: str | None) -> str:
    return _NO_ANSWER if code is None else f"{code} {meaning(code)}"


def _balance(balance_minor: int | None, spent_minor: int) -> str:
    return "unknown" if balance_minor is None else money(balance_minor - spent_minor)


def _shown_command() -> str:
    """The command as one types it here."""
    here = Path.cwd()
    return str(COMMAND.relative_to(here) if COMMAND.is_relative_to(here) else COMMAND)


def _example_script(folder: Path) -> Path:
    """The example script, written once, so that the user may change it."""
    path = folder / "morning.pos"
    if not path.exists():
        path.write_text(EXAMPLE, encoding="ascii")
    return path
