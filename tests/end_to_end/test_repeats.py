"""Repeated requests: one posting, and the stored result however and wherever the repeat comes.

A repeat's bytes may differ from the first one's: MAC, PIN block and MTI origin are made anew. What must be
equal is the result: F37, F38 and F39.
"""

from collections.abc import Callable

import pytest

from .conftest import Dial, SignOn
from .plain_dialect import Message
from .plain_terminal import Card, Terminal, without
from .switch_process import BALANCE_MINOR, Switch, World


def test_equal_frames_back_to_back_post_once(terminal: Terminal, card: Card) -> None:
    """The same bytes twice in one write get two answers with one result, and are posted once."""
    first, second = terminal.exchange_all([terminal.purchase(card, 700)] * 2)

    assert first.code == "00"
    assert first.result == second.result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_repeats_by_the_dozen_post_once(terminal: Terminal, card: Card) -> None:
    """Twelve equal frames in one write, and one more later, all get the first one's result."""
    sale = terminal.purchase(card, 700)

    answers = [*terminal.exchange_all([sale] * 12), terminal.exchange(sale)]

    assert {answers[0].result} == {answer.result for answer in answers}
    assert answers[0].code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_equal_frames_on_two_lines_post_once(
    switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """A terminal that dialled again while its first line still lived gets one result on both."""
    sale = terminal.purchase(card, 700)
    twin = Terminal(terminal.identity, dial(switch))
    twin.keys, twin.batch = terminal.keys, terminal.batch
    terminal.send(sale)
    twin.send(sale)

    first, second = terminal.answer_to(sale), twin.answer_to(sale)

    assert first.code == "00"
    assert first.result == second.result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_repeat_after_a_new_sign_on_gets_the_stored_result(terminal: Terminal, card: Card) -> None:
    """New session keys give the repeat another MAC; its batch and trace still find the result."""
    sale = terminal.purchase(card, 700)
    first = terminal.exchange(sale)
    terminal.sign_on()

    same_block = terminal.exchange(sale)
    new_block = terminal.exchange(sale | terminal.encrypted_pin(card))

    assert first.code == "00"
    assert first.result == same_block.result == new_block.result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


@pytest.mark.parametrize("order", [("0200", "0201"), ("0201", "0200")])
def test_mti_of_a_repeat_is_the_same_request(terminal: Terminal, card: Card, order: tuple[str, str]) -> None:
    """0201 is the repeat of 0200, whichever of the two arrives first."""
    sale = terminal.purchase(card, 700)

    first, second = (terminal.exchange(sale | {"t": mti}) for mti in order)

    assert first.code == "00"
    assert first.result == second.result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_same_trace_with_another_amount_is_a_duplicate(terminal: Terminal, card: Card) -> None:
    """A used trace with another amount is 94, posts nothing, and the first one's result stays to be had."""
    sale = terminal.purchase(card, 700)

    answers = [terminal.exchange(request) for request in (sale, sale | {"4": f"{800:012d}"}, sale)]

    assert [answer.code for answer in answers] == ["00", "94", "00"]
    assert answers[0].result == answers[2].result
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_same_trace_with_another_card_is_a_duplicate(terminal: Terminal, world: World, card: Card) -> None:
    """A used trace with another card is 94, and the other card pays nothing."""
    other = world.card()
    sale = terminal.purchase(card, 700)
    theirs = terminal.purchase(other, 700) | {"11": sale["11"]}

    assert [terminal.exchange(request).code for request in (sale, theirs)] == ["00", "94"]
    assert terminal.read_balance(other) == BALANCE_MINOR


def test_different_requests_with_one_trace_at_once_post_once(terminal: Terminal, card: Card) -> None:
    """Two amounts under one trace in one write: one is approved, the other is 94."""
    sale = terminal.purchase(card, 700)

    answers = terminal.exchange_all([sale, sale | {"4": f"{800:012d}"}])

    assert sorted(answer.code for answer in answers) == ["00", "94"]
    assert terminal.read_balance(card) in {BALANCE_MINOR - 700, BALANCE_MINOR - 800}


def test_declines_are_stored_too(terminal: Terminal, card: Card) -> None:
    """A repeated decline has the reference of the first one."""
    sale = terminal.purchase(card, BALANCE_MINOR + 1)

    first, second = terminal.exchange(sale), terminal.exchange(sale)

    assert first.code == "51"
    assert first.result == second.result


def test_balance_inquiry_has_its_own_place_beside_a_sale(terminal: Terminal, card: Card) -> None:
    """The operation is part of what makes a request the same: an inquiry may use a sale's trace."""
    sale = terminal.purchase(card, 700)
    inquiry = terminal.balance_inquiry(card) | {"11": sale["11"]}

    assert [terminal.exchange(request).code for request in (sale, inquiry)] == ["00", "00"]


def test_traces_of_terminals_are_their_own(sign_on: SignOn, world: World) -> None:
    """Two terminals use one trace for different sales, and both are posted."""
    one, other = sign_on(), sign_on()
    cards = world.cards(2)
    sales = [one.purchase(cards[0], 700), other.purchase(cards[1], 800)]
    sales[1]["11"] = sales[0]["11"] = "900001"

    answers = [one.exchange(sales[0]), other.exchange(sales[1])]

    assert [answer.code for answer in answers] == ["00", "00"]
    assert answers[0]["37"] != answers[1]["37"]


def spoilt_mac(terminal: Terminal, sale: Message) -> Message:
    """The sale with a wrong MAC."""
    return sale | {"64": "00000000"}


def spoilt_pin_block(terminal: Terminal, sale: Message) -> Message:
    """The sale with an unreadable PIN block."""
    return sale | {"52": terminal.encrypted(b"\xff" * 8)}


def spoilt_format(terminal: Terminal, sale: Message) -> Message:
    """The sale without the field that F52 needs."""
    return without(sale, "53")


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [(spoilt_mac, "A0"), (spoilt_pin_block, "99"), (spoilt_format, "30")],
    ids=["A0", "99", "30"],
)
def test_refusals_without_outcome_use_no_trace_up(
    terminal: Terminal, card: Card, spoilt: Callable[[Terminal, Message], Message], code: str
) -> None:
    """What was refused before it could have an outcome may be sent again, mended, under its trace."""
    sale = terminal.purchase(card, 700)

    assert [code, "00"] == [terminal.exchange(request).code for request in (spoilt(terminal, sale), sale)]
    assert terminal.read_balance(card) == BALANCE_MINOR - 700
