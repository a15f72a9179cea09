"""`cardswitch transaction find`: by the names on a receipt, by the reference, by the card."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

Cardswitch = Callable[..., Any]


def by_terminal(day: Any, stan: str) -> Sequence[str]:
    """The names on a receipt."""
    return "--terminal", day.terminal.terminal_id, "--batch", day.batch, "--stan", stan


def test_receipt_finds_the_transaction_and_what_took_it_back(cardswitch: Cardswitch, day: Any) -> None:
    """Terminal, batch and STAN find the purchase with its legs, and the reversal of the same names."""
    ran = cardswitch("transaction", "find", *by_terminal(day, day.purchase_stan), "--json")

    purchase, reversal = ran.json["transactions"]
    assert (ran.status, ran.err) == (0, "")
    assert (day.purchase_rrn, day.reversal_rrn) == (purchase["rrn"], reversal["rrn"])
    assert (purchase["kind"], reversal["kind"]) == ("purchase", "purchase_reversal")
    assert (day.reversal_rrn, day.purchase_rrn) == (purchase["reversed_by_rrn"], reversal["original_rrn"])
    assert (purchase["outcome"], purchase["response_code"]) == ("approved", "00")
    assert (purchase["amount_minor"], purchase["currency"]) == (2_500, "156")
    assert {-2_500, 2_500} == {entry["amount_minor"] for entry in purchase["entries"]}
    assert day.card.pan not in ran.out


def test_numbers_may_be_short(cardswitch: Cardswitch, day: Any) -> None:
    """Batch and STAN may be typed without their leading zeros."""
    names = ("--terminal", day.terminal.terminal_id, "--batch", "1", "--stan", "3")

    ran = cardswitch("transaction", "find", *names, "--json")

    assert [day.declined_rrn] == [found["rrn"] for found in ran.json["transactions"]]


@pytest.mark.parametrize("written", [str, str.lower])
def test_reference_finds_its_transaction(
    cardswitch: Cardswitch, day: Any, written: Callable[[str], str]
) -> None:
    """Field 37 leads to its transaction, in capitals or not."""
    ran = cardswitch("transaction", "find", "--rrn", written(day.declined_rrn), "--json")

    [found] = ran.json["transactions"]
    assert (found["outcome"], found["response_code"]) == ("insufficient_funds", "51")
    assert (found["entries"], found["reversed_by_rrn"]) == ([], None)


def test_card_finds_all_its_transactions(cardswitch: Cardswitch, day: Any) -> None:
    """A card's number, by argument or by standard input, finds what was done with it, oldest first."""
    by_argument = cardswitch("transaction", "find", "--pan", day.card.pan, "--json")
    by_input = cardswitch("transaction", "find", "--pan", "-", "--json", stdin=f"{day.card.pan}\n")

    rrns = [found["rrn"] for found in by_argument.json["transactions"]]
    assert [day.purchase_rrn, day.declined_rrn, day.reversal_rrn] == rrns
    assert by_argument.json == by_input.json


@pytest.mark.parametrize(
    ("given", "status"), [("told", 0), ("booked", 0), ("month_and_day", 0), ("other", 1)]
)
def test_date_narrows_the_search(cardswitch: Cardswitch, day: Any, given: str, status: int) -> None:
    """The day is the ledger's or the one the terminal was told, with its year or without."""
    rrn = ("--rrn", day.purchase_rrn)
    [found] = cardswitch("transaction", "find", *rrn, "--json").json["transactions"]
    year, local = found["received_at"][:4], found["local_date"]
    dates = {
        "told": f"{year}-{local[:2]}-{local[2:]}",
        "booked": found["business_date"],
        "month_and_day": local,
        "other": f"{int(year) - 1}-{local[:2]}-{local[2:]}",
    }

    ran = cardswitch("transaction", "find", *rrn, "--date", dates[given], "--json")

    assert status == ran.status
    assert date.fromisoformat(found["business_date"]) == date(2026, 1, 1)


def test_people_get_a_line_each(cardswitch: Cardswitch, day: Any) -> None:
    """Without `--json` a transaction is one line, and one more if it was taken back."""
    ran = cardswitch("transaction", "find", *by_terminal(day, day.purchase_stan))

    assert ran.status == 0
    first, second, third = ran.out.splitlines()
    assert first.startswith(f"{day.purchase_rrn}  purchase approved (00)  2500 156")
    assert second.split() == ["reversed", "by", day.reversal_rrn]
    assert third.startswith(f"{day.reversal_rrn}  purchase_reversal approved (00)")


@pytest.mark.parametrize(
    "names",
    [
        ("--rrn", "ZZZZZZZZZZZZ"),
        ("--rrn", "000000000000"),
        ("--rrn", "short"),
        ("--rrn", "Ω" * 12),
        ("--pan", "9900019999999999999"),
        ("--terminal", "T9999999", "--batch", "1", "--stan", "1"),
    ],
)
def test_nothing_found_is_1(cardswitch: Cardswitch, names: Sequence[str]) -> None:
    """A transaction that isn't there is told as such, and as an empty list in JSON."""
    ran, as_json = (
        cardswitch("transaction", "find", *names),
        cardswitch("transaction", "find", *names, "--json"),
    )

    assert (ran.status, ran.out, ran.err) == (1, "", "no such transaction\n")
    assert (as_json.status, as_json.json) == (1, {"transactions": []})


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "give --terminal, --batch and --stan, or --rrn, or --pan"),
        (("--terminal", "T0000001"), "give --terminal"),
        (("--terminal", "T0000001", "--batch", "1"), "give --terminal"),
        (("--rrn", "000000000000", "--pan", "99"), "give --terminal"),
        (("--rrn", "000000000000", "--stan", "1"), "give --terminal"),
        (("--rrn", "000000000000", "--date", "1.2.2026"), "--date is"),
        (("--rrn", "000000000000", "--date", "\u0660\u0661\u0660\u0661"), "--date is"),
        (("--pan", "9900-0100"), "--pan is"),
        (("--pan", "\u0669\u0660"), "--pan is"),
        (("--pan", "9" * 20), "--pan is"),
    ],
)
def test_misuse_is_2(cardswitch: Cardswitch, names: Sequence[str], reason: str) -> None:
    """Names that don't fit together, or aren't what they should be, are told without asking anybody."""
    ran = cardswitch("transaction", "find", *names)

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"cardswitch: {reason}")
