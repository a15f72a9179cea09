"""A UnionPay POS terminal without its line: it writes requests and reads answers.

It does what a till's terminal does and keeps to what the dialect's terminals send (mandatory fields of each
message, MAC on financial messages only, PIN block format 0, reversal with the original's trace number). It
does no input or output and knows no time: whoever plays it sends the bytes, saves the memory before each
send, and hands in the answers.

An answer is read with suspicion: one that approves must carry a right MAC, a refusal may come without,
because a switch that could not find the keys can't make one.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from iso8583_specs.codec import Codec, MalformedMessage, codec_for
from iso8583_specs.framing import FRAMINGS, Frame, Framing, write_frame
from iso8583_specs.message import Message
from iso8583_specs.subfields.amounts import AdditionalAmounts
from tools.demo_parties import CURRENCY, DemoTerminal
from tools.terminal_memory import TerminalMemory
from tools.terminal_security import MacMismatch, TerminalSecurity

DIALECT: Final = "unionpay_pos"
FRAMING: Final[Framing] = FRAMINGS["length2_tpdu_header6"]

_Fields: TypeAlias = dict[int, str | bytes]

_CODEC: Final[Codec] = codec_for(DIALECT)
_MAC_BYTES: Final = 8
_NO_MAC: Final = bytes(_MAC_BYTES)
_MTI_WITH_MAC: Final = ("02", "04")
_REVERSED_FOR_NO_ANSWER: Final = "98"
_PIN_WITH_PAN_UNDER_3DES: Final = "2600000000000000"
# DE 54: account type 2, amount type 2, currency 3, sign, amount 12.
_TYPED_CARD_WITHOUT_PIN: Final = "012"
# Copied from the original by its reversal, with the same trace number and batch; 61 if it is a void.
_SAME_IN_REVERSAL: Final = (3, 4, 11, 22, 25, 41, 42, 49, 60, 61)


class NotSignedOn(Exception):
    """The terminal has no session keys; it must sign on first."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class MacState(StrEnum):
    """What a terminal finds about the MAC of an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Swipe:
    """A card as it passes the reader, and the PIN that is typed, if one is."""

    pan: str = field(repr=False)
    track2: str = field(repr=False)
    pin: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A message the terminal wants to send.

    Attributes:
        message: Its fields, DE 64 included where it carries one.
        frame: Its bytes; sending them again is a repeat.
        pan: The card it is about, for a reversal or a void.
    """

    message: Message
    frame: bytes = field(repr=False)
    pan: str | None = field(default=None, repr=False)

    def is_answered_by(self, message: Message) -> bool:
        """Whether a message is this request's answer: the response form of its MTI, and its trace number."""
        asked = self.message
        response_mti = f"{asked.mti[:2]}{int(asked.mti[2]) + 1}{asked.mti[3]}"
        return message.mti == response_mti and asked.fields.get(11) in {None, message.fields.get(11)}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the terminal understands it."""

    message: Message
    mac: MacState

    @property
    def code(self) -> str:
        """DE 39; empty if the answer lacks it."""
        return str(self.message.fields.get(39, ""))

    @property
    def approved(self) -> bool:
        """The switch approved."""
        return self.code == "00"

    @property
    def believed(self) -> bool:
        """The terminal may act on it: an approval of a financial message needs a right MAC."""
        needs_mac = self.approved and self.message.mti.startswith(_MTI_WITH_MAC)
        return self.mac is MacState.RIGHT or (self.mac is MacState.ABSENT and not needs_mac)

    @property
    def result(self) -> tuple[str | bytes | None, ...]:
        """What a repeat must bring again: reference number, authorisation code and response code."""
        return tuple(self.message.fields.get(number) for number in (37, 38, 39))

    @property
    def balance_minor(self) -> int | None:
        """The balance in DE 54, if there is one."""
        try:
            blocks = AdditionalAmounts.parse(self.message.fields.get(54, "")).blocks
        except MalformedMessage:
            return None
        return blocks[0].money.minor if blocks else None


class PosTerminal:
    """One terminal, signed on or not.

    Args:
        party: Which terminal it is.
        memory: What it remembers; changed in place, for the caller to keep.
    """

    def __init__(self, party: DemoTerminal, memory: TerminalMemory) -> None:
        self._party = party
        self._memory = memory
        self._security: TerminalSecurity | None = None
        if memory.session_keys:
            self._security = TerminalSecurity(party.master_key, bytes.fromhex(memory.session_keys))

    def sign_on(self) -> Request:
        """Ask for session keys, double length."""
        return self._request("0800", {11: self._memory.next_stan(), 60: self._network("003"), 63: b"001"})

    def take_keys(self, answer: Answer) -> None:
        """Use the keys and the batch of an approved sign-on from now on.

        Raises:
            SessionKeysRefused: The keys did not arrive whole.
        """
        field_62 = answer.message.fields.get(62, b"")
        keys = field_62 if isinstance(field_62, bytes) else b""
        self._security = TerminalSecurity(self._party.master_key, keys)
        self._memory.session_keys = keys.hex()
        self._memory.batch = str(answer.message.fields.get(60, ""))[2:8]

    def sign_off(self) -> Request:
        """Say that the terminal leaves."""
        return self._request("0820", {11: self._memory.next_stan(), 60: self._network("002")})

    def echo(self) -> Request:
        """Ask whether the switch is there."""
        return self._request("0820", {60: self._network("301")})

    def balance(self, swipe: Swipe, *, wrong_mac: bool = False) -> Request:
        """Ask for a card's balance."""
        return self._financial(swipe, "01", {3: "310000"}, wrong_mac=wrong_mac)

    def purchase(self, swipe: Swipe, amount_minor: int, *, wrong_mac: bool = False) -> Request:
        """Ask for an amount of a card's money."""
        fields: _Fields = {3: "000000", 4: f"{amount_minor:012}"}
        return self._financial(swipe, "22", fields, wrong_mac=wrong_mac)

    def void(self, purchase: Request, reference: str, *, wrong_mac: bool = False) -> Request:
        """Take an answered purchase back, by the reference number (DE 37) of its answer."""
        bought = purchase.message.fields
        fields: _Fields = {number: bought[number] for number in (4, 25, 49)}
        fields |= {
            2: purchase.pan or "",
            3: "200000",
            11: self._memory.next_stan(),
            22: _TYPED_CARD_WITHOUT_PIN,
            37: reference,
            60: f"23{self._memory.batch}",
            61: str(bought[60])[2:8] + str(bought[11]),
        }
        return self._request("0200", fields, pan=purchase.pan, wrong_mac=wrong_mac)

    def reversal(self, original: Request, *, wrong_mac: bool = False) -> Request:
        """Take back a purchase or a void to which no answer came."""
        sent = original.message.fields
        fields: _Fields = {number: sent[number] for number in _SAME_IN_REVERSAL if number in sent}
        fields |= {2: original.pan or "", 39: _REVERSED_FOR_NO_ANSWER}
        return self._request("0400", fields, pan=original.pan, wrong_mac=wrong_mac)

    def read(self, frame: Frame) -> Answer:
        """An answer from the line.

        Raises:
            MalformedMessage: It is not a message of the dialect.
        """
        message = _CODEC.decode(frame.body)
        return Answer(message, self._mac_state(frame.body, message.fields.get(64)))

    def _financial(self, swipe: Swipe, kind: str, fields: _Fields, *, wrong_mac: bool) -> Request:
        """A swiped card's message; `kind` is DE 60.1."""
        fields |= {
            11: self._memory.next_stan(),
            22: "022" if swipe.pin is None else "021",
            25: "00",
            35: swipe.track2,
            49: CURRENCY,
            60: kind + self._memory.batch,
        }
        if swipe.pin is not None:
            block = self._keys().pin_block(swipe.pin, swipe.pan)
            fields |= {26: "12", 52: block, 53: _PIN_WITH_PAN_UNDER_3DES}
        return self._request("0200", fields, pan=swipe.pan, wrong_mac=wrong_mac)

    def _request(
        self, mti: str, fields: _Fields, *, pan: str | None = None, wrong_mac: bool = False
    ) -> Request:
        fields |= {41: self._party.terminal_id, 42: self._party.merchant.merchant_id}
        message = Message(mti, fields)
        body = _CODEC.encode(message)
        if mti.startswith(_MTI_WITH_MAC):
            body = self._with_mac(message, wrong=wrong_mac)
        return Request(message, write_frame(FRAMING, self._party.tpdu, self._party.header, body), pan)

    def _with_mac(self, message: Message, *, wrong: bool) -> bytes:
        """The body with its MAC, which covers everything before it, the bitmap with bit 64 set included."""
        message.fields[64] = _NO_MAC
        covered = _CODEC.encode(message)[:-_MAC_BYTES]
        right = self._keys().mac(covered)
        mac = _spoilt(right) if wrong else right
        message.fields[64] = mac
        return covered + mac

    def _mac_state(self, body: bytes, mac: str | bytes | None) -> MacState:
        if not isinstance(mac, bytes):
            return MacState.ABSENT
        try:
            self._keys().verify_mac(body[:-_MAC_BYTES], mac)
        except MacMismatch:
            return MacState.WRONG
        return MacState.RIGHT

    def _network(self, code: str) -> str:
        """DE 60 of a management message: type 00, the batch, the network management code."""
        return f"00{self._memory.batch}{code}"

    def _keys(self) -> TerminalSecurity:
        if self._security is None:
            raise NotSignedOn
        return self._security


def _spoilt(mac: bytes) -> bytes:
    """Another MAC of the same form."""
    return (b"1" if mac.startswith(b"0") else b"0") + mac[1:]
