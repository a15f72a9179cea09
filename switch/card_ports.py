"""HSM and ledger as the directory's services of cards and customers use them (`directory.ports`).

The keys of a printing house are custody's: owner `link:NAME`, usages `secret-file` (for files) and
`pin-encryption` (for PIN mailers, with a mode that may encrypt). A card verification key of the installation,
if there is one, gives the values on stripes. What the HSM refuses of these keys is told as there being none.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import asyncpg

from directory.ports import (
    CardPorts,
    CardToMake,
    MadeCards,
    MadePins,
    NoPrinter,
    PinValue,
    WalletToOpen,
)
from directory.reading import Connection
from directory.records import PanIndex
from directory.refusals import InvalidValue, message
from hsm_soft import key_ring
from hsm_soft.card_file import CardData
from hsm_soft.card_issue import CardToIssue
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from hsm_soft.key_block import KeyBlock, KeyBlockRefused, KeyUsage
from hsm_soft.key_header import parse_header
from hsm_soft.key_life import Slot
from hsm_soft.key_usage import Algorithm
from hsm_soft.pan import NotAPan
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from iso8583_specs.values import Pan
from ledger.chart import Asset
from ledger.identity import TransactionNumbers
from ledger.postgres.committer import enter
from ledger.postgres.opening import Opening, WalletOpener
from switch.bootstrap import Workbench

__all__ = ["HsmCardSecrets", "HsmPersonalData", "LedgerWallets", "card_ports"]

_INSTALLATION: Final = "installation"
_AT_ONCE: Final = 250
"""Cards in one operation: a batch must not keep an HSM from the purchases that share it."""


@asynccontextmanager
async def card_ports(bench: Workbench) -> AsyncIterator[CardPorts]:
    """What the services of cards work with, for the time of a command."""
    async with bench.connection() as connection:
        node = await enter(bench.dsn, bench.clock.today().date())
        numbers = TransactionNumbers(node)
        wallets = LedgerWallets(numbers, WalletOpener(node, numbers, bench.sealer))
        yield CardPorts(HsmCardSecrets(bench.hsm, connection), wallets)


class HsmCardSecrets:
    """Numbers and PINs of cards, made and sealed by the HSM.

    Args:
        hsm: The installation's.
        connection: To read the keys of printing houses.
    """

    def __init__(self, hsm: Hsm, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._hsm = hsm
        self._connection = connection

    async def places(self, range_id: int, size: int, positions: Sequence[int]) -> Sequence[int]:
        """Where the permutation of a range takes some positions."""
        tweak = range_id.to_bytes(8, "big")
        return [
            place
            for part in _parts(positions)
            for place in await self._hsm.ask(SoftHsm.scatter, tweak, size, part)
        ]

    async def make_cards(self, cards: Sequence[CardToMake], printer: str) -> MadeCards:
        """What to store of new numbers, and the file for a printing house.

        Raises:
            NoPrinter: There are no keys of a printing house of this name.
            HsmUnavailable: The HSM can't be asked.
        """
        file_key = await self._key(f"link:{printer}", KeyUsage.SECRET_FILE)
        stripe_key = await self._find_key(_INSTALLATION, KeyUsage.CARD_VERIFICATION)
        data = [CardData(card.serial, card.pan, card.expiry, card.service_code) for card in cards]
        try:
            issued = await self._hsm.ask(SoftHsm.issue_cards, data, file_key, stripe_key)
        except KeyBlockRefused:
            raise NoPrinter from None
        indexes = tuple(PanIndex(identity.pan_index) for identity in issued.identities)
        return MadeCards(indexes, tuple(identity.pan_sealed for identity in issued.identities), issued.file)

    async def make_pins(self, cards: Sequence[CardToMake], printer: str, pin_length: int) -> MadePins:
        """New PINs.

        Raises:
            NoPrinter: There are no keys of a printing house of this name.
            HsmUnavailable: The HSM can't be asked.
        """
        file_key = await self._key(f"link:{printer}", KeyUsage.SECRET_FILE)
        mailer_key = await self._key(f"link:{printer}", KeyUsage.PIN_ENCRYPTION)
        to_issue = [CardToIssue(card.serial, card.pan, card.wallet_id) for card in cards]
        try:
            issued = await self._hsm.ask(
                SoftHsm.issue_pins,
                *(to_issue, PinPolicy(pin_length), file_key, mailer_key, _mailer_format(mailer_key)),
            )
        except KeyBlockRefused:
            raise NoPrinter from None
        values = tuple(PinValue(reference.salt, reference.value) for reference in issued.references)
        mailers = "".join(f"{mailer.line()}\n" for mailer in issued.mailers)
        return MadePins(values, issued.file, mailers)

    async def index(self, pan: str) -> PanIndex:
        """The keyed hash of a card number.

        Raises:
            InvalidValue: It is none.
            HsmUnavailable: The HSM can't be asked.
        """
        try:
            return PanIndex(await self._hsm.ask(SoftHsm.pan_index, pan))
        except NotAPan:
            raise InvalidValue(field="card", reason=message("a card number has 1 to 19 digits")) from None

    async def clear(self, pan_sealed: bytes) -> str:
        """A card number in the clear."""
        return await self._hsm.ask(SoftHsm.open_pan, pan_sealed)

    async def masked(self, pans_sealed: Sequence[bytes]) -> Sequence[str]:
        """Card numbers as they may be shown: first six and last four digits."""
        return [str(Pan(await self.clear(sealed))) for sealed in pans_sealed]

    async def _key(self, owner: str, usage: KeyUsage) -> KeyBlock:
        found = await self._find_key(owner, usage)
        if found is None:
            raise NoPrinter
        return found

    async def _find_key(self, owner: str, usage: KeyUsage) -> KeyBlock | None:
        keys = await key_ring.of_owner(self._connection, owner, usage.title)
        return keys[Slot.CURRENT].block if Slot.CURRENT in keys else None


class HsmPersonalData:
    """What is personal, sealed by the HSM."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm

    async def seal(self, field: str, text: str) -> bytes:
        """A detail, sealed for a field of this name."""
        return await self._hsm.ask(SoftHsm.seal_personal, field, text)

    async def open(self, field: str, sealed: bytes) -> str:
        """The detail."""
        return await self._hsm.ask(SoftHsm.open_personal, field, sealed)

    async def index(self, field: str, text: str) -> bytes:
        """16 bytes that are equal for equal details of one field."""
        return await self._hsm.ask(SoftHsm.personal_index, field, text)


class LedgerWallets:
    """Wallets of new cards, opened by the ledger.

    Args:
        numbers: Of the node that this process entered as.
        opener: Its bulk writer.
    """

    def __init__(self, numbers: TransactionNumbers, opener: WalletOpener) -> None:
        self._numbers = numbers
        self._opener = opener

    def new_id(self) -> int:
        """The number of a wallet, or of a card, that nobody else has."""
        return self._numbers.next()

    async def open(
        self, connection: Connection, wallets: Sequence[WalletToOpen], currency: int, at_us: int
    ) -> None:
        """Open wallets inside the transaction begun on the connection.

        Raises:
            InvalidValue: They can't hold money in this currency.
            SealerUnavailable: The HSM can't be asked.
        """
        if currency != Asset.CNY and any(wallet.balance_minor for wallet in wallets):
            raise InvalidValue(
                field="initial",
                reason=message("money at the opening is booked in the ledger's currency only"),
            )
        # A pool's connection is as good as one's own: it has all of its methods.
        session = cast("asyncpg.Connection[asyncpg.Record]", connection)
        await self._opener.open_wallets(session, [Opening(*wallet) for wallet in wallets], at_us)


def _mailer_format(mailer_key: KeyBlock) -> PinBlockFormat:
    """The format of PIN blocks that the printer's key is for."""
    aes = parse_header(mailer_key).algorithm == Algorithm.AES
    return PinBlockFormat.ISO_4 if aes else PinBlockFormat.ISO_0


def _parts(positions: Sequence[int]) -> Sequence[Sequence[int]]:
    return [positions[start : start + _AT_ONCE] for start in range(0, len(positions), _AT_ONCE)]
