"""The ledger held against the book: what agrees, and what is named when it doesn't."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from tests.crash.book import Book, Transaction, Violation
from tests.crash.comparison import compare, compare_balances
from tests.crash.journal import Answered, Kind, Reference
from tests.crash.ledger_rows import Posting, Rows

SALE = Reference("T0000001", "000001", "000007")
VOID = Reference("T0000001", "000001", "000008")
NAMED = "terminal T0000001, batch 000001, STAN 000007, card 3, 250 minor"

SPENT = Posting(Kind.SALE, -250)
REVERSED = Posting(Kind.SALE_REVERSAL, 250)
GIVEN_BACK = Posting(Kind.VOID, 250)
SPENT_AGAIN = Posting(Kind.VOID_REVERSAL, -250)

Postings = Sequence[Posting]


def transaction(
    code: str | None, *, of: Reference = SALE, refusals: int = 0, is_reversed: bool = False
) -> Transaction:
    """A sale, or a void of it, that was sent once."""
    result = None if code is None else Answered(Kind.SALE, of, code, "0000AITXMK89", None)
    return Transaction(
        of,
        card=3,
        amount_minor=250,
        voided=SALE if of == VOID else None,
        sendings=1,
        refusals=refusals,
        result=result,
        reversals_sent=int(is_reversed),
        is_reversed=is_reversed,
    )


STANDING = transaction("00")
DECLINED = transaction("51")
REFUSED = transaction(None, refusals=1)
TAKEN_BACK = transaction("00", is_reversed=True)
OPEN = transaction(None)

STANDING_VOID = transaction("00", of=VOID)
REVERSED_VOID = transaction("00", of=VOID, is_reversed=True)
DECLINED_VOID = transaction("22", of=VOID)


def found(transactions: Sequence[Transaction], postings: Mapping[Reference, Postings]) -> list[Violation]:
    """What is wrong if the ledger has these postings."""
    book = Book({each.reference: each for each in transactions})
    book.voids[SALE].extend(each for each in transactions if each.voided)
    return list(compare(book, Rows({name: Counter(posted) for name, posted in postings.items()})))


@pytest.mark.parametrize(
    ("sale", "postings"),
    [
        (STANDING, [SPENT]),
        (DECLINED, []),
        (REFUSED, []),
        (TAKEN_BACK, []),
        (TAKEN_BACK, [SPENT, REVERSED]),
    ],
)
def test_sales_that_agree(sale: Transaction, postings: Postings) -> None:
    """Each state of a sale has the postings it may have."""
    assert [] == found([sale], {SALE: postings})


@pytest.mark.parametrize(
    ("sale", "postings", "wrong"),
    [
        (STANDING, [], "standing, but posted 0 times"),
        (STANDING, [SPENT, SPENT], "posted 2 times"),
        (STANDING, [SPENT, REVERSED], "standing, but posted 1 times and undone 1 times"),
        (STANDING, [Posting(Kind.SALE, -300)], "posted as something else"),
        (STANDING, [GIVEN_BACK], "posted as something else"),
        (DECLINED, [SPENT], "declined, but posted 1 times"),
        (REFUSED, [SPENT], "refused, but posted 1 times"),
        (TAKEN_BACK, [SPENT], "taken back, but posted 1 times and undone 0 times"),
        (TAKEN_BACK, [SPENT, REVERSED, REVERSED], "undone 2 times"),
        (TAKEN_BACK, [REVERSED], "undone 1 times"),
        (OPEN, [SPENT], "never settled"),
    ],
)
def test_sales_that_do_not(sale: Transaction, postings: Postings, wrong: str) -> None:
    """Each disagreement is named with its transaction and card."""
    (violation,) = found([sale], {SALE: postings})

    assert NAMED == violation.subject
    assert wrong in violation.wrong


@pytest.mark.parametrize(
    ("sale", "void", "of_sale", "of_void"),
    [
        (STANDING, STANDING_VOID, [SPENT], [GIVEN_BACK]),
        (STANDING, REVERSED_VOID, [SPENT], [GIVEN_BACK, SPENT_AGAIN]),
        (STANDING, REVERSED_VOID, [SPENT], []),
        (STANDING, DECLINED_VOID, [SPENT], []),
        (TAKEN_BACK, STANDING_VOID, [SPENT], [GIVEN_BACK]),
        (TAKEN_BACK, REVERSED_VOID, [SPENT], [GIVEN_BACK]),
        (TAKEN_BACK, REVERSED_VOID, [SPENT, REVERSED], [GIVEN_BACK, SPENT_AGAIN]),
    ],
)
def test_voided_sales_that_agree(
    sale: Transaction, void: Transaction, of_sale: Postings, of_void: Postings
) -> None:
    """A sale with a void moves its amount once if it stands and not at all if it doesn't."""
    assert [] == found([sale, void], {SALE: of_sale, VOID: of_void})


@pytest.mark.parametrize(
    ("sale", "void", "of_sale", "of_void", "wrong"),
    [
        (STANDING, STANDING_VOID, [SPENT], [], "approved, but posted 0 times"),
        (STANDING, REVERSED_VOID, [SPENT], [GIVEN_BACK], "standing, but posted 1 times"),
        (STANDING, DECLINED_VOID, [SPENT], [GIVEN_BACK], "declined, but posted 1 times"),
        (TAKEN_BACK, STANDING_VOID, [SPENT, REVERSED], [GIVEN_BACK], "its void posted 1 times"),
        (TAKEN_BACK, REVERSED_VOID, [SPENT], [GIVEN_BACK, SPENT_AGAIN], "taken back, but posted 1 times"),
    ],
)
def test_voided_sales_that_do_not(
    sale: Transaction, void: Transaction, of_sale: Postings, of_void: Postings, wrong: str
) -> None:
    """Money that a void or its reversal moved too often, or not, is named."""
    violations = found([sale, void], {SALE: of_sale, VOID: of_void})

    assert any(wrong in violation.wrong for violation in violations)


def test_postings_nobody_sent_and_wrong_histories_are_named() -> None:
    """A posting without a request, a gap in a wallet's versions and an overdrawn wallet are violations."""
    rows = Rows({SALE: Counter([SPENT])}, gaps=[77], overdrawn=[78])

    assert [
        "terminal T0000001, batch 000001, STAN 000007: posted, but was never sent",
        "wallet 77: its versions have a gap",
        "wallet 78: it was overdrawn",
    ] == [str(violation) for violation in compare(Book(), rows)]


@pytest.mark.parametrize(("owed_minor", "balance_minor"), [(0, 750), (20, 770)])
def test_balances_are_exact(owed_minor: int, balance_minor: int) -> None:
    """A card holds what it began with less what stands, and plus what is owed for it, to the last unit."""
    book = Book({SALE: STANDING})
    rows = Rows(owed_minor=Counter({SALE: owed_minor}))
    opening_minor = {3: 1000, 4: 1000}

    right = list(compare_balances(book, rows, opening_minor, {3: balance_minor, 4: 1000}))
    wrong = list(compare_balances(book, rows, opening_minor, {3: balance_minor + 1, 4: 1000}))

    assert [] == right
    assert [Violation("card 3", f"holds {balance_minor + 1} minor and should hold {balance_minor}")] == wrong
