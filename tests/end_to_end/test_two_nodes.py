"""Two switches on one home: any of them may be asked anything, and a card has one balance.

Both nodes are active and know nothing of each other but the database.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from .conftest import Dial
from .plain_terminal import Card, Terminal, reversal_of
from .switch_process import BALANCE_MINOR, Installation, Switch, World

Views = tuple[Terminal, Terminal]


class Nodes(NamedTuple):
    """The two running switches."""

    a: Switch
    b: Switch


@pytest.fixture
def nodes(own_installation: Installation, own_world: World) -> Nodes:
    """Two switches of the module's home, started anew where a test has ended one."""
    running = [switch for switch in own_installation.switches if switch.is_running]
    running += [own_installation.start() for _ in range(2 - len(running))]
    return Nodes(*running)


@pytest.fixture
def world(own_world: World) -> World:
    """The devices and cards of the module's own home."""
    return own_world


@pytest.fixture
def both(nodes: Nodes, own_world: World, dial: Dial) -> Callable[[], Views]:
    """Gives one device as it is seen from a line to each node, signed on at the first."""

    def views() -> Views:
        on_a = Terminal.signed_on(own_world.device(), dial(nodes.a))
        return on_a, on_a.seen_from(dial(nodes.b))

    return views


def test_repeat_on_the_other_node_gets_the_stored_result(both: Callable[[], Views], card: Card) -> None:
    """A sale on one node, repeated on the other and back on the first, is one posting with one result."""
    on_a, on_b = both()
    sale = on_a.purchase(card, 700)

    answers = [terminal.exchange(sale) for terminal in (on_a, on_b, on_a)]

    assert answers[0].code == "00"
    assert {answers[0].result} == {answer.result for answer in answers}
    assert [on_a.read_balance(card), on_b.read_balance(card)] == [BALANCE_MINOR - 700] * 2


def test_sign_on_counts_on_every_node(both: Callable[[], Views], card: Card) -> None:
    """Keys taken from one node work on the other at once, sign-on after sign-on."""
    on_a, on_b = both()
    first = on_b.exchange(on_b.purchase(card, 100))
    on_a.sign_on()
    on_b.keys = on_a.keys
    second = on_b.exchange(on_b.purchase(card, 100))
    on_b.sign_on()
    on_a.keys = on_b.keys
    third = on_a.exchange(on_a.purchase(card, 100))

    assert [answer.code for answer in (first, second, third)] == ["00", "00", "00"]


def test_equal_sales_on_both_nodes_at_once_post_once(both: Callable[[], Views], card: Card) -> None:
    """Twenty sales, each sent to both nodes in the same moment, are posted once each with one result each."""
    on_a, on_b = both()
    sales = [on_a.purchase(card, 700) for _ in range(20)]
    for terminal in (on_a, on_b):
        terminal.send(*sales)

    results = [[terminal.answer_to(sale).result for sale in sales] for terminal in (on_a, on_b)]

    assert results[0] == results[1]
    assert {"00"} == {code for _, _, code in results[0]}
    assert on_a.read_balance(card) == BALANCE_MINOR - 20 * 700


def test_one_card_on_both_nodes_is_spent_to_exactly_zero(both: Callable[[], Views], card: Card) -> None:
    """A card for a hundred sales is offered 140 over both nodes: 100 are approved, 40 are 51."""
    terminals = both()
    sales = [[terminal.purchase(card, BALANCE_MINOR // 100) for _ in range(70)] for terminal in terminals]
    for terminal, theirs in zip(terminals, sales, strict=True):
        terminal.send(*theirs)

    answers = [
        terminal.answer_to(sale) for terminal, theirs in zip(terminals, sales, strict=True) for sale in theirs
    ]

    assert Counter({"00": 100, "51": 40}) == Counter(answer.code for answer in answers)
    assert [terminal.read_balance(card) for terminal in terminals] == [0, 0]


def test_sale_and_reversal_race_over_nodes_leaves_nothing_posted(
    both: Callable[[], Views], card: Card
) -> None:
    """Sales on one node, their reversals on the other, in the same moment: whoever wins, nothing stays."""
    on_a, on_b = both()
    sales = [on_a.purchase(card, 700) for _ in range(20)]
    on_a.send(*sales)
    on_b.send(*map(reversal_of, sales))

    pairs = [(on_a.answer_to(sale).code, on_b.answer_to(reversal_of(sale)).code) for sale in sales]

    assert set(pairs) <= {("00", "00"), ("22", "25")}
    assert [on_a.read_balance(card), on_b.read_balance(card)] == [BALANCE_MINOR] * 2
    assert {"22"} == {answer.code for answer in on_b.exchange_all(sales)}


def test_tombstone_of_one_node_holds_on_the_other(both: Callable[[], Views], card: Card) -> None:
    """A reversal without original on one node makes the late original 22 on the other."""
    on_a, on_b = both()
    sale = on_a.purchase(card, 700)

    assert on_a.exchange(reversal_of(sale)).code == "25"
    assert on_b.exchange(sale).code == "22"
    assert on_b.read_balance(card) == BALANCE_MINOR


def test_voids_and_their_reversals_hold_on_both_nodes(both: Callable[[], Views], card: Card) -> None:
    """Sale, void, reversal and the next void, each on the other node than the one before."""
    on_a, on_b = both()
    sale = on_a.purchase(card, 700)
    reference = on_a.exchange(sale)["37"]
    first, second = (on_a.void(sale, reference) for _ in range(2))

    assert [on_b.exchange(first).code, on_a.exchange(sale).code] == ["00", "22"]
    assert [on_a.exchange(reversal_of(first)).code, on_b.exchange(sale).code] == ["00", "00"]
    assert [on_b.exchange(second).code, on_a.exchange(sale).code] == ["00", "22"]
    assert [on_a.exchange(first).code, on_a.exchange(second).code] == ["22", "00"]
    assert [on_a.read_balance(card), on_b.read_balance(card)] == [BALANCE_MINOR] * 2


def test_void_and_reversal_race_over_nodes_gives_back_once(both: Callable[[], Views], card: Card) -> None:
    """Sales voided on one node and reversed on the other in the same moment are given back once."""
    on_a, on_b = both()
    sales = [on_a.purchase(card, 700) for _ in range(20)]
    references = [answer["37"] for answer in on_a.exchange_all(sales)]
    voids = [on_a.void(sale, reference) for sale, reference in zip(sales, references, strict=True)]
    on_a.send(*voids)
    on_b.send(*map(reversal_of, sales))

    voided = {on_a.answer_to(void).code for void in voids}
    reversed_ = {on_b.answer_to(reversal_of(sale)).code for sale in sales}

    assert voided <= {"00", "22"}
    assert reversed_ == {"00"}
    assert {"22"} == {answer.code for answer in on_b.exchange_all(sales)}
    assert [on_a.read_balance(card), on_b.read_balance(card)] == [BALANCE_MINOR] * 2


def test_wrong_pins_over_two_nodes_and_a_kill_get_three_tries(
    both: Callable[[], Views], nodes: Nodes, card: Card
) -> None:
    """Twenty wrong PINs at once over two nodes, one of them killed: three tries at most, then the block."""
    on_a, on_b = both()
    wrong = card.with_wrong_pin()
    tries = {terminal: [terminal.purchase(wrong, 100) for _ in range(10)] for terminal in (on_a, on_b)}
    for terminal, theirs in tries.items():
        terminal.send(*theirs)

    nodes.a.kill()

    answers = on_a.line.answers_until_closed() + [on_b.answer_to(request) for request in tries[on_b]]
    counted = Counter(answer.code for answer in answers)
    assert counted["55"] <= 3
    assert {"55", "75"} >= counted.keys()
    assert on_b.exchange(on_b.purchase(card, 100)).code == "75"


def test_ledger_is_clean_after_all_of_it(own_installation: Installation, both: Callable[[], Views]) -> None:
    """With both nodes running again, the ledger's own check finds nothing."""
    both()

    own_installation.run("ledger", "verify")
