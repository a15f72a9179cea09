"""What is logged and printed of a day's traffic holds no card number, track, PIN, PIN block or key.

A terminal plays all it can over a real connection, with the log at its lowest level; then everything that was
written is searched for what may not be in it, in every form in which it might be.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from directory.records import PanIndex
from iso8583_specs.framing import FRAMINGS, write_frame
from ledger.intent import Intent
from ledger.outcome import Outcome
from routing.table import OWN_LEDGER
from switch.config import Listener as ListenerSettings
from switch.observability import logs
from switch.shell.gate import Gate
from switch.shell.listener import Listener
from switch.transaction.parts import UnderWay
from switch.transaction.steps import Situation
from switch.vocabulary import unionpay_pos
from switch.vocabulary.model import Reply
from tests.switch.shop import Node
from tests.switch.small_terminal import CODEC, Card, Terminal, clear_pin_block

PIN = "739251846207"
AMEX = "378282246310005"
FRAMING = FRAMINGS["length2_tpdu_header6"]
TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("602200000000")


class Breaks:
    """A ledger with a defect, whose error says all it was given."""

    def __init__(self, ledger: Any) -> None:
        self.numbers = ledger.numbers

    def submit(self, intent: Intent, told: object) -> None:
        """Fail, telling everything."""
        raise RuntimeError(f"can't post {intent!r}")


@pytest.fixture
async def secret_card(node: Node) -> Card:
    """A card whose PIN is long enough not to be found by chance."""
    return await node.card(pin=PIN)


def secrets(terminal: Terminal, card: Card) -> Iterator[str]:
    """What may not be found, in the forms in which it might be written."""
    yield from (card.pan, card.track_2, card.track_2.replace("=", "D"), card.pin, AMEX)
    encrypted = terminal.pin_fields(card.pin, card.pan)[52]
    clear = clear_pin_block(card.pin, card.pan)
    assert isinstance(encrypted, bytes)
    for secret in (terminal.master_key, terminal.pin_key, terminal.mac_key, encrypted, clear):
        yield from (secret.hex(), secret.hex().upper(), repr(secret)[2:-1], repr(list(secret))[1:-1])


def traffic(terminal: Terminal, card: Card) -> list[bytes]:
    """Bodies of all kinds: approved, declined, unknown, malformed and no messages at all."""
    purchase = terminal.purchase(card, 100, {2: card.pan, 14: "3112"})
    messages = [
        *(terminal.sign_on(), terminal.echo(), terminal.sign_off()),
        *(purchase, terminal.balance(card), terminal.reversal(purchase)),
        *(terminal.purchase(card, 0), terminal.purchase(card, 10**9), purchase),
        terminal.purchase(card, 100, terminal.pin_fields("111111111111", card.pan)),
        terminal.purchase(card, 100, {64: b"00000000"}),
        terminal.purchase(card, 100, {41: card.pan[:8], 42: AMEX}),
        terminal.purchase(card, 100, {53: None}),
        terminal.purchase(card, 100, {2: card.pan[::-1]}),
        terminal.purchase(
            card, 100, {3: "200000", 36: card.track_2, 45: f"B{card.pan}^NOBODY", 62: card.pan.encode()}
        ),
    ]
    bodies = [terminal.sealed(message) for message in messages]
    whole = bodies[3]
    broken = [whole[:size] for size in range(2, len(whole), 5)]
    return [*bodies, *broken, whole + b"\0", bytes.fromhex("0210") + whole[2:], card.pan.encode()]


async def play(node: Node, bodies: list[bytes]) -> None:
    """Send everything over a connection and wait until all of it has been dealt with."""
    settings = ListenerSettings(port=0, frame_timeout_seconds=0.1)
    listener = Listener("pos", settings, node.flow.take, Gate(1_000), node.metrics)
    await listener.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    for body in bodies:
        writer.write(write_frame(FRAMING, TPDU, HEADER, body))
    writer.write(b"\0\x40" + bodies[0][:20])
    await writer.drain()
    async with asyncio.timeout(20):
        await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    listener.stop_accepting()
    await listener.close(1)
    await asyncio.sleep(0.1)  # lines of the log leave a little later


@pytest.fixture(params=["json", "console"])
def written(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """All that was written since, in each format of the log."""
    logs.configure("debug", request.param)
    caplog.set_level(logging.DEBUG)

    def read() -> str:
        out, err = capsys.readouterr()
        return out + err + caplog.text

    return read


async def test_log_of_a_days_traffic_holds_no_secret(
    node: Node, secret_card: Card, written: Callable[[], str]
) -> None:
    """Approvals, declines, malformed and unknown messages are logged without what they carry."""
    terminal = await node.terminal()

    await play(node, traffic(terminal, secret_card))

    text = written()
    assert "message malformed" in text
    assert text.count("transaction") > 10
    assert not [secret for secret in secrets(terminal, secret_card) if secret in text]


async def test_log_of_a_defect_holds_no_secret(
    node: Node, secret_card: Card, written: Callable[[], str]
) -> None:
    """An exception in the middle of a request is logged with its traceback and without the request."""
    terminal = await node.terminal()
    broken = node.with_parts(ledger=Breaks(node.parts.ledger))

    await play(broken, traffic(terminal, secret_card))

    text = written()
    assert "request failed" in text
    assert "can't post" in text
    assert not [secret for secret in secrets(terminal, secret_card) if secret in text]


async def in_memory(node: Node, terminal: Terminal, holder: Card) -> list[object]:
    """What a purchase and a sign-on become on their way."""
    purchase = CODEC.decode(terminal.sealed(terminal.purchase(holder, 100, {2: holder.pan})))
    request = unionpay_pos.read(purchase)
    known = await node.parts.directory.terminal(terminal.merchant_id, terminal.terminal_id)
    card = await node.parts.directory.card(PanIndex(node.world.hsm.pan_index(holder.pan)))
    assert known is not None
    signed_on = await node.ask(terminal, terminal.sign_on())
    keys = signed_on.fields[62]
    assert isinstance(keys, bytes)
    reply = Reply(Outcome.APPROVED, "000000000001", "000000", "0101", batch="000001", session_keys=keys)
    situation = Situation(request, "2611", known, mac_verified=True, destination=OWN_LEDGER, card=card)
    return [
        *(purchase, request, request.pan, known, *known.key_sets, card, signed_on),
        *(situation, UnderWay(request, b"", print, 1, 1, 0.0), reply, node.world.hsm, node.flow, node.parts),
    ]


async def test_what_is_in_memory_prints_no_secret(node: Node, secret_card: Card) -> None:
    """Texts and reprs of everything a request becomes on its way are safe in any log line or traceback."""
    terminal = await node.terminal()

    text = "\n".join(f"{each} {each!r}" for each in await in_memory(node, terminal, secret_card))

    assert text.count("Message(") >= 2
    assert not [secret for secret in secrets(terminal, secret_card) if secret in text]
