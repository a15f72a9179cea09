"""A demo seed, and a switch simple enough to be trusted: it signs terminals on and says what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest

from hsm_soft.pos_mac import pos_mac
from hsm_soft.primitives import des_encryptor
from hsm_soft.session_keys import check_value
from iso8583_specs.codec import codec_for
from iso8583_specs.framing import FRAMINGS, Frame, FrameReader, reply_tpdu, write_frame
from iso8583_specs.message import Message
from tools.demo_parties import DemoTerminal, demo_terminal
from tools.demo_seed import DemoSeed
from tools.terminal_line import Address

CODEC = codec_for("unionpay_pos")
FRAMING = FRAMINGS["length2_tpdu_header6"]
PIN_KEY = bytes.fromhex("D931648F3DE313A4A22C15DCA4F4299E")
MAC_KEY = bytes.fromhex("AB7C577CC7A18045")

Spoil: TypeAlias = Callable[[Message], Message | None]
Listen: TypeAlias = Callable[[Callable[[Frame], bytes]], AbstractAsyncContextManager[Address]]


class SimpleSwitch:
    """Answers every request with a code; what it was sent, and how it answers, is a test's business.

    Attributes:
        received: Every message that came.
        codes: Response code by MTI and processing code; 00 for the rest.
        spoil: Changes an answer before it gets its MAC; None keeps it back.
        with_mac: Whether answers carry a MAC.
    """

    def __init__(self, terminal: DemoTerminal) -> None:
        self._encrypt_keys = des_encryptor(terminal.master_key)
        self._encrypt_mac = des_encryptor(MAC_KEY)
        self.received: list[Message] = []
        self.codes: dict[tuple[str, str], str] = {}
        self.spoil: Spoil = lambda answer: answer
        self.with_mac = True

    def answer(self, frame: Frame) -> bytes:
        """The bytes of the answer; none if it is kept back."""
        request = CODEC.decode(frame.body)
        self.received.append(request)
        answer = self.spoil(self._answer(request))
        if answer is None:
            return b""
        body = CODEC.encode(answer)
        if self.with_mac and request.mti in {"0200", "0400"}:
            answer.fields[64] = bytes(8)
            covered = CODEC.encode(answer)[:-8]
            body = covered + pos_mac(self._encrypt_mac, covered)
        return write_frame(FRAMING, reply_tpdu(frame.tpdu), frame.header, body)

    def _answer(self, request: Message) -> Message:
        asked = request.fields
        fields = {number: asked[number] for number in (3, 4, 11, 41, 42, 60) if number in asked}
        fields[37] = f"R{asked.get(11, '')}".ljust(12, "0")
        fields[39] = self.codes.get((request.mti, str(asked.get(3, ""))), "00")
        if request.mti == "0800":
            fields |= {60: "00000007003", 62: self.session_keys()}
        if asked.get(3) == "310000":
            fields[54] = "1002156C000000002407"
        return Message(f"{request.mti[:2]}{int(request.mti[2]) + 1}0", fields)

    def session_keys(self) -> bytes:
        """DE 62 of a sign-on answer, double length."""
        mac_place = self._encrypt_keys(MAC_KEY) + bytes(8)
        return self._encrypt_keys(PIN_KEY) + check_value(PIN_KEY) + mac_place + check_value(MAC_KEY)


@pytest.fixture
def seed() -> DemoSeed:
    """A seed that is the same in every run."""
    return DemoSeed(bytes(range(32)))


@pytest.fixture
def party(seed: DemoSeed) -> DemoTerminal:
    """Terminal 1 of that seed's world."""
    return demo_terminal(seed, 1)


@pytest.fixture
def simple_switch(party: DemoTerminal) -> SimpleSwitch:
    """A switch that knows terminal 1."""
    return SimpleSwitch(party)


@pytest.fixture
async def address(simple_switch: SimpleSwitch) -> AsyncIterator[Address]:
    """Where that switch listens."""
    async with listening(simple_switch.answer) as address:
        yield address


@pytest.fixture
def listen() -> Listen:
    """Listens with whatever answers frames."""
    return listening


@asynccontextmanager
async def listening(answer: Callable[[Frame], bytes]) -> AsyncIterator[Address]:
    """Answer the frames of every connection in turn."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(FRAMING)
        while data := await reader.read(4096):
            frames.receive(data)
            while isinstance(frame := frames.next_frame(), Frame):
                writer.write(answer(frame))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield Address(*server.sockets[0].getsockname())
