"""Tables of money: one event a row, in the order in which they happen.

    W1: open 10.00
    P1: purchase W1 4.00 pin=ok        -> APPROVED             W1=6.00
    P1: purchase W1 4.00 pin=ok        -> APPROVED again
        reversal P1 4.00               -> APPROVED             W1=10.00

A request's name is its STAN: the same name again is a repeat. A reversal has the STAN of what it takes back
unless it is given a name. `void P1` quotes P1's number, or that of `quoting=`, and the reversal of a void
says `of=` which purchase the void took back. Right of the arrow stand the outcome (`again`: the very result
of the first time) and what holds after the row: a wallet's balance, or its `.tries`, `.count`, `.spent` and
`.owes`. `tomorrow` opens the next business day.

`run` commits each row as a group of its own, or all rows of a day in one group; neither may make a
difference.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from ledger.chart import AccountKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from ledger.postgres.group import Moved
from ledger.product import ProductRules

from .intents import Till
from .memory_ledger import MemoryLedger

FIRST_DAY = 739_000
UNKNOWN_CARD = 0
PINS = {"ok": PinVerdict.MATCH, "bad": PinVerdict.MISMATCH}
LIMITS = {"max": "transaction_max_minor", "day": "day_amount_max_minor"}


def minor(text: str) -> int:
    """`12.34` in minor units."""
    return int(Decimal(text).scaleb(2))


def major(amount_minor: int) -> str:
    """Minor units as `12.34`."""
    return str(Decimal(amount_minor).scaleb(-2))


@dataclass
class Row:
    """One line, split into its words."""

    line: str
    name: str
    verb: str
    words: list[str]
    options: dict[str, str]
    outcome: str
    again: bool
    facts: dict[str, str]


def parse(text: str) -> Iterator[Row]:
    """The rows of a table; blank lines and comments (#) are left out."""
    for line in text.splitlines():
        if not line.strip() or line.strip().startswith("#"):
            continue
        event, _, expected = line.partition("->")
        name, colon, rest = event.rpartition(":")
        words = rest.split() if colon else event.split()
        outcome, *told = expected.split() or [""]
        yield Row(
            line.strip(), name.strip(), words[0], [word for word in words[1:] if "=" not in word],
            dict(word.split("=") for word in words if "=" in word), outcome, "again" in told,
            dict(word.split("=") for word in told if "=" in word),
        )  # fmt: skip


@dataclass
class Table:
    """A table under way."""

    together: bool
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    day: int = FIRST_DAY
    ids: dict[str, int] = field(default_factory=dict)
    results: dict[tuple[bytes, int], Result] = field(default_factory=dict)
    sent: dict[str, Intent] = field(default_factory=dict)
    _waiting: list[tuple[Row, Intent]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._till = Till(count(1))

    def play(self, rows: Iterable[Row]) -> None:
        """Let the rows happen, and compare."""
        for row in rows:
            if row.verb == "open":
                self.ids[row.name] = len(self.ids) + 1
                self.ledger.open(self.ids[row.name], minor(row.words[0]))
            elif row.verb == "tomorrow":
                self._commit()
                self.day += 1
            else:
                self._waiting.append((row, self._intent(row)))
                if not self.together:
                    self._commit()
        self._commit()

    def _intent(self, row: Row) -> Intent:
        intent = self._taking_back(row) if row.verb in {"reversal", "void"} else self._request(row)
        if row.name:
            self.sent.setdefault(row.name, intent)
        return intent

    def _taking_back(self, row: Row) -> Intent:
        (name, amount), stan = row.words, row.name or None
        stated = row.options.get("card")
        card = None if stated is None else self.ids.get(stated, UNKNOWN_CARD)
        if row.verb == "void":
            return self._void(row, name, minor(amount), card)
        if "of" in row.options:
            void = self._till.void(self._named(row.options["of"]), stan=name, amount_minor=minor(amount))
            return self._till.void_reversal(void, stan=stan, card=card)
        asset = int(row.options.get("asset", 156))
        return self._till.reversal(name, minor(amount), stan=stan, asset=asset, card=card)

    def _void(self, row: Row, name: str, amount_minor: int, card: int | None) -> Intent:
        quoted = self.sent.get(row.options.get("quoting", name))
        return self._till.void(
            self._named(name), stan=row.name, amount_minor=amount_minor, card=card, pin=_pin(row),
            number=0 if quoted is None else quoted.transaction_id, rules=_rules(row), refusal=_refusal(row),
        )  # fmt: skip

    def _named(self, name: str) -> Intent:
        """The purchase with this name, sent or not."""
        return self.sent.get(name) or self._till.purchase(None, 0, stan=name)

    def _request(self, row: Row) -> Intent:
        stan, pin = row.name or None, _pin(row)
        wallet = self.ids.get(row.words[0])
        if row.verb == "inquiry":
            assert wallet is not None
            return self._till.inquiry(wallet, stan=stan, pin=pin)
        assert row.verb == "purchase"
        return self._till.purchase(
            wallet, minor(row.words[1]), stan=stan, pin=pin, rules=_rules(row), refusal=_refusal(row)
        )

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        results = self.ledger.commit([intent for _, intent in waiting], self.day)
        for (row, intent), result in zip(waiting, results, strict=True):
            self._compare(row, intent, result)

    def _compare(self, row: Row, intent: Intent, result: Result | Moved) -> None:
        assert isinstance(result, Result), row.line
        assert row.outcome == result.outcome.name, row.line
        first = self.results.setdefault((intent.key, result.transaction_id), result)
        assert first == result, row.line
        assert row.again == (result.transaction_id != intent.transaction_id), row.line
        if not self.together:
            for fact, expected in row.facts.items():
                assert expected == self._fact(fact), row.line

    def _fact(self, fact: str) -> str:
        """What a row tells of a wallet, as the row writes it."""
        name, _, part = fact.partition(".")
        state = self.ledger.wallets[self.ids[name]][1]
        facts = {
            "": major(state.lots[0].balance_minor),
            "tries": str(state.pin_failures),
            "count": str(state.day_count),
            "spent": major(state.day_minor),
            "owes": major(-self.ledger.balance_of(AccountKind.CARDHOLDER_RECEIVABLE, self.ids[name])),
        }
        return facts[part]


def _pin(row: Row) -> PinVerdict:
    return PINS.get(row.options.get("pin", ""), PinVerdict.ABSENT)


def _refusal(row: Row) -> Outcome | None:
    return Outcome[row.options["refused"]] if "refused" in row.options else None


def _rules(row: Row) -> ProductRules:
    amounts = {LIMITS[key]: minor(value) for key, value in row.options.items() if key in LIMITS}
    counts = {"day_count_max": int(row.options["count"])} if "count" in row.options else {}
    return ProductRules(**amounts, **counts)


def run(text: str, *, together: bool) -> Table:
    """Play a table to its end."""
    table = Table(together)
    table.play(parse(text))
    return table
