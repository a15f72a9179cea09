"""Stops and kills: what was answered stays true, what was not is posted at most once.

The module's switch is the newest of its installation; a test that has ended it starts the next one.
"""

import pytest

from .conftest import Dial
from .plain_terminal import Card, Terminal, reversal_of
from .switch_process import BALANCE_MINOR, Installation, Switch, World

SALES = 100


@pytest.fixture
def world(own_world: World) -> World:
    """The devices and cards of the module's own home."""
    return own_world


@pytest.fixture
def switch(own_installation: Installation, own_world: World) -> Switch:
    """The module's switch, started if the test before ended it."""
    newest = own_installation.switches[-1] if own_installation.switches else None
    return newest if newest and newest.is_running else own_installation.start()


def test_stop_answers_what_is_under_way(
    own_installation: Installation, switch: Switch, terminal: Terminal, card: Card
) -> None:
    """Asked to stop while commits are under way, the switch answers each sale after them, and leaves well."""
    sales = [terminal.purchase(card, 10) for _ in range(60)]

    with own_installation.paused_database():
        terminal.send(*sales)
        terminal.line.expect_silence(seconds=0.4)
        switch.ask_to_stop()
        terminal.line.expect_silence(seconds=0.4)
    answers = terminal.line.answers_until_closed()

    assert [answer.code for answer in answers] == ["00"] * len(sales)
    assert switch.exit_status() == 0
    assert list(own_installation.home.rglob("postmaster.pid")) == []


def test_results_outlive_a_restart(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, own_world: World
) -> None:
    """After a restart, without a new sign-on: repeats, reversals, tombstones and PIN tries are as before."""
    kept, reversed_before, reversed_after, late, tried = own_world.cards(5)
    sales = {card: terminal.purchase(card, 700) for card in (kept, reversed_before, reversed_after, late)}
    before = terminal.exchange(sales[kept])
    terminal.exchange_all([sales[reversed_before], reversal_of(sales[reversed_before])])
    terminal.exchange(sales[reversed_after])
    tombstone = terminal.exchange(reversal_of(sales[late]))
    tries = [terminal.exchange(terminal.purchase(tried.with_wrong_pin(), 100)).code for _ in range(2)]
    assert (before.code, tombstone.code, tries) == ("00", "25", ["55", "55"])

    switch.stop()
    terminal.line = dial(own_installation.start())

    assert before.result == terminal.exchange(sales[kept]).result
    assert terminal.exchange(reversal_of(sales[reversed_before])).code == "00"
    assert terminal.exchange(sales[reversed_before]).code == "22"
    assert terminal.exchange(reversal_of(sales[reversed_after])).code == "00"
    assert terminal.exchange(sales[late]).code == "22"
    third = terminal.exchange(terminal.purchase(tried.with_wrong_pin(), 100)).code
    right = terminal.exchange(terminal.purchase(tried, 100)).code
    assert (third, right) == ("55", "75")
    assert [terminal.read_balance(card) for card in (kept, reversed_before, reversed_after, late)] == [
        BALANCE_MINOR - 700,
        BALANCE_MINOR,
        BALANCE_MINOR,
        BALANCE_MINOR,
    ]


def test_voids_outlive_a_restart(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, own_world: World
) -> None:
    """Voided, restored, to be restored and reversed while voided: after a restart each is as it was."""
    voided, restored, restored_after, upheld = own_world.cards(4)
    sales = {card: terminal.purchase(card, 700) for card in (voided, restored, restored_after, upheld)}
    references = {card: terminal.exchange(sale)["37"] for card, sale in sales.items()}
    voids = {card: terminal.void(sales[card], references[card]) for card in sales}
    before = terminal.exchange_all(
        [*voids.values(), reversal_of(voids[restored]), reversal_of(sales[upheld])]
    )
    assert {answer.code for answer in before} == {"00"}

    switch.stop()
    terminal.line = dial(own_installation.start())

    assert terminal.exchange(reversal_of(voids[restored_after])).code == "00"
    assert terminal.exchange(reversal_of(voids[upheld])).code == "00"
    repeats = [terminal.exchange(sale) for sale in sales.values()]
    assert [answer.code for answer in repeats] == ["22", "00", "00", "22"]
    assert [references[restored], references[restored_after]] == [answer["37"] for answer in repeats[1:3]]
    assert [terminal.exchange(void).code for void in voids.values()] == ["00", "22", "22", "22"]
    again = [terminal.void(sales[card], references[card]) for card in sales]
    assert [terminal.exchange(void).code for void in again] == ["22", "00", "00", "22"]
    assert [terminal.read_balance(card) for card in sales] == [BALANCE_MINOR] * 4


def test_batch_outlives_a_restart_and_a_sign_on(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """The open batch is the same after a restart, so a repeat with new keys still finds its result."""
    sale = terminal.purchase(card, 700)
    before = terminal.exchange(sale)
    batch = terminal.batch

    switch.stop()
    terminal.line = dial(own_installation.start())
    terminal.sign_on()

    assert batch == terminal.batch
    assert before.result == terminal.exchange(sale).result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_kill_in_the_middle_posts_each_sale_once(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, own_world: World
) -> None:
    """Killed with a hundred sales under way: every repeat is approved, as answered before, posted once."""
    cards = own_world.cards(5)
    sales = [terminal.purchase(card, 701) for _ in range(SALES // 5) for card in cards]
    terminal.send(*sales)
    first = terminal.answer_to(sales[0])

    switch.kill()

    before = {answer["11"]: answer for answer in [first, *terminal.line.answers_until_closed()]}
    terminal.line = dial(own_installation.start())
    after = {answer["11"]: answer for answer in terminal.exchange_all(sales)}
    assert {"00"} == {answer.code for answer in after.values()}
    assert {stan: answer.result for stan, answer in before.items()} == {
        stan: after[stan].result for stan in before
    }
    assert len({answer["37"] for answer in after.values()}) == SALES
    assert [terminal.read_balance(card) for card in cards] == [BALANCE_MINOR - SALES // 5 * 701] * 5
    own_installation.run("ledger", "verify")


def test_kill_during_commits_posts_each_sale_once(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """Killed with commits under way that may yet succeed: repeated at once, each sale is posted once."""
    sales = [terminal.purchase(card, 701) for _ in range(SALES)]

    with own_installation.paused_database():
        terminal.send(*sales)
        terminal.line.expect_silence(seconds=0.4)
        switch.kill()

    terminal.line = dial(own_installation.start())
    answers = terminal.exchange_all(sales)
    assert {answer.code for answer in answers} == {"00"}
    assert terminal.read_balance(card) == BALANCE_MINOR - SALES * 701
    own_installation.run("ledger", "verify")


def test_kill_between_sales_and_reversals_leaves_nothing_posted(
    own_installation: Installation, switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """Killed with sales and their reversals under way: once the reversals are repeated, no sale stays."""
    sales = [terminal.purchase(card, 701) for _ in range(SALES // 2)]
    reversals = [reversal_of(sale) for sale in sales]
    terminal.send(*(request for pair in zip(sales, reversals, strict=True) for request in pair))

    switch.kill()

    terminal.line = dial(own_installation.start())
    answers = terminal.exchange_all(reversals)
    late = terminal.exchange_all(sales)
    assert {answer.code for answer in answers} <= {"00", "25"}
    assert {"22"} == {answer.code for answer in late}
    assert terminal.read_balance(card) == BALANCE_MINOR
    own_installation.run("ledger", "verify")
