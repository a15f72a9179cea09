"""Voids: the shop takes an answered sale back; and reversals of voids, which put the sale in force again.

A void names its sale by batch and trace (F61) and by reference (F37), under a trace of its own.
"""

import re
from collections.abc import Callable

import pytest

from .conftest import SignOn
from .plain_dialect import Message
from .plain_line import Answer
from .plain_terminal import Card, Terminal, in_batch, reversal_of, without
from .switch_process import BALANCE_MINOR, Installation, World

AMOUNT = 700


def sold(terminal: Terminal, card: Card, amount_minor: int = AMOUNT) -> tuple[Message, str]:
    """An approved sale with its reference."""
    sale = terminal.purchase(card, amount_minor)
    answer = terminal.exchange(sale)
    assert answer.code == "00"
    return sale, answer["37"]


def codes(terminal: Terminal, *requests: Message) -> list[str]:
    """The response codes of requests sent one after the other, each waiting for its answer."""
    return [terminal.exchange(request).code for request in requests]


def test_void_gives_the_money_back(terminal: Terminal, card: Card) -> None:
    """A voided sale leaves the balance as it was before it, and its repeat is 22."""
    sale, reference = sold(terminal, card)

    assert codes(terminal, terminal.void(sale, reference), sale) == ["00", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_void_is_answered_as_other_approvals(terminal: Terminal, card: Card) -> None:
    """A void and its reversal have F12, F13, a reference of their own, F38 and F64, and the fields echoed."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)

    answers: list[Answer] = [terminal.exchange(request) for request in (void, reversal_of(void))]

    assert [(answer["t"], answer.code) for answer in answers] == [("0210", "00"), ("0410", "00")]
    for answer in answers:
        assert re.fullmatch(r"[0-9A-Za-z]{12}", answer["37"])
        assert re.fullmatch(r"[0-9A-Za-z]{6}", answer["38"])
        assert {"12", "13", "64"} <= answer.fields.keys()
        echoed = ("2", "3", "4", "11", "25", "41", "42", "49", "60")
        assert {number: void[number] for number in echoed} == {number: answer[number] for number in echoed}
    assert len({reference, *(answer["37"] for answer in answers)}) == 3


@pytest.mark.parametrize("kept_out", [("2",), ("22",), ("2", "22")], ids=["no F2", "no F22", "neither"])
def test_void_needs_no_card(terminal: Terminal, card: Card, kept_out: tuple[str, ...]) -> None:
    """The sale is found by its own names; card number and entry mode may be left out, of the reversal too."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)

    assert codes(terminal, without(void, *kept_out)) == ["00"]
    assert terminal.read_balance(card) == BALANCE_MINOR
    assert codes(terminal, without(reversal_of(void), *kept_out)) == ["00"]
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT


@pytest.mark.parametrize("mti", ["0200", "0201"])
def test_repeated_void_gives_back_once(terminal: Terminal, card: Card, mti: str) -> None:
    """A void asked for again has the first one's result and posts nothing more."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)

    first, second = terminal.exchange(void), terminal.exchange(void | {"t": mti})

    assert first.code == "00"
    assert first.result == second.result
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_sale_is_voided_once(terminal: Terminal, card: Card) -> None:
    """A second void of a sale is 22, alone or many at once."""
    sale, reference = sold(terminal, card)
    voids = [terminal.void(sale, reference) for _ in range(10)]

    answers = terminal.exchange_all(voids)

    assert sorted(answer.code for answer in answers) == ["00", *["22"] * 9]
    assert codes(terminal, terminal.void(sale, reference)) == ["22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def other_reference(void: Message) -> Message:
    """Quotes the reference of nothing."""
    return void | {"37": "000000000000"}


def other_trace(void: Message) -> Message:
    """Names a trace that was never used."""
    return void | {"61": void["61"][:6] + "999997"}


def other_batch(void: Message) -> Message:
    """Names a sale of another batch."""
    return void | {"61": "999999" + void["61"][6:]}


def sent_in_another_batch(void: Message) -> Message:
    """Comes in a batch that isn't open."""
    return in_batch(void, "999999")


def other_amount(void: Message) -> Message:
    """Wants less than the whole back."""
    return void | {"4": f"{AMOUNT - 100:012d}"}


def short_original(void: Message) -> Message:
    """Names a batch and no trace."""
    return void | {"61": void["61"][:6]}


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (other_reference, "25"),
        (other_trace, "25"),
        (other_batch, "12"),
        (sent_in_another_batch, "77"),
        (other_amount, "64"),
        (lambda void: without(void, "37"), "30"),
        (lambda void: without(void, "61"), "30"),
        (short_original, "30"),
        (lambda void: void | {"64": "00000000"}, "A0"),
    ],
    ids=["F37", "trace", "batch", "closed batch", "amount", "no F37", "no F61", "short F61", "MAC"],
)
def test_void_that_does_not_fit_is_refused(
    terminal: Terminal, card: Card, spoilt: Callable[[Message], Message], code: str
) -> None:
    """What doesn't name the sale in every way is refused and gives nothing back; the right void does."""
    sale, reference = sold(terminal, card)

    assert [code] == codes(terminal, spoilt(terminal.void(sale, reference)))
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT
    assert codes(terminal, terminal.void(sale, reference)) == ["00"]


def test_void_names_one_sale(terminal: Terminal, card: Card) -> None:
    """The trace of one sale with the reference of another is no sale's."""
    (sale, _), (_, reference) = sold(terminal, card), sold(terminal, card)

    assert codes(terminal, terminal.void(sale, reference)) == ["25"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 2 * AMOUNT


def test_void_with_another_card_is_refused(terminal: Terminal, world: World, card: Card) -> None:
    """A card that a void states must be the sale's."""
    sale, reference = sold(terminal, card)
    other = world.card()

    assert codes(terminal, terminal.void(sale, reference) | {"2": other.pan}) == ["14"]
    assert [terminal.read_balance(each) for each in (card, other)] == [BALANCE_MINOR - AMOUNT, BALANCE_MINOR]


def test_void_leaves_no_tombstone(terminal: Terminal, card: Card) -> None:
    """A void of a sale that never came is 25, and the sale may still come."""
    sale = terminal.purchase(card, AMOUNT)

    assert codes(terminal, terminal.void(sale, "000000000000"), sale) == ["25", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT


def test_void_of_what_was_declined_or_reversed_is_refused(terminal: Terminal, card: Card) -> None:
    """A declined sale can't be voided, 12, nor a reversed one, 22."""
    declined = terminal.purchase(card, BALANCE_MINOR + 1)
    reference = terminal.exchange(declined)["37"]
    assert codes(terminal, terminal.void(declined, reference)) == ["12"]

    sale, reference = sold(terminal, card)
    assert codes(terminal, reversal_of(sale), terminal.void(sale, reference)) == ["00", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_void_finds_sales_of_its_own_terminal_only(terminal: Terminal, sign_on: SignOn, card: Card) -> None:
    """Another terminal's sale can't be voided, whatever is quoted of it."""
    other = sign_on()
    sale, reference = sold(terminal, card)
    theirs = other.void(sale, reference) | {"61": other.batch + sale["11"]}

    assert codes(other, theirs) == ["25"]
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT


def test_pin_that_comes_with_a_void_is_counted(terminal: Terminal, card: Card) -> None:
    """Wrong PINs are 55 and then 75, an unreadable block is 99; without a PIN the void needs none."""
    sale, reference = sold(terminal, card)

    def void(card: Card) -> Message:
        return terminal.void(sale, reference) | terminal.encrypted_pin(card)

    unreadable = void(card) | {"52": terminal.encrypted(b"\xff" * 8)}
    wrong = [void(card.with_wrong_pin()) for _ in range(3)]

    assert codes(terminal, unreadable, *wrong, void(card)) == ["99", "55", "55", "55", "75"]
    assert codes(terminal, terminal.purchase(card, 100), terminal.void(sale, reference)) == ["75", "00"]


def test_right_pin_is_good_for_a_void(terminal: Terminal, card: Card) -> None:
    """A void with the card's own PIN is approved, swiped or typed."""
    for read in ({}, {"35": card.track2.replace("=", "D"), "22": "021"}):
        sale, reference = sold(terminal, card)

        assert codes(terminal, terminal.void(sale, reference) | read | terminal.encrypted_pin(card)) == ["00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_of_a_void_puts_the_sale_in_force_again(terminal: Terminal, card: Card) -> None:
    """The money is taken again; the sale's repeat has its first result, the void's is 22."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)
    reversal = reversal_of(void)

    assert codes(terminal, void, reversal, reversal | {"t": "0401"}, void) == ["00", "00", "00", "22"]
    repeat = terminal.exchange(sale)
    assert (repeat.code, repeat["37"]) == ("00", reference)
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT


def test_void_and_its_reversal_in_one_write(terminal: Terminal, card: Card) -> None:
    """The reversal waits for its void, and the next void for the reversal."""
    sale, reference = sold(terminal, card)
    first, second = (terminal.void(sale, reference) for _ in range(2))

    answers = terminal.exchange_all([first, reversal_of(first), second])

    assert [answer.code for answer in answers] == ["00", "00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"4": f"{AMOUNT - 100:012d}"}, "64"), ({"61": "000001999997"}, "25"), ({"64": "00000000"}, "A0")],
    ids=["amount", "F61", "MAC"],
)
def test_reversal_of_a_void_must_fit(
    terminal: Terminal, card: Card, changes: dict[str, str], code: str
) -> None:
    """A reversal that isn't the void's is refused; the right one is approved afterwards."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)

    assert ["00", code] == codes(terminal, void, reversal_of(void) | changes)
    assert terminal.read_balance(card) == BALANCE_MINOR
    assert codes(terminal, reversal_of(void)) == ["00"]


def test_spent_money_is_owed_after_the_reversal_of_a_void(
    installation: Installation, terminal: Terminal, card: Card
) -> None:
    """The sale stands again though the money is gone: the ledger shows who owes it, until a new void."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)
    spent = terminal.purchase(card, BALANCE_MINOR - 200)
    before = owed(installation)

    assert codes(terminal, void, spent, reversal_of(void)) == ["00", "00", "00"]
    assert terminal.read_balance(card) == 0
    assert before - (AMOUNT - 200) == owed(installation)

    assert codes(terminal, terminal.purchase(card, 1), terminal.void(sale, reference)) == ["51", "00"]
    assert terminal.read_balance(card) == 200
    assert before == owed(installation)
    installation.run("ledger", "verify")


def owed(installation: Installation) -> int:
    """What cardholders owe in all, as a balance: zero or less."""
    accounts = installation.run_json("ledger", "show")["accounts"]
    return sum(each["balance_minor"] for each in accounts if each["kind"] == "CARDHOLDER_RECEIVABLE")


def test_reversal_of_a_void_that_took_nothing_back(terminal: Terminal, card: Card) -> None:
    """A declined void's reversal is 00; a void that never came leaves 25 and is then 22. The sale stands."""
    sale, reference = sold(terminal, card)
    declined, late = other_amount(terminal.void(sale, reference)), terminal.void(sale, reference)

    assert codes(terminal, declined, reversal_of(declined), reversal_of(declined)) == ["64", "00", "00"]
    assert codes(terminal, reversal_of(late), reversal_of(late), late, late) == ["25", "25", "22", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT
    assert codes(terminal, terminal.void(sale, reference)) == ["00"]


def test_late_reversal_of_a_voided_sale(terminal: Terminal, card: Card) -> None:
    """It is approved and moves nothing; whatever becomes of the void then, the sale is not in force again."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)

    assert codes(terminal, void, reversal_of(sale), reversal_of(sale)) == ["00", "00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR
    assert codes(terminal, reversal_of(void), sale) == ["00", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_sale_is_voided_reversed_and_voided_again(terminal: Terminal, card: Card) -> None:
    """Each void after the reversal of the one before is approved, and in the end the sale may be reversed."""
    sale, reference = sold(terminal, card)
    for _ in range(3):
        void = terminal.void(sale, reference)
        assert codes(terminal, void, sale, reversal_of(void), sale) == ["00", "22", "00", "00"]
        assert terminal.read_balance(card) == BALANCE_MINOR - AMOUNT

    assert codes(terminal, reversal_of(sale), sale, terminal.void(sale, reference)) == ["00", "22", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_void_gives_back_on_the_card_that_is_blocked(terminal: Terminal, card: Card) -> None:
    """Three wrong PINs block the card's PIN, and its sale can be voided all the same."""
    sale, reference = sold(terminal, card)
    wrong = [terminal.purchase(card.with_wrong_pin(), 100) for _ in range(3)]

    assert codes(terminal, *wrong, terminal.void(sale, reference)) == ["55", "55", "55", "00"]


def test_void_is_found_by_the_operator(installation: Installation, terminal: Terminal, card: Card) -> None:
    """The sale tells which void takes it back; the void tells its sale and its own reversal."""
    sale, reference = sold(terminal, card)
    void = terminal.void(sale, reference)
    voided = terminal.exchange(void)["37"]

    (found,) = installation.run_json("transaction", "find", "--rrn", reference)["transactions"]
    assert (voided, None) == (found["voided_by_rrn"], found["reversed_by_rrn"])
    reversed_by = terminal.exchange(reversal_of(void))["37"]

    (found,) = installation.run_json("transaction", "find", "--rrn", reference)["transactions"]
    assert (None, None) == (found["voided_by_rrn"], found["reversed_by_rrn"])
    (found,) = installation.run_json("transaction", "find", "--rrn", voided)["transactions"]
    assert (reference, reversed_by) == (found["original_rrn"], found["reversed_by_rrn"])
    assert found["kind"] == "purchase_void"
    by_trace = ("--terminal", terminal.identity.terminal_id, "--batch", terminal.batch, "--stan", void["11"])
    both = installation.run_json("transaction", "find", *by_trace)["transactions"]
    assert {"purchase_void", "purchase_void_reversal"} == {each["kind"] for each in both}
