"""Messages nobody would send: whatever fields hold and whatever bytes come, there is an answer or a refusal.

Examples go through the whole flow with the real HSM, directory and ledger, under one terminal and one card,
so that they also meet what earlier ones left there. In the end the books must be clean.
"""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iso8583_specs.message import Message
from ledger.postgres.verify import verify
from switch.vocabulary.unionpay_pos import RESPONSE_CODES, is_request
from tests.switch import wild_messages
from tests.switch.shop import WITHOUT_PIN, Node
from tests.switch.small_terminal import CODEC, Card, Changes, Terminal


def void_of_nothing(terminal: Terminal, card: Card, changes: Changes | None = None) -> Message:
    """A void of a purchase that was never sent."""
    return terminal.void(terminal.purchase(card), Message("0210", {37: "0" * 12}), changes)


REQUESTS: dict[str, Callable[[Terminal, Card], Message]] = {
    "purchase": lambda terminal, card: terminal.purchase(card),
    "balance": lambda terminal, card: terminal.balance(card),
    "reversal": lambda terminal, card: terminal.reversal(terminal.purchase(card)),
    "sign-on": lambda terminal, _: terminal.sign_on(),
    "sign-off": lambda terminal, _: terminal.sign_off(),
    "echo": lambda terminal, _: terminal.echo(),
    "void": void_of_nothing,
    "void reversal": lambda terminal, card: terminal.reversal(void_of_nothing(terminal, card)),
    "points void": lambda terminal, card: void_of_nothing(terminal, card, {25: "65"}),
}
MTIS = [None] * 9 + ["0201", "0401", "0801", "0821", "0100", "0220", "0500", "0320", "0210", "0900"]
ECHOED = {11, 41, 42, 60}

# One database and one terminal serve all examples on purpose.
wild = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Parties(NamedTuple):
    """Who plays all examples of a test."""

    node: Node
    terminal: Terminal
    card: Card

    def body(self, name: str, changes: Changes, mti: str | None) -> bytes:
        """A request with fields changed, or left out by None, and with the right MAC if it brings none."""
        request = REQUESTS[name](self.terminal, self.card)
        fields = {**request.fields, **changes}
        kept = {number: value for number, value in fields.items() if value is not None}
        return self.terminal.sealed(Message(mti or request.mti, kept))


@pytest.fixture
async def parties(node: Node) -> AsyncIterator[Parties]:
    """A terminal whose keys are proven and a card that never runs dry; in the end the books are clean."""
    terminal, card = await node.terminal(), await node.card(WITHOUT_PIN, balance_minor=10**12)
    assert await node.code(terminal, terminal.purchase(card)) == "00"
    yield Parties(node, terminal, card)
    assert (await verify(node.connection, node.world.sealer)).is_clean
    assert len(node.parts.turns) == 0
    assert node.counted("switch_transactions_in_flight") == 0


async def check(node: Node, body: bytes) -> None:
    """The flow answers a request, and only a request, in the dialect's words, and repeats who asked."""
    answer = await node.answer(body)
    readable = CODEC.decode_readable(body)
    if readable is None or not is_request(readable.mti):
        assert answer is None
        return
    assert answer is not None
    fields = CODEC.decode(answer).fields
    assert fields[39] in RESPONSE_CODES.values()
    assert {12, 13, 37} <= fields.keys()
    # A sign-on is told the open batch in place of its own.
    repeated = (ECHOED - {60} if 62 in fields else ECHOED) & readable.fields.keys()
    assert {number: readable.fields[number] for number in repeated}.items() <= fields.items()
    if fields[39] == "00" and readable.mti[1] in "24":
        assert {38, 64} <= fields.keys()


@wild
@given(name=st.sampled_from([*REQUESTS]), changes=wild_messages.changes(), mti=st.sampled_from(MTIS))
async def test_any_contents_of_fields_are_answered(
    parties: Parties, name: str, changes: Changes, mti: str | None
) -> None:
    """Whatever is in a request's fields, missing from it or too much in it, it gets an answer."""
    await check(parties.node, parties.body(name, changes, mti))


@wild
@given(
    name=st.sampled_from([*REQUESTS]),
    at=st.integers(0, 200),
    removed=st.integers(0, 4),
    added=st.binary(max_size=4),
)
async def test_damaged_messages_are_answered_or_refused(
    parties: Parties, name: str, at: int, removed: int, added: bytes
) -> None:
    """A few bytes lost, changed or added anywhere: the message is answered, mostly 30 or A0, or is none."""
    body = parties.body(name, {}, None)
    at = min(at, len(body))

    await check(parties.node, body[:at] + added + body[at + removed :])


@wild
@given(mti=st.sampled_from(["0200", "0400", "0800", "0820"]), rest=st.binary(min_size=8, max_size=300))
async def test_random_bytes_are_answered_or_refused(parties: Parties, mti: str, rest: bytes) -> None:
    """A bitmap and fields at random behind a good message type are answered 30 or as what they are."""
    await check(parties.node, bytes.fromhex(mti) + rest)
