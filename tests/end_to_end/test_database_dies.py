"""The database server is killed under a running switch, which brings it back and goes on by itself.

The module's switch is never restarted. Meanwhile a sale is answered 96 if it was certainly not posted, or not
at all until its fate is known.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Dial
from .plain_terminal import Card, Terminal, reversal_of
from .switch_process import (
    BALANCE_MINOR,
    Installation,
    Switch,
    World,
    is_ready,
    kill_postmaster,
    postmaster_of,
    wait_until,
)

SALES = 120


def wait_for_another_server(home: Path, switch: Switch, killed: int) -> None:
    """Return when a new server has taken the place of the killed one, and the switch is ready."""
    wait_until(lambda: postmaster_of(home) not in {0, killed} and is_ready(switch))


@pytest.fixture
def world(own_world: World) -> World:
    """The devices and cards of the module's own home."""
    return own_world


@pytest.fixture(scope="module")
def switch(own_installation: Installation, own_world: World) -> Iterator[Switch]:
    """The module's switch, which must outlive all of it."""
    switch = own_installation.start()
    yield switch
    assert switch.is_running


def test_idle_switch_brings_its_database_back(
    own_installation: Installation, switch: Switch, terminal: Terminal, card: Card
) -> None:
    """With nothing to do the switch says that it isn't ready, and brings its database back."""
    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"

    kill_postmaster(own_installation.home)

    wait_until(lambda: not is_ready(switch))
    wait_until(lambda: is_ready(switch))
    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 200


def test_sales_under_way_are_posted_once_or_refused(
    own_installation: Installation, switch: Switch, terminal: Terminal, card: Card
) -> None:
    """Of sales under way each is approved and posted, or 96 and not; afterwards all go through."""
    sales = [terminal.purchase(card, 100) for _ in range(SALES)]
    terminal.send(*sales)
    terminal.answer_to(sales[0])

    killed = kill_postmaster(own_installation.home)

    answers = [terminal.answer_to(sale) for sale in sales[1:]]
    assert {"00", "96"} >= {answer.code for answer in answers}
    wait_for_another_server(own_installation.home, switch, killed)
    approved = 1 + sum(answer.code == "00" for answer in answers)
    assert terminal.read_balance(card) == BALANCE_MINOR - 100 * approved
    again = terminal.exchange_all(sales)
    assert {"00"} == {answer.code for answer in again}
    assert terminal.read_balance(card) == BALANCE_MINOR - 100 * SALES


def test_cards_and_terminals_never_seen_are_found_again(
    own_installation: Installation, switch: Switch, own_world: World, dial: Dial
) -> None:
    """A device and a card that no memory holds sign on, buy and reverse with the new server."""
    killed = kill_postmaster(own_installation.home)
    wait_for_another_server(own_installation.home, switch, killed)

    terminal = Terminal.signed_on(own_world.device(), dial(switch))
    card = own_world.card()
    sale = terminal.purchase(card, 100)

    assert terminal.exchange(sale).code == "00"
    assert terminal.exchange(reversal_of(sale)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_sale_while_the_database_is_away_is_refused(
    own_installation: Installation, switch: Switch, own_world: World, terminal: Terminal, card: Card
) -> None:
    """With no database to be had, a sale is answered 96 at once, and the same sale is approved later."""
    sale = terminal.purchase(card, 100)
    (data,) = (mark.parent for mark in own_installation.home.rglob("postmaster.pid"))
    hidden = data.with_name("data-hidden")

    data.rename(hidden)
    kill_postmaster(own_installation.home)
    wait_until(lambda: not is_ready(switch))
    refused = terminal.exchange(sale)
    hidden.rename(data)

    assert refused.code == "96"
    wait_until(lambda: is_ready(switch))
    assert terminal.exchange(sale).code == "00"


def test_ledger_is_clean_after_all_of_it(own_installation: Installation, switch: Switch) -> None:
    """The ledger's own check finds nothing."""
    own_installation.run("ledger", "verify")
