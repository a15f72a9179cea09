"""What the services of cards and customers need of others: the HSM, and the ledger that keeps wallets.

The directory knows neither; the switch fills these. A card number or a PIN in the clear passes here only
towards the HSM or, for a number that is drawn again, from it: never into a text, a log or a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from directory.reading import Connection
from directory.records import PanIndex
from directory.refusals import Refused, message


class NoPrinter(Refused):
    """The key ring has no keys of a printing house of this name that are fit for its files and mailers."""

    text = message("there are no keys for the files and mailers of this printing house")


@dataclass(frozen=True, slots=True)
class CardToMake:
    """A card that is to come into being.

    Attributes:
        serial: What the printing house knows it by.
        pan: Its number.
        wallet_id: The wallet it pays from.
        expiry: YYMM.
        service_code: Three digits, for the stripe.
    """

    serial: str
    pan: str = field(repr=False)
    wallet_id: int
    expiry: str
    service_code: str


@dataclass(frozen=True, slots=True)
class PinValue:
    """What is stored of a PIN."""

    salt: bytes = field(repr=False)
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadePins:
    """New PINs, in the order of the cards.

    Attributes:
        values: What is stored of each.
        file: The PINs, sealed for the printing house.
        mailers: A line for each card, its PIN block under the printer's key.
    """

    values: tuple[PinValue, ...]
    file: bytes = field(repr=False)
    mailers: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeCards:
    """New card numbers, in the order of the cards.

    Attributes:
        pan_indexes: The keyed hash of each number.
        pans_sealed: Each number, sealed.
        file: What the cards are made from, sealed for the printing house.
    """

    pan_indexes: tuple[PanIndex, ...]
    pans_sealed: tuple[bytes, ...] = field(repr=False)
    file: bytes = field(repr=False)


class CardSecrets(Protocol):
    """The HSM, as cards need it."""

    async def places(self, range_id: int, size: int, positions: Sequence[int]) -> Sequence[int]:
        """Where the permutation of a range takes some positions."""
        ...

    async def make_cards(self, cards: Sequence[CardToMake], printer: str) -> MadeCards:
        """What to store of new numbers, and the file for a printing house.

        Raises:
            NoPrinter: There are no keys of a printing house of this name.
        """
        ...

    async def make_pins(self, cards: Sequence[CardToMake], printer: str, pin_length: int) -> MadePins:
        """New PINs.

        Raises:
            NoPrinter: There are no keys of a printing house of this name.
        """
        ...

    async def index(self, pan: str) -> PanIndex:
        """The keyed hash of a card number.

        Raises:
            InvalidValue: It is none.
        """
        ...

    async def clear(self, pan_sealed: bytes) -> str:
        """A card number in the clear."""
        ...

    async def masked(self, pans_sealed: Sequence[bytes]) -> Sequence[str]:
        """Card numbers as they may be shown: first six and last four digits."""
        ...


class PersonalData(Protocol):
    """The HSM, as personal data needs it."""

    async def seal(self, field: str, text: str) -> bytes:
        """A detail, sealed for a field of this name."""
        ...

    async def open(self, field: str, sealed: bytes) -> str:
        """The detail."""
        ...

    async def index(self, field: str, text: str) -> bytes:
        """16 bytes that are equal for equal details of one field."""
        ...


class WalletToOpen(NamedTuple):
    """A wallet that is to come into being, with what it holds at first."""

    wallet_id: int
    balance_minor: int


class Wallets(Protocol):
    """The ledger, as new cards need it."""

    def new_id(self) -> int:
        """The number of a wallet, or of a card, that nobody else has."""
        ...

    async def open(
        self, connection: Connection, wallets: Sequence[WalletToOpen], currency: int, at_us: int
    ) -> None:
        """Open wallets inside the transaction begun on the connection.

        Raises:
            InvalidValue: They can't hold money in this currency.
        """
        ...


class CardPorts(NamedTuple):
    """What the services of cards work with."""

    secrets: CardSecrets
    wallets: Wallets
