"""The ledger held against the book: each acknowledged posting exactly once, and nothing else. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from tests.crash.book import Book, Sale, State, Violation
from tests.crash.journal import Kind
from tests.crash.ledger_rows import Rows

_NOTHING: Final[Counter[tuple[Kind, int]]] = Counter()


def compare(book: Book, rows: Rows) -> Iterator[Violation]:
    """What is wrong with the postings of each sale, and with the versions of wallets."""
    for reference, sale in book.sales.items():
        wrong = _wrong(sale, rows.postings.get(reference, _NOTHING))
        if wrong is not None:
            yield Violation(f"{reference}, card {sale.card}, {sale.amount_minor} minor", wrong)
    for reference in rows.postings.keys() - book.sales.keys():
        yield Violation(str(reference), "posted, but was never sent")
    for wallet_id in rows.gaps:
        yield Violation(f"wallet {wallet_id}", "its versions have a gap")


def compare_balances(
    book: Book, opening_minor: Mapping[int, int], now_minor: Mapping[int, int]
) -> Iterator[Violation]:
    """Which cards don't hold what they began with less the sales that stand."""
    spent = book.spent_minor()
    for card, balance_minor in now_minor.items():
        due_minor = opening_minor[card] - spent[card]
        if balance_minor != due_minor:
            yield Violation(f"card {card}", f"holds {balance_minor} minor and should hold {due_minor}")


def _wrong(sale: Sale, postings: Counter[tuple[Kind, int]]) -> str | None:
    posted = postings[Kind.SALE, -sale.amount_minor]
    undone = postings[Kind.REVERSAL, sale.amount_minor]
    if postings.total() != posted + undone:
        return f"posted with another amount: {dict(postings)}"
    match sale.state:
        case State.OPEN:
            return f"never settled; posted {posted} times, undone {undone} times"
        case State.STANDING if (posted, undone) != (1, 0):
            return f"approved, but posted {posted} times and undone {undone} times"
        case State.TAKEN_BACK if (posted, undone) not in {(0, 0), (1, 1)}:
            return f"taken back, but posted {posted} times and undone {undone} times"
        case State.DECLINED | State.REFUSED if postings:
            return f"{sale.state.name.lower()}, but posted {posted} times and undone {undone} times"
        case _:
            return None
