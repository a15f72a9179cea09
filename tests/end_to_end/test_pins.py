"""PIN tries: what counts, what resets, what blocks, and what a block leaves possible."""

from collections.abc import Callable

import pytest

from .conftest import SignOn
from .plain_dialect import Message
from .plain_terminal import Card, Terminal, reversal_of, without
from .switch_process import BALANCE_MINOR, Installation


def codes(terminal: Terminal, requests: list[Message]) -> list[str]:
    """The response codes of requests sent one after the other, each waiting for its answer."""
    return [terminal.exchange(request).code for request in requests]


def wrong_pins(terminal: Terminal, card: Card, count: int) -> list[Message]:
    """Purchases with a wrong PIN."""
    return [terminal.purchase(card.with_wrong_pin(), 100) for _ in range(count)]


def unreadable(terminal: Terminal, card: Card) -> Message:
    """A purchase whose PIN block is no PIN block once it is decrypted."""
    return terminal.purchase(card, 100) | {"52": terminal.encrypted(b"\xff" * 8)}


def test_right_pin_forgets_two_wrong_ones(terminal: Terminal, card: Card) -> None:
    """Two wrong PINs and a right one, twice over: the tries start anew after the right one."""
    requests = [
        *wrong_pins(terminal, card, 2),
        terminal.purchase(card, 100),
        *wrong_pins(terminal, card, 2),
        terminal.purchase(card, 100),
    ]

    assert codes(terminal, requests) == ["55", "55", "00", "55", "55", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 200


def test_third_wrong_pin_blocks_the_card(terminal: Terminal, sign_on: SignOn, card: Card) -> None:
    """After three wrong PINs the right one gets 75, on this terminal and on any other, sale or inquiry."""
    assert codes(terminal, wrong_pins(terminal, card, 3)) == ["55", "55", "55"]
    assert codes(terminal, [terminal.purchase(card, 100), terminal.balance_inquiry(card)]) == ["75", "75"]
    other = sign_on()
    assert codes(other, [other.purchase(card, 100)]) == ["75"]


def test_wrong_pins_count_over_kinds_and_terminals(terminal: Terminal, sign_on: SignOn, card: Card) -> None:
    """A wrong PIN at an inquiry and one at another terminal count like any other."""
    other = sign_on()
    wrong = card.with_wrong_pin()

    assert codes(terminal, [terminal.balance_inquiry(wrong)]) == ["55"]
    assert codes(other, [other.purchase(wrong, 100)]) == ["55"]
    assert codes(terminal, [terminal.purchase(wrong, 100)]) == ["55"]
    assert codes(other, [other.purchase(card, 100)]) == ["75"]


def test_wrong_pins_at_once_are_counted_one_by_one(terminal: Terminal, card: Card) -> None:
    """Ten wrong PINs in one go give three tries and no more."""
    answers = terminal.exchange_all(wrong_pins(terminal, card, 10))

    assert sorted(answer.code for answer in answers) == ["55"] * 3 + ["75"] * 7
    assert codes(terminal, [terminal.purchase(card, 100)]) == ["75"]


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda terminal, card: without(terminal.purchase(card, 100), "26", "52", "53"), "55"),
        (unreadable, "99"),
    ],
    ids=["no PIN", "unreadable PIN block"],
)
def test_what_is_no_try_is_not_counted(
    terminal: Terminal, card: Card, request_of: Callable[[Terminal, Card], Message], code: str
) -> None:
    """A missing PIN and an unreadable block are refused any number of times and never block the card."""
    refused = [request_of(terminal, card) for _ in range(4)]

    assert [code] * 4 == codes(terminal, refused)
    assert codes(terminal, wrong_pins(terminal, card, 2)) == ["55", "55"]
    assert [code] == codes(terminal, [request_of(terminal, card)])
    assert codes(terminal, [terminal.purchase(card, 100)]) == ["00"]


def test_repeats_of_a_wrong_pin_are_one_try(terminal: Terminal, card: Card) -> None:
    """The same refused message sent again is answered from what was stored and counts no second time."""
    (wrong,) = wrong_pins(terminal, card, 1)

    assert codes(terminal, [wrong] * 5) == ["55"] * 5
    assert codes(terminal, [terminal.purchase(card, 100)]) == ["00"]


def test_refused_pin_stays_refused_under_its_trace(terminal: Terminal, card: Card) -> None:
    """The right PIN under the trace of a refused one is a repeat, not a new try: it keeps the refusal."""
    (wrong,) = wrong_pins(terminal, card, 1)

    assert codes(terminal, [wrong, wrong | terminal.encrypted_pin(card)]) == ["55", "55"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_blocked_card_can_still_be_paid_back(
    installation: Installation, terminal: Terminal, card: Card
) -> None:
    """A reversal looks at no PIN and no block: the money of a sale comes back to a blocked card."""
    sale = terminal.purchase(card, 700)

    assert codes(terminal, [sale]) == ["00"]
    assert codes(terminal, wrong_pins(terminal, card, 3)) == ["55"] * 3
    assert installation.balance_minor(card) == BALANCE_MINOR - 700
    assert codes(terminal, [reversal_of(sale)]) == ["00"]
    assert installation.balance_minor(card) == BALANCE_MINOR
