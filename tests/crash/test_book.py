"""What the book makes of a journal, and the journal's way through its file."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash.book import Book, State
from tests.crash.journal import Answered, Journal, Kind, Record, Reference, Sent

SALE = Reference("T0000001", "000001", "000007")
VOID = Reference("T0000001", "000001", "000008")
OTHER_VOID = Reference("T0000001", "000001", "000009")

SALE_SENT = Sent(Kind.SALE, SALE, 3, 250)
REVERSAL_SENT = Sent(Kind.SALE_REVERSAL, SALE, 3, 250)
VOID_SENT = Sent(Kind.VOID, VOID, 3, 250, SALE)
VOID_REVERSAL_SENT = Sent(Kind.VOID_REVERSAL, VOID, 3, 250, SALE)
OTHER_VOID_SENT = Sent(Kind.VOID, OTHER_VOID, 3, 250, SALE)


def answered(sent: Sent, code: str, reference: str = "0000AITXMK89") -> Answered:
    """An answer to what was sent."""
    return Answered(sent.kind, sent.reference, code, reference, "TXMK89" if code == "00" else None)


def exchanged(sent: Sent, code: str) -> list[Record]:
    """What was sent, and its answer."""
    return [sent, answered(sent, code)]


def book_of(records: Sequence[Record]) -> Book:
    """A book that has taken these in."""
    book = Book()
    book.note_all(records)
    return book


SOLD = exchanged(SALE_SENT, "00")
VOIDED = [*SOLD, *exchanged(VOID_SENT, "00")]
REVERSED_BEFORE_ITS_ANSWERS = [
    VOID_REVERSAL_SENT,
    answered(VOID_SENT, "22"),
    answered(VOID_SENT, "00"),
]

STORIES = [
    pytest.param([SALE_SENT], State.OPEN, id="silence"),
    pytest.param(SOLD, State.STANDING, id="approved"),
    pytest.param(exchanged(SALE_SENT, "51"), State.DECLINED, id="no funds"),
    pytest.param(exchanged(SALE_SENT, "96"), State.REFUSED, id="refused"),
    pytest.param([SALE_SENT, *exchanged(SALE_SENT, "96")], State.OPEN, id="one of two refused"),
    pytest.param([*exchanged(SALE_SENT, "96"), *SOLD], State.STANDING, id="approved later"),
    pytest.param([*SOLD, *SOLD], State.STANDING, id="repeated"),
    pytest.param([*SOLD, *exchanged(SALE_SENT, "96")], State.STANDING, id="repeat refused"),
    pytest.param([*SOLD, REVERSAL_SENT], State.OPEN, id="reversal unanswered"),
    pytest.param([*SOLD, *exchanged(REVERSAL_SENT, "96")], State.OPEN, id="reversal refused"),
    pytest.param([*SOLD, *exchanged(REVERSAL_SENT, "00")], State.TAKEN_BACK, id="reversed"),
    pytest.param(
        [SALE_SENT, *exchanged(REVERSAL_SENT, "25"), *exchanged(SALE_SENT, "22")],
        State.TAKEN_BACK,
        id="reversed before it arrived",
    ),
    pytest.param(VOIDED, State.TAKEN_BACK, id="voided"),
    pytest.param([*VOIDED, *exchanged(SALE_SENT, "22")], State.TAKEN_BACK, id="repeated after its void"),
    pytest.param([*SOLD, VOID_SENT], State.OPEN, id="void unanswered"),
    pytest.param([*SOLD, *exchanged(VOID_SENT, "96")], State.STANDING, id="void refused"),
    pytest.param([*VOIDED, VOID_REVERSAL_SENT], State.OPEN, id="void's reversal unanswered"),
    pytest.param([*VOIDED, *exchanged(VOID_REVERSAL_SENT, "00")], State.STANDING, id="void reversed"),
    pytest.param(
        [*SOLD, VOID_SENT, *exchanged(VOID_REVERSAL_SENT, "25"), *exchanged(VOID_SENT, "22")],
        State.STANDING,
        id="void reversed before it arrived",
    ),
    pytest.param(
        [*SOLD, VOID_SENT, VOID_SENT, *REVERSED_BEFORE_ITS_ANSWERS, answered(VOID_REVERSAL_SENT, "00")],
        State.STANDING,
        id="void done on one node, reversed, and late on the other",
    ),
    pytest.param(
        [*VOIDED, *exchanged(OTHER_VOID_SENT, "22"), *exchanged(VOID_REVERSAL_SENT, "00")],
        State.STANDING,
        id="second void declined, first one reversed",
    ),
    pytest.param(
        [*VOIDED, *exchanged(REVERSAL_SENT, "00"), *exchanged(VOID_REVERSAL_SENT, "00")],
        State.TAKEN_BACK,
        id="voided, reversed, and the void reversed",
    ),
]


@pytest.mark.parametrize(("records", "state"), STORIES)
def test_state_follows_the_answers(records: Sequence[Record], state: State) -> None:
    """Each story ends in the state a terminal may rely on, and contradicts nothing."""
    book = book_of(records)

    assert state is book.state_of(book.transactions[SALE])
    assert [] == book.contradictions


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        (exchanged(SALE_SENT, "94"), "answered 94"),
        (exchanged(SALE_SENT, "22"), "answered 22"),
        ([*SOLD, SALE_SENT, answered(SALE_SENT, "00", "other")], "repeated 00 with"),
        ([*exchanged(SALE_SENT, "51"), *SOLD], "repeated 00 with"),
        ([*SOLD, *exchanged(REVERSAL_SENT, "25")], "finds no original"),
        ([SALE_SENT, *exchanged(REVERSAL_SENT, "64")], "its reversal was answered 64"),
        ([*SOLD, *exchanged(VOID_SENT, "25")], "answered 25"),
        ([*SOLD, *exchanged(VOID_SENT, "51")], "answered 51"),
        ([*SOLD, *exchanged(VOID_SENT, "22")], "answered 22"),
        ([*VOIDED, *exchanged(VOID_REVERSAL_SENT, "25")], "finds no original"),
    ],
)
def test_impossible_answers_are_contradictions(records: Sequence[Record], wrong: str) -> None:
    """What no switch may answer is named with terminal, batch, STAN and card."""
    (violation,) = book_of(records).contradictions

    assert violation.subject in {f"{SALE}, card 3, 250 minor", f"{VOID}, card 3, 250 minor"}
    assert wrong in violation.wrong


def test_only_standing_sales_are_spent() -> None:
    """What a card has spent is the sum of the sales that stand; voids spend nothing."""
    declined = Sent(Kind.SALE, OTHER_VOID, 3, 100)
    standing = [*SOLD, *exchanged(declined, "51")]

    assert {3: 250} == book_of(standing).spent_minor()
    assert {} == book_of([*standing, *exchanged(VOID_SENT, "00")]).spent_minor()


def test_requests_are_counted_by_what_they_are() -> None:
    """First sendings and repeats are counted apart, answers by their code."""
    book = book_of([SALE_SENT, *SOLD, REVERSAL_SENT, REVERSAL_SENT])

    assert {
        "requests": 4,
        "answers": 1,
        "sales": 1,
        "sales repeated": 1,
        "sales answered 00": 1,
        "sale reversals": 1,
        "sale reversals repeated": 1,
    } == book.counts


def test_journal_gives_back_what_was_written_once(tmp_path: Path) -> None:
    """Reading goes on where it stopped, while the file only grows."""
    journal = Journal(tmp_path / "journal")
    journal.write(SALE_SENT)
    journal.write(VOID_SENT)
    first = list(journal.read_on())
    journal.write(answered(SALE_SENT, "00"))
    second = list(journal.read_on())
    journal.close()

    assert ([SALE_SENT, VOID_SENT], [answered(SALE_SENT, "00")]) == (first, second)
    assert 3 == len((tmp_path / "journal").read_text().splitlines())
