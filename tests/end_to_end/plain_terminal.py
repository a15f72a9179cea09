"""A UnionPay POS terminal that shares no code with the project.

With `plain_dialect` and `plain_line` it stands on pyiso8583 and cryptography alone, so that a mistake which
the switch makes in both directions, reading and writing, cannot pass unseen.

A `Terminal` is one device on a `Line`; several may share one, as they do behind a concentrator. Every answer
is checked as it is handed out (addresses swapped, header echoed, MAC right, approved only with a MAC); what
the answer decides is the test's business. F64 is put in when a message is framed, unless the message brings
one of its own.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Self

from .plain_dialect import MAC_BYTES, Message, WorkingKeys, WrongAnswer, encode, encrypt, mac_of, pin_block
from .plain_line import Answer, AnswerKey, Line

SINGLE_LENGTH: Final = "001"
DOUBLE_LENGTH: Final = "003"
SIGN_OFF: Final = "002"
ECHO: Final = "301"

PURCHASE_TYPE: Final = "22"
VOID_TYPE: Final = "23"
BALANCE_TYPE: Final = "01"
# What follows 60.2 in a financial message: no network code, reads contact chips, chip condition unused.
FINANCIAL_TAIL: Final = "00050"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device keeps for life: its numbers, its master key and its trace counter."""

    terminal_id: str
    merchant_id: str
    tpdu: bytes
    header: bytes
    master_key: bytes = field(repr=False)
    stans: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Card:
    """A card with the PIN that its holder types."""

    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    track2: str = field(repr=False)
    pin: str = field(repr=False)

    def numbered(self, pan: str) -> Self:
        """The same card with another account number on it."""
        return replace(self, pan=pan, track2=self.track2.replace(self.pan, pan))

    def with_wrong_pin(self) -> Self:
        """The card in the hands of someone who does not know its PIN."""
        return replace(self, pin=str((int(self.pin) + 1) % 1_000_000).rjust(6, "0"))


class Terminal:
    """One device on a line, signed on or not."""

    def __init__(self, identity: Identity, line: Line) -> None:
        self.identity = identity
        self.line = line
        self.batch = "000000"
        self.keys: WorkingKeys | None = None

    @classmethod
    def signed_on(cls, identity: Identity, line: Line, layout: str = DOUBLE_LENGTH) -> Self:
        """A device that has its session keys and its batch.

        Raises:
            WrongAnswer: The sign-on was refused.
        """
        terminal = cls(identity, line)
        answer = terminal.sign_on(layout)
        if answer.code != "00":
            raise WrongAnswer(f"sign-on answered {answer.code}")
        return terminal

    def seen_from(self, line: Line) -> Self:
        """The same device on another line, with the keys and the batch that it has now."""
        view = type(self)(self.identity, line)
        view.keys, view.batch = self.keys, self.batch
        return view

    def sign_on(self, layout: str = DOUBLE_LENGTH, *, batch: str = "000000") -> Answer:
        """Ask for session keys and take them, with the open batch, when the answer approves."""
        answer = self.exchange(self.management("0800", layout, batch=batch) | {"63": "001"})
        if answer.code == "00":
            self.batch = answer["60"][2:8]
            self.keys = WorkingKeys.unwrapped(self.identity.master_key, bytes.fromhex(answer["62"]))
        return answer

    def sign_off(self) -> Answer:
        """Tell the host that the terminal leaves."""
        return self.exchange(self.management("0820", SIGN_OFF))

    def echo(self) -> Answer:
        """Ask whether the host is there."""
        return self.exchange(self.management("0820", ECHO))

    def management(self, mti: str, network_code: str, *, batch: str | None = None) -> Message:
        """A request of network management."""
        return self._addressed(mti) | {"60": f"00{batch or self.batch}{network_code}"}

    def purchase(self, card: Card, amount_minor: int) -> Message:
        """A swiped purchase with the PIN that the card's holder types."""
        return self._financial(card, "000000", PURCHASE_TYPE) | {"4": f"{amount_minor:012d}"}

    def balance_inquiry(self, card: Card) -> Message:
        """A swiped question for the balance, with PIN."""
        return self._financial(card, "310000", BALANCE_TYPE)

    def void(self, sale: Message, reference: str) -> Message:
        """A void of a sale that was answered with this reference, F37; the clerk types the card's number."""
        kept = {number: sale[number] for number in ("4", "25", "49")}
        codes = {"3": "200000", "22": "012", "60": f"{VOID_TYPE}{self.batch}{FINANCIAL_TAIL}"}
        original = {"2": _pan_of(sale), "37": reference, "61": sale["60"][2:8] + sale["11"]}
        return self._addressed("0200") | kept | codes | original

    def read_balance(self, card: Card) -> int:
        """The balance of a card in minor units, as the host answers it.

        Raises:
            WrongAnswer: The inquiry was refused.
        """
        answer = self.exchange(self.balance_inquiry(card))
        if answer.code != "00":
            raise WrongAnswer(f"balance inquiry answered {answer.code}")
        return int(answer["54"][8:])

    def encrypted_pin(self, card: Card) -> Message:
        """The PIN fields of a request: F26, F52 and F53."""
        algorithm = "6" if len(self._session_keys.pin_key) == 16 else "0"
        block = self.encrypted(pin_block(card.pin, card.pan))
        return {"26": "12", "52": block, "53": f"2{algorithm}".ljust(16, "0")}

    def encrypted(self, clear_block: bytes) -> str:
        """F52 for any clear block, a PIN block or not."""
        return encrypt(self._session_keys.pin_key, clear_block).hex().upper()

    def frame(self, message: Message) -> bytes:
        """The message as it goes on the line, with its MAC where the dialect wants one."""
        if not _needs_mac(message) or "64" in message:
            return self.wrap(encode(message))
        covered = encode(message | {"64": "0" * MAC_BYTES})[:-MAC_BYTES]
        return self.wrap(covered + mac_of(self._session_keys.mac_key, covered).encode())

    def wrap(self, body: bytes) -> bytes:
        """Length, TPDU and header in front of any bytes."""
        payload = self.identity.tpdu + self.identity.header + body
        return len(payload).to_bytes(2) + payload

    def send(self, *messages: Message) -> None:
        """Write the messages in one go, without waiting for answers."""
        self.line.send_bytes(*map(self.frame, messages))

    def answer_to(self, message: Message) -> Answer:
        """The next answer to a message that was sent, checked.

        Raises:
            LineClosed: The other side hung up first.
            WrongAnswer: The answer is not one that a terminal may trust, or none came.
        """
        function = str(int(message["t"][2]) + 1)
        key = AnswerKey(message["t"][:2] + function, message.get("11", ""), message["41"])
        answer = self.line.answer(key)
        self._check_addresses(answer)
        self._check_mac(answer, approved_needs_mac=_needs_mac(message))
        return answer

    def exchange(self, message: Message) -> Answer:
        """Send one message and wait for its answer."""
        self.send(message)
        return self.answer_to(message)

    def exchange_all(self, messages: list[Message]) -> list[Answer]:
        """Send the messages in one go; their answers in the order of the messages."""
        self.send(*messages)
        return [self.answer_to(message) for message in messages]

    @property
    def _session_keys(self) -> WorkingKeys:
        assert self.keys is not None, "the terminal has not signed on"
        return self.keys

    def _addressed(self, mti: str) -> Message:
        stan = f"{next(self.identity.stans):06d}"
        return {"t": mti, "11": stan, "41": self.identity.terminal_id, "42": self.identity.merchant_id}

    def _financial(self, card: Card, processing_code: str, transaction_type: str) -> Message:
        fields = {
            "3": processing_code,
            "22": "021",
            "25": "00",
            "35": card.track2.replace("=", "D"),
            "49": "156",
            "60": f"{transaction_type}{self.batch}{FINANCIAL_TAIL}",
        }
        return self._addressed("0200") | fields | self.encrypted_pin(card)

    def _check_addresses(self, answer: Answer) -> None:
        tpdu = self.identity.tpdu
        if answer.tpdu != tpdu[:1] + tpdu[3:5] + tpdu[1:3]:
            raise WrongAnswer(f"TPDU {answer.tpdu.hex()} does not answer {tpdu.hex()}")
        if answer.header != self.identity.header:
            raise WrongAnswer(f"header {answer.header.hex()} is not {self.identity.header.hex()}")

    def _check_mac(self, answer: Answer, *, approved_needs_mac: bool) -> None:
        if "64" not in answer.fields:
            if approved_needs_mac and answer.code == "00":
                raise WrongAnswer("an approved answer has no MAC")
            return
        if answer["64"] != mac_of(self._session_keys.mac_key, answer.body[:-MAC_BYTES]):
            raise WrongAnswer(f"the MAC of an answer {answer.code} is wrong")


def _needs_mac(message: Message) -> bool:
    # Authorisation, financial and reversal classes; never network management, settlement or uploads.
    return message["t"][1] in "124"


_REVERSAL_KEEPS: Final = ("3", "4", "11", "22", "25", "41", "42", "49", "60", "61")


def reversal_of(request: Message, *, reason: str = "98") -> Message:
    """The reversal of a request: its own trace, batch, amount and card number; no PIN and no track."""
    kept = {number: request[number] for number in _REVERSAL_KEEPS if number in request}
    return kept | {"t": "0400", "2": _pan_of(request), "39": reason}


def _pan_of(request: Message) -> str:
    return request.get("2") or request["35"].split("D")[0]


def without(message: Message, *numbers: str) -> Message:
    """A copy of a message without some of its fields."""
    return {number: value for number, value in message.items() if number not in numbers}


def in_batch(message: Message, batch: str) -> Message:
    """A copy of a message that names another batch."""
    return message | {"60": message["60"][:2] + batch + message["60"][8:]}


def keyed_in(message: Message, card: Card) -> Message:
    """A copy of a swiped message as if the clerk had typed the card's number and expiry."""
    return without(message, "35") | {"2": card.pan, "14": card.expiry, "22": "011"}
