"""An issuer at the command line: its people, a product, a range of numbers, and a printing house's keys."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.key_life import KeyState, ManagedKey, Slot
from hsm_soft.key_ring import add
from hsm_soft.key_usage import KeyUsage
from hsm_soft.pin_block import PinBlockFormat, read_pin
from hsm_soft.primitives import des_decryptor
from hsm_soft.secret_file import read_secret_file
from storage.database import connect
from tests.switch.commands.people import People
from tests.switch.shop import MASTER_KEY

FILE_KEY = bytes(range(32))
MAILER_KEY = bytes(range(1, 17))
TERMS = '{"card_class": "gift", "currency": 156, "services": ["purchase"], "pin_length": 4}'
BATCH = ("card", "batch", "open", "--party", "issuer:CITY", "--product", "GIFT", "--range", "622588")
PRINTER = ("--printer", "house")


@dataclass(frozen=True)
class Issuing:
    """What tests of an issuer's commands work with: ada administers, clare is a clerk."""

    people: People
    folder: Path
    dsn: str

    @classmethod
    def furnished(cls, people: People, folder: Path, dsn: str) -> "Issuing":
        """With the product GIFT and the range 622588 of the issuer CITY."""
        issuing = cls(people, folder, dsn)
        people.told("root", "issuer", "add", "CITY", "城市通")
        for name, role in (("ada", "issuer_admin"), ("clare", "issuer_clerk")):
            people.added(name, role, "issuer:CITY", by="root", approved_by="rosa")
        people.told("ada", "product", "add", "GIFT", "礼品卡", *issuing.product(TERMS))
        people.told("root", "range", "register", "622588", "--name", "bin", "--digits", "16")
        people.told("root", "range", "allocate", "622588", "--to", "issuer:CITY", "--name", "cards")
        asyncio.run(_add_keys(dsn))
        return issuing

    def product(self, terms: str) -> tuple[str, ...]:
        """The options of a product of the issuer."""
        file = self.folder / "terms.json"
        file.write_text(terms, encoding="utf-8")
        return "--party", "issuer:CITY", "--terms", str(file)

    def cards(self, *options: str, cards: int = 3) -> list[str]:
        """The serial numbers of new cards."""
        (batch,) = self.people.told("clare", *BATCH, "--cards", str(cards), *PRINTER, *options)["batches"]
        listed = self.people.told("clare", "card", "list", "--batch", str(batch["id"]))
        return [card["serial"] for card in listed["cards"]]

    def active(self, *options: str) -> str:
        """The serial number of a new card that was handed out and activated."""
        (serial,) = self.cards(*options, cards=1)
        self.people.told("clare", "card", "issue", serial)
        self.people.told("clare", "card", "activate", serial)
        return serial

    def shown(self, card: str, **options: Any) -> Any:
        """A card as the clerk sees it."""
        (found,) = self.people.told("clare", "card", "show", card, **options)["cards"]
        return found

    def exchange_keys(self, usage: str) -> None:
        """Let a key of the printing house be one that can't be used for what it is asked for."""
        asyncio.run(_exchange(self.dsn, usage))

    def made_from(self, file: Path) -> list[list[str]]:
        """What the printing house makes cards from."""
        return read_secret_file(FILE_KEY, "cards", file.read_bytes())

    def pins(self, file: Path) -> list[list[str]]:
        """The PINs that the printing house prints."""
        return read_secret_file(FILE_KEY, "initial-pins", file.read_bytes())

    def mailed(self, line: str, pan: str) -> str:
        """The PIN in a mailer's record."""
        block = bytes.fromhex(line.strip().split(",")[2])
        return read_pin(PinBlockFormat.ISO_0, des_decryptor(MAILER_KEY), block, pan)[0]


async def _add_keys(dsn: str) -> None:
    protection = KeyBlockProtection(MASTER_KEY)
    blocks = (
        (200, KeyUsage.SECRET_FILE, protection.wrap(KeyUsage.SECRET_FILE, FILE_KEY, os.urandom)),
        (
            201,
            KeyUsage.PIN_ENCRYPTION,
            protection.wrap(KeyUsage.PIN_ENCRYPTION, MAILER_KEY, os.urandom, mode="E"),
        ),
    )
    connection = await connect(dsn)
    try:
        for number, usage, block in blocks:
            key = ManagedKey(
                number, "link:house", usage.title, KeyState.ACTIVE, Slot.CURRENT, "00", None, block
            )
            await add(connection, key)
    finally:
        await connection.close()


async def _exchange(dsn: str, usage: str) -> None:
    connection = await connect(dsn)
    try:
        block = KeyBlockProtection(MASTER_KEY).wrap(KeyUsage.POS_MAC, MAILER_KEY, os.urandom)
        await connection.execute("UPDATE hsm.key SET key_block = $2 WHERE usage = $1", usage, block)
    finally:
        await connection.close()
