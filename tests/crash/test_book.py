"""What the book makes of a journal, and the journal's way through its file."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash.book import Book, State
from tests.crash.journal import Answered, Journal, Kind, Record, Reference, Sent

SALE = Reference("T0000001", "000001", "000007")
SALE_SENT = Sent(Kind.SALE, SALE, 3, 250)
REVERSAL_SENT = Sent(Kind.REVERSAL, SALE, 3, 250)


def sale_answered(code: str, reference: str = "0000AITXMK89") -> Answered:
    """An answer to the sale."""
    return Answered(Kind.SALE, SALE, code, reference, "TXMK89" if code == "00" else None)


def reversal_answered(code: str) -> Answered:
    """An answer to its reversal."""
    return Answered(Kind.REVERSAL, SALE, code, "0000AITXMK90", None)


def book_of(records: Sequence[Record]) -> Book:
    """A book that has taken these in."""
    book = Book()
    book.note_all(records)
    return book


STORIES = [
    pytest.param([SALE_SENT], State.OPEN, id="silence"),
    pytest.param([SALE_SENT, sale_answered("00")], State.STANDING, id="approved"),
    pytest.param([SALE_SENT, sale_answered("51")], State.DECLINED, id="no funds"),
    pytest.param([SALE_SENT, sale_answered("96")], State.REFUSED, id="refused"),
    pytest.param([SALE_SENT, SALE_SENT, sale_answered("96")], State.OPEN, id="one of two refused"),
    pytest.param(
        [SALE_SENT, sale_answered("96"), SALE_SENT, sale_answered("00")], State.STANDING, id="approved later"
    ),
    pytest.param([SALE_SENT, sale_answered("00")] * 2, State.STANDING, id="repeated"),
    pytest.param(
        [SALE_SENT, sale_answered("00"), SALE_SENT, sale_answered("96")], State.STANDING, id="repeat refused"
    ),
    pytest.param([SALE_SENT, sale_answered("00"), REVERSAL_SENT], State.OPEN, id="reversal unanswered"),
    pytest.param([SALE_SENT, REVERSAL_SENT, reversal_answered("96")], State.OPEN, id="reversal refused"),
    pytest.param(
        [SALE_SENT, sale_answered("00"), REVERSAL_SENT, reversal_answered("00")],
        State.TAKEN_BACK,
        id="reversed",
    ),
    pytest.param(
        [SALE_SENT, REVERSAL_SENT, reversal_answered("25"), SALE_SENT, sale_answered("22")],
        State.TAKEN_BACK,
        id="reversed before it arrived",
    ),
]


@pytest.mark.parametrize(("records", "state"), STORIES)
def test_state_follows_the_answers(records: Sequence[Record], state: State) -> None:
    """Each story ends in the state a terminal may rely on, and contradicts nothing."""
    book = book_of(records)

    assert state is book.sales[SALE].state
    assert [] == book.contradictions


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        ([SALE_SENT, sale_answered("94")], "answered 94"),
        ([SALE_SENT, sale_answered("22")], "never reversed"),
        ([SALE_SENT, sale_answered("00"), SALE_SENT, sale_answered("00", "other")], "repeated 00 with"),
        ([SALE_SENT, sale_answered("51"), SALE_SENT, sale_answered("00")], "repeated 00 with"),
        ([SALE_SENT, sale_answered("00"), REVERSAL_SENT, reversal_answered("25")], "finds no original"),
        ([SALE_SENT, REVERSAL_SENT, reversal_answered("64")], "its reversal was answered 64"),
    ],
)
def test_impossible_answers_are_contradictions(records: Sequence[Record], wrong: str) -> None:
    """What no switch may answer is named with terminal, batch, STAN and card."""
    (violation,) = book_of(records).contradictions

    assert "terminal T0000001, batch 000001, STAN 000007, card 3" == violation.subject
    assert wrong in violation.wrong


def test_only_standing_sales_are_spent() -> None:
    """What a card has spent is the sum of the sales that stand."""
    other = Reference("T0000001", "000001", "000008")
    book = book_of(
        [
            SALE_SENT,
            sale_answered("00"),
            Sent(Kind.SALE, other, 3, 100),
            Answered(Kind.SALE, other, "51", "0000AITXMK99", None),
        ]
    )

    assert {3: 250} == book.spent_minor()


def test_requests_are_counted_by_what_they_are() -> None:
    """First sendings and repeats are counted apart."""
    book = book_of([SALE_SENT, SALE_SENT, sale_answered("00"), REVERSAL_SENT, REVERSAL_SENT])

    assert {
        "sales": 1,
        "sales repeated": 1,
        "reversals": 1,
        "reversals repeated": 1,
        "answered": 1,
    } == book.counts


def test_journal_gives_back_what_was_written_once(tmp_path: Path) -> None:
    """Reading goes on where it stopped, while the file only grows."""
    journal = Journal(tmp_path / "journal")
    journal.write(SALE_SENT)
    first = list(journal.read_on())
    journal.write(sale_answered("00"))
    second = list(journal.read_on())
    journal.close()

    assert ([SALE_SENT], [sale_answered("00")]) == (first, second)
    assert 2 == len((tmp_path / "journal").read_text().splitlines())
