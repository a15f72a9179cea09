"""The book: requests one after the other, each by its name, with what became of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.intent import Intent

from . import changes
from .posting import Move, Posting, Refused
from .requests import REQUESTS, Request
from .terms import BARE, FLOAT, PRODUCT, Terms
from .wallet import Wallet

REVERSALS = {
    f"{kind}_REVERSAL": kind
    for kind in (
        "PURCHASE", "PURCHASE_VOID", "PREAUTH", "PREAUTH_VOID", "PREAUTH_INCREMENT", "COMPLETION",
        "COMPLETION_VOID", "TOP_UP", "TOP_UP_VOID", "TRANSFER", "POINTS_SPEND", "POINTS_SPEND_VOID",
    )
}  # fmt: skip
VOIDS = {
    "PURCHASE_VOID": {"PURCHASE"},
    "PREAUTH_VOID": {"PREAUTH"},
    "COMPLETION_VOID": {"COMPLETION", "COMPLETION_ADVICE"},
    "TOP_UP_VOID": {"TOP_UP"},
    "POINTS_SPEND_VOID": {"POINTS_SPEND"},
}
SALES = {"PURCHASE", "OFFLINE_SALE", "COMPLETION", "COMPLETION_ADVICE"}
REFERS_TO: dict[str, set[str]] = {
    **{reversal: {kind} for reversal, kind in REVERSALS.items()},
    **VOIDS,
    "REFUND": SALES,
    "POINTS_RETURN": {"POINTS_SPEND"},
    "TIP_ADVICE": {"PURCHASE", "OFFLINE_SALE"},
    "PREAUTH_INCREMENT": {"PREAUTH"},
    "COMPLETION": {"PREAUTH"},
    "COMPLETION_ADVICE": {"PREAUTH"},
    "HOLD_EXPIRY": {"PREAUTH"},
    "TOP_UP_CONFIRM": {"TOP_UP"},
}
"""The kinds of original that each movement may refer to."""

BY_THE_LEDGER = {"HOLD_EXPIRY", "LOT_EXPIRY"}
COUNTED = {"PURCHASE", "OFFLINE_SALE", "TRANSFER", "PREAUTH", "PREAUTH_INCREMENT"}
LEAVES_NO_TRACE = {
    "TERMINAL_UNKNOWN", "MALFORMED", "MAC_WRONG", "BATCH_NOT_OPEN", "FUNCTION_NOT_SUPPORTED",
    "DUPLICATE_DIFFERS", "PIN_UNREADABLE", "SYSTEM_MALFUNCTION", "WALLET_QUARANTINED",
}  # fmt: skip
NOT_FOUND, WRONG, INVALID = "ORIGINAL_NOT_FOUND", "RELATED_TRANSACTION_WRONG", "RELATED_TRANSACTION_INVALID"


@dataclass(frozen=True)
class Answer:
    """What a request is answered: the outcome, the number of who was answered it first, a balance."""

    outcome: str
    number: int
    told: int | None = None


@dataclass
class Entry:
    """A name in the book: who took it, with what, and what it posted."""

    fingerprint: bytes
    answer: Answer
    posting: Posting | None = None

    @property
    def state(self) -> str:
        """How it stands."""
        if self.answer.outcome != "APPROVED":
            return "declined"
        return "posted" if self.posting is None else self.posting.state


@dataclass
class Book:
    """All that there is.

    Args:
        product: the value that requests carry for `terms.PRODUCT`.
        float_product: the one for `terms.FLOAT`.
    """

    product: object
    float_product: object
    wallets: dict[int, Wallet] = field(default_factory=dict)
    names: dict[bytes, Entry] = field(default_factory=dict)
    buried: set[bytes] = field(default_factory=set)
    totals: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    holds: list[Posting] = field(default_factory=list)

    def handle(self, intent: Intent, day: int) -> Answer:
        """Answer one request."""
        entry = self.names.get(intent.key)
        if entry is not None:
            if entry.fingerprint != intent.fingerprint:
                return _answer(intent, "DUPLICATE_DIFFERS")
            return _answer(intent, WRONG) if entry.state in changes.TAKEN_BACK else entry.answer
        if intent.key in self.buried:
            return _answer(intent, WRONG)
        by_key = intent.kind.name in REVERSALS or intent.kind.name == "TOP_UP_CONFIRM"
        if intent.refusal is not None and not by_key:
            return self._keep(intent, _answer(intent, intent.refusal.name))
        return self._decide(intent, day) if intent.original_key is None else self._refer(intent, day)

    def _keep(self, intent: Intent, answer: Answer, posting: Posting | None = None) -> Answer:
        """Give an answer; one that is final takes the request's name."""
        if answer.outcome not in LEAVES_NO_TRACE:
            self.names[intent.key] = Entry(intent.fingerprint, answer, posting)
        return answer

    def _decide(self, intent: Intent, day: int) -> Answer:
        """A new request."""
        kind = intent.kind.name
        other_id = intent.other_wallet_id
        is_two = bool(other_id) and other_id != intent.wallet_id
        if intent.wallet_id not in self.wallets or (is_two and other_id not in self.wallets):
            return _answer(intent, "WALLET_QUARANTINED")
        request = self._request(intent, self.wallets[intent.wallet_id], day)
        request.other = self.wallets[other_id] if is_two and other_id is not None else None
        refused = self._try(request, lambda: REQUESTS[kind](request))
        if refused is not None:
            return refused if kind in BY_THE_LEDGER else self._keep(intent, refused)
        return self._post(request)

    def _request(self, intent: Intent, wallet: Wallet, day: int) -> Request:
        terms, other_terms = self._terms(intent.rules), self._terms(intent.other_rules)
        return Request(
            intent, intent.kind.name, wallet, terms or BARE, day, None, other_terms, is_bare=terms is None
        )

    def _terms(self, rules: object) -> Terms | None:
        """What is known of a product: nothing of one that isn't the book's."""
        if rules is self.product:
            return PRODUCT
        return FLOAT if rules is self.float_product else None

    def _try(self, request: Request, do: Callable[[], None]) -> Answer | None:
        """Do it, or leave everything but the tries of the PIN as it was."""
        wallets = [wallet for wallet in (request.wallet, request.other) if wallet is not None]
        before = [wallet.copy() for wallet in wallets]
        try:
            do()
        except Refused as refused:
            for wallet, was in zip(wallets, before, strict=True):
                was.failures = wallet.failures
                self.wallets[wallet.number] = was
            return _answer(request.intent, refused.outcome)
        return None

    def _post(self, request: Request, on: Posting | None = None) -> Answer:
        """Keep what was done."""
        intent = request.intent
        for move in (*request.moves, *(side for charge in request.charges for side in charge[:2])):
            self.totals[move.account, move.owner, move.asset] += move.amount
        posting = request.posting(intent.transaction_id)
        posting.changed = on
        if posting.kind in COUNTED:
            posting.counted = [(request.day, request.amount)]
        if posting.kind == "PREAUTH":
            posting.state, posting.until = "held", request.day + request.terms.hold_days
            posting.purses = {purse: request.terms.accounts[purse] for purse in request.terms.waterfall}
            self.holds.append(posting)
        answer = Answer("APPROVED", intent.transaction_id, request.told)
        return self._keep(intent, answer, posting)

    def _refer(self, intent: Intent, day: int) -> Answer:
        """A request that refers to another."""
        kind, key = intent.kind.name, intent.original_key
        assert key is not None
        state, entry = self._standing(intent, key)
        if kind == "TOP_UP_CONFIRM":
            return self._confirm(intent, key, state, entry, day)
        if kind in REVERSALS:
            noted = self._reversal_of(intent, key, state)
            if noted is not None:
                return self._keep(intent, _answer(intent, noted))
        refused = None if kind in REVERSALS else unfit(kind, state)
        if refused is not None:
            return (
                _answer(intent, refused)
                if kind in BY_THE_LEDGER
                else self._keep(intent, _answer(intent, refused))
            )
        assert entry is not None
        assert entry.posting is not None
        return self._change(intent, entry.posting, day)

    def _standing(self, intent: Intent, key: bytes) -> tuple[str, Entry | None]:
        """How what a request refers to stands, and its entry, if it is the one that is meant."""
        if key in self.buried:
            return "buried", None
        entry = self.names.get(key)
        if entry is None:
            return "absent", None
        if intent.kind.name not in REVERSALS and intent.kind.name != "TOP_UP_CONFIRM":
            if intent.original_id not in {None, entry.answer.number}:
                return "absent", None
            stated = intent.expected_original_day
            if entry.posting is not None and stated not in {None, entry.posting.day}:
                return "absent", None
        return entry.state, entry

    def _reversal_of(self, intent: Intent, key: bytes, state: str) -> str | None:
        """What a reversal is answered that has nothing to take back."""
        if state == "absent":
            self.buried.add(key)
        if state in {"absent", "buried"}:
            return NOT_FOUND
        return "APPROVED" if state in {"declined", "reversed"} else None

    def _confirm(self, intent: Intent, key: bytes, state: str, entry: Entry | None, day: int) -> Answer:
        """What was never seen is done now, and its name taken; else it is answered like it."""
        if state == "buried" or state in changes.TAKEN_BACK:
            return self._keep(intent, _answer(intent, WRONG))
        if entry is not None:
            return self._keep(intent, _answer(intent, _echo(intent, entry)))
        if intent.wallet_id is None or intent.refusal is not None:
            name = "CARD_UNKNOWN" if intent.refusal is None else intent.refusal.name
            answer = self._keep(intent, _answer(intent, name))
        else:
            answer = self._decide(intent, day)
        kept = self.names.get(intent.key)
        if kept is not None:
            posting, kept.posting = kept.posting, None
            if posting is not None:
                posting.kind = "TOP_UP"
            self.names[key] = Entry(intent.original_fingerprint or intent.fingerprint, answer, posting)
        return answer

    def _change(self, intent: Intent, on: Posting, day: int) -> Answer:
        """A request that changes something posted."""
        kind = intent.kind.name
        request = self._request(intent, self.wallets[on.wallet], day)
        request.other = None if on.other is None else self.wallets[on.other]
        request.other_terms = request.other_terms or BARE
        refused = self._try(request, lambda: self._do(changes.Change(request, on), kind))
        if refused is None:
            return self._post(request, on)
        is_kept = kind not in BY_THE_LEDGER and kind not in REVERSALS
        return self._keep(intent, refused) if is_kept else refused

    def _do(self, change: changes.Change, kind: str) -> None:
        """What a request does to what stands, if it is of a kind and a parent that it may be of."""
        on, is_reversal = change.on, kind in REVERSALS
        if on.kind not in REFERS_TO[kind]:
            raise Refused(INVALID)
        if is_reversal and on.state in {"voided", "completed", "released"}:
            changes.uphold(change)
            return
        if is_reversal:
            changes.check_behind(on)
        if (is_reversal or kind == "COMPLETION_VOID") and not self._is_parent(change):
            raise Refused(NOT_FOUND)
        DOING[kind](change)

    def _is_parent(self, change: changes.Change) -> bool:
        """Whether what a request says that its original changed is that, or what that had changed."""
        stated, behind = change.request.intent.parent_key, change.on.changed
        if stated is None or behind is None:
            return True
        may_be = [behind]
        if change.request.kind == "COMPLETION_VOID_REVERSAL" and behind.state != "reversed":
            may_be += [behind.changed] if behind.changed is not None else []
        entry = self.names.get(stated)
        return entry is not None and entry.posting in may_be


def _answer(intent: Intent, outcome: str) -> Answer:
    return Answer(outcome, intent.transaction_id)


def _echo(intent: Intent, entry: Entry) -> str:
    """The answer of a top-up that was seen, if it is the one that is confirmed."""
    posting = entry.posting
    if posting is not None:
        if (intent.amount_minor, intent.asset) != (posting.amount, posting.asset):
            return "ORIGINAL_AMOUNT_DIFFERS"
        if intent.wallet_id not in {None, posting.wallet}:
            return "CARD_DIFFERS"
    return entry.answer.outcome


DOING: dict[str, Callable[[changes.Change], None]] = {
    **dict.fromkeys(REVERSALS, changes.reverse),
    **dict.fromkeys(VOIDS, changes.void),
    "REFUND": changes.refund,
    "POINTS_RETURN": changes.refund,
    "TIP_ADVICE": changes.tip,
    "PREAUTH_INCREMENT": changes.increment,
    "COMPLETION": changes.complete,
    "COMPLETION_ADVICE": changes.complete,
    "HOLD_EXPIRY": changes.expire,
}
"""What each request that refers to another does to it."""


def unfit(kind: str, state: str) -> str | None:
    """Why what isn't a reversal can't be done to something that stands like this; None: it can."""
    if kind == "HOLD_EXPIRY":
        return None if state == "held" else INVALID
    if state in {"absent", "buried"}:
        return NOT_FOUND
    if state in FITS[kind]:
        return None
    return INVALID if state in UNFIT[kind] else WRONG


_OF_SALES = frozenset({"posted", "partly refunded", "refunded"})
_OF_HOLDS = frozenset({"held", "completed", "released"})
_NOT_OF_SALES = frozenset({"declined"}) | changes.TAKEN_BACK | _OF_HOLDS
_NOT_OF_HOLDS = frozenset({"declined"}) | _OF_SALES
FITS: dict[str, frozenset[str]] = {
    **dict.fromkeys(VOIDS, frozenset({"posted", "held"})),
    **dict.fromkeys(("REFUND", "POINTS_RETURN"), frozenset({"posted", "partly refunded"})),
    "TIP_ADVICE": frozenset({"posted"}),
    **dict.fromkeys(("PREAUTH_INCREMENT", "COMPLETION"), frozenset({"held"})),
    "COMPLETION_ADVICE": frozenset({"held", "released"}),
}
"""What each request may be done to, by how that stands."""

UNFIT: dict[str, frozenset[str]] = {
    **dict.fromkeys(VOIDS, frozenset({"declined"})),
    **dict.fromkeys(("REFUND", "POINTS_RETURN"), _NOT_OF_SALES),
    "TIP_ADVICE": _NOT_OF_SALES | {"partly refunded", "refunded"},
    **dict.fromkeys(("PREAUTH_INCREMENT", "COMPLETION", "COMPLETION_ADVICE"), _NOT_OF_HOLDS),
}
"""What it is never done to; to all the rest it could have been, before something else was."""


def held_by(book: Book) -> dict[tuple[int, int, int], int]:
    """What open holds hold of each lot."""
    held: Counter[tuple[int, int, int]] = Counter()
    for hold in book.holds:
        if hold.state == "held":
            held.update({_place(move): -move.amount for move in hold.moves if move.account == "HELD_WALLET"})
    return dict(held)


def _place(move: Move) -> tuple[int, int, int]:
    return move.owner, move.purse, move.until
