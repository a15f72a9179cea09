"""Logs: one line per event, and no card data in any of them, whichever way it came in."""

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.values import Pan
from switch.observability import logs
from switch.observability.logs import LogFormat, mask_event

PAN = "4000001234567899"
MASKED = "400000******7899"
TRACK2 = f"{PAN}=30122010000012345678"
PIN_BLOCK = bytes.fromhex("0412ac89abcdef67")
SECRETS = (
    PAN,
    TRACK2,
    TRACK2.replace("=", "D"),
    "30122010000012345678",
    PIN_BLOCK.hex(),
    PIN_BLOCK.hex().upper(),
    repr(PIN_BLOCK)[2:-1],
    base64.b64encode(PIN_BLOCK).decode(),
    PIN_BLOCK.decode("latin-1"),
)

FORMATS: tuple[LogFormat, ...] = ("json", "console")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Leaves the process' logging as it was."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()


Lines = Callable[[], list[str]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was logged; nothing may reach stdout."""

    def read() -> list[str]:
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    return read


def test_event_is_one_line_of_json(lines: Lines) -> None:
    """An event has its values, level, logger and the time."""
    logs.configure("info", "json")

    logs.get("switch.shell").info("listener started", listener="pos", port=8583)

    (line,) = lines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "listener started",
        "listener": "pos",
        "port": 8583,
        "level": "info",
        "logger": "switch.shell",
    }


def test_event_is_one_line_for_people(lines: Lines) -> None:
    """On the console an event is text without escape codes where there is no terminal."""
    logs.configure("info", "console")

    logs.get("switch.shell").info("listener started", listener="pos")

    (line,) = lines()
    assert "[info     ] listener started" in line
    assert "[switch.shell] listener=pos" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("terminal", "no_colour", "start"), [(False, "", "{"), (True, "", "\x1b["), (True, "1", "2")]
)
def test_auto_asks_the_terminal(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, terminal: bool, no_colour: str, start: str
) -> None:
    """Auto writes coloured text on a terminal, plain text where NO_COLOR is set, and JSON elsewhere."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_colour)
    logs.configure("info", "auto")

    logs.get("a").info("b")

    (line,) = lines()
    assert line.startswith(start)


def test_level_is_the_lowest_written(lines: Lines) -> None:
    """Events under the level leave no line."""
    logs.configure("warning", "json")
    log = logs.get("a")

    log.info("no")
    log.warning("yes")

    (line,) = lines()
    assert json.loads(line)["event"] == "yes"


def test_context_is_part_of_the_event(lines: Lines) -> None:
    """Context variables bound around an event appear in it, masked like everything."""
    logs.configure("info", "json")

    with structlog.contextvars.bound_contextvars(listener="pos", text=PAN):
        logs.get("a").info("b")

    (line,) = lines()
    event = json.loads(line)
    assert (event["listener"], event["text"]) == ("pos", MASKED)


def test_records_of_libraries_take_the_same_way(lines: Lines) -> None:
    """What a library logs from WARNING on becomes an event of its logger; the rest is dropped."""
    logs.configure("info", "json")
    logs.configure("info", "json")  # a second time adds nothing

    logging.getLogger("asyncio").info("dropped")
    logging.getLogger("asyncio").warning("slow card %s", PAN)
    logging.getLogger("asyncio").log(35, "odd level")

    warning, odd = map(json.loads, lines())
    assert (f"slow card {MASKED}", "warning", "asyncio") == (
        warning["event"],
        warning["level"],
        warning["logger"],
    )
    assert (odd["event"], odd["level"]) == ("odd level", "warning")


def raise_with_card_data() -> None:
    """Fails as badly as a foreign library might: secrets in texts, notes, causes and local variables."""
    track, block = TRACK2, PIN_BLOCK
    blocks: dict[bytes, int] = {}
    try:
        blocks[block]
    except KeyError as error:
        failure = ValueError(f"can't read {track} for {PAN!r}")
        failure.add_note(f"block was {block!r}, {bytearray(block)!r}")
        raise failure from error


@dataclass
class Careless:
    """A value whose text hides nothing."""

    pan: str
    block: bytes


class HiddenText(str):
    """A text that masks itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "<hidden>"


@pytest.mark.plants("a library logs a card number, which pytest hears before the chain masks it")
@pytest.mark.parametrize("log_format", FORMATS)
def test_no_card_data_reaches_a_line(lines: Lines, log_format: LogFormat) -> None:
    """Card data in values, nested values, keys, objects, texts and exceptions doesn't appear in any line."""
    logs.configure("debug", log_format)
    log = logs.get("a")

    event = f"event {PAN}"

    log.info(event, pan=Pan(PAN), text=TRACK2, hidden=HiddenText(TRACK2))
    log.info("nested", values=[PIN_BLOCK, (bytearray(PIN_BLOCK), {PAN: memoryview(PIN_BLOCK)}), {PAN}])
    log.info("object", value=Careless(PAN, PIN_BLOCK), error=ValueError(TRACK2, PIN_BLOCK))
    log.info("track", track=TRACK2.replace("=", "D"), listing=f"{PAN},{PAN}", hidden=(HiddenText(PAN),))
    try:
        raise_with_card_data()
    except ValueError:
        log.exception("failed", block=PIN_BLOCK)
        logging.getLogger("asyncio").exception("failed %r", PIN_BLOCK)

    text = "\n".join(lines())
    assert MASKED in text
    assert "<8 bytes>" in text
    assert "<hidden>" in text
    assert "raise_with_card_data" in text
    assert [secret for secret in SECRETS if secret in text] == []


class Colour(Enum):
    """An ordinary enumeration."""

    RED = b"red"


class Number(IntEnum):
    """Numbers with names."""

    ONE = 1


class Reason(StrEnum):
    """Texts with names."""

    LATE = "too late"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (12, 12),
        (1.5, 1.5),
        (4_000_001_234_567_899, 4_000_001_234_567_899),
        ("text", "text"),
        (Colour.RED, "RED"),
        (Number.ONE, "ONE"),
        (Reason.LATE, "too late"),
        (b"abc", "<3 bytes>"),
        (memoryview(b"abcd").cast("H"), "<4 bytes>"),
        ((1, "a", b"b"), [1, "a", "<1 bytes>"]),
        (frozenset({b"b"}), ["<1 bytes>"]),
        ({1: {b"a": [PAN]}}, {"1": {"<bytes>": [MASKED]}}),
        (Pan(PAN), MASKED),
        (ValueError("late"), "ValueError: late"),
        (PAN[:-1] + "8", PAN[:-1] + "8"),
        (f"1{PAN}1234", f"1{PAN}1234"),
        (f"a{PAN}b{PAN}", f"a{MASKED}b{MASKED}"),
        (TRACK2, f"{MASKED}=*"),
        ("web'site' b'a' or rb\"b\\\"c\"", 'web\'site\' <bytes> or rb"b\\"c"'),
    ],
)
def test_value_is_shown_by_its_type(value: object, shown: object) -> None:
    """Plain data stays, enumerations show their name or text, and everything else its masked text."""
    assert {"value": shown} == mask_event(None, "info", {"value": value})


def doubled_every_second(number: str) -> int:
    """The Luhn sum, reckoned the long way."""
    weighed = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(weight - 9 if weight > 9 else weight for weight in weighed)


@given(st.text("0123456789", min_size=12, max_size=18))
def test_every_valid_card_number_is_masked(digits: str) -> None:
    """13 to 19 digits with the right check digit lose their middle; others are something else."""
    check = next(digit for digit in "0123456789" if doubled_every_second(digits + digit) % 10 == 0)
    wrong = str((int(check) + 1) % 10)

    event = mask_event(None, "info", {"right": f"card {digits}{check}.", "wrong": f"card {digits}{wrong}."})

    stars = "*" * (len(digits) - 9)
    assert f"card {digits[:6]}{stars}{digits[-3:]}{check}." == event["right"]
    assert f"card {digits}{wrong}." == event["wrong"]


def test_what_json_has_no_form_for_is_written_all_the_same(lines: Lines) -> None:
    """A huge number or broken text doesn't make a log call fail."""
    logs.configure("info", "json")

    logs.get("a").info("b", number=2**70, text="\ud800")

    (line,) = lines()
    assert (json.loads(line)["number"], json.loads(line)["text"]) == (2**70, "\ud800")


def test_tests_can_capture_events(lines: Lines) -> None:
    """The test helper of structlog sees the events of a logger that was made and used before."""
    logs.configure("info", "json")
    log = logs.get("a")
    log.info("written")

    with structlog.testing.capture_logs() as events:
        log.info("captured")

    assert [event["event"] for event in events] == ["captured"]
    assert len(lines()) == 1


def test_process_that_fails_logs_no_local_variables() -> None:
    """An unhandled exception of a task, as asyncio logs it, shows no local variables and no card data."""
    program = f"""
import asyncio
from switch.observability import logs

async def fail():
    track = {TRACK2!r}
    raise RuntimeError(track)

async def main():
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0)
    del task
    await asyncio.sleep(0)

logs.configure("info", "json")
asyncio.run(main())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [(event["logger"], event["event"].splitlines()[0]) for event in events] == [
        ("asyncio", "Task exception was never retrieved")
    ]
    assert [secret for secret in SECRETS if secret in result.stderr] == []
