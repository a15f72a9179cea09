"""A terminal writes what the dialect's terminals send, and believes no answer too easily."""

from collections.abc import Callable

import pytest

from hsm_soft.pos_mac import pos_mac
from hsm_soft.primitives import des_decryptor, des_encryptor
from iso8583_specs.framing import Frame, parse_frame
from iso8583_specs.message import Message
from tools.demo_parties import DemoTerminal
from tools.terminal import Answer, MacState, NotSignedOn, PosTerminal, Request, Swipe
from tools.terminal_memory import TerminalMemory
from tools.terminal_security import SessionKeysRefused

from .conftest import CODEC, FRAMING, MAC_KEY, PIN_KEY, SimpleSwitch

SWIPE = Swipe("9900010000000000018", "9900010000000000018=31122200000000000", "123456")
NAMES = {41: "T0000001", 42: "990001000000001"}


@pytest.fixture
def memory() -> TerminalMemory:
    """The memory of a terminal that was never used."""
    return TerminalMemory()


@pytest.fixture
def terminal(party: DemoTerminal, memory: TerminalMemory) -> PosTerminal:
    """A terminal that was never used."""
    return PosTerminal(party, memory)


@pytest.fixture
def ask(terminal: PosTerminal, simple_switch: SimpleSwitch) -> Callable[[Request], Answer]:
    """Brings a request to the switch and the answer back."""

    def exchange(request: Request) -> Answer:
        answer = simple_switch.answer(parse_frame(FRAMING, request.frame))
        return terminal.read(parse_frame(FRAMING, answer))

    return exchange


@pytest.fixture
def signed_on(terminal: PosTerminal, ask: Callable[[Request], Answer]) -> PosTerminal:
    """The terminal with session keys and batch 000007."""
    terminal.take_keys(ask(terminal.sign_on()))
    return terminal


def fields_of(request: Request) -> dict[int, str | bytes]:
    """A request's fields as they are on the wire, without MAC and names, which every message has."""
    fields = CODEC.decode(parse_frame(FRAMING, request.frame).body).fields
    assert {number: fields.pop(number) for number in NAMES} == NAMES
    fields.pop(64, None)
    return fields


def test_sign_on(terminal: PosTerminal) -> None:
    """A sign-on asks for double-length keys; it needs none itself."""
    request = terminal.sign_on()

    assert (request.message.mti, fields_of(request)) == (
        "0800",
        {11: "000001", 60: "00000000003", 63: b"001"},
    )


def test_sign_on_answer_is_kept(signed_on: PosTerminal, memory: TerminalMemory, party: DemoTerminal) -> None:
    """Batch and keys, still encrypted, are remembered, so that a restarted terminal can go on."""
    restarted = PosTerminal(party, memory)

    assert memory.batch == "000007"
    assert signed_on.sign_off().message.fields[60] == restarted.sign_off().message.fields[60]
    assert 52 in restarted.balance(SWIPE).message.fields
    assert (PIN_KEY.hex() in memory.session_keys, MAC_KEY.hex() in memory.session_keys) == (False, False)


def test_sign_on_answer_without_keys_is_refused(terminal: PosTerminal, memory: TerminalMemory) -> None:
    """An approval that brings no keys leaves the terminal as it was."""
    with pytest.raises(SessionKeysRefused):
        terminal.take_keys(Answer(Message("0810", {39: "00"}), MacState.ABSENT))

    assert TerminalMemory() == memory


@pytest.mark.parametrize(
    ("request_of", "mti", "fields"),
    [
        (PosTerminal.sign_off, "0820", {11: "000002", 60: "00000007002"}),
        (PosTerminal.echo, "0820", {60: "00000007301"}),
    ],
)
def test_management(
    signed_on: PosTerminal, request_of: Callable[[PosTerminal], Request], mti: str, fields: dict[int, str]
) -> None:
    """Sign-off and echo are network management without MAC."""
    request = request_of(signed_on)

    assert (mti, fields) == (request.message.mti, fields_of(request))
    assert 64 not in request.message.fields


def test_purchase(signed_on: PosTerminal) -> None:
    """A purchase has the mandatory fields and a swiped card with PIN."""
    request = signed_on.purchase(SWIPE, 12_50)
    fields = fields_of(request)
    block = fields.pop(52)

    assert request.message.mti == "0200"
    assert fields == {
        3: "000000",
        4: "000000001250",
        11: "000002",
        22: "021",
        25: "00",
        26: "12",
        35: SWIPE.track2,
        49: "156",
        53: "2600000000000000",
        60: "22000007",
    }
    assert isinstance(block, bytes)
    # 06123456FFFFFFFF with twelve digits of the PAN, 000000000001, on its last six bytes.
    assert des_decryptor(PIN_KEY)(block).hex().upper() == "06123456FFFFFFFE"


def test_void(signed_on: PosTerminal) -> None:
    """A void has a trace of its own, and the purchase's batch, trace, reference, amount and card."""
    purchase = signed_on.purchase(SWIPE, 12_50)
    void = signed_on.void(purchase, "REFERENCE001")

    assert void.message.mti == "0200"
    assert fields_of(void) == {
        2: SWIPE.pan,
        3: "200000",
        4: "000000001250",
        11: "000003",
        22: "012",
        25: "00",
        37: "REFERENCE001",
        49: "156",
        60: "23000007",
        61: "000007000002",
    }


def test_reversal_of_a_void(signed_on: PosTerminal) -> None:
    """The reversal of a void has the void's trace, codes and field 61."""
    void = signed_on.void(signed_on.purchase(SWIPE, 12_50), "REFERENCE001")
    reversal = signed_on.reversal(void)
    kept = (2, 3, 4, 11, 22, 25, 49, 60, 61)

    assert reversal.message.mti == "0400"
    assert {number: fields_of(void)[number] for number in kept} | {39: "98"} == fields_of(reversal)


def test_balance(signed_on: PosTerminal) -> None:
    """A balance inquiry is a purchase without amount under its own processing code and type."""
    fields = fields_of(signed_on.balance(SWIPE))

    assert {number: fields[number] for number in (3, 60)} == {3: "310000", 60: "01000007"}
    assert 4 not in fields


def test_without_pin_nothing_of_a_pin_is_sent(signed_on: PosTerminal) -> None:
    """When no PIN is typed the entry mode says so."""
    fields = fields_of(signed_on.purchase(Swipe(SWIPE.pan, SWIPE.track2, None), 1))

    assert fields[22] == "022"
    assert not {26, 52, 53} & fields.keys()


def test_reversal_is_of_its_original(signed_on: PosTerminal) -> None:
    """A reversal has the original's trace number, batch and amount, the reason, and no PIN or track."""
    original = signed_on.purchase(SWIPE, 5_00)
    request = signed_on.reversal(original)

    assert request.message.mti == "0400"
    assert fields_of(request) == {
        2: SWIPE.pan,
        3: "000000",
        4: "000000000500",
        11: "000002",
        22: "021",
        25: "00",
        39: "98",
        49: "156",
        60: "22000007",
    }


def test_frame_has_the_terminals_address(signed_on: PosTerminal) -> None:
    """TPDU and application header are the terminal's."""
    frame = parse_frame(FRAMING, signed_on.echo().frame)

    assert (frame.tpdu.hex(), frame.header.hex()) == ("6000030000", "602200000000")


@pytest.mark.parametrize("wrong_mac", [False, True])
def test_mac_covers_the_message(signed_on: PosTerminal, wrong_mac: bool) -> None:
    """Field 64 is the MAC of everything before it, or, if told, another of the same form."""
    body = parse_frame(FRAMING, signed_on.purchase(SWIPE, 1, wrong_mac=wrong_mac).frame).body
    right = pos_mac(des_encryptor(MAC_KEY), body[:-8])

    assert wrong_mac == (body[-8:] != right)
    assert right[1:] == body[-7:]


def test_money_needs_keys(terminal: PosTerminal) -> None:
    """Without session keys a terminal can ask for nothing but keys."""
    with pytest.raises(NotSignedOn):
        terminal.purchase(SWIPE, 1)
    with pytest.raises(NotSignedOn):
        terminal.balance(Swipe(SWIPE.pan, SWIPE.track2, None))


def test_approval_with_a_right_mac_is_believed(
    signed_on: PosTerminal, ask: Callable[[Request], Answer]
) -> None:
    """An approved answer with its MAC counts; its balance is read."""
    answer = ask(signed_on.balance(SWIPE))

    assert (answer.code, answer.mac, answer.balance_minor) == ("00", MacState.RIGHT, 24_07)
    assert answer.approved
    assert answer.believed


def test_approval_without_mac_is_not_believed(
    signed_on: PosTerminal, ask: Callable[[Request], Answer], simple_switch: SimpleSwitch
) -> None:
    """Anybody on the line could approve without a MAC."""
    simple_switch.with_mac = False

    answer = ask(signed_on.purchase(SWIPE, 1))

    assert (answer.mac, answer.approved, answer.believed) == (MacState.ABSENT, True, False)


def test_refusal_without_mac_is_believed(
    signed_on: PosTerminal, ask: Callable[[Request], Answer], simple_switch: SimpleSwitch
) -> None:
    """A switch that could not find the keys refuses without a MAC."""
    simple_switch.with_mac = False
    simple_switch.codes["0200", "000000"] = "A0"

    answer = ask(signed_on.purchase(SWIPE, 1))

    assert (answer.code, answer.mac, answer.believed) == ("A0", MacState.ABSENT, True)


def test_wrong_mac_is_not_believed(signed_on: PosTerminal, simple_switch: SimpleSwitch) -> None:
    """An answer that was changed on its way is noticed, whatever it says."""
    request = signed_on.purchase(SWIPE, 1)
    frame = parse_frame(FRAMING, simple_switch.answer(parse_frame(FRAMING, request.frame)))
    changed = Frame(frame.tpdu, frame.header, frame.body.replace(b"00T0", b"55T0"))
    answer = signed_on.read(changed)

    assert (answer.code, answer.mac, answer.believed) == ("55", MacState.WRONG, False)


def test_management_answer_needs_no_mac(signed_on: PosTerminal, ask: Callable[[Request], Answer]) -> None:
    """Network management carries no MAC in this dialect."""
    assert ask(signed_on.echo()).believed


@pytest.mark.parametrize(
    ("mti", "stan", "expected"),
    [
        ("0210", "000002", True),
        ("0210", "000001", False),
        ("0410", "000002", False),
        ("0200", "000002", False),
    ],
)
def test_answer_is_the_requests_own(signed_on: PosTerminal, mti: str, stan: str, expected: bool) -> None:
    """Type and trace number tie an answer to its request."""
    request = signed_on.purchase(SWIPE, 1)

    assert expected == request.is_answered_by(Message(mti, {11: stan}))


def test_answer_to_an_echo_is_any_echo_answer(signed_on: PosTerminal) -> None:
    """An echo has no trace number to compare."""
    assert signed_on.echo().is_answered_by(Message("0830", {11: "000009"}))


@pytest.mark.parametrize(
    ("field_54", "expected"),
    [
        ("1002156C000000002407", 24_07),
        ("0001156D000000000150", -1_50),
        ("1002156C0000000024071002999C000000000001", 24_07),
        ("", None),
        ("1002156X000000002407", None),
    ],
)
def test_balance_in_an_answer(field_54: str, expected: int | None) -> None:
    """DE 54 holds account and amount type, currency, sign and amount; the first block counts."""
    assert expected == Answer(Message("0210", {54: field_54}), MacState.RIGHT).balance_minor


def test_answer_without_code_approves_nothing() -> None:
    """An answer that lacks DE 39 is no approval."""
    answer = Answer(Message("0210"), MacState.RIGHT)

    assert (answer.code, answer.approved) == ("", False)


def test_card_data_hides(signed_on: PosTerminal) -> None:
    """Neither a swipe nor a request shows card number, track or PIN."""
    shown = repr((SWIPE, signed_on.purchase(SWIPE, 1), signed_on.reversal(signed_on.purchase(SWIPE, 1))))

    assert [secret for secret in (SWIPE.pan, SWIPE.track2, "123456") if secret in shown] == []
