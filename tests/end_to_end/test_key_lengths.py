"""Terminals with master keys of triple length, and of SM4: their sign-ons, PINs and MACs over TCP.

Their master keys are formed as an operator forms them, of the components of two officers, before the switch
starts. The terminals compute everything by themselves; of SM4 nothing but the descriptions in docs/hsm.md and
docs/hsm-operations.md says how, so these tests show that the switch does what is written there, and not that
a terminal of an SM deployment does.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import iso8583
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

from .conftest import Dial
from .plain_dialect import MAC_BYTES, SPEC, Message, WorkingKeys, WrongAnswer, check_value, decrypt
from .plain_line import Answer, Line
from .plain_terminal import Card, Identity, Terminal, reversal_of
from .switch_process import BALANCE_MINOR, Installation, Switch, World

pytestmark = pytest.mark.timeout(600)  # two officers form two keys: a dozen commands before the first test

NATIONAL: Final = 'extends = "unionpay_pos"\n[fields.52]\nmax_len = 16\n'
SETTINGS: Final = """\
[hsm]
unverified_sm4_pos_mac = true
[dialects]
files = ["{dialect}"]
[listeners.pos]
[listeners.national]
port = 0
dialect = "unionpay_pos.national"
"""
_NATIONAL_LINE: Final = re.compile(r"^national listening on (\S+):(\d+) ", re.MULTILINE)
_NATIONAL_SPEC: Final = {**SPEC, "52": {**SPEC["52"], "max_len": 16}}


class TripleTerminal(Terminal):
    """A device whose keys have 24 bytes."""

    def sign_on(self, layout: str = "003", *, batch: str = "000000") -> Answer:
        """Take two or three keys, each with its check value."""
        answer = self.exchange(self.management("0800", layout, batch=batch))
        field_62 = bytes.fromhex(answer["62"])
        keys = [
            decrypt(self.identity.master_key, field_62[at : at + 24]) for at in range(0, len(field_62), 28)
        ]
        if [check_value(key) for key in keys] != [
            field_62[at : at + 4] for at in range(24, len(field_62), 28)
        ]:
            raise WrongAnswer("a check value of a session key differs")
        self.batch, self.keys = answer["60"][2:8], WorkingKeys(keys[0], keys[1])
        return answer


class NationalTerminal(Terminal):
    """A device whose keys are SM4's."""

    def sign_on(self, layout: str = "005", *, batch: str = "000000") -> Answer:
        """Take two or three keys, each with its check value."""
        answer = self.exchange(self.management("0800", layout, batch=batch))
        field_62 = bytes.fromhex(answer["62"])
        context = Cipher(SM4(self.identity.master_key), ECB()).decryptor()
        keys = [context.update(field_62[at : at + 16]) for at in range(0, len(field_62), 24)]
        checks = [field_62[at : at + 8] for at in range(16, len(field_62), 24)]
        if [_sm4(key, bytes(16))[:8] for key in keys] != checks:
            raise WrongAnswer("a check value of a session key differs")
        self.batch, self.keys = answer["60"][2:8], WorkingKeys(keys[0], keys[1])
        return answer

    def encrypted_pin(self, card: Card) -> Message:
        """Format 0 stretched to 16 bytes."""
        pin = int(f"0{len(card.pin):X}{card.pin}".ljust(32, "F"), 16)
        block = (pin ^ int(card.pan[-13:-1], 16)).to_bytes(16, "big")
        return {
            "26": "12",
            "52": _sm4(self._session_keys.pin_key, block).hex().upper(),
            "53": "23".ljust(16, "0"),
        }

    def frame(self, message: Message) -> bytes:
        """The message on the line, with the long field 52 and the MAC under SM4."""
        needs_mac = message["t"][1] in "24"
        placed = message if "64" in message or not needs_mac else message | {"64": "0" * MAC_BYTES}
        body = bytes(iso8583.encode(dict(placed), _NATIONAL_SPEC)[0])
        if placed is not message:
            body = body[:-MAC_BYTES] + self._mac(body[:-MAC_BYTES]).encode()
        return self.wrap(body)

    def _check_mac(self, answer: Answer, *, approved_needs_mac: bool) -> None:
        assert "64" in answer.fields or not (approved_needs_mac and answer.code == "00")
        if "64" in answer.fields and answer["64"] != self._mac(answer.body[:-MAC_BYTES]):
            raise WrongAnswer(f"the MAC of an answer {answer.code} is wrong")

    def _mac(self, data: bytes) -> str:
        folded = 0
        for at in range(0, len(data), 16):
            folded ^= int.from_bytes(data[at : at + 16].ljust(16, b"\0"), "big")
        characters = f"{folded:032X}".encode()
        first = int.from_bytes(_sm4(self._session_keys.mac_key, characters[:16]), "big")
        mixed = (first ^ int.from_bytes(characters[16:], "big")).to_bytes(16, "big")
        return _sm4(self._session_keys.mac_key, mixed)[:4].hex().upper()


def _sm4(key: bytes, block: bytes) -> bytes:
    return Cipher(SM4(key), ECB()).encryptor().update(block)


class Officers:
    """Alice and Bob, who form a terminal's master key."""

    _NAMES: ClassVar = ("alice", "bob")

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._files = {name: folder / name for name in self._NAMES}
        for name, file in self._files.items():
            file.write_text(f"a passphrase of {name}\n", encoding="ascii")
            installation.run("keys", "officer", "add", name, "--passphrase-file", str(file))

    def form(self, device: Identity, algorithm: str, length: int) -> Identity:
        """The device with a new master key, which the switch knows from now on."""
        owner = f"terminal:{device.merchant_id}/{device.terminal_id}"
        what = ("--owner", owner, "--usage", "terminal-master")
        kind = ("--algorithm", algorithm, "--length", str(length))
        number = str(self._ran("alice", "open", "components", *what, *kind)["ceremony"])
        self._ran("bob", "approve", number)
        parts = [self._ran(name, "component", number, "--new")["component"] for name in self._NAMES]
        self._installation.run("keys", "ceremony", "combine", number)
        combined = int(parts[0], 16) ^ int(parts[1], 16)
        return replace(device, master_key=combined.to_bytes(length, "big"))

    def _ran(self, name: str, *arguments: str) -> dict[str, Any]:
        acting = ("--officer", name, "--passphrase-file", str(self._files[name]))
        return self._installation.run_json("keys", "ceremony", *arguments, *acting)


@pytest.fixture(scope="module")
def home(own_installation: Installation) -> Installation:
    """A home in which SM4 is on, with a listener for terminals whose field 52 is long."""
    dialect = own_installation.home.parent / "national.toml"
    dialect.write_text(NATIONAL, encoding="ascii")
    own_installation.home.mkdir()
    settings = SETTINGS.format(dialect=dialect)
    (own_installation.home / "cardswitch.toml").write_text(settings, encoding="ascii")
    return own_installation


@pytest.fixture(scope="module")
def world_here(home: Installation) -> World:
    """The devices and cards of this home."""
    return World(home.world_document())


@pytest.fixture(scope="module")
def devices(home: Installation, world_here: World) -> dict[str, Identity]:
    """Devices by the kind of their master keys."""
    officers = Officers(home, home.home.parent)
    return {
        "double": world_here.device(),
        "triple": officers.form(world_here.device(), "tdes", 24),
        "sm4": officers.form(world_here.device(), "sm4", 16),
    }


@pytest.fixture(scope="module")
def running(home: Installation, devices: dict[str, Identity]) -> Switch:
    """The switch, which knows these keys."""
    return home.start()


@pytest.fixture
def national_line(running: Switch) -> Iterator[Line]:
    """A line to the listener of SM terminals."""
    found = _NATIONAL_LINE.search(running.written)
    assert found
    line = Line.connected((found[1], int(found[2])))
    yield line
    line.close()


def _day(terminal: Terminal, card: Card) -> None:
    """A sale, a wrong PIN, a wrong MAC, a reversal; the money afterwards."""
    sale, spoilt = terminal.purchase(card, 100), terminal.purchase(card, 100) | {"64": "0" * MAC_BYTES}

    assert terminal.exchange(sale).code == "00"
    assert terminal.exchange(terminal.purchase(card, 30)).code == "00"
    assert terminal.exchange(terminal.purchase(card.with_wrong_pin(), 100)).code == "55"
    assert terminal.exchange(spoilt).code == "A0"
    assert terminal.exchange(reversal_of(sale)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 30


@pytest.mark.parametrize(("layout", "length_bytes"), [("003", 56), ("004", 84)])
def test_a_triple_length_master_key_has_triple_length_session_keys(
    running: Switch,
    devices: dict[str, Identity],
    world_here: World,
    dial: Dial,
    layout: str,
    length_bytes: int,
) -> None:
    """Field 62 is that long, and a day's work goes with its keys."""
    terminal = TripleTerminal(devices["triple"], dial(running))

    answer = terminal.sign_on(layout)

    assert length_bytes == len(bytes.fromhex(answer["62"]))
    _day(terminal, world_here.card())


@pytest.mark.parametrize(("layout", "length_bytes"), [("005", 48), ("006", 72)])
def test_an_sm4_master_key_has_sm4_session_keys(
    national_line: Line, devices: dict[str, Identity], world_here: World, layout: str, length_bytes: int
) -> None:
    """Field 62 is that long, and a day's work goes with its keys."""
    terminal = NationalTerminal(devices["sm4"], national_line)

    answer = terminal.sign_on(layout)

    assert length_bytes == len(bytes.fromhex(answer["62"]))
    _day(terminal, world_here.card())


@pytest.mark.parametrize(
    ("master", "layout"), [("double", "005"), ("triple", "006"), ("sm4", "003"), ("sm4", "001")]
)
def test_keys_that_do_not_go_under_the_master_key_are_not_supported(
    running: Switch, devices: dict[str, Identity], dial: Dial, master: str, layout: str
) -> None:
    """SM4 under triple DES, or the other way round: the terminal is told so and gets none."""
    terminal = Terminal(devices[master], dial(running))

    answer = terminal.exchange(terminal.management("0800", layout))

    assert (answer.code, "62" in answer.fields) == ("40", False)
