"""Messages as terminals send them, to be changed by each test, and the codec that carries them."""

from collections.abc import Callable, Mapping

import pytest

from iso8583_specs.codec import Codec, codec_for
from iso8583_specs.message import Message

Value = str | bytes
MakeMessage = Callable[..., Message]

PAN = "9900010000000000019"
IDENTITY: Mapping[int, Value] = {41: "T0000001", 42: "990001000000001"}
CARD: Mapping[int, Value] = {
    22: "021",
    25: "00",
    26: "06",
    35: f"{PAN}=31122200000000000",
    49: "156",
    52: bytes(8),
    53: "2600000000000000",
    64: b"01234567",
}
VOID: Mapping[int, Value] = {
    3: "200000",
    4: "000000000100",
    11: "000005",
    25: "00",
    37: "0000HJDW1K3R",
    49: "156",
    60: "23000001000",
    61: "000001000003",
    64: b"01234567",
}
MESSAGES: Mapping[str, tuple[str, Mapping[int, Value]]] = {
    "sign-on": ("0800", {11: "000001", 60: "00000000003", 63: b"001"}),
    "sign-off": ("0820", {11: "000002", 60: "00000001002"}),
    "echo": ("0820", {60: "00000001301"}),
    "purchase": ("0200", {**CARD, 3: "000000", 4: "000000000100", 11: "000003", 60: "22000001000"}),
    "balance": ("0200", {**CARD, 3: "310000", 11: "000004", 60: "01000001000"}),
    "reversal": (
        "0400",
        {
            2: PAN,
            3: "000000",
            4: "000000000100",
            11: "000003",
            25: "00",
            39: "98",
            49: "156",
            60: "22000001000",
            64: b"01234567",
        },
    ),
    "void": ("0200", VOID),
    "void reversal": (
        "0400",
        {2: PAN, 39: "98", **{number: VOID[number] for number in (3, 4, 11, 25, 49, 60, 61, 64)}},
    ),
    "points void": ("0200", {**CARD, **VOID, 25: "65"}),
}


@pytest.fixture(scope="session")
def message() -> MakeMessage:
    """`message("purchase", {4: None, 49: "840"})`: a message with fields changed, or left out by None."""

    def make(
        name: str, changes: Mapping[int, Value | None] | None = None, *, mti: str | None = None
    ) -> Message:
        usual_mti, fields = MESSAGES[name]
        changed = {**IDENTITY, **fields, **(changes or {})}
        kept = {number: value for number, value in changed.items() if value is not None}
        return Message(mti or usual_mti, kept)

    return make


@pytest.fixture(scope="session")
def codec() -> Codec:
    """The dialect's codec."""
    return codec_for("unionpay_pos", strict=True)
