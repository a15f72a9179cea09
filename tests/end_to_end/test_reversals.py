"""Reversals: the money comes back once, whatever came first and however often it is asked for."""

import pytest

from .conftest import SignOn
from .plain_dialect import Message
from .plain_terminal import Card, Terminal, in_batch, reversal_of, without
from .switch_process import BALANCE_MINOR


def codes(terminal: Terminal, *requests: Message) -> list[str]:
    """The response codes of requests sent one after the other, each waiting for its answer."""
    return [terminal.exchange(request).code for request in requests]


def test_reversal_gives_the_money_back(terminal: Terminal, card: Card) -> None:
    """A reversed sale leaves the balance as it was before it."""
    sale = terminal.purchase(card, 700)

    assert codes(terminal, sale, reversal_of(sale)) == ["00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_right_behind_its_sale_waits_for_it(terminal: Terminal, card: Card) -> None:
    """Sale and reversal in one write are both approved, and nothing stays posted."""
    sale = terminal.purchase(card, 700)

    answers = terminal.exchange_all([sale, reversal_of(sale)])

    assert [answer.code for answer in answers] == ["00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_many_pairs_in_one_write_leave_nothing_posted(terminal: Terminal, card: Card) -> None:
    """Thirty sales with their reversals behind them, all in one write, on one card."""
    sales = [terminal.purchase(card, 700) for _ in range(30)]
    requests = [request for sale in sales for request in (sale, reversal_of(sale))]

    answers = terminal.exchange_all(requests)

    assert {"00"} == {answer.code for answer in answers}
    assert terminal.read_balance(card) == BALANCE_MINOR


@pytest.mark.parametrize(
    ("reason", "kept_out"),
    [("98", ()), ("06", ()), ("A0", ()), ("98", ("2",))],
    ids=["98", "06", "A0", "no F2"],
)
def test_reversal_needs_no_certain_reason_and_no_number(
    terminal: Terminal, card: Card, reason: str, kept_out: tuple[str, ...]
) -> None:
    """Every reason of the dialect is taken, and the original is found without the account number."""
    sale = terminal.purchase(card, 700)
    reversal = without(reversal_of(sale, reason=reason), *kept_out)

    assert codes(terminal, sale, reversal) == ["00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversed_sale_is_not_repeated(terminal: Terminal, card: Card) -> None:
    """A repeat of a sale that was reversed since is 22 and takes no money."""
    sale = terminal.purchase(card, 700)

    assert codes(terminal, sale, reversal_of(sale), sale, sale) == ["00", "00", "22", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


@pytest.mark.parametrize("mti", ["0400", "0401"])
def test_repeated_reversal_gives_back_once(terminal: Terminal, card: Card, mti: str) -> None:
    """A reversal asked for again is approved again and posts nothing more."""
    sale = terminal.purchase(card, 700)
    reversal = reversal_of(sale)

    assert codes(terminal, sale, reversal, reversal | {"t": mti}, reversal | {"39": "06"}) == [
        "00",
        "00",
        "00",
        "00",
    ]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversals_at_once_give_back_once(terminal: Terminal, card: Card) -> None:
    """Ten equal reversals in one write are all approved, with one result, and post once."""
    sale = terminal.purchase(card, 700)
    terminal.exchange(sale)

    answers = terminal.exchange_all([reversal_of(sale)] * 10)

    assert answers[0].code == "00"
    assert {answers[0].result} == {answer.result for answer in answers}
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_sale_that_comes_after_its_reversal_is_refused(terminal: Terminal, card: Card) -> None:
    """A reversal without original is 25, also when repeated, and the late original is 22 for good."""
    sale = terminal.purchase(card, 700)
    reversal = reversal_of(sale)

    assert codes(terminal, reversal, reversal, sale, sale) == ["25", "25", "22", "22"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_and_its_late_sale_in_one_write(terminal: Terminal, card: Card) -> None:
    """A reversal in front of its sale, both at once: whichever is decided first, nothing stays posted."""
    sale = terminal.purchase(card, 700)

    answers = terminal.exchange_all([reversal_of(sale), sale])

    assert [answer.code for answer in answers] in (["25", "22"], ["00", "00"])
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_of_another_amount_is_refused(terminal: Terminal, card: Card) -> None:
    """Another amount is 64 and gives nothing back; the right reversal is still approved afterwards."""
    sale = terminal.purchase(card, 700)
    reversal = reversal_of(sale)

    assert codes(terminal, sale, reversal | {"4": f"{600:012d}"}) == ["00", "64"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 700
    assert codes(terminal, reversal) == ["00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_of_a_declined_sale_moves_nothing(terminal: Terminal, card: Card) -> None:
    """What was declined has nothing to give back: the reversal is approved, twice, and posts nothing."""
    sale = terminal.purchase(card, BALANCE_MINOR + 1)

    assert codes(terminal, sale, reversal_of(sale), reversal_of(sale)) == ["51", "00", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_finds_sales_of_its_own_terminal_only(
    terminal: Terminal, sign_on: SignOn, card: Card
) -> None:
    """A reversal with the trace and batch of another terminal's sale is 25 and gives nothing back."""
    other = sign_on()
    sale = terminal.purchase(card, 700) | {"11": "910001"}
    theirs = reversal_of(in_batch(sale, other.batch)) | {"41": other.identity.terminal_id}

    assert codes(terminal, sale) == ["00"]
    assert codes(other, theirs | {"42": other.identity.merchant_id}) == ["25"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_reversal_is_matched_by_the_batch_it_carries(terminal: Terminal, card: Card) -> None:
    """A reversal in a batch that isn't open gets 25 for want of an original there, never 77."""
    sale = terminal.purchase(card, 700)
    elsewhere = in_batch(reversal_of(sale), "999999")

    assert codes(terminal, sale, elsewhere, reversal_of(sale)) == ["00", "25", "00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_reversal_needs_its_mac(terminal: Terminal, card: Card) -> None:
    """A reversal with a wrong MAC is A0 and gives nothing back; the right one is approved afterwards."""
    sale = terminal.purchase(card, 700)

    assert codes(terminal, sale, reversal_of(sale) | {"64": "00000000"}) == ["00", "A0"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 700
    assert codes(terminal, reversal_of(sale)) == ["00"]


def test_reversal_after_a_new_sign_on_finds_its_sale(terminal: Terminal, card: Card) -> None:
    """A terminal that lost its line signs on anew before it reverses: the batch is open still."""
    sale = terminal.purchase(card, 700)
    terminal.exchange(sale)
    terminal.sign_on()

    assert codes(terminal, reversal_of(sale)) == ["00"]
    assert terminal.read_balance(card) == BALANCE_MINOR


def test_money_given_back_can_be_spent_again(terminal: Terminal, card: Card) -> None:
    """The whole balance, reversed, pays for the whole balance once more."""
    sale = terminal.purchase(card, BALANCE_MINOR)

    assert codes(terminal, sale, reversal_of(sale)) == ["00", "00"]
    assert codes(terminal, terminal.purchase(card, BALANCE_MINOR)) == ["00"]
    assert terminal.read_balance(card) == 0
