"""Exchanges are told in words, and as JSON, with card data masked."""

import pytest

from iso8583_specs.message import Message
from switch.vocabulary.unionpay_pos import RESPONSE_CODES
from tools.demo_parties import DemoTerminal
from tools.pos_script import Step, Verb, parse_script
from tools.pos_words import MEANINGS, as_json, meaning, money, told
from tools.terminal import Answer, MacState, PosTerminal, Request, Swipe
from tools.terminal_memory import TerminalMemory
from tools.till import Exchange

from .conftest import SimpleSwitch

PAN = "9900010000000000018"
TRACK2 = f"{PAN}=31122200000000000"


@pytest.fixture
def terminal(party: DemoTerminal, simple_switch: SimpleSwitch) -> PosTerminal:
    """A terminal with keys, in batch 000007."""
    return PosTerminal(party, TerminalMemory(4, "000007", simple_switch.session_keys().hex()))


def answer(code: str, mac: MacState = MacState.RIGHT, **fields: str) -> Answer:
    """An answer to a financial request."""
    numbered: dict[int, str | bytes] = {int(name[1:]): value for name, value in fields.items()}
    return Answer(Message("0210", {37: "REFERENCE001", 39: code, **numbered}), mac)


def purchase(terminal: PosTerminal, pin: str | None = "803642") -> Request:
    """A purchase of 1,234.50."""
    return terminal.purchase(Swipe(PAN, TRACK2, pin), 1_234_50)


def test_purchase(party: DemoTerminal, terminal: PosTerminal) -> None:
    """What was asked and what came, in the words of a till."""
    step = Step(4, Verb.PURCHASE, card=1)
    exchange = Exchange(step, party, purchase(terminal), answer("00", f38="AUTH01"))

    assert list(told(exchange)) == [
        "purchase of 1,234.50 with card 990001*********0018",
        "    sent    0200 · trace 000005 · batch 000007 · PIN block · MAC",
        "    answer  0210 · 00 approved · reference REFERENCE001 · authorisation AUTH01 · MAC right",
    ]


def test_balance(party: DemoTerminal, terminal: PosTerminal) -> None:
    """A balance is read out."""
    request = terminal.balance(Swipe(PAN, TRACK2, None))
    exchange = Exchange(
        Step(4, Verb.BALANCE, card=1), party, request, answer("00", f54="1002156C000000002407")
    )

    assert list(told(exchange)) == [
        "balance of card 990001*********0018",
        "    sent    0200 · trace 000005 · batch 000007 · MAC",
        "    answer  0210 · 00 approved · reference REFERENCE001 · balance 24.07 · MAC right",
    ]


@pytest.mark.parametrize(
    ("script", "first_line"),
    [
        ("sign-on", "sign-on: asks for new session keys and the open batch"),
        ("sign-off", "sign-off: says that the terminal leaves"),
        ("echo", "echo: asks whether the switch is there"),
        ("repeat", "repeat: sends the same bytes again"),
        ("reverse", "reversal: takes the purchase of 1,234.50 with card 990001*********0018 back"),
        ("balance card=1 pin=wrong", "balance of card 990001*********0018, with a wrong PIN"),
        (
            "balance card=1 mac=wrong pin=wrong",
            "balance of card 990001*********0018, with a wrong PIN and a wrong MAC",
        ),
    ],
)
def test_titles(party: DemoTerminal, terminal: PosTerminal, script: str, first_line: str) -> None:
    """Each step says what the terminal wants, and what is wrong on purpose."""
    step = parse_script(f"terminal 1\npurchase card=1 amount=1\n{script}")[2]

    assert first_line == next(told(Exchange(step, party, purchase(terminal), answer("00"))))


def test_void(party: DemoTerminal, terminal: PosTerminal) -> None:
    """A void says which answer it quotes, and its reversal that it takes a void back."""
    void = terminal.void(purchase(terminal), "REFERENCE001")
    told_void = told(Exchange(Step(5, Verb.VOID), party, void, answer("00")))
    told_reversal = told(Exchange(Step(6, Verb.REVERSE), party, terminal.reversal(void), answer("00")))

    assert list(told_void)[:2] == [
        "void: takes the purchase of 1,234.50 with card 990001*********0018 back",
        "    sent    0200 · trace 000006 · reference REFERENCE001 · batch 000007 · MAC",
    ]
    assert next(told_reversal) == "reversal: takes the void of 1,234.50 with card 990001*********0018 back"


def test_echo_without_trace(party: DemoTerminal, terminal: PosTerminal) -> None:
    """What a message does not carry is not told."""
    exchange = Exchange(
        Step(2, Verb.ECHO), party, terminal.echo(), Answer(Message("0830", {39: "00"}), MacState.ABSENT)
    )

    assert list(told(exchange))[1:] == [
        "    sent    0820 · batch 000007",
        "    answer  0830 · 00 approved",
    ]


def test_lost_answer(party: DemoTerminal, terminal: PosTerminal) -> None:
    """A lost answer is told as that, in JSON as null."""
    exchange = Exchange(Step(2, Verb.PURCHASE, lose_answer=True), party, purchase(terminal), None)
    document = as_json(exchange)

    assert list(told(exchange))[2] == "    answer  lost on its way, as the script wants"
    assert [document["answer"], document["code"], document["meaning"], document["mac"]] == [None] * 4
    assert document["as_expected"]


@pytest.mark.parametrize(
    ("expect", "came", "same_as_before", "complaint"),
    [
        ("00", answer("51"), None, "expected 00 approved"),
        (None, answer("00", MacState.ABSENT), None, "the terminal does not believe it: its MAC is absent"),
        ("00", answer("00", MacState.WRONG), None, "the terminal does not believe it: its MAC is wrong"),
        (None, answer("00"), False, "this is not the answer of before"),
    ],
)
def test_complaints(
    party: DemoTerminal,
    terminal: PosTerminal,
    expect: str | None,
    came: Answer,
    same_as_before: bool | None,
    complaint: str,
) -> None:
    """What is not as expected is marked, and why."""
    step = Step(2, Verb.REPEAT, expect=expect)
    exchange = Exchange(step, party, purchase(terminal), came, same_as_before)

    assert f"    !!      {complaint}" == list(told(exchange))[-1]
    assert not as_json(exchange)["as_expected"]


def test_same_answer_is_told(party: DemoTerminal, terminal: PosTerminal) -> None:
    """A repeat that brought the first answer says so."""
    exchange = Exchange(Step(2, Verb.REPEAT), party, purchase(terminal), answer("00"), same_as_before=True)

    assert list(told(exchange))[-1].endswith(" · MAC right · the same answer as before")


def test_json(party: DemoTerminal, terminal: PosTerminal) -> None:
    """The JSON has the messages, masked, and what they mean."""
    exchange = Exchange(Step(4, Verb.PURCHASE, card=1, expect="51"), party, purchase(terminal), answer("51"))
    document = as_json(exchange)
    request = document.pop("request")

    assert document == {
        "line": 4,
        "step": "purchase",
        "terminal": "T0000001",
        "answer": {"mti": "0210", "fields": {"37": "REFERENCE001", "39": "51"}},
        "code": "51",
        "meaning": "not enough money",
        "mac": "right",
        "same_as_before": None,
        "expected": "51",
        "as_expected": True,
    }
    assert (request["mti"], request["fields"]["4"]) == ("0200", "000000123450")
    assert {number: request["fields"][number] for number in ("35", "52", "64")} == {
        "35": "<37 characters>",
        "52": "<8 bytes>",
        "64": "<8 bytes>",
    }


def test_nothing_told_holds_card_data(party: DemoTerminal, terminal: PosTerminal) -> None:
    """Neither words nor JSON show card number, track or PIN."""
    original = purchase(terminal)
    void = terminal.void(original, "REFERENCE001")
    taking_back = ((Verb.VOID, void), (Verb.REVERSE, terminal.reversal(original)))
    for verb, request in ((Verb.PURCHASE, original), *taking_back):
        exchange = Exchange(Step(4, verb, card=1, pin="803642"), party, request, answer("00", f2=PAN))
        shown = "\n".join(told(exchange)) + str(as_json(exchange)) + repr(exchange)

        assert [secret for secret in (PAN, TRACK2, "803642") if secret in shown] == []


@pytest.mark.parametrize(
    ("amount_minor", "expected"),
    [(0, "0.00"), (5, "0.05"), (12_50, "12.50"), (1_234_567_89, "1,234,567.89"), (-1_50, "-1.50")],
)
def test_money(amount_minor: int, expected: str) -> None:
    """Amounts are written with thousands and two decimals."""
    assert expected == money(amount_minor)


def test_meanings() -> None:
    """Every code that the switch can answer has words; another says that it has none."""
    assert set(RESPONSE_CODES.values()) <= MEANINGS.keys()
    assert (meaning("51"), meaning("ZZ")) == ("not enough money", "no meaning known")
