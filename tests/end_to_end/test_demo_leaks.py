"""The demo and a day on its switch, logging all it can, with everything going wrong: then all is searched.

Whole demos are run as a user runs them, also without their HSM and without their database. On the switch of
`cardswitch demo --keep-running` a terminal sells, messages come malformed, the HSM and the database are
killed under load and come back. Afterwards no PIN, PIN block, key or card number may be found in what was
printed and logged, in the database, read as rows and as files, nor, where the HSM is a process of its own, in
the memory of the switch, which otherwise holds keys. The same search does find what is planted.

A hit by chance is ruled out by the choice of the demo's seed: the PINs of its cards look like `029417`, which
is no time of day (no minute is 94), no fraction (those follow a point) and no trace number (too high for the
day, which has hundreds). As three packed bytes a PIN would be found by chance in any large file; so packed it
is searched for as it stands in a PIN block, with its length before it and the filler behind. Keys, blocks and
card numbers are eight bytes and more.
"""

import asyncio
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from hsm_soft.data_key_store import stored_data_keys
from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.key_usage import KeyUsage
from hsm_soft.named_keys import KEY_IDS
from storage.database import connect
from storage.embedded import EmbeddedPostgres
from tests.leaks.database import everything_in
from tools.demo_seed import DemoSeed

from .hsm_process import MASTER_KEY_FILE, PROCESS_MODE, Form, HsmProcess, Secrets, found_in, found_in_memory
from .plain_dialect import WrongAnswer, pin_block
from .plain_line import Line, LineClosed
from .plain_terminal import Card, Terminal
from .stored_keys import master_key_in, stored_keys
from .switch_process import (
    COMMAND,
    START_SECONDS,
    STOP_SECONDS,
    Installation,
    World,
    kill_postmaster,
    postmaster_of,
    wait_until,
)

DEMO_CARD: Final = 11
"""The first card with money that no example uses, which a new home's demo plays."""

DAYS_CARD: Final = 12
_PIN_LIKE_NO_OTHER_NUMBER: Final = re.compile(r"0[1-9][6-9][0-9]{3}")
_LISTENING: Final = re.compile(r"a switch is listening on (\S+):(\d+);")
_SALES: Final = 60
_OF_CARDS: Final = ("card number", "packed card number")
"""Card numbers stand in the messages that pass through the switch, so its memory has them in any mode."""
_OWN_SECRETS: Final = ("DEMO-SEED.hex", MASTER_KEY_FILE)
"""The files that hold a seed and a key, which is what they are for."""


def chosen_seed() -> DemoSeed:
    """A seed under which the PINs of the cards that are played can't be taken for other numbers."""
    for number in count():
        seed = DemoSeed(number.to_bytes(32))
        pins = [seed.pin(card) for card in (DEMO_CARD, DAYS_CARD)]
        if all(_PIN_LIKE_NO_OTHER_NUMBER.fullmatch(pin) for pin in pins):
            return seed
    raise AssertionError


class Day:
    """A home on which demos are played, and a switch of `cardswitch demo --keep-running`."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.installation = Installation(home, **settings)
        self.has_hsm_process = "CARDSWITCH_HSM__MODE" in settings
        self.said: list[str] = []
        self._hsm: HsmProcess | None = None
        self._output, self._log = home.parent / "demo.out", home.parent / "demo.err"
        folder = home / "demo"
        folder.mkdir(parents=True, mode=0o700)
        (folder / "DEMO-SEED.hex").write_text(f"{chosen_seed().value.hex()}\n", encoding="ascii")

    def start_hsm(self) -> None:
        """The HSM, where it is a process of its own."""
        if self.has_hsm_process:
            self._hsm = HsmProcess(self.installation)

    def kill_hsm(self) -> None:
        """End it in the middle of whatever it does."""
        if self._hsm is not None:
            self._hsm.kill()
            self.said.append(self._hsm.written)

    def demo(self, status: int, **settings: str) -> None:
        """Play a whole demo, and keep what it says."""
        done = subprocess.run(
            [COMMAND, "demo"],
            env=self.installation.environment | settings,
            cwd=self.installation.home.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        assert done.returncode == status, done.stdout + done.stderr

    def start_switch(self) -> None:
        """The switch that a demo keeps running."""
        with self._output.open("wb") as output, self._log.open("wb") as log:
            self._demo = subprocess.Popen(
                [COMMAND, "demo", "--keep-running"],
                env=self.installation.environment,
                cwd=self.installation.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not (found := _LISTENING.search(self._output.read_text(encoding="utf-8"))):
            assert self._demo.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the demo's switch did not start"
            time.sleep(0.05)
        self.address = (found[1], int(found[2]))

    @property
    def switch_process(self) -> int:
        """The process of the switch, the demo's only child."""
        (child,) = Path(f"/proc/{self._demo.pid}/task/{self._demo.pid}/children").read_text().split()
        return int(child)

    def stop(self) -> None:
        """Stop everything, and keep what it said."""
        if self._demo.poll() is None:
            self._demo.terminate()
            self._demo.wait(STOP_SECONDS)
        self.kill_hsm()
        self.said += [self._output.read_text(encoding="utf-8"), self._log.read_text(encoding="utf-8")]


def play(day: Day, terminal: Terminal, card: Card) -> None:
    """A day on which everything goes wrong."""
    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"
    assert terminal.exchange(terminal.purchase(card.with_wrong_pin(), 100)).code == "55"
    send_malformed(terminal, card, day.address)
    under_load(terminal, card, day.address, day.kill_hsm)
    day.start_hsm()
    until_it_sells(terminal, card, day.address)
    killed = postmaster_of(day.installation.home)
    under_load(terminal, card, day.address, lambda: kill_postmaster(day.installation.home))
    wait_until(lambda: postmaster_of(day.installation.home) not in {0, killed})
    until_it_sells(terminal, card, day.address)


def send_malformed(terminal: Terminal, card: Card, address: tuple[str, int]) -> None:
    """A purchase cut short everywhere, card data in the wrong fields, and no message at all."""
    whole = terminal.frame(terminal.purchase(card, 100))[2:]
    wrong_places = {"37": card.pan[:12], "41": card.pan[:8], "42": card.pan[:15], "59": card.track2}
    misplaced = terminal.frame(terminal.purchase(card, 100) | wrong_places)[2:]
    pieces = [whole[:size] for size in range(12, len(whole), 7)]
    pieces += [misplaced, terminal.wrap(card.track2.encode())[2:], whole + b"\0", card.pan.encode()]
    for piece in pieces:
        with closing(Line.connected(address, timeout_seconds=5)) as line:
            line.send_bytes(len(piece).to_bytes(2) + piece)
    with closing(Line.connected(address, timeout_seconds=5)) as line:
        line.send_bytes(b"\0\x60" + whole[:40])


def under_load(terminal: Terminal, card: Card, address: tuple[str, int], kill: Callable[[], object]) -> None:
    """Kill something while sales are under way, whatever becomes of them."""
    sales = [terminal.purchase(card, 1) for _ in range(_SALES)]
    with closing(Line.connected(address, timeout_seconds=3)) as terminal.line:
        terminal.send(*sales)
        terminal.answer_to(sales[0])
        kill()
        for sale in sales[1:]:
            with suppress(WrongAnswer, LineClosed):
                terminal.answer_to(sale)


def until_it_sells(terminal: Terminal, card: Card, address: tuple[str, int]) -> None:
    """Return when the switch has got over it."""

    def sells() -> bool:
        with closing(Line.connected(address, timeout_seconds=3)) as terminal.line:
            try:
                return terminal.exchange(terminal.purchase(card, 1)).code == "00"
            except (WrongAnswer, LineClosed):
                return False

    wait_until(sells)


def needles(home: Path, terminal: Terminal, cards: list[Card]) -> Secrets:
    """All that was clear somewhere: the installation's keys, the terminal's and the cards'."""
    assert terminal.keys is not None
    keys = asyncio.run(_keys_of(home)) | {
        "terminal master key": terminal.identity.master_key,
        "PIN key": terminal.keys.pin_key,
        "MAC key": terminal.keys.mac_key,
    }
    for number, card in enumerate(cards):
        keys[f"PIN block {number}"] = pin_block(card.pin, card.pan)
        keys[f"PIN field {number}"] = bytes.fromhex(f"0{len(card.pin):X}{card.pin}".ljust(16, "F"))
        keys[f"packed card number {number}"] = bytes.fromhex(card.pan[:18])
    secrets: dict[str, list[Form]] = {
        name: [key, key.hex().encode(), key.hex().upper().encode()] for name, key in keys.items()
    }
    for number, card in enumerate(cards):
        secrets[f"PIN {number}"] = [re.compile(rb"(?<![0-9A-Fa-f.])%b(?![0-9A-Fa-f])" % card.pin.encode())]
        secrets[f"packed PIN {number}"] = [bytes.fromhex(f"06{card.pin}FF")]
        secrets[f"card number {number}"] = [card.pan.encode()]
    return secrets


async def _keys_of(home: Path) -> dict[str, bytes]:
    """Every key of an installation: what its key blocks hold, and the master key they are under."""
    master_key = master_key_in(home / MASTER_KEY_FILE)
    with EmbeddedPostgres.acquire(home) as server:
        connection = await connect(server.dsn)
        protection = KeyBlockProtection(master_key)
        keys = await stored_keys(connection, protection) | {"master key": master_key}
        wrapping = await connection.fetchval(
            "SELECT key_block FROM hsm.key WHERE id = $1", KEY_IDS[KeyUsage.DATA_KEY_WRAPPING]
        )
        under = KeyBlockProtection(protection.open(wrapping)[1])
        for stored in await stored_data_keys(connection):
            assert stored.key.key_block is not None
            keys[f"data key {stored.key.id}"] = under.open(stored.key.key_block)[1]
        await connection.close()
    return keys


def found_in_files(home: Path, secrets: Secrets) -> dict[str, set[str]]:
    """What the files of a home hold, but for the two that are there to hold a secret; and the simulator's."""
    found = {}
    for path in home.rglob("*"):
        if path.is_file() and path.name not in _OWN_SECRETS:
            found[path.name] = found_in(path.read_bytes(), secrets)
    return {name: names for name, names in found.items() if names}


def rows_of(home: Path) -> bytes:
    """The database, read as rows."""
    with EmbeddedPostgres.acquire(home) as server:
        return asyncio.run(everything_in(server.dsn)).encode()


@pytest.fixture(params=["in process", "process"])
def day(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Day]:
    """A new home; its HSM in the switch, or in a process of its own."""
    day = Day(tmp_path / "home", **(PROCESS_MODE if request.param == "process" else {}))
    day.start_hsm()
    yield day
    day.stop()


@pytest.mark.timeout(600)
def test_nothing_clear_is_left_of_a_day(day: Day) -> None:
    """Demos, sales, malformed messages, HSM and database killed: and nothing to be read of any secret."""
    home = day.installation.home
    day.demo(0)
    day.demo(1, CARDSWITCH_DATABASE__DSN="postgresql://nobody@127.0.0.1:1/nothing")
    day.demo(1, CARDSWITCH_HSM__MODE="process", CARDSWITCH_HSM__SOCKET=str(home / "nobody" / "hsm.sock"))
    day.start_switch()
    world = World(day.installation.world_document())
    cards = world.cards(DAYS_CARD)[DEMO_CARD - 1 :]
    with closing(Line.connected(day.address)) as line:
        terminal = Terminal.signed_on(world.device(), line)
        play(day, terminal, cards[-1])
    secrets = needles(home, terminal, cards)

    in_memory = found_in_memory(day.switch_process, secrets)
    in_rows = found_in(rows_of(home), secrets)
    day.stop()
    said = "\n".join(day.said).encode()

    assert b"message malformed" in said
    assert b"purchase" in said
    assert found_in(said, secrets) == set()
    assert in_rows == set()
    assert found_in_files(home, secrets) == {}
    if day.has_hsm_process:
        assert {name for name in in_memory if not name.startswith(_OF_CARDS)} == set()
    else:
        assert in_memory & {"MAC key", "PIN key", "data key 1"}
    _assert_the_search_finds(secrets, cards)


def _assert_the_search_finds(secrets: Secrets, cards: list[Card]) -> None:
    """The control: what is planted in a log line or a row is found, and what only looks like it is not."""
    for number, card in enumerate(cards):
        planted = f"PIN is {card.pin}, card {card.pan}".encode() + bytes.fromhex(f"06{card.pin}FFFFFFFF")
        assert found_in(planted, secrets) >= {
            f"{what} {number}" for what in ("PIN", "packed PIN", "card number")
        }
        assert found_in(f"0.{card.pin} 1{card.pin} a{card.pin}f".encode(), secrets) == set()
    for name, forms in secrets.items():
        if isinstance(form := next(iter(forms)), bytes):
            assert name in found_in(b"debug: " + form, secrets)
