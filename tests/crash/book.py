"""What the ledger must hold, by the journal alone. Pure: records in, the state of each sale out.

A terminal's word decides. A sale answered 00 stands until its reversal is answered; then it is taken back. A
sale that was refused for funds is declined, and one that heard nothing but 96 was certainly not posted. All
else is open, and must be settled by repeating or reversing before the ledger can be compared.

Some answers are wrong whatever the ledger holds; they are kept as contradictions.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple, assert_never

from tests.crash.journal import Answered, Kind, Record, Reference, Sent

APPROVED: Final = "00"
TRY_AGAIN: Final = "96"


class State(Enum):
    """What a terminal knows of a sale."""

    OPEN = auto()
    STANDING = auto()
    TAKEN_BACK = auto()
    DECLINED = auto()
    REFUSED = auto()


class Violation(NamedTuple):
    """A broken promise: of which card or transaction, and what is wrong."""

    subject: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.wrong}"


@dataclass(slots=True)
class Sale:
    """One sale with all that was sent and answered about it."""

    card: int
    amount_minor: int
    sendings: int = 0
    refusals: int = 0
    result: Answered | None = None
    reversals_sent: int = 0
    reversed_as_approved: bool = False
    taken_back: bool = False

    @property
    def state(self) -> State:
        """What the terminal may rely on."""
        if self.taken_back:
            return State.TAKEN_BACK
        if self.reversals_sent:
            return State.OPEN
        if self.result is not None:
            return State.STANDING if self.result.code == APPROVED else State.DECLINED
        return State.REFUSED if self.sendings == self.refusals else State.OPEN


@dataclass(slots=True)
class Book:
    """All sales of a run, and how many requests there were."""

    sales: dict[Reference, Sale] = field(default_factory=dict)
    contradictions: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def note_all(self, records: Iterable[Record]) -> None:
        """Take in records in the order of the journal."""
        for record in records:
            if isinstance(record, Sent):
                self._note_sent(record)
            else:
                self._note_answered(record)

    def spent_minor(self) -> Counter[int]:
        """By card, the sum of the sales that stand."""
        spent: Counter[int] = Counter()
        for sale in self.sales.values():
            if sale.state is State.STANDING:
                spent[sale.card] += sale.amount_minor
        return spent

    def _note_sent(self, sent: Sent) -> None:
        sale = self.sales.setdefault(sent.sale, Sale(sent.card, sent.amount_minor))
        match sent.kind:
            case Kind.SALE:
                self.counts["sales" if not sale.sendings else "sales repeated"] += 1
                sale.sendings += 1
            case Kind.REVERSAL:
                self.counts["reversals" if not sale.reversals_sent else "reversals repeated"] += 1
                sale.reversals_sent += 1
                sale.reversed_as_approved |= sale.result is not None and sale.result.code == APPROVED
            case _:
                assert_never(sent.kind)

    def _note_answered(self, answered: Answered) -> None:
        self.counts["answered"] += 1
        sale = self.sales[answered.sale]
        match answered.kind:
            case Kind.SALE:
                self._note_sale_answered(sale, answered)
            case Kind.REVERSAL:
                self._note_reversal_answered(sale, answered)
            case _:
                assert_never(answered.kind)

    def _note_sale_answered(self, sale: Sale, answered: Answered) -> None:
        match answered.code:
            case "96":
                sale.refusals += 1
            case "22":
                if not sale.reversals_sent:
                    self._contradict(answered, "answered 22, but was never reversed")
            case "00" | "51":
                if sale.result is None:
                    sale.result = answered
                elif sale.result != answered:
                    self._contradict(answered, f"{_told(sale.result)}, and repeated {_told(answered)}")
            case code:
                self._contradict(answered, f"answered {code}")

    def _note_reversal_answered(self, sale: Sale, answered: Answered) -> None:
        match answered.code:
            case "96":
                return
            case "25" if sale.reversed_as_approved:
                self._contradict(answered, "approved, then reversed, and the reversal finds no original")
            case "00" | "25":
                pass
            case code:
                self._contradict(answered, f"its reversal was answered {code}")
                return
        sale.taken_back = True

    def _contradict(self, answered: Answered, wrong: str) -> None:
        card = self.sales[answered.sale].card
        self.contradictions.append(Violation(f"{answered.sale}, card {card}", wrong))


def _told(answered: Answered) -> str:
    return f"{answered.code} with reference {answered.retrieval_reference}"
