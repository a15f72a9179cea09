"""Many requests under way: on one line, on many lines, on one card, from many terminals."""

from collections import Counter

from .conftest import Dial, SignOn
from .plain_terminal import Card, Terminal
from .switch_process import BALANCE_MINOR, Switch, World


def test_two_hundred_sales_in_one_write_are_all_answered(terminal: Terminal, world: World) -> None:
    """Two hundred sales on four cards, none waiting for another's answer: all approved, all distinct."""
    cards = world.cards(4)
    sales = [terminal.purchase(card, 100 + number) for number in range(50) for card in cards]

    answers = terminal.exchange_all(sales)

    assert Counter({"00": 200}) == Counter(answer.code for answer in answers)
    assert len({answer["37"] for answer in answers}) == 200
    assert [sale["4"] for sale in sales] == [answer["4"] for answer in answers]
    spent = sum(100 + number for number in range(50))
    assert [BALANCE_MINOR - spent] * 4 == [terminal.read_balance(card) for card in cards]


def test_five_terminals_spend_one_card_to_exactly_zero(sign_on: SignOn, card: Card) -> None:
    """A card for a hundred sales is offered 125 by five terminals at once: 100 are approved, 25 are 51."""
    terminals = [sign_on() for _ in range(5)]
    sales = {
        terminal: [terminal.purchase(card, BALANCE_MINOR // 100) for _ in range(25)] for terminal in terminals
    }
    for terminal, theirs in sales.items():
        terminal.send(*theirs)

    answers = [terminal.answer_to(sale) for terminal, theirs in sales.items() for sale in theirs]

    assert Counter({"00": 100, "51": 25}) == Counter(answer.code for answer in answers)
    assert terminals[0].read_balance(card) == 0


def test_many_terminals_share_one_line(
    switch: Switch, sign_on: SignOn, dial: Dial, world: World, card: Card
) -> None:
    """Twenty terminals behind one concentrator sign on and sell on its line, each with its own keys."""
    line = dial(switch)
    terminals = [sign_on(device, line=line) for device in world.devices(20)]
    sales = [terminal.purchase(card, 100) for terminal in terminals]
    line.send_bytes(*(terminal.frame(sale) for terminal, sale in zip(terminals, sales, strict=True)))

    answers = [terminal.answer_to(sale) for terminal, sale in zip(terminals, sales, strict=True)]

    assert {"00"} == {answer.code for answer in answers}
    assert len({answer["37"] for answer in answers}) == 20
    assert terminals[0].read_balance(card) == BALANCE_MINOR - 2_000


def test_one_terminal_on_two_lines(switch: Switch, terminal: Terminal, dial: Dial, card: Card) -> None:
    """A terminal's keys belong to it and not to its line: a second line needs no sign-on."""
    terminal.line = dial(switch)

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"


def test_fast_answers_do_not_wait_for_a_slow_reader(switch: Switch, sign_on: SignOn, card: Card) -> None:
    """A line that reads none of its answers holds up no other line."""
    idle, busy = sign_on(), sign_on()
    sales = [idle.purchase(card, 10) for _ in range(100)]
    idle.send(*sales)

    assert busy.exchange(busy.purchase(card, 10)).code == "00"
    assert {"00"} == {idle.answer_to(sale).code for sale in sales}
