"""The ledger held against the book: what agrees, and what is named when it doesn't."""

from collections import Counter

import pytest

from tests.crash.book import Book, Sale, Violation
from tests.crash.comparison import compare, compare_balances
from tests.crash.journal import Answered, Kind, Reference
from tests.crash.ledger_rows import Rows

REFERENCE = Reference("T0000001", "000001", "000007")
NAMED = "terminal T0000001, batch 000001, STAN 000007, card 3, 250 minor"
POSTED = (Kind.SALE, -250)
UNDONE = (Kind.REVERSAL, 250)
Postings = list[tuple[Kind, int]]


def answered(code: str) -> Answered:
    """The sale's result."""
    return Answered(Kind.SALE, REFERENCE, code, "0000AITXMK89", None)


STANDING = Sale(3, 250, 1, result=answered("00"))
DECLINED = Sale(3, 250, 1, result=answered("51"))
REFUSED = Sale(3, 250, 1, 1)
TAKEN_BACK = Sale(3, 250, 1, reversals_sent=1, taken_back=True)
OPEN = Sale(3, 250, 1)


def found(sale: Sale, postings: Postings) -> list[Violation]:
    """What is wrong if the ledger has these postings of the sale."""
    rows = Rows({REFERENCE: Counter(postings)} if postings else {}, [])
    return list(compare(Book({REFERENCE: sale}), rows))


@pytest.mark.parametrize(
    ("sale", "postings"),
    [
        (STANDING, [POSTED]),
        (DECLINED, []),
        (REFUSED, []),
        (TAKEN_BACK, []),
        (TAKEN_BACK, [POSTED, UNDONE]),
    ],
)
def test_what_agrees(sale: Sale, postings: Postings) -> None:
    """Each state has the postings it may have."""
    assert [] == found(sale, postings)


@pytest.mark.parametrize(
    ("sale", "postings", "wrong"),
    [
        (STANDING, [], "approved, but posted 0 times and undone 0 times"),
        (STANDING, [POSTED, POSTED], "approved, but posted 2 times and undone 0 times"),
        (STANDING, [POSTED, UNDONE], "approved, but posted 1 times and undone 1 times"),
        (STANDING, [(Kind.SALE, -300)], "posted with another amount"),
        (DECLINED, [POSTED], "declined, but posted 1 times"),
        (REFUSED, [POSTED], "refused, but posted 1 times"),
        (TAKEN_BACK, [POSTED], "taken back, but posted 1 times and undone 0 times"),
        (TAKEN_BACK, [POSTED, UNDONE, UNDONE], "taken back, but posted 1 times and undone 2 times"),
        (OPEN, [POSTED], "never settled"),
    ],
)
def test_what_does_not(sale: Sale, postings: Postings, wrong: str) -> None:
    """Each disagreement is named with its transaction and card."""
    (violation,) = found(sale, postings)

    assert NAMED == violation.subject
    assert wrong in violation.wrong


def test_postings_nobody_sent_and_gaps_are_named() -> None:
    """A posting without a request and a wallet whose versions have a gap are violations of their own."""
    rows = Rows({REFERENCE: Counter([POSTED])}, [77])

    assert [
        "terminal T0000001, batch 000001, STAN 000007: posted, but was never sent",
        "wallet 77: its versions have a gap",
    ] == [str(violation) for violation in compare(Book(), rows)]


def test_balances_are_exact() -> None:
    """A card holds what it began with less the sales that stand, to the last minor unit."""
    book = Book({REFERENCE: STANDING})
    opening_minor = {3: 1000, 4: 1000}

    right = list(compare_balances(book, opening_minor, {3: 750, 4: 1000}))
    wrong = list(compare_balances(book, opening_minor, {3: 751, 4: 1000}))

    assert [] == right
    assert [Violation("card 3", "holds 751 minor and should hold 750")] == wrong
