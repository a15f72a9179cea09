"""The ledger held against the book: each acknowledged posting exactly once, and nothing else. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.crash.book import Book, State, Transaction, Violation
from tests.crash.journal import REVERSAL_OF, Kind
from tests.crash.ledger_rows import Posting, Rows

_NONE: Final[Counter[Posting]] = Counter()


class Posted(NamedTuple):
    """How often a sale or a void was posted, and how often its reversal took it back."""

    times: int
    undone: int

    def __str__(self) -> str:
        return f"posted {self.times} times and undone {self.undone} times"


def compare(book: Book, rows: Rows) -> Iterator[Violation]:
    """What is wrong with the postings of each transaction, and with the versions of wallets."""
    for transaction in book.transactions.values():
        wrong = _wrong(transaction, book, rows)
        if wrong is not None:
            yield Violation(str(transaction), wrong)
    for reference in rows.postings.keys() - book.transactions.keys():
        yield Violation(str(reference), "posted, but was never sent")
    for wallet_id in rows.gaps:
        yield Violation(f"wallet {wallet_id}", "its versions have a gap")
    for wallet_id in rows.overdrawn:
        yield Violation(f"wallet {wallet_id}", "it was overdrawn")


def compare_balances(
    book: Book, rows: Rows, opening_minor: Mapping[int, int], now_minor: Mapping[int, int]
) -> Iterator[Violation]:
    """Which cards don't hold what they began with less the sales that stand, plus what is owed for them."""
    due_minor = Counter(opening_minor)
    due_minor.subtract(book.spent_minor())
    for reference, owed_minor in rows.owed_minor.items():
        due_minor[book.transactions[reference].card] += owed_minor
    for card, balance_minor in now_minor.items():
        if balance_minor != due_minor[card]:
            wrong = f"holds {balance_minor} minor and should hold {due_minor[card]}"
            yield Violation(f"card {card}", wrong)


def _wrong(transaction: Transaction, book: Book, rows: Rows) -> str | None:
    postings = rows.postings.get(transaction.reference, _NONE)
    posted = _posted(transaction, rows)
    state = book.state_of(transaction)
    if postings.total() != sum(posted):
        return f"posted as something else: {dict(postings)}"
    if state is State.OPEN:
        return f"never settled; {posted}"
    if max(posted) > 1:
        return f"{posted}"
    if state in (State.DECLINED, State.REFUSED) and any(posted):
        return f"{_name(state)}, but {posted}"
    if transaction.voided is not None:
        return f"approved, but {posted}" if state is State.STANDING and posted != (1, 0) else None
    return _wrong_in_total(transaction, book, rows)


def _wrong_in_total(sale: Transaction, book: Book, rows: Rows) -> str | None:
    """A sale moves its amount once if it stands and not at all otherwise, whoever took it back how often."""
    posted = _posted(sale, rows)
    by_voids = [_posted(void, rows) for void in book.voids.get(sale.reference, ())]
    moved = posted.times - posted.undone - sum(void.times - void.undone for void in by_voids)
    if moved == (book.state_of(sale) is State.STANDING):
        return None
    of_voids = "".join(f", its void {void}" for void in by_voids)
    return f"{_name(book.state_of(sale))}, but {posted}{of_voids}"


def _posted(transaction: Transaction, rows: Rows) -> Posted:
    postings = rows.postings.get(transaction.reference, _NONE)
    kind = Kind.SALE if transaction.voided is None else Kind.VOID
    amount_minor = -transaction.amount_minor if kind is Kind.SALE else transaction.amount_minor
    return Posted(postings[Posting(kind, amount_minor)], postings[Posting(REVERSAL_OF[kind], -amount_minor)])


def _name(state: State) -> str:
    return state.name.lower().replace("_", " ")
