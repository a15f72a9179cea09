"""A till does a script's steps over a line and hands back what happened."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from iso8583_specs.framing import Frame
from iso8583_specs.message import Message
from tools.demo_parties import DemoTerminal, demo_card
from tools.demo_seed import DemoSeed
from tools.exclusive import InUse, exclusive
from tools.pos_script import ScriptError, parse_script
from tools.terminal_line import Address, LineError
from tools.terminal_memory import TerminalMemory
from tools.till import Exchange, open_till, play

from .conftest import Listen, SimpleSwitch

Play = Callable[..., Awaitable[list[Exchange]]]


@pytest.fixture
def memory_path(tmp_path: Path) -> Path:
    """Where terminal 1's memory is kept."""
    return tmp_path / "terminals" / "T0000001.json"


@pytest.fixture
def do(seed: DemoSeed, tmp_path: Path, address: Address) -> Play:
    """Plays lines on terminal 1."""

    async def lines(*script: str, timeout_seconds: float = 10) -> list[Exchange]:
        steps = parse_script("\n".join(["terminal 1", *script]))
        return [
            exchange
            async for exchange in play(steps, seed, tmp_path, address, timeout_seconds=timeout_seconds)
        ]

    return lines


def pins_typed(simple_switch: SimpleSwitch) -> list[bytes | str | None]:
    """The PIN blocks that came, in order."""
    return [message.fields.get(52) for message in simple_switch.received if message.mti == "0200"]


async def test_morning(do: Play, simple_switch: SimpleSwitch) -> None:
    """Each step is one message, in the script's order."""
    await do(
        "sign-on",
        "balance card=1",
        "purchase card=1 amount=12.50",
        "purchase pan=9900019999999999999 amount=1",
        "reverse",
        "echo",
        "sign-off",
    )
    came = [(message.mti, message.fields.get(3), message.fields.get(4)) for message in simple_switch.received]

    assert came == [
        ("0800", None, None),
        ("0200", "310000", None),
        ("0200", "000000", "000000001250"),
        ("0200", "000000", "000000000100"),
        ("0400", "000000", "000000000100"),
        ("0820", None, None),
        ("0820", None, None),
    ]


async def test_void_takes_the_last_purchase_back(do: Play, simple_switch: SimpleSwitch) -> None:
    """A void quotes batch, trace and reference of the last purchase; reverse then takes the void back."""
    await do("sign-on", "purchase card=1 amount=2", "purchase card=1 amount=3", "void", "echo", "reverse")
    purchase, void, _, reversal = (message.fields for message in simple_switch.received[2:])

    assert (void[61], void[37]) == (f"000007{purchase[11]}", f"R{purchase[11]}".ljust(12, "0"))
    assert (void[4], void[11]) == (purchase[4], reversal[11])
    assert (void[61], "200000") == (reversal[61], reversal[3])


async def test_reversal_after_a_repeated_purchase_is_of_the_purchase(
    do: Play, simple_switch: SimpleSwitch
) -> None:
    """What is reversed is the last purchase or void, whatever was sent since."""
    await do("sign-on", "purchase card=1 amount=2", "void", "purchase card=1 amount=3", "repeat", "reverse")

    assert simple_switch.received[-1].fields[4] == "000000000300"
    assert simple_switch.received[-1].fields[3] == "000000"


async def test_void_needs_the_answer_of_its_purchase(do: Play) -> None:
    """A terminal that got no answer has no reference to void by; a repeat brings it."""
    with pytest.raises(ScriptError, match="line 4: no answer came to the purchase, so only reverse"):
        await do("sign-on", "purchase card=1 amount=2 lose-answer", "void")

    exchanges = await do("purchase card=1 amount=2 lose-answer", "repeat", "void")
    assert exchanges[-1].as_expected


async def test_card_is_swiped(do: Play, simple_switch: SimpleSwitch, seed: DemoSeed) -> None:
    """A demo card brings its own track, an unknown one a track of the same form."""
    await do("sign-on", "balance card=3", "balance pan=9900019999999999999")
    tracks = [message.fields.get(35) for message in simple_switch.received[1:]]

    assert [demo_card(seed, 3).track2, "9900019999999999999=31122200000000000"] == tracks


async def test_pins(do: Play, simple_switch: SimpleSwitch, seed: DemoSeed) -> None:
    """The card's own PIN is typed unless the script says otherwise."""
    right = demo_card(seed, 3).pin
    await do(
        "sign-on",
        "balance card=3",
        f"balance card=3 pin={right}",
        "balance card=3 pin=wrong",
        "balance card=3 pin=none",
    )
    own, same, wrong, none = pins_typed(simple_switch)

    assert own == same
    assert wrong not in {own, None}
    assert none is None


async def test_repeat_sends_the_same_bytes(do: Play, simple_switch: SimpleSwitch) -> None:
    """A repeat differs in nothing, and its answer is compared with the first one."""
    exchanges = await do("sign-on", "purchase card=1 amount=1", "repeat")

    assert simple_switch.received[1] == simple_switch.received[2]
    assert [each.same_as_before for each in exchanges] == [None, None, True]


async def test_repeat_with_another_answer_is_noticed(do: Play, simple_switch: SimpleSwitch) -> None:
    """A switch that answers a repeat anew did not recognise it."""
    answers = iter("abc")

    def numbered(answer: Message) -> Message:
        answer.fields[37] = next(answers) * 12
        return answer

    simple_switch.spoil = numbered
    exchanges = await do("sign-on", "purchase card=1 amount=1", "repeat")

    assert [(each.same_as_before, each.as_expected) for each in exchanges] == [
        (None, True),
        (None, True),
        (False, False),
    ]


async def test_lost_answer(do: Play) -> None:
    """A lost answer is no answer, and a repeat after it has nothing to be compared with."""
    _, lost, repeated, _ = await do(
        "sign-on", "purchase card=1 amount=1 lose-answer", "repeat", "reverse expect=00"
    )

    assert (lost.answer, lost.as_expected) == (None, True)
    assert repeated.answer is not None
    assert repeated.same_as_before is None


async def test_repeated_sign_on_brings_keys(do: Play) -> None:
    """Whatever step sent it, an approved sign-on answer is used."""
    exchanges = await do("sign-on", "repeat", "balance card=1")

    assert [each.as_expected for each in exchanges] == [True, True, True]


async def test_expectation(do: Play, simple_switch: SimpleSwitch) -> None:
    """A response code other than the expected one is not as expected."""
    simple_switch.codes["0200", "000000"] = "51"
    exchanges = await do(
        "sign-on", *(f"purchase card=1 amount=1{expect}" for expect in ("", " expect=51", " expect=00"))
    )

    assert [each.as_expected for each in exchanges] == [True, True, True, False]


async def test_refused_sign_on_brings_no_keys(do: Play, simple_switch: SimpleSwitch) -> None:
    """A terminal whose sign-on was refused can't ask for money; the error names the line."""
    simple_switch.codes["0800", ""] = "97"

    with pytest.raises(ScriptError, match="line 3: the terminal has no keys yet"):
        await do("sign-on expect=97", "balance card=1")


async def test_second_run_goes_on_where_the_first_ended(
    do: Play, simple_switch: SimpleSwitch, memory_path: Path
) -> None:
    """Trace numbers, batch and keys outlive a run: none is used twice, and no sign-on is needed."""
    await do("sign-on", "balance card=1")
    await do("balance card=1")
    stans = [message.fields[11] for message in simple_switch.received]

    assert stans == ["000001", "000002", "000003"]
    assert TerminalMemory.read(memory_path).stan == 3


async def test_trace_number_is_kept_before_it_is_sent(
    do: Play, simple_switch: SimpleSwitch, memory_path: Path
) -> None:
    """Even if no answer comes, the number counts as used."""
    simple_switch.spoil = lambda answer: None

    with pytest.raises(LineError, match=r"no answer within 0\.05 seconds"):
        await do("sign-on", timeout_seconds=0.05)

    assert TerminalMemory.read(memory_path).stan == 1


async def test_late_answer_of_an_earlier_request_is_passed_over(
    seed: DemoSeed, tmp_path: Path, party: DemoTerminal, listen: Listen
) -> None:
    """A terminal waits for the answer to its own trace number."""
    switch = SimpleSwitch(party)

    def twice(answer: Message) -> Message:
        return Message(answer.mti, answer.fields | {11: "999999", 39: "96"})

    def answers(frame: Frame) -> bytes:
        switch.spoil = twice
        late = switch.answer(frame)
        switch.spoil = lambda answer: answer
        return late + switch.answer(frame)

    async with listen(answers) as address:
        steps = parse_script("terminal 1\nsign-on")
        (exchange,) = [each async for each in play(steps, seed, tmp_path, address)]

    assert exchange.answer is not None
    assert exchange.answer.code == "00"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\xff\xff", "is not frames: the length is over the limit"),
        (b"\x00\x15" + bytes(11) + b"not a body", "is not a message"),
    ],
)
async def test_nonsense_from_the_line(
    seed: DemoSeed, tmp_path: Path, listen: Listen, answer: bytes, reason: str
) -> None:
    """What can't be an answer is told, without what it holds."""
    async with listen(lambda frame: answer) as address:
        with pytest.raises(LineError, match=reason):
            _ = [each async for each in play(parse_script("terminal 1\necho"), seed, tmp_path, address)]


async def test_switch_that_hangs_up(seed: DemoSeed, tmp_path: Path) -> None:
    """A closed connection ends the wait."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        with pytest.raises(LineError, match="the switch closed the connection"):
            _ = [each async for each in play(parse_script("terminal 1\necho"), seed, tmp_path, address)]


async def test_nobody_listens(seed: DemoSeed, tmp_path: Path) -> None:
    """The error names the address."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())

    with pytest.raises(LineError, match=f"nobody answers at {address}"):
        async with open_till(seed, 1, tmp_path, address):
            pass


async def test_terminal_is_held(seed: DemoSeed, tmp_path: Path, address: Address, memory_path: Path) -> None:
    """While a terminal is played, its memory is locked for others."""
    async with open_till(seed, 1, tmp_path, address):
        with pytest.raises(InUse):
            async with exclusive(memory_path.with_suffix(".lock"), wait_seconds=0):
                pass
