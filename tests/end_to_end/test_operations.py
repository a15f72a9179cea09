"""What an operator uses: health pages, metrics, the commands, and what must never be written anywhere."""

import contextlib
import http.client
import json
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .plain_dialect import Message
from .plain_terminal import Card, Terminal, reversal_of
from .switch_process import BALANCE_MINOR, CARDS, TERMINALS, Installation, Switch, World

Found = dict[str, object]


def fetch(switch: Switch, path: str) -> tuple[int, str]:
    """Status and text of one page of a switch."""
    page = http.client.HTTPConnection(urlsplit(switch.url).netloc, timeout=10)
    try:
        page.request("GET", path)
        response = page.getresponse()
        return response.status, response.read().decode()
    finally:
        page.close()


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_pages_say_yes(switch: Switch, path: str) -> None:
    """A running switch is alive and ready."""
    status, _ = fetch(switch, path)

    assert status == 200


def test_metrics_are_in_the_prometheus_form(switch: Switch, terminal: Terminal, card: Card) -> None:
    """After a sale the page has samples with types, and no line that is neither comment nor sample."""
    terminal.exchange(terminal.purchase(card, 100))

    status, page = fetch(switch, "/metrics")

    sample = re.compile(r"[a-zA-Z_:][\w:]*(\{[^}]*\})? [-+\w.]+( \d+)?")
    samples = [line for line in page.splitlines() if line and not line.startswith("#")]
    assert status == 200
    assert "# TYPE " in page
    assert samples
    assert [line for line in samples if not sample.fullmatch(line)] == []


def test_unknown_page_is_not_found(switch: Switch) -> None:
    """Nothing but the pages that exist is served."""
    status, _ = fetch(switch, "/etc/passwd")

    assert status == 404


def test_world_has_the_form_that_was_promised(world: World) -> None:
    """Terminals, cards and listeners have the promised keys, forms and numbers."""
    document = world.document

    assert (len(document["terminals"]), len(document["cards"])) == (TERMINALS, CARDS)
    for terminal in document["terminals"]:
        assert re.fullmatch(r".{8}", terminal["terminal_id"])
        assert re.fullmatch(r".{15}", terminal["merchant_id"])
        assert re.fullmatch(r"60\d{8}", terminal["tpdu"])
        assert re.fullmatch(r"\d{12}", terminal["header"])
        assert re.fullmatch(r"[0-9A-Fa-f]{32}", terminal["tmk"])
    for card in document["cards"]:
        assert re.fullmatch(r"990001\d{13}", card["pan"])
        assert re.fullmatch(r"\d{2}(0[1-9]|1[0-2])", card["expiry"])
        assert card["track2"].startswith(f"{card['pan']}={card['expiry']}")
        assert re.fullmatch(r"\d{6}", card["pin"])
        assert str(card["currency"]) in {"156", "CNY"}
    assert {"name", "host", "port", "dialect"} <= document["listeners"][0].keys()
    assert "unionpay_pos" in {listener["dialect"] for listener in document["listeners"]}


def test_world_differs_from_card_to_card(world: World) -> None:
    """Numbers and terminal keys are all different, and PINs are no constant."""
    cards, terminals = world.document["cards"], world.document["terminals"]

    assert len({card["pan"] for card in cards}) == CARDS
    assert len({terminal["terminal_id"] for terminal in terminals}) == TERMINALS
    assert len({terminal["tmk"] for terminal in terminals}) == TERMINALS
    assert len({card["pin"] for card in cards}) > CARDS // 2


def test_world_again_is_the_same_world(
    installation: Installation, world: World, terminal: Terminal, card: Card
) -> None:
    """A second run prints the same devices, cards, PINs and keys, and the balances as they are now."""
    terminal.exchange(terminal.purchase(card, 700))

    again = installation.world_document()

    def constant(document: dict[str, list[dict[str, object]]]) -> object:
        cards = [{key: card[key] for key in card if key != "balance_minor"} for card in document["cards"]]
        return document["terminals"], cards

    balances = {printed["pan"]: printed["balance_minor"] for printed in again["cards"]}
    assert constant(world.document) == constant(again)
    assert balances[card.pan] == BALANCE_MINOR - 700


def find(installation: Installation, *terms: str) -> list[Found]:
    """The transactions that match."""
    found = installation.run_json("transaction", "find", *terms)["transactions"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def sale(terminal: Terminal, card: Card) -> Message:
    """A sale that was approved."""
    sale = terminal.purchase(card, 700)
    assert terminal.exchange(sale).code == "00"
    return sale


def by_terminal(terminal: Terminal, sale: Message) -> tuple[str, ...]:
    """The search terms that a receipt gives."""
    return "--terminal", terminal.identity.terminal_id, "--batch", terminal.batch, "--stan", sale["11"]


def test_transaction_is_found_by_terminal_batch_and_trace(
    installation: Installation, terminal: Terminal, sale: Message
) -> None:
    """What a receipt shows finds the sale, with reference, amount and outcome."""
    (found,) = find(installation, *by_terminal(terminal, sale))

    assert terminal.exchange(sale)["37"] == found["rrn"]
    assert (found["response_code"], found["amount_minor"]) == ("00", 700)
    assert (sale["11"], terminal.batch) == (found["stan"], found["batch"])
    assert terminal.identity.terminal_id == found["terminal_id"]
    assert {"kind", "outcome"} <= found.keys()


def test_transaction_is_found_by_reference_and_date(
    installation: Installation, terminal: Terminal, sale: Message
) -> None:
    """The reference with the business date that the first search shows finds the same sale."""
    (first,) = find(installation, *by_terminal(terminal, sale))

    found = find(installation, "--rrn", str(first["rrn"]), "--date", str(first["business_date"]))

    assert [first] == found


def test_transactions_are_found_by_card(
    installation: Installation, terminal: Terminal, card: Card, sale: Message
) -> None:
    """A card finds its sale, its reversal and its declines, and no other card's."""
    terminal.exchange(reversal_of(sale))
    declined = terminal.purchase(card, BALANCE_MINOR + 1)
    terminal.exchange(declined)

    found = find(installation, "--pan", card.pan)

    assert {(sale["11"], "00"), (declined["11"], "51")} <= {
        (transaction["stan"], transaction["response_code"]) for transaction in found
    }
    assert {terminal.identity.terminal_id} == {transaction["terminal_id"] for transaction in found}
    assert card.pan not in json.dumps(found)


def test_unknown_transaction_is_not_found(installation: Installation, terminal: Terminal) -> None:
    """Terms that match nothing give an empty list and status 1."""
    terms = ("--terminal", terminal.identity.terminal_id, "--batch", terminal.batch, "--stan", "999998")

    printed = installation.run("transaction", "find", *terms, "--json", status=1)

    assert json.loads(printed) == {"transactions": []}


def test_ledger_verifies_clean(installation: Installation, terminal: Terminal, sale: Message) -> None:
    """After sales and reversals the ledger's own check finds nothing, in words and as JSON."""
    terminal.exchange(reversal_of(sale))

    installation.run("ledger", "verify")
    installation.run_json("ledger", "verify")


def test_ledger_shows_itself(installation: Installation, sale: Message) -> None:
    """The ledger's accounts can be shown, in words and as JSON, without an account number."""
    shown = installation.run("ledger", "show") + json.dumps(installation.run_json("ledger", "show"))

    assert re.search(r"990001\d{13}", shown) is None


def test_decode_hides_card_data_unless_told_otherwise(
    installation: Installation, terminal: Terminal, card: Card
) -> None:
    """A captured sale is shown field by field, masked; with `--clear` the numbers stand there."""
    sale = terminal.purchase(card, 700) | {"2": card.pan}
    frame = terminal.frame(sale).hex().upper()

    masked = installation.run("decode", frame)
    masked_document = json.dumps(installation.run_json("decode", frame))
    clear = json.dumps(installation.run_json("decode", frame, "--clear"))

    assert sale["11"] in masked
    assert sale["11"] in masked_document
    for secret in (card.pan, sale["52"], card.track2.split("=")[1]):
        assert secret not in masked
        assert secret not in masked_document
    assert card.pan in clear


def test_no_secret_is_written_to_logs_or_pages(
    switch: Switch, installation: Installation, world: World, terminal: Terminal, card: Card
) -> None:
    """Sales, refusals and broken messages leave no number, track, PIN, block or key in logs or metrics."""
    sale = terminal.purchase(card, 100)
    broken = bytearray(terminal.frame(sale | {"2": card.pan})[13:-20])
    terminal.exchange_all([sale, terminal.purchase(card.with_wrong_pin(), 100), reversal_of(sale)])
    terminal.line.send_bytes(terminal.wrap(bytes(broken)))
    terminal.echo()

    written = "\n".join([switch.written, fetch(switch, "/metrics")[1]]).upper()

    for printed in world.document["cards"]:
        assert printed["pan"] not in written
    for printed in world.document["terminals"]:
        assert printed["tmk"].upper() not in written
    assert terminal.keys is not None
    for secret in (sale["52"], sale["35"], terminal.keys.pin_key.hex(), terminal.keys.mac_key.hex()):
        assert secret.upper() not in written
    assert card.track2 not in written


def database_files(home: Path) -> list[Path]:
    """Every file of the embedded database."""
    folder = min((mark.parent for mark in home.rglob("PG_VERSION")), key=lambda path: len(path.parts))
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_account_number_is_in_the_database(
    installation: Installation, world: World, terminal: Terminal, card: Card
) -> None:
    """Neither tables, indexes nor write-ahead log hold a card's number in the clear."""
    terminal.exchange(terminal.purchase(card, 100))
    numbers = {printed["pan"].encode() for printed in world.document["cards"]}
    found: set[bytes] = set()

    for path in database_files(installation.home):
        with contextlib.suppress(FileNotFoundError):  # the server removes files as it works
            found |= numbers & set(re.findall(rb"990001\d{13}", path.read_bytes()))

    assert set() == found


def test_commands_answer_quickly_beside_a_running_switch(installation: Installation, switch: Switch) -> None:
    """A command uses the running database beside the switch and leaves it running."""
    started = time.monotonic()

    installation.run("ledger", "verify")

    assert time.monotonic() - started < 10
    assert fetch(switch, "/readyz")[0] == 200
