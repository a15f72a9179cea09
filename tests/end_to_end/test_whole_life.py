"""The whole life of a card and of a terminal: what people do by commands, and what the till is answered.

One switch runs all the while and is never told anything: it finds out by itself within a second. What a
state answers is waited for no longer than `wait_until` does.
"""

import itertools
from dataclasses import replace
from typing import Final

import pytest

from .back_office import Office, PrintingHouse
from .conftest import Dial
from .plain_terminal import Card, Identity, Terminal
from .switch_process import Installation, Switch, wait_until

pytestmark = pytest.mark.timeout(1200)

SHOP: Final = "622588000000001"
TILL: Final = "TILL0001"
OTHER_TILL: Final = "TILL0002"
PRODUCT: Final = """
{"card_class": "gift", "currency": 156, "services": ["purchase", "balance_inquiry"],
 "pin": {"purchase": {}, "balance_inquiry": {}}}
"""
FEES: Final = '{"fees": [{"services": ["purchase"], "basis_points": 60}]}'
TPDU: Final = bytes.fromhex("6000030000")
HEADER: Final = bytes.fromhex("602200000000")
MONEY_MINOR: Final = 50_000
PRINTER: Final = ("--printer", "house")


@pytest.fixture(scope="module")
def office(own_installation: Installation) -> Office:
    """An office with two administrators, two key officers, and a shop that trades."""
    office = Office(own_installation)
    office.hire()
    by, by_two = office.by, office.by_two
    by("root", "issuer", "add", "CITY", "城市通")
    by(
        *("root", "product", "add", "GIFT", "Gift card"),
        *("--party", "issuer:CITY", "--terms", office.file("product.json", PRODUCT)),
    )
    by("root", "range", "register", "622588", "--name", "City", "--digits", "16")
    by("root", "range", "allocate", "6225880", "--to", "issuer:CITY", "--name", "Gift cards")
    by("root", "fee-plan", "add", "STANDARD", "Standard", office.file("fees.json", FEES))
    by("root", "merchant", "apply", SHOP, "街角店", "--category", "5411")
    by(
        *("root", "merchant", "settle", SHOP, "--fee-plan", "STANDARD", "--account-name", "Corner Ltd"),
        *("--bank", "102100099996", "--account", "6217000012345678"),
    )
    by_two("merchant", "approve", SHOP)
    by("root", "merchant", "go-live", SHOP)
    return office


@pytest.fixture(scope="module")
def switch(office: Office, own_installation: Installation) -> Switch:
    """A switch that runs on the office's installation."""
    return own_installation.start()


@pytest.fixture(scope="module")
def house(office: Office, tmp_path_factory: pytest.TempPathFactory) -> PrintingHouse:
    """A printing house that shares keys with the installation."""
    owner = "link:house"
    file_key = office.key_of(owner, "secret-file", "--algorithm", "aes", "--length", "32")
    office.key_of(owner, "pin-encryption", "--mode", "E")
    return PrintingHouse(file_key, tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def cards(office: Office, house: PrintingHouse) -> dict[str, Card]:
    """Five cards with money on them, made, released by two and delivered; by their serial numbers."""
    office.by_two(
        *("card", "batch", "open", "--party", "issuer:CITY", "--product", "GIFT", "--range", "6225880"),
        *("--cards", "5", "--initial-minor", str(MONEY_MINOR), *PRINTER),
    )
    number = str(office.by("root", "card", "batch", "list")["batches"][-1]["id"])
    office.by("root", "card", "batch", "resume", number)
    office.by_two("card", "batch", "release", number)
    office.by("root", "card", "batch", "export", number, "--out", str(house.folder))
    return house.cards(f"{number}-00001")


def set_up(office: Office, terminal_id: str) -> Identity:
    """A terminal in use, with its new master key."""
    office.by("root", "terminal", "add", SHOP, terminal_id, "--model", "N910", "--serial", f"{terminal_id}-1")
    return in_use(office, terminal_id)


def in_use(office: Office, terminal_id: str, *, replaced: bool = False) -> Identity:
    """A terminal that gets a master key and is put into use."""
    owner, usage = f"terminal:{SHOP}/{terminal_id}", "terminal-master"
    key = office.key_of(owner, usage)
    if replaced:
        office.rotate(owner, usage)
    office.by("root", "terminal", "activate", SHOP, terminal_id)
    return Identity(terminal_id, SHOP, TPDU, HEADER, key)


@pytest.fixture(scope="module")
def till(office: Office) -> Identity:
    """The terminal at which cards are tried."""
    return set_up(office, TILL)


def answers(terminal: Terminal, card: Card, code: str) -> None:
    """Wait until the till is answered so, which happens within a second, and see that it stays so."""
    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(card)).code == code)
    assert terminal.exchange(terminal.purchase(card, 1_00)).code == code


def test_life_of_a_card(
    office: Office, switch: Switch, house: PrintingHouse, cards: dict[str, Card], till: Identity, dial: Dial
) -> None:
    """From stock to closing, each state answers its own code; a replacement has the old card's wallet."""
    terminal = Terminal.signed_on(till, dial(switch))
    first, second, third, fourth, _ = cards
    card = cards[first]

    def happens(event: str, code: str, serial: str = first) -> None:
        office.by("root", "card", event, serial)
        answers(terminal, cards[serial], code)

    answers(terminal, card, "14")
    happens("issue", "21")
    happens("activate", "00")
    happens("freeze", "62")
    happens("unfreeze", "00")
    happens("lost", "41")
    happens("recover", "00")

    office.by("root", "card", "pin", "reset", first, *PRINTER, "--out", str(house.folder))
    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(card)).code == "55")
    renewed = Card(card.pan, card.expiry, card.track2, house.pins(first)[first])
    answers(terminal, renewed, "00")

    spent = MONEY_MINOR - terminal.read_balance(renewed)
    (shown,) = office.by("root", "card", "replace", first, *PRINTER, "--out", str(house.folder))["cards"]
    replacement = house.cards(shown["serial"])[shown["serial"]]
    answers(terminal, renewed, "14")
    answers(terminal, replacement, "21")
    office.by("root", "card", "activate", shown["serial"])
    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(replacement)).code == "00")
    assert terminal.read_balance(replacement) == MONEY_MINOR - spent

    for serial, event, code in ((second, "stolen", "43"), (third, "close", "14")):
        happens("issue", "21", serial)
        happens("activate", "00", serial)
        happens(event, code, serial)
    assert fourth in cards


def test_expired_card_is_extended(
    office: Office, switch: Switch, house: PrintingHouse, till: Identity, dial: Dial
) -> None:
    """A card whose last month has passed is 54, noted or not; extended it is good again as printed."""
    terminal = Terminal.signed_on(till, dial(switch))
    (made,) = office.by(
        *("root", "card", "batch", "open", "--party", "issuer:CITY", "--product", "GIFT"),
        *("--range", "6225880", "--expiry", "2610", *PRINTER),
    )["batches"]
    number = str(made["id"])
    office.by_two("card", "batch", "release", number)
    office.by("root", "card", "batch", "export", number, "--out", str(house.folder))
    ((serial, card),) = house.cards(f"{number}-00001").items()
    office.by("root", "card", "issue", serial)
    office.by("root", "card", "activate", serial)

    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(card)).code == "54")
    office.by("root", "card", "expire")
    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(card)).code == "54")
    office.by("root", "card", "extend", serial)
    wait_until(lambda: terminal.exchange(terminal.balance_inquiry(card)).code == "00")


def test_life_of_a_terminal(office: Office, switch: Switch, cards: dict[str, Card], dial: Dial) -> None:
    """From setting up to closing: key, offer, cards taken, batch, replacement, each with its own answer."""
    line = dial(switch)
    serial = list(cards)[3]
    card = cards[serial]
    office.by("root", "card", "issue", serial)
    office.by("root", "card", "activate", serial)
    name = (SHOP, OTHER_TILL)
    unknown = Terminal(Identity(OTHER_TILL, SHOP, TPDU, HEADER, bytes(16)), line)
    assert unknown.sign_on().code == "97"

    office.by("root", "terminal", "add", *name, "--serial", "1")
    wait_until(lambda: unknown.sign_on().code == "58")
    identity = in_use(office, OTHER_TILL)
    terminal = Terminal(identity, line)
    wait_until(lambda: terminal.sign_on().code == "00")
    answers(terminal, card, "00")

    def happens(code: str, *command: str) -> None:
        office.by("root", *command)
        answers(terminal, card, code)

    happens("58", "terminal", "suspend", *name)
    happens("00", "terminal", "resume", *name)
    happens("03", "merchant", "suspend", SHOP)
    happens("00", "merchant", "resume", SHOP)
    happens("58", "terminal", "change", *name, "--services", "refund")
    happens("00", "terminal", "change", *name, "--services", "all")
    office.by(
        *("root", "product", "add", "MEAL", "Meal card"),
        *("--party", "issuer:CITY", "--terms", office.file("product.json", PRODUCT)),
    )
    happens("57", "terminal", "change", *name, "--accepts", "MEAL")
    happens("00", "terminal", "change", *name, "--accepts", "all")

    office.by("root", "terminal", "batch", "close", *name)
    answers(terminal, card, "77")
    terminal.sign_on()
    assert terminal.batch == "000002"
    answers(terminal, card, "00")

    office.by("root", "terminal", "replace", *name, "--serial", "2")
    answers(terminal, card, "A0")
    assert terminal.sign_on().code == "58"
    other = in_use(office, OTHER_TILL, replaced=True)
    replaced = Terminal(other, line)
    wait_until(lambda: replaced.sign_on().code == "00")
    other = replace(other, stans=itertools.count(1))
    fresh = Terminal(other, line).seen_from(line)
    fresh.keys, fresh.batch = replaced.keys, replaced.batch
    assert fresh.batch == "000003"
    answers(fresh, card, "00")

    closed = office.by("root", "terminal", "batch", "show", *name)["batches"]
    assert ["replacement", "operator"] == [batch["closed_by"] for batch in closed[1:]]
    office.by("root", "terminal", "close", *name)
    answers(fresh, card, "58")
    assert office.by("root", "audit", "verify")["findings"] == []
