"""A batch of cards that is killed in the middle of its making: every card comes to be once."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from .back_office import CHOSEN, Office, PrintingHouse
from .switch_process import COMMAND, Installation

pytestmark = pytest.mark.timeout(600)

CARDS: Final = 5_500
PARTS: Final = 6
PRODUCT: Final = '{"card_class": "gift", "currency": 156, "services": ["purchase"]}'
BATCH: Final = ("card", "batch", "open", "--party", "issuer:CITY", "--product", "GIFT", "--range", "622588")


@pytest.fixture(scope="module")
def office(own_installation: Installation) -> Office:
    """An office with an issuer, its product and its numbers."""
    office = Office(own_installation)
    office.hire()
    office.by("root", "issuer", "add", "CITY", "城市通")
    product = ("--party", "issuer:CITY", "--terms", office.file("product.json", PRODUCT))
    office.by("root", "product", "add", "GIFT", "Gift card", *product)
    office.by("root", "range", "register", "622588", "--name", "City", "--digits", "16")
    office.by("root", "range", "allocate", "622588", "--to", "issuer:CITY", "--name", "Gift cards")
    return office


@pytest.fixture(scope="module")
def house(office: Office, tmp_path_factory: pytest.TempPathFactory) -> PrintingHouse:
    """A printing house that shares keys with the installation."""
    file_key = office.key_of("link:house", "secret-file", "--algorithm", "aes", "--length", "32")
    office.key_of("link:house", "pin-encryption", "--mode", "E")
    return PrintingHouse(file_key, tmp_path_factory.mktemp("house"))


def killed_after(installation: Installation, line: str, *arguments: str) -> None:
    """Run a command until it tells this line, and end it in the middle of what it does next."""
    environment = {**installation.environment, "CARDSWITCH_OPERATOR_PASSWORD": CHOSEN}
    with subprocess.Popen(
        [COMMAND, *arguments, "--operator", "root"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told = next((each for each in process.stderr if line in each), None)
        process.kill()
    assert told is not None


def numbers_in(house: PrintingHouse, folder: Path) -> list[str]:
    """Every card number in the files of a delivery."""
    house.folder = folder
    names = sorted(file.stem for file in folder.glob("*.cards"))
    return [card.pan for name in names for card in house.cards(name).values()]


def test_killed_batch_is_resumed(
    office: Office, own_installation: Installation, house: PrintingHouse, tmp_path: Path
) -> None:
    """Killed twice and resumed, a batch has as many cards as were ordered, all with numbers of their own."""
    killed_after(own_installation, "of 6 parts", *BATCH, "--cards", str(CARDS), "--printer", "house")
    killed_after(own_installation, "parts", "card", "batch", "resume", "1")
    (half,) = office.by("root", "card", "batch", "show", "1")["batches"]
    there = sum(office.by("root", "card", "count")["cards"].values())
    (made,) = office.by("root", "card", "batch", "resume", "1")["batches"]
    counted = office.by("root", "card", "count", "--batch", "1")["cards"]
    office.by_two("card", "batch", "release", "1")
    office.by("root", "card", "batch", "export", "1", "--out", str(tmp_path / "delivery"))
    numbers = numbers_in(house, tmp_path / "delivery")

    assert ("making", PARTS) == (half["state"], half["parts"])
    assert 0 < there < CARDS
    assert ("made", CARDS) == (made["state"], counted["stock"])
    assert (CARDS, CARDS) == (len(numbers), len(set(numbers)))
    own_installation.run("ledger", "verify")
