"""Purchases and balance inquiries on our own cards: money, card data, and the order of the checks."""

from collections.abc import Callable

import pytest

from .plain_dialect import Message
from .plain_terminal import Card, Terminal, in_batch, keyed_in, without
from .switch_process import BALANCE_MINOR, World

FOREIGN_PAN = "6225880000000001"


def luhn_digit(digits: str) -> str:
    """The check digit that completes an account number."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def unissued(*, luhn: bool) -> str:
    """A number of our range that no world has, with or without a right check digit."""
    start = "990001987654321098"
    return start + (luhn_digit(start) if luhn else str((int(luhn_digit(start)) + 1) % 10))


def test_balance_has_its_field_54_form(terminal: Terminal, card: Card) -> None:
    """A new card's balance comes as one block: account 10, available 02, CNY, credit, twelve digits."""
    answer = terminal.exchange(terminal.balance_inquiry(card))

    assert answer.code == "00"
    assert f"1002156C{BALANCE_MINOR:012d}" == answer["54"]


def test_purchase_takes_exactly_its_amount(terminal: Terminal, card: Card) -> None:
    """The balance falls by the amount, to the minor unit."""
    answer = terminal.exchange(terminal.purchase(card, 12_345))

    assert answer.code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 12_345


def test_a_card_can_be_spent_to_zero_and_no_further(terminal: Terminal, card: Card) -> None:
    """One unit too much is refused and moves nothing; the whole balance is approved; then one unit isn't."""
    amounts = [BALANCE_MINOR + 1, BALANCE_MINOR, 1]

    codes = [terminal.exchange(terminal.purchase(card, amount)).code for amount in amounts]

    assert codes == ["51", "00", "51"]
    assert terminal.read_balance(card) == 0


def test_balance_inquiries_move_nothing(terminal: Terminal, card: Card) -> None:
    """Asking any number of times leaves the balance as it was."""
    assert [terminal.read_balance(card) for _ in range(3)] == [BALANCE_MINOR] * 3


ACCEPTED_CARD_FIELDS: dict[str, Callable[[Message, Card], Message]] = {
    "track 2 alone": lambda sale, card: sale,
    "number and track 2": lambda sale, card: sale | {"2": card.pan},
    "number, expiry and track 2": lambda sale, card: sale | {"2": card.pan, "14": card.expiry},
    "typed number and expiry": keyed_in,
    "shortest F60": lambda sale, card: sale | {"60": sale["60"][:8]},
    "F60 with network code": lambda sale, card: sale | {"60": sale["60"][:11]},
    "F60 to the partial approval digit": lambda sale, card: sale | {"60": sale["60"] + "0"},
    "fields of other card kinds": lambda sale, card: (
        sale | {"23": "001", "55": "9F2701809F1A020156", "59": "A4003abc", "63": "01 "}
    ),
}


@pytest.mark.parametrize("changed", ACCEPTED_CARD_FIELDS.values(), ids=ACCEPTED_CARD_FIELDS)
def test_card_may_be_given_in_each_way_of_the_dialect(
    terminal: Terminal, card: Card, changed: Callable[[Message, Card], Message]
) -> None:
    """Every usual set of card fields is approved, and known fields that say nothing new do no harm."""
    answer = terminal.exchange(changed(terminal.purchase(card, 100), card))

    assert answer.code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 100


def test_number_and_track_must_agree(terminal: Terminal, world: World, card: Card) -> None:
    """F2 of one card with the track of another is 14, and neither card pays."""
    other = world.card()

    answer = terminal.exchange(terminal.purchase(card, 100) | {"2": other.pan})

    assert answer.code == "14"
    assert [terminal.read_balance(card), terminal.read_balance(other)] == [BALANCE_MINOR] * 2


@pytest.mark.parametrize("luhn", [True, False], ids=["right check digit", "wrong check digit"])
def test_unissued_number_of_our_range_is_refused(terminal: Terminal, card: Card, *, luhn: bool) -> None:
    """A number inside our range that no card has is 14."""
    stranger = card.numbered(unissued(luhn=luhn))

    codes = [
        terminal.exchange(request).code
        for request in (terminal.purchase(stranger, 100), terminal.balance_inquiry(stranger))
    ]

    assert codes == ["14", "14"]


def test_number_outside_every_range_is_refused(terminal: Terminal, card: Card) -> None:
    """A card whose range nobody has told us of is 15."""
    answer = terminal.exchange(terminal.purchase(card.numbered(FOREIGN_PAN), 100))

    assert answer.code == "15"


def test_pin_without_security_field_is_malformed(terminal: Terminal, card: Card) -> None:
    """F52 needs F53, which says how it was made; without it the message is 30."""
    answer = terminal.exchange(without(terminal.purchase(card, 100), "53"))

    assert answer.code == "30"


# Two or more things wrong at once, in the order of the checks: the first of them is what the answer says.
DOUBLE_FAULTS: list[tuple[str, str, Callable[[Terminal, Card], Message]]] = [
    (
        "97",
        "unknown terminal before format and MAC",
        lambda terminal, card: (
            without(terminal.purchase(card, 100), "53") | {"41": "99999999", "64": "00000000"}
        ),
    ),
    (
        "30",
        "format before MAC",
        lambda terminal, card: without(terminal.purchase(card, 100), "53") | {"64": "00000000"},
    ),
    (
        "A0",
        "MAC before batch",
        lambda terminal, card: in_batch(terminal.purchase(card, 100), "999999") | {"64": "00000000"},
    ),
    (
        "77",
        "batch before range",
        lambda terminal, card: in_batch(terminal.purchase(card.numbered(FOREIGN_PAN), 100), "999999"),
    ),
    (
        "15",
        "range before PIN",
        lambda terminal, card: without(terminal.purchase(card.numbered(FOREIGN_PAN), 100), "26", "52", "53"),
    ),
    (
        "14",
        "card before PIN",
        lambda terminal, card: without(
            terminal.purchase(card.numbered(unissued(luhn=True)), 100), "26", "52", "53"
        ),
    ),
    (
        "55",
        "PIN before funds",
        lambda terminal, card: terminal.purchase(card.with_wrong_pin(), BALANCE_MINOR + 1),
    ),
]


@pytest.mark.parametrize(
    ("code", "request_of"),
    [(code, request_of) for code, _, request_of in DOUBLE_FAULTS],
    ids=[name for _, name, _ in DOUBLE_FAULTS],
)
def test_checks_are_made_in_their_order(
    terminal: Terminal, card: Card, code: str, request_of: Callable[[Terminal, Card], Message]
) -> None:
    """Of several faults, the one that is checked first is answered, and no money moves."""
    answer = terminal.exchange(request_of(terminal, card))

    assert code == answer.code
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_wrong_batch_is_refused_and_uses_nothing_up(terminal: Terminal, card: Card) -> None:
    """A sale in a batch that isn't the open one is 77 and posts nothing; in the open one it is approved."""
    sale = terminal.purchase(card, 100)
    wrong = f"{int(terminal.batch) % 999_999 + 1:06d}"

    codes = [terminal.exchange(in_batch(sale, batch)).code for batch in (wrong, terminal.batch)]

    assert codes == ["77", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 100


def test_largest_amount_is_refused_and_nothing_breaks(terminal: Terminal, card: Card) -> None:
    """The largest amount that F4 can say is over the funds, and perhaps over a limit that comes before."""
    answer = terminal.exchange(terminal.purchase(card, 999_999_999_999))

    assert answer.code in {"51", "61"}
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_a_typed_card_is_the_same_card(terminal: Terminal, card: Card) -> None:
    """A swipe and a typed number spend from one balance."""
    swiped = terminal.purchase(card, 100)
    typed = keyed_in(terminal.purchase(card, 200), card)

    assert [answer.code for answer in terminal.exchange_all([swiped, typed])] == ["00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 300
