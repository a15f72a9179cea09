"""Network management by itself: what is kept before it is told, and what comes back.

The directory is a stand-in that keeps what it is given; the HSM is real.
"""

from dataclasses import replace

import pytest

from directory.records import KeySet, Merchant, MerchantState, Terminal, TerminalState
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlockRefused
from iso8583_specs.message import Message
from ledger.outcome import Outcome
from storage.database import DatabaseUnavailable
from switch.observability.metrics import Metrics
from switch.shell.clock import Clock
from switch.transaction.management import LAYOUTS, Management
from switch.vocabulary.model import KeyLayout, Request, Service
from tests.switch.shop import World
from tests.switch.small_terminal import decrypt, encrypt

NOW_US = 1_767_225_600_000_000
MASTER_KEY = bytes(range(16))


class Kept:
    """A directory that keeps the last sign-on, or can't."""

    def __init__(self, *, lost: bool = False) -> None:
        self.key_sets: list[KeySet] = []
        self.signed_off_terminals: list[Terminal] = []
        self._lost = lost

    async def signed_on(self, terminal: Terminal, new: KeySet) -> Terminal:
        """Keep the keys; another node has opened a batch meanwhile."""
        if self._lost:
            raise DatabaseUnavailable("gone")
        self.key_sets.append(new)
        return replace(terminal, batch="000043", key_sets=(*terminal.key_sets, new))

    async def signed_off(self, terminal: Terminal) -> None:
        """Keep who left."""
        self.signed_off_terminals.append(terminal)


@pytest.fixture
def hsm(world: World) -> SoftHsm:
    """The world's HSM."""
    return world.hsm


@pytest.fixture
def terminal(hsm: SoftHsm) -> Terminal:
    """A terminal in batch 42."""
    merchant = Merchant(17, "990001000000001", MerchantState.LIVE)
    master_key = hsm.import_terminal_master(MASTER_KEY)
    return Terminal("T0000001", merchant, TerminalState.ACTIVE, master_key, "000042", (), 0)


def management(hsm: SoftHsm, directory: Kept) -> Management:
    """Management over a directory."""
    return Management(InProcessHsm(hsm), directory, Clock("Asia/Shanghai"), Metrics())


def request(service: Service, layout: KeyLayout | None = None) -> Request:
    """A request of management."""
    return Request(service, Message("0800"), key_layout=layout)


def test_each_layout_has_the_hsms() -> None:
    """Every layout of the vocabulary is one of the HSM's, and no two are the same."""
    assert set(KeyLayout) == set(LAYOUTS)
    assert len(set(LAYOUTS.values())) == len(KeyLayout)


@pytest.mark.parametrize(
    ("layout", "length", "start", "check"),
    [
        (KeyLayout.SINGLE, 24, 12, 20),
        (KeyLayout.DOUBLE, 40, 20, 36),
        (KeyLayout.DOUBLE_TRACK, 60, 20, 36),
    ],
)
async def test_sign_on_keeps_the_keys_that_it_tells(
    hsm: SoftHsm, terminal: Terminal, layout: KeyLayout, length: int, start: int, check: int
) -> None:
    """The keys in field 62 open under the terminal's master key, and are those that were kept, unproven."""
    kept = Kept()

    reply = await management(hsm, kept).manage(request(Service.SIGN_ON, layout), terminal, 7, NOW_US)

    assert reply.session_keys is not None
    assert len(reply.session_keys) == length
    mac_key = decrypt(MASTER_KEY, reply.session_keys[start : start + 8])
    assert encrypt(mac_key, bytes(8))[:4] == reply.session_keys[check : check + 4]
    [key_set] = kept.key_sets
    assert (key_set.created_at_us, key_set.verified) == (NOW_US, False)
    assert (key_set.track_key is not None) == (layout is KeyLayout.DOUBLE_TRACK)


@pytest.mark.parametrize("layout", [KeyLayout.SM4, KeyLayout.SM4_TRACK])
async def test_keys_that_a_terminal_cannot_have_are_not_supported(
    hsm: SoftHsm, terminal: Terminal, layout: KeyLayout
) -> None:
    """SM4 keys where they are off: the terminal is told so, and nothing is kept."""
    kept = Kept()

    reply = await management(hsm, kept).manage(request(Service.SIGN_ON, layout), terminal, 7, NOW_US)

    assert (reply.outcome, reply.session_keys) == (Outcome.FUNCTION_NOT_SUPPORTED, None)
    assert kept.key_sets == []


async def test_a_master_key_that_is_none_is_a_defect(hsm: SoftHsm, terminal: Terminal) -> None:
    """A block that doesn't open says nothing about what the terminal asked for."""
    broken = replace(terminal, master_key=terminal.master_key[:-1] + "?")

    with pytest.raises(KeyBlockRefused):
        await management(hsm, Kept()).manage(request(Service.SIGN_ON, KeyLayout.SINGLE), broken, 7, NOW_US)


async def test_sign_on_tells_the_batch_that_is_open_afterwards(hsm: SoftHsm, terminal: Terminal) -> None:
    """The batch is read with the change, not taken from what was known before."""
    reply = await management(hsm, Kept()).manage(
        request(Service.SIGN_ON, KeyLayout.SINGLE), terminal, 7, NOW_US
    )

    assert (reply.outcome, reply.batch, reply.has_mac) == (Outcome.APPROVED, "000043", False)
    assert (reply.reference, reply.time, reply.date) == ("000000000007", "080000", "0101")


async def test_keys_that_could_not_be_kept_are_not_told(hsm: SoftHsm, terminal: Terminal) -> None:
    """If it isn't known whether the keys were kept there is no reply."""
    with pytest.raises(DatabaseUnavailable):
        await management(hsm, Kept(lost=True)).manage(
            request(Service.SIGN_ON, KeyLayout.SINGLE), terminal, 7, NOW_US
        )


@pytest.mark.parametrize(("service", "leaves"), [(Service.SIGN_OFF, True), (Service.ECHO, False)])
async def test_sign_off_is_noted_and_echo_is_not(
    hsm: SoftHsm, terminal: Terminal, service: Service, leaves: bool
) -> None:
    """A terminal that leaves is noted; both are answered without keys or batch."""
    kept = Kept()

    reply = await management(hsm, kept).manage(request(service), terminal, 8, NOW_US)

    assert ([terminal] if leaves else []) == kept.signed_off_terminals
    assert (reply.outcome, reply.batch, reply.session_keys) == (Outcome.APPROVED, None, None)


async def test_reply_does_not_show_its_keys(hsm: SoftHsm, terminal: Terminal) -> None:
    """Field 62 is no part of what a reply prints."""
    reply = await management(hsm, Kept()).manage(
        request(Service.SIGN_ON, KeyLayout.DOUBLE), terminal, 7, NOW_US
    )

    assert "session_keys" not in repr(reply)
