"""The demo compares a morning with what it should bring, and says so in a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import pytest

from iso8583_specs.message import Message
from tools import demo
from tools.demo import (
    SCENES,
    TERMINAL,
    Finding,
    NoCardToPlay,
    Scene,
    card_with_money,
    check_books,
    finding,
    play,
    steps_of,
    told,
)
from tools.demo_parties import DemoTerminal, demo_terminal
from tools.demo_seed import DemoSeed
from tools.pos_script import Step, Verb
from tools.switch_process import SwitchFailed
from tools.terminal import Answer, MacState, Request
from tools.till import Exchange, open_till

from .conftest import Listen, SimpleSwitch

BALANCE = Scene("balance", "balance card={card}", "00", 12_50)


def exchange(party: DemoTerminal, answer: Answer | None, *, same_as_before: bool | None = None) -> Exchange:
    """A balance inquiry that brought this answer."""
    return Exchange(Step(1, Verb.BALANCE), party, Request(Message("0200"), b""), answer, same_as_before)


def answer(code: str, mac: MacState = MacState.RIGHT, field_54: str = "1002156C000000098750") -> Answer:
    """An answer, by default with a balance of 987.50."""
    return Answer(Message("0210", {39: code, 54: field_54}), mac)


def world(*balances_minor: int) -> bytes:
    """The world's JSON as far as the demo reads it."""
    return orjson.dumps({"cards": [{"balance_minor": balance} for balance in balances_minor]})


def test_card_is_none_of_the_examples() -> None:
    """The demo plays the first card after those of the examples with money, but not more than it asks for."""
    assert card_with_money(world(*[1_000_00] * 10, 99_99, 20_000_00, 100_00, 1_000_00)) == 13


@pytest.mark.parametrize("balances_minor", [[], [1_000_00] * 10, [1_000_00] * 10 + [0]])
def test_without_money_there_is_no_demo(balances_minor: list[int]) -> None:
    """When no card will do, the user is told how to get more."""
    with pytest.raises(NoCardToPlay, match="makes more of them"):
        card_with_money(world(*balances_minor))


def test_scenes_are_a_script() -> None:
    """Every scene's step can be played, and expects the scene's code."""
    steps = steps_of(SCENES, 11)

    assert [scene.code for scene in SCENES] == [step.expect for step in steps]
    assert {11, None} == {step.card for step in steps}


@pytest.mark.parametrize(
    ("came", "same_as_before", "got"),
    [
        (answer("00"), None, "00 approved, balance 987.50"),
        (answer("51", field_54=""), None, "51 not enough money, balance unknown"),
        (answer("00", MacState.WRONG), None, "00 approved, balance 987.50, MAC wrong"),
        (answer("00"), False, "00 approved, balance 987.50, another answer than before"),
        (None, None, "no answer"),
    ],
)
def test_finding(party: DemoTerminal, came: Answer | None, same_as_before: bool | None, got: str) -> None:
    """What came is told beside what should have come."""
    found = finding(BALANCE, exchange(party, came, same_as_before=same_as_before), 1_000_00)

    assert got == found.got
    assert found.as_expected == (got == "00 approved, balance 987.50")


def test_lost_answer_is_as_expected_when_it_should_be_lost(party: DemoTerminal) -> None:
    """No answer is what a scene with a lost answer brings."""
    assert finding(Scene("lost", "echo", None), exchange(party, None), None).as_expected


def test_table() -> None:
    """Each finding is a row that starts with its verdict."""
    rows = list(told([Finding("a purchase", "00 approved", "00 approved"), Finding("another", "00", "51")]))

    assert rows == [
        "    what happened  expected     got",
        "ok  a purchase     00 approved  00 approved",
        "!!  another        00           51",
    ]


async def test_morning_against_a_switch_that_approves_everything(
    seed: DemoSeed, tmp_path: Path, listen: Listen
) -> None:
    """A switch that refuses nothing and never counts differs in just the scenes that show it."""
    switch = SimpleSwitch(demo_terminal(seed, TERMINAL))
    async with listen(switch.answer) as address, open_till(seed, TERMINAL, tmp_path, address) as till:
        findings = await play(till, 11)

    assert len(SCENES) == len(findings)
    assert [each.words for each in findings if not each.as_expected] == [
        scene.words for scene in SCENES if scene.code not in {"00", None} or scene.spent_minor
    ]


@pytest.mark.parametrize("failure", [None, SwitchFailed("3 rows are wrong")])
async def test_books(monkeypatch: pytest.MonkeyPatch, failure: SwitchFailed | None) -> None:
    """The ledger's check is a finding like any other."""

    async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> bytes:
        if failure:
            raise failure
        return b""

    monkeypatch.setattr(demo, "run_command", run)
    found = await check_books({})

    assert found.as_expected == (failure is None)
    assert found.got == ("clean" if failure is None else "3 rows are wrong")
