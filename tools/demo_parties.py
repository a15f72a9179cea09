"""Who is in the demo world: its cards and terminals, derived from their numbers and the demo seed.

Nothing is stored here and nothing looked up: card 7 is the same card wherever this is asked, so the
simulator needs no database to play with the cards that the world's maker has put into one. Numbers count
from 1.

    card n       PAN = 990001, n in 12 digits, Luhn check digit; 19 digits in all
    terminal n   T and n in 7 digits, at merchant (n - 1) // 5 + 1
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tools.demo_seed import DemoSeed

CARD_PREFIX: Final = "990001"
CARD_EXPIRY: Final = "3112"
CARDS_MAX: Final = 99_999_999_999
DEMO_RANGE: Final = "9900010"
"""The leading digits of every card's number: the prefix, and the first digit of `CARDS_MAX` in 12 digits."""
PAN_DIGITS: Final = 19
TERMINALS_MAX: Final = 9_999_999
CURRENCY: Final = "156"
TERMINALS_OF_MERCHANT: Final = 5

_SERVICE_CODE: Final = "220"
_DISCRETIONARY: Final = "0000000000"
# What a doubled digit adds to a Luhn sum: its digit sum. Index and result are the ASCII codes of the digits.
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
# Nine digits stand on each side of the sum of 18; their ASCII codes are 48 too high.
_ASCII_EXCESS: Final = 18 * 48


class DemoCard(NamedTuple):
    """A card of the demo world, in the clear. Its repr shows the number only."""

    number: int
    pan: str
    pin: str

    @property
    def track2(self) -> str:
        """DE 35 (ISO/IEC 7813): PAN, separator, expiry, service code, the issuer's own digits."""
        return track2_of(self.pan)

    def __repr__(self) -> str:
        return f"<DemoCard {self.number}>"


@dataclass(frozen=True, slots=True)
class DemoMerchant:
    """A merchant of the demo world."""

    number: int

    @property
    def merchant_id(self) -> str:
        """DE 42."""
        return f"{CARD_PREFIX}{self.number:09}"

    @property
    def name(self) -> str:
        """For people."""
        return f"Demo merchant {self.number}"


@dataclass(frozen=True, slots=True)
class DemoTerminal:
    """A terminal of the demo world, with its master key in the clear."""

    number: int
    master_key: bytes = field(repr=False)
    tpdu: bytes = bytes.fromhex("6000030000")
    header: bytes = bytes.fromhex("602200000000")

    @property
    def terminal_id(self) -> str:
        """DE 41."""
        return f"T{self.number:07}"

    @property
    def merchant(self) -> DemoMerchant:
        """Whose till it stands at."""
        return DemoMerchant((self.number - 1) // TERMINALS_OF_MERCHANT + 1)


def demo_card(seed: DemoSeed, number: int) -> DemoCard:
    """The card with this number, 1 to `CARDS_MAX`."""
    return DemoCard(number, _pan(number), seed.pin(number))


def demo_terminal(seed: DemoSeed, number: int) -> DemoTerminal:
    """The terminal with this number, 1 to `TERMINALS_MAX`."""
    return DemoTerminal(number, seed.terminal_master_key(number))


def track2_of(pan: str) -> str:
    """Track 2 of a card of this world's kind: at most 37 characters whatever the PAN."""
    return f"{pan}={CARD_EXPIRY}{_SERVICE_CODE}{_DISCRETIONARY}"


def _pan(number: int) -> str:
    """Prefix, number and Luhn check digit (ISO/IEC 7812-1, annex B)."""
    payload = b"%b%012d" % (CARD_PREFIX.encode(), number)
    luhn_sum = sum(payload[::2]) + sum(payload[1::2].translate(_DOUBLED)) - _ASCII_EXCESS
    return f"{payload.decode()}{-luhn_sum % 10}"
