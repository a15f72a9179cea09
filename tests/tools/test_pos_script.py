"""A script is read whole before anything is sent; what can't be played is refused with its line."""

import pytest

from tools.demo import EXAMPLE
from tools.pos_script import VERBS, WORDS, ScriptError, Step, Verb, by_terminal, parse_script

PAN = "9900019999999999999"


def only_step(line: str) -> Step:
    """The step of a line after the choice of a terminal and a purchase to refer to."""
    return parse_script(f"terminal 1\npurchase card=1 amount=1\n{line}")[2]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("terminal 12", Step(3, Verb.TERMINAL, terminal=12)),
        ("sign-on", Step(3, Verb.SIGN_ON)),
        ("sign-off expect=97", Step(3, Verb.SIGN_OFF, expect="97")),
        ("echo", Step(3, Verb.ECHO)),
        ("balance card=7", Step(3, Verb.BALANCE, card=7)),
        ("balance pan=" + PAN, Step(3, Verb.BALANCE, pan=PAN)),
        ("purchase card=7 amount=12.50", Step(3, Verb.PURCHASE, card=7, amount_minor=12_50)),
        ("purchase amount=12 card=7", Step(3, Verb.PURCHASE, card=7, amount_minor=12_00)),
        (
            "purchase card=7 amount=0.01 pin=wrong mac=wrong lose-answer",
            Step(3, Verb.PURCHASE, card=7, amount_minor=1, pin="wrong", wrong_mac=True, lose_answer=True),
        ),
        ("balance card=7 pin=1234", Step(3, Verb.BALANCE, card=7, pin="1234")),
        ("balance card=7 pin=none", Step(3, Verb.BALANCE, card=7, pin="none")),
        ("repeat expect=A0", Step(3, Verb.REPEAT, expect="A0")),
        ("  reverse\tlose-answer  # the last", Step(3, Verb.REVERSE, lose_answer=True)),
        ("void mac=wrong expect=A0", Step(3, Verb.VOID, wrong_mac=True, expect="A0")),
    ],
)
def test_step(line: str, expected: Step) -> None:
    """Each line is a verb and its words, in any order."""
    assert expected == only_step(line)


def test_empty_lines_and_comments_count_as_lines() -> None:
    """A step knows its line in the file."""
    steps = parse_script("# morning\n\nterminal 1\n   # first\nsign-on\n")

    assert [step.line for step in steps] == [3, 5]


def test_example_can_be_played() -> None:
    """The script that the demo writes down is one."""
    assert len(parse_script(EXAMPLE)) == 16


def test_empty_script_has_no_steps() -> None:
    """Nothing to do is no error."""
    assert parse_script("# nothing\n") == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo", "line 1: choose a terminal first"),
        ("terminal 1\nbuy", "line 2: there is no such step"),
        ("terminal", "line 1: terminal needs number"),
        ("terminal 1 2", "line 1: terminal takes only number, each once"),
        ("terminal x", "line 1: number wants a demo terminal's number"),
        ("terminal 0", "line 1: number wants a demo terminal's number"),
        ("terminal 10000000", "line 1: number wants a demo terminal's number"),
        ("terminal 1\nsign-on card=1", "line 2: sign-on takes only expect, each once"),
        ("terminal 1\npurchase card=1", "line 2: purchase needs amount"),
        ("terminal 1\npurchase amount=1", "line 2: purchase needs card or pan"),
        (f"terminal 1\npurchase amount=1 card=1 pan={PAN}", "line 2: purchase needs card or pan"),
        ("terminal 1\npurchase amount=1 amount=2", "each once"),
        ("terminal 1\npurchase card=1 amount=1.5", "line 2: amount wants an amount such as 12.50"),
        ("terminal 1\npurchase card=1 amount=-1", "line 2: amount wants an amount such as 12.50"),
        ("terminal 1\nbalance card", "line 2: card wants a demo card's number"),
        ("terminal 1\nbalance card=1 mac=right", "line 2: mac wants the value wrong"),
        ("terminal 1\nbalance card=1 lose-answer=1", "line 2: lose-answer wants no value"),
        ("terminal 1\nbalance card=1 expect=0", "line 2: expect wants a response code such as 00"),
        ("terminal 1\nrepeat", "line 2: there is nothing to repeat yet"),
        ("terminal 1\necho\nreverse", "line 3: there is no purchase to reverse yet"),
        ("terminal 1\necho\nvoid", "line 3: there is no purchase to void yet"),
        ("terminal 1\nvoid card=1", "line 2: void takes only mac, lose-answer, expect, each once"),
        ("terminal 1\npurchase card=1 amount=1\nterminal 2\nreverse", "line 4: there is no purchase"),
        ("terminal 1\necho\nterminal 2\nrepeat", "line 4: there is nothing to repeat yet"),
    ],
)
def test_script_that_can_not_be_played(script: str, reason: str) -> None:
    """An error names the line and what is wrong there."""
    with pytest.raises(ScriptError) as error:
        parse_script(script)

    assert reason in str(error.value)


@pytest.mark.parametrize(
    "line",
    [
        "9900010000000000018",
        "balance 9900010000000000018",
        "balance pan=9900010000000000018x",
        "balance card=9900010000000000018",
        "balance card=1 pin=803642x",
        "balance card=1 803642",
    ],
)
def test_errors_repeat_no_card_data(line: str) -> None:
    """A card number or PIN in the wrong place does not end up in the error."""
    with pytest.raises(ScriptError) as error:
        parse_script(f"terminal 1\n{line}")

    assert "9900010000000000018" not in str(error.value)
    assert "803642" not in str(error.value)


def test_step_hides_card_data() -> None:
    """A step's repr has neither PAN nor PIN."""
    shown = repr(only_step(f"balance pan={PAN} pin=803642"))

    assert PAN not in shown
    assert "803642" not in shown


def test_steps_by_terminal() -> None:
    """A script is cut where it takes another terminal."""
    steps = parse_script("terminal 1\nsign-on\necho\nterminal 2\nterminal 1\nsign-off")
    cut = [(terminal, [step.verb for step in its]) for terminal, its in by_terminal(steps)]

    assert cut == [(1, [Verb.SIGN_ON, Verb.ECHO]), (2, []), (1, [Verb.SIGN_OFF])]


def test_tables_are_whole() -> None:
    """Each verb has a form, and each word of a form can be read."""
    taken = {word for form in VERBS.values() for word in form.takes}
    needed = {word for form in VERBS.values() for words in form.needs for word in words}

    assert set(Verb) == set(VERBS)
    assert set(WORDS) == taken
    assert needed <= taken
