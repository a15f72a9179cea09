"""The HSM in a process of its own: purchases, its death under load and its return, and who holds keys."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Dial
from .hsm_process import MASTER_KEY_FILE, PROCESS_MODE, HsmProcess, Secrets, found_in, found_in_memory
from .plain_dialect import WrongAnswer, pin_block
from .plain_line import Line
from .plain_terminal import Card, Terminal, reversal_of
from .switch_process import BALANCE_MINOR, Installation, Switch, World, is_ready, wait_until

SALES = 150
FIRST_ANSWERS = 5


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home whose HSM is a process of its own, logging all it can."""
    home = tmp_path_factory.mktemp("hsm") / "home"
    installation = Installation(home, **PROCESS_MODE)
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def start_hsm(installed: Installation) -> Iterator[Callable[[], HsmProcess]]:
    """Starts an HSM for the home, one after the other."""
    started: list[HsmProcess] = []

    def start() -> HsmProcess:
        started.append(HsmProcess(installed))
        return started[-1]

    yield start
    for hsm in started:
        hsm.kill()


@pytest.fixture(scope="module")
def hsm(start_hsm: Callable[[], HsmProcess]) -> list[HsmProcess]:
    """The HSM that serves now; a test that kills it puts the next one in its place."""
    return [start_hsm()]


@pytest.fixture(scope="module")
def world_here(installed: Installation, hsm: list[HsmProcess]) -> World:
    """The devices and cards of this home."""
    return World(installed.world_document())


@pytest.fixture(scope="module")
def running(installed: Installation, world_here: World) -> Iterator[Switch]:
    """The switch, which outlives its HSMs."""
    switch = installed.start()
    yield switch
    assert switch.is_running


@pytest.fixture
def terminal(running: Switch, world_here: World, dial: Dial) -> Terminal:
    """A device signed on."""
    return Terminal.signed_on(world_here.device(), dial(running))


@pytest.fixture
def card(world_here: World) -> Card:
    """A card with its whole opening balance."""
    return world_here.card()


def secrets_of(home: Path, terminal: Terminal, card: Card) -> Secrets:
    """What only the HSM's process may hold, by name, in the forms in which it would stand in memory."""
    (key_line,) = [
        line for line in (home / MASTER_KEY_FILE).read_text().splitlines() if not line.startswith("#")
    ]
    assert terminal.keys is not None
    keys = {
        "master key": bytes.fromhex(key_line),
        "terminal master key": terminal.identity.master_key,
        "PIN key": terminal.keys.pin_key,
        "MAC key": terminal.keys.mac_key,
        "PIN block": pin_block(card.pin, card.pan),
        "PIN field": bytes.fromhex(f"0{len(card.pin):X}{card.pin}".ljust(16, "F")),
    }
    return {name: [key, key.hex().encode(), key.hex().upper().encode()] for name, key in keys.items()}


def test_a_day_with_the_hsm_elsewhere(terminal: Terminal, card: Card) -> None:
    """Sign-on, purchase, wrong PIN, reversal and balance inquiry: nothing is different."""
    sale = terminal.purchase(card, 100)

    assert terminal.exchange(sale).code == "00"
    assert terminal.exchange(terminal.purchase(card.with_wrong_pin(), 100)).code == "55"
    assert terminal.exchange(reversal_of(sale)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_the_switch_holds_no_key_and_no_pin(
    installed: Installation, hsm: list[HsmProcess], running: Switch, terminal: Terminal, card: Card
) -> None:
    """After work with them the switch's memory has none; the test's own has, which shows the search."""
    for _ in range(20):
        assert terminal.exchange(terminal.purchase(card, 1)).code == "00"
    secrets = secrets_of(installed.home, terminal, card)

    assert found_in_memory(running.process.pid, secrets) == set()
    assert found_in_memory(os.getpid(), secrets) >= {"master key", "terminal master key", "PIN key"}


def test_an_hsm_killed_under_load(
    installed: Installation,
    hsm: list[HsmProcess],
    start_hsm: Callable[[], HsmProcess],
    running: Switch,
    terminal: Terminal,
    card: Card,
    dial: Dial,
) -> None:
    """Each sale under way is approved and posted, or 96 and not, or unanswered; repeats settle all, once."""
    sales = [terminal.purchase(card, 100) for _ in range(SALES)]
    with closing(Line.connected(running.address, timeout_seconds=0.5)) as terminal.line:
        terminal.send(*sales)
        first = [terminal.answer_to(sale).code for sale in sales[:FIRST_ANSWERS]]
        hsm.pop().kill()
        codes = [_code_of(terminal, sale) for sale in sales[FIRST_ANSWERS:]]
        refused = terminal.exchange(terminal.purchase(card, 100)).code

    wait_until(lambda: not is_ready(running))
    hsm.append(start_hsm())
    wait_until(lambda: is_ready(running))
    terminal.line = dial(running)
    posted = (BALANCE_MINOR - terminal.read_balance(card)) // 100
    again = terminal.exchange_all(sales)

    assert first == ["00"] * FIRST_ANSWERS
    assert {"00", "96", "none"} >= set(codes)
    assert "96" in {*codes, refused}
    assert refused == "96"
    assert FIRST_ANSWERS + codes.count("00") <= posted <= FIRST_ANSWERS + len(codes) - codes.count("96")
    assert {"00"} == {answer.code for answer in again}
    assert terminal.read_balance(card) == BALANCE_MINOR - 100 * SALES


def _code_of(terminal: Terminal, sale: dict[str, str]) -> str:
    """The answer's code; an answer whose MAC couldn't be made never leaves."""
    try:
        return terminal.answer_to(sale).code
    except WrongAnswer:
        return "none"


def test_without_an_hsm_nothing_starts(tmp_path: Path) -> None:
    """A switch whose HSM isn't there says so in one line, and has made no key of its own."""
    lonely = Installation(tmp_path / "home", **PROCESS_MODE)
    lonely.run("run", status=1)

    assert not (tmp_path / "home" / MASTER_KEY_FILE).exists()


def test_a_second_hsm_gives_up(installed: Installation, hsm: list[HsmProcess]) -> None:
    """One HSM serves at one place."""
    installed.run("hsm", "serve", status=1)


def test_keys_are_turned_over_while_the_switch_runs(
    installed: Installation, running: Switch, terminal: Terminal, card: Card
) -> None:
    """A new epoch through the HSM's process: rows move, sales go on, the books stay clean."""
    sales = [terminal.purchase(card, 1) for _ in range(60)]
    terminal.send(*sales)
    installed.run("keys", "data", "rotate", "wallet-sealing")
    installed.run("keys", "data", "reseal")

    assert {"00"} == {terminal.answer_to(sale).code for sale in sales}
    assert terminal.read_balance(card) == BALANCE_MINOR - 60
    installed.run("ledger", "verify")
    assert "as they were written" in installed.run("keys", "audit", "verify")


def test_nothing_secret_was_written(
    installed: Installation, hsm: list[HsmProcess], running: Switch, terminal: Terminal, card: Card
) -> None:
    """After all of this at debug level: logs and database files hold no PIN, no key and no card number."""
    assert terminal.exchange(terminal.purchase(card, 1)).code == "00"
    terminal.line.send_bytes(terminal.wrap(b"\x02\x00" + card.pan.encode() + card.track2.encode()))
    assert terminal.echo().code == "00"
    secrets = {**secrets_of(installed.home, terminal, card), "card number": [card.pan.encode()]}
    packed = bytes.fromhex(card.pan.ljust(len(card.pan) + len(card.pan) % 2, "0"))[:-1]
    secrets["packed card number"] = [packed]
    written = "".join(switch.written for switch in installed.switches) + hsm[0].written
    files = [path for path in (installed.home / "postgres").rglob("*") if path.is_file()]
    stored = {name for path in files for name in found_in(path.read_bytes(), secrets)}

    assert found_in(written.encode(), secrets) == set()
    assert stored == set()
    assert found_in(b"debug: " + card.pan.encode(), secrets) == {"card number"}
