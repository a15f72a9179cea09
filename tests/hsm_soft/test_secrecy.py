"""Nothing the HSM says about a failure, and nothing it prints of itself, holds a secret.

Method: random secrets go through every call that can fail, each in several wrong forms. Whatever is raised is
turned into all the text there is (message, repr, attributes, traceback, everything it was raised from) and
searched for the secrets as text, as bytes and as hexadecimal. The secrets come from a seed, so the lines of
this file in a traceback hold none.
"""

import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_soft.card_issue import CardToIssue, recharge_digest
from hsm_soft.data_keys import DATA_KEY_USAGES
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyUsage
from hsm_soft.master_key import MasterKey, load_or_create_master_key
from hsm_soft.named_keys import new_named_keys
from hsm_soft.pin import PinReference
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.pin_verification_value import ibm_3624_pin, visa_pvv
from hsm_soft.qr_token import CardCodes
from hsm_soft.secret_file import read_secret_file
from hsm_soft.session_keys import SessionKeys, SignOnLayout

_ISO_0 = PinBlockFormat.ISO_0


@dataclass(frozen=True)
class _World:
    """An HSM and everything about it that must stay unsaid."""

    pin: str
    pan: str
    pin_block: bytes
    state: bytes
    terminal_master: bytes
    master_key: MasterKey
    protection: KeyBlockProtection
    hsm: SoftHsm
    session: SessionKeys
    reference: PinReference
    key_file: Path

    @property
    def secrets(self) -> set[str]:
        """Each secret in each of its forms, in lower case."""
        binary = [self.pin_block, self.state, self.terminal_master, self.master_key.key]
        for key_block, usage in (
            (self.session.pin_key, KeyUsage.PIN_ENCRYPTION),
            (self.session.mac_key, KeyUsage.POS_MAC),
        ):
            binary.append(self.protection.unwrap(key_block, usage))
        forms = {form for value in binary for form in (value.hex(), repr(value)[2:-1].lower())}
        return forms | {self.pin, self.pan, self.pan[-13:-1]}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for master keys with wrong content."""
    return tmp_path_factory.mktemp("secrecy") / "master-key.hex"


def _world(seed: int, key_file: Path) -> _World:
    random = Random(seed).randbytes
    pin, pan = _digits(random(10)), _digits(random(19))
    master_key = MasterKey(random(32), development=True, created=False)
    protection = KeyBlockProtection(master_key.key)
    hsm = SoftHsm(master_key, {key.id: key.key_block for key in new_named_keys(protection, random)}, random)
    hsm.load_data_keys([hsm.new_data_key(usage, key_id) for key_id, usage in enumerate(DATA_KEY_USAGES, 1)])
    terminal_master = random(16)
    session = hsm.new_session_keys(hsm.import_terminal_master(terminal_master), SignOnLayout.DOUBLE_40)
    reference = hsm.make_pin_reference(pin, 7)
    return _World(
        pin,
        pan,
        random(8),
        random(40),
        terminal_master,
        master_key,
        protection,
        hsm,
        session,
        reference,
        key_file,
    )


def _digits(drawn: bytes) -> str:
    return "".join(str(byte % 10) for byte in drawn)


def _failing_calls(world: _World) -> Iterator[Callable[[], object]]:
    yield from _failing_pin_and_card_calls(world)
    yield from _failing_key_calls(world)
    yield from _failing_seal_calls(world)


def _failing_pin_and_card_calls(world: _World) -> Iterator[Callable[[], object]]:
    hsm, session = world.hsm, world.session
    for wrong_pan in (world.pan + "x", world.pan + "\uff11", world.pan * 2, f" {world.pan}"):
        yield partial(hsm.seal_pan, wrong_pan)
        yield partial(hsm.pan_index, wrong_pan)
        yield partial(hsm.verify_pin, session.pin_key, world.pin_block, wrong_pan, 7, world.reference)
    for wrong_pin in (world.pin + "x", world.pin + "\uff11", world.pin * 2):
        yield partial(hsm.make_pin_reference, wrong_pin, 7)
    yield from _failing_operations(world)
    yield lambda: hsm.make_pin_reference(world.pin, 2**63)
    yield lambda: hsm.verify_pin(session.pin_key, world.pin_block, world.pan, 2**63, world.reference)
    yield lambda: hsm.verify_pin(session.mac_key, world.pin_block, world.pan, 7, world.reference)
    yield lambda: hsm.verify_pin(KeyBlock(world.pan), world.pin_block, world.pan, 7, world.reference)


def _failing_operations(world: _World) -> Iterator[Callable[[], object]]:
    hsm, key, policy = world.hsm, world.session.pin_key, PinPolicy()
    both, wallet = (world.pin_block, world.pin_block), (7, world.reference)
    for wrong_pan in (world.pan + "x", world.pan * 2):
        yield partial(hsm.change_pin, key, *both, wrong_pan, *wallet, policy)
        yield partial(hsm.translate_pin, key, _ISO_0, key, _ISO_0, world.pin_block, wrong_pan)
        yield partial(hsm.issue_pins, [CardToIssue("1", wrong_pan, 7)], policy, key, key, _ISO_0)
        yield partial(hsm.card_value, key, wrong_pan, "2512", "201")
    yield partial(hsm.translate_pin, key, _ISO_0, key, PinBlockFormat.ISO_1, world.pin_block, world.pan)
    yield partial(hsm.verify_pin, key, world.pin_block, world.pan, *wallet, PinBlockFormat.ISO_4)
    yield partial(hsm.store_decimalisation_table, world.pin.rjust(16, "0"))
    yield partial(hsm.recharge_digest, key, world.pan)
    yield partial(recharge_digest, bytes, world.pan * 2)
    yield partial(visa_pvv, bytes, world.pan, 1, "x" + world.pin)
    yield partial(ibm_3624_pin, world.pin, world.pin + "x")
    yield partial(read_secret_file, world.master_key.key, "pins", world.pan.encode())
    yield partial(hsm.open_card_code, KeyBlock(world.pan), world.pan)
    yield partial(CardCodes(world.master_key.key).open, world.pan)


def _failing_key_calls(world: _World) -> Iterator[Callable[[], object]]:
    hsm, session, master = world.hsm, world.session, world.terminal_master
    for wrong_key in (master + b"x", master[:8] * 2, master * 2):
        yield partial(hsm.import_terminal_master, wrong_key)
        yield partial(world.protection.wrap, KeyUsage.WALLET_SEALING, wrong_key + b"x", bytes)
        yield partial(KeyBlockProtection, wrong_key + b"x")
    for wrong_block in (master.hex(), repr(master), session.mac_key.lower(), session.mac_key[:-1] + "-"):
        yield partial(hsm.pos_mac, KeyBlock(wrong_block), b"message")
        yield partial(hsm.new_session_keys, KeyBlock(wrong_block), SignOnLayout.SINGLE_24)
    yield lambda: hsm.verify_pos_mac(session.mac_key, world.pan.encode(), b"00000000")
    yield lambda: hsm.verify_pos_mac(session.pin_key, world.pan.encode(), b"00000000")
    yield lambda: SoftHsm(MasterKey(bytes(32), development=True, created=False), {1: session.pin_key})
    for content in (
        world.master_key.key,
        world.master_key.key.hex().encode() + b"\n" + master.hex().encode(),
    ):
        yield partial(_load, world.key_file, content)


def _failing_seal_calls(world: _World) -> Iterator[Callable[[], object]]:
    hsm = world.hsm
    yield lambda: hsm.seal_wallets([(2**63, 3, world.state)])
    sealed_pan = hsm.seal_pan(world.pan)
    yield lambda: hsm.open_pan(sealed_pan[:-1])
    yield lambda: hsm.open_pan(world.pan.encode())
    sealed_name = hsm.seal_personal("name", world.pan)
    yield lambda: hsm.open_personal("other", sealed_name)
    yield lambda: hsm.open_personal("name", world.pan.encode())
    for usage in DATA_KEY_USAGES:
        foreign = hsm.adopt_data_key(usage, 9, world.protection.wrap(usage, world.master_key.key, bytes))
        wrong_use = DATA_KEY_USAGES[usage is KeyUsage.WALLET_SEALING]
        yield partial(hsm.load_data_keys, [foreign._replace(usage=wrong_use)])


def _load(path: Path, content: bytes) -> object:
    path.write_bytes(content)
    return load_or_create_master_key(path, allow_create=False)


def _everything_said(error: BaseException | None) -> str:
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "".join(said).lower()


@given(seed=st.integers(0, 2**32))
@settings(deadline=None)  # an HSM tests itself each time it is made
def test_no_failure_quotes_a_secret(key_file: Path, seed: int) -> None:
    """Every wrong call raises, and nothing about what it raises holds a PIN, card number, block or key."""
    world = _world(seed, key_file)
    secrets = world.secrets

    for call in _failing_calls(world):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - any exception is searched
            call()
        said = _everything_said(raised.value)
        assert [secret for secret in secrets if secret in said] == []


@given(seed=st.integers(0, 2**32))
@settings(deadline=None)  # an HSM tests itself each time it is made
def test_no_repr_shows_a_secret(key_file: Path, seed: int) -> None:
    """What the HSM and its values print of themselves holds none either."""
    world = _world(seed, key_file)
    shown = [world.master_key, world.protection, world.hsm, world.session, world.reference]
    said = "".join(f"{value!r}{value!s}" for value in [*shown, *vars(world.hsm).values()]).lower()

    assert [secret for secret in world.secrets if secret in said] == []


def test_the_package_neither_logs_nor_prints() -> None:
    """No module has a way to put anything into a log or onto a terminal."""
    package = Path(__file__).parents[2] / "hsm_soft"
    speaking = re.compile(r"\b(logging|structlog|warnings|print|stdout|stderr)\b")
    found = [path.name for path in package.rglob("*.py") if speaking.search(path.read_text(encoding="utf-8"))]

    assert not found
