"""What a simulated terminal is told to do: a script, one step a line, read whole before anything is sent.

    terminal 1
    sign-on                     expect=00
    balance card=1
    purchase card=1 amount=12.50
    repeat                      # the same bytes again
    purchase card=1 amount=5.00 lose-answer
    reverse                     # the last purchase or void
    purchase card=1 amount=3.00
    void                        # the last purchase, by the reference of its answer
    purchase card=2 amount=1.00 pin=wrong
    purchase card=1 amount=1.00 mac=wrong
    purchase pan=9900019999999999999 amount=1.00
    echo
    sign-off

`VERBS` says which words each step takes and which it can't do without. `expect=` holds the response code
that the step should bring. An error names its line and the reason, and repeats no card number and no PIN.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from tools.demo_parties import CARDS_MAX, TERMINALS_MAX

_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_AMOUNT: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{2}))?")
_PAN: Final = re.compile(r"[0-9]{13,19}")
_PIN: Final = re.compile(r"[0-9]{4,12}|right|wrong|none")
_CODE: Final = re.compile(r"[0-9A-Z]{2}")
_WRONG: Final = re.compile("wrong")
_NOTHING: Final = re.compile("")


class ScriptError(Exception):
    """A script can't be played; names the line, counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Verb(StrEnum):
    """What a step does."""

    TERMINAL = "terminal"
    SIGN_ON = "sign-on"
    SIGN_OFF = "sign-off"
    ECHO = "echo"
    BALANCE = "balance"
    PURCHASE = "purchase"
    VOID = "void"
    REPEAT = "repeat"
    REVERSE = "reverse"


class TypedPin(StrEnum):
    """A PIN told by what it is instead of by its digits."""

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script.

    Attributes:
        line: Counted from 1.
        verb: What to do; the rest is as the verb needs it.
        terminal: Number of a demo terminal.
        card: Number of a demo card.
        pan: A card number in place of `card`.
        amount_minor: In fen.
        pin: What is typed: digits, or what kind of PIN.
        wrong_mac: Spoil the MAC.
        lose_answer: Let the answer get lost on its way.
        expect: The response code (DE 39) that should come.
    """

    line: int
    verb: Verb
    terminal: int = 0
    card: int | None = None
    pan: str | None = field(default=None, repr=False)
    amount_minor: int = 0
    pin: str = field(default=TypedPin.RIGHT, repr=False)
    wrong_mac: bool = False
    lose_answer: bool = False
    expect: str | None = None


def parse_script(text: str) -> list[Step]:
    """The steps of a script, whose order makes sense.

    Raises:
        ScriptError: A line isn't a step, or has nothing to refer to.
    """
    steps = [_parsed(line, words) for line, words in _lines(text)]
    _check_order(steps)
    return steps


def by_terminal(steps: Sequence[Step]) -> Iterator[tuple[int, Sequence[Step]]]:
    """The steps between one choice of a terminal and the next, with the terminal's number."""
    choices = [place for place, step in enumerate(steps) if step.verb is Verb.TERMINAL]
    for choice, end in pairwise([*choices, len(steps)]):
        yield steps[choice].terminal, steps[choice + 1 : end]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that has any; a comment starts at #."""
    for line, content in enumerate(text.splitlines(), start=1):
        if words := content.partition("#")[0].split():
            yield line, words


def _parsed(line: int, words: list[str]) -> Step:
    name, *rest = words
    if name not in VERBS:
        raise ScriptError(line, f"there is no such step; there are {', '.join(VERBS)}")
    verb = Verb(name)
    form = VERBS[verb]
    if form.argument:
        rest = [f"{form.argument}={word}" for word in rest]
    step = Step(line, verb)
    given: set[str] = set()
    for each in rest:
        word, _, text = each.partition("=")
        if word not in form.takes or word in given:
            raise ScriptError(line, f"{verb} takes only {', '.join(form.takes)}, each once")
        step = _filled(step, word, text)
        given.add(word)
    for alternatives in form.needs:
        if len(given.intersection(alternatives)) != 1:
            raise ScriptError(line, f"{verb} needs {' or '.join(alternatives)}")
    return step


def _filled(step: Step, word: str, text: str) -> Step:
    try:
        return WORDS[word].fill(step, text)
    except ValueError:
        raise ScriptError(step.line, f"{word} wants {WORDS[word].wants}") from None


def _check_order(steps: list[Step]) -> None:
    """Each step has what it refers to: a terminal, a message to repeat, a purchase to take back."""
    seen: set[Verb] = set()
    for step in steps:
        if step.verb is Verb.TERMINAL:
            seen.clear()
        elif not seen:
            raise ScriptError(step.line, "choose a terminal first, for example: terminal 1")
        if step.verb is Verb.REPEAT and seen == {Verb.TERMINAL}:
            raise ScriptError(step.line, "there is nothing to repeat yet")
        if step.verb in {Verb.REVERSE, Verb.VOID} and Verb.PURCHASE not in seen:
            raise ScriptError(step.line, f"there is no purchase to {step.verb} yet")
        seen.add(step.verb)


def _number(text: str, highest: int) -> int:
    number = int(_matched(_DIGITS, text)[0])
    if not 1 <= number <= highest:
        raise ValueError
    return number


def _minor_units(text: str) -> int:
    return int("".join(_matched(_AMOUNT, text).groups(default="00")))


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError
    return match


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a step: what its value puts into the step, or ValueError; and what the value should be."""

    fill: Callable[[Step, str], Step]
    wants: str


WORDS: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "number": Word(
            lambda step, text: replace(step, terminal=_number(text, TERMINALS_MAX)),
            "a demo terminal's number",
        ),
        "card": Word(lambda step, text: replace(step, card=_number(text, CARDS_MAX)), "a demo card's number"),
        "pan": Word(lambda step, text: replace(step, pan=_matched(_PAN, text)[0]), "13 to 19 digits"),
        "amount": Word(
            lambda step, text: replace(step, amount_minor=_minor_units(text)), "an amount such as 12.50"
        ),
        "pin": Word(
            lambda step, text: replace(step, pin=_matched(_PIN, text)[0]),
            "right, wrong, none or 4 to 12 digits",
        ),
        "mac": Word(
            lambda step, text: replace(step, wrong_mac=bool(_matched(_WRONG, text))), "the value wrong"
        ),
        "lose-answer": Word(
            lambda step, text: replace(step, lose_answer=bool(_matched(_NOTHING, text))), "no value"
        ),
        "expect": Word(
            lambda step, text: replace(step, expect=_matched(_CODE, text)[0]), "a response code such as 00"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Form:
    """What a verb takes; of each set in `needs` exactly one word must be there.

    Attributes:
        takes: Words that may follow.
        needs: Words that must.
        argument: The word whose value follows without its name.
    """

    takes: tuple[str, ...] = ("expect",)
    needs: tuple[tuple[str, ...], ...] = ()
    argument: str = ""


VERBS: Final[Mapping[Verb, Form]] = MappingProxyType(
    {
        Verb.TERMINAL: Form(takes=("number",), needs=(("number",),), argument="number"),
        Verb.SIGN_ON: Form(),
        Verb.SIGN_OFF: Form(),
        Verb.ECHO: Form(),
        Verb.BALANCE: Form(
            takes=("card", "pan", "pin", "mac", "lose-answer", "expect"), needs=(("card", "pan"),)
        ),
        Verb.PURCHASE: Form(
            takes=("card", "pan", "amount", "pin", "mac", "lose-answer", "expect"),
            needs=(("card", "pan"), ("amount",)),
        ),
        Verb.REPEAT: Form(takes=("lose-answer", "expect")),
        Verb.VOID: Form(takes=("mac", "lose-answer", "expect")),
        Verb.REVERSE: Form(takes=("mac", "lose-answer", "expect")),
    }
)
