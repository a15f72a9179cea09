"""What the ledger must hold, by the journal alone. Pure: records in, the state of each transaction out.

A terminal's word decides. A sale or a void that was answered 00 stands until its reversal is answered; then
it is taken back. One that was answered with another final code is declined, and one that heard nothing but 96
was certainly not posted. All else is open, and must be settled by repeating or reversing before the ledger
can be compared. A sale is taken back, too, as long as a void of it stands.

Some answers are wrong whatever the ledger holds; they are kept as contradictions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

from tests.crash.journal import Answered, Kind, Record, Reference, Sent

APPROVED: Final = "00"
NO_FUNDS: Final = "51"
TAKEN_BACK_ALREADY: Final = "22"
NO_ORIGINAL: Final = "25"
TRY_AGAIN: Final = "96"


class State(Enum):
    """What a terminal knows of a sale or a void."""

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
class Transaction:
    """A sale or a void, with all that was sent and answered about it."""

    reference: Reference
    card: int
    amount_minor: int
    voided: Reference | None = None
    sendings: int = 0
    refusals: int = 0
    result: Answered | None = None
    reversals_sent: int = 0
    reversed_as_approved: bool = False
    is_reversed: bool = False

    @property
    def state(self) -> State:
        """What the terminal may rely on, voids of it left aside."""
        if self.is_reversed:
            return State.TAKEN_BACK
        if self.reversals_sent:
            return State.OPEN
        if self.result is not None:
            return State.STANDING if self.result.code == APPROVED else State.DECLINED
        return State.REFUSED if self.sendings == self.refusals else State.OPEN

    def __str__(self) -> str:
        return f"{self.reference}, card {self.card}, {self.amount_minor} minor"


@dataclass(slots=True)
class Book:
    """All transactions of a run, and how many requests there were."""

    transactions: dict[Reference, Transaction] = field(default_factory=dict)
    voids: defaultdict[Reference, list[Transaction]] = field(default_factory=lambda: defaultdict(list))
    """The voids of each sale that has any."""
    contradictions: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def note_all(self, records: Iterable[Record]) -> None:
        """Take in records in the order of the journal."""
        for record in records:
            if isinstance(record, Sent):
                self._note_sent(record)
            else:
                self._note_answered(record)

    def state_of(self, transaction: Transaction) -> State:
        """What the terminal may rely on; of a sale, with what its voids did to it."""
        state = transaction.state
        of_voids = {void.state for void in self.voids.get(transaction.reference, ())}
        if state is State.STANDING and State.OPEN in of_voids:
            return State.OPEN
        if state is State.STANDING and State.STANDING in of_voids:
            return State.TAKEN_BACK
        return state

    def spent_minor(self) -> Counter[int]:
        """By card, the sum of the sales that stand."""
        spent: Counter[int] = Counter()
        for transaction in self.transactions.values():
            if transaction.voided is None and self.state_of(transaction) is State.STANDING:
                spent[transaction.card] += transaction.amount_minor
        return spent

    def _note_sent(self, sent: Sent) -> None:
        transaction = self.transactions.get(sent.reference)
        if transaction is None:
            transaction = Transaction(sent.reference, sent.card, sent.amount_minor, sent.voided)
            self.transactions[sent.reference] = transaction
            if sent.voided is not None:
                self.voids[sent.voided].append(transaction)
        if sent.kind in (Kind.SALE, Kind.VOID):
            earlier, transaction.sendings = transaction.sendings, transaction.sendings + 1
        else:
            earlier, transaction.reversals_sent = transaction.reversals_sent, transaction.reversals_sent + 1
            is_approved = transaction.result is not None and transaction.result.code == APPROVED
            transaction.reversed_as_approved |= is_approved
        self.counts["requests"] += 1
        self.counts[f"{sent.kind}s repeated" if earlier else f"{sent.kind}s"] += 1

    def _note_answered(self, answered: Answered) -> None:
        self.counts["answers"] += 1
        self.counts[f"{answered.kind}s answered {answered.code}"] += 1
        transaction = self.transactions[answered.reference]
        if answered.kind in (Kind.SALE, Kind.VOID):
            wrong = self._wrong_answer(transaction, answered)
        else:
            wrong = _wrong_reversal_answer(transaction, answered)
        if wrong is not None:
            self.contradictions.append(Violation(str(transaction), wrong))

    def _wrong_answer(self, transaction: Transaction, answered: Answered) -> str | None:
        """Take in the answer to a sale or a void; what is wrong with it, if anything."""
        known = transaction.result
        if answered.code == TRY_AGAIN:
            transaction.refusals += 1
        elif answered.code == TAKEN_BACK_ALREADY and self._may_be_taken_back(transaction):
            if known is None and transaction.voided is not None:
                transaction.result = answered
        elif answered.code != APPROVED and (answered.code != NO_FUNDS or transaction.voided is not None):
            return f"answered {answered.code}"
        elif known is None or (known.code == TAKEN_BACK_ALREADY and transaction.reversals_sent):
            # Two nodes may answer in the other order: the second that the void is done, and taken back since.
            transaction.result = answered
        elif known != answered:
            return f"{_told(known)}, and repeated {_told(answered)}"
        return None

    def _may_be_taken_back(self, transaction: Transaction) -> bool:
        """Whether something was sent that takes this, or for a void its sale, back."""
        sale = self.transactions[transaction.voided] if transaction.voided is not None else transaction
        others = [void for void in self.voids.get(sale.reference, ()) if void is not transaction]
        return bool(transaction.reversals_sent or sale.reversals_sent or others)


def _wrong_reversal_answer(transaction: Transaction, answered: Answered) -> str | None:
    """Take in the answer to a reversal; what is wrong with it, if anything."""
    if answered.code == TRY_AGAIN:
        return None
    if answered.code not in {APPROVED, NO_ORIGINAL}:
        return f"its reversal was answered {answered.code}"
    transaction.is_reversed = True
    if answered.code == NO_ORIGINAL and transaction.reversed_as_approved:
        return "approved, then reversed, and the reversal finds no original"
    return None


def _told(answered: Answered) -> str:
    return f"{answered.code} with reference {answered.retrieval_reference}"
