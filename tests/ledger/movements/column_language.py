"""The column language: a table of movements, one a row, with what is expected after each.

    = A pre-authorisation holds, a completion takes part of it and lets the rest go
    product holds
    wallet  A  cash 100.00

    step | card | movement    | amount | with   | outcome        | purses     | held  | lots
    H1   | A    | preauth     |  60.00 |        | APPROVED       |            | 60.00 |
    C1   | A    | completion  |  45.00 | of=H1  | APPROVED       | cash 55.00 | 0.00  |
    C1   | A    | completion  |  45.00 | of=H1  | APPROVED again |            |       |

A step's name is its STAN: the same name and movement again is a repeat. A reversal has the name of what it
takes back. Amounts are in the card's currency, those of points movements whole points.

`with` says what else the movement has: `of=` the step it refers to, `at=` the merchant's category,
`pin=ok` or `bad`, `to=` another card, `agent=` an agent's wallet, `by=` proposer and approver, `after=`
seconds since the step before, `purse=` and `until=` (days after the first) a lot, `grade=` a credit grade,
`read=no` that the card wasn't read, so that its product isn't known.

Right of it stands what is expected: the outcome (`again`: the very result of the first time; `tells`: the
balance told), and what changed of the wallets: `cash 6.00, B cash 4.00` (B is another card; `owes` is the
cardholder's debt), the amount held in all, and every lot that expires, as `bonus@20 3.00` (good until day 20;
`-`: none; another card's follow after a semicolon, `; B bonus@20 1.00`). An empty cell
means that nothing of that kind changed, of any wallet, and that is checked too. A fourth cell, `books`, may
tell balances of other accounts. A row `day 11` opens that day.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Final, Protocol

from ledger.chart import AccountKind
from ledger.identity import REVERSED_KIND, TransactionKind, duplicate_key
from ledger.intent import Intent, Origin, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from ledger.postgres.group import Moved
from ledger.wallet import Lot, WalletState
from tests.ledger.intents import FIRST_US, MERCHANT_ACCOUNT, fingerprint_of
from tests.ledger.memory_ledger import MemoryLedger

from .products import CNY, POINTS, POINTS_ASSET, PRODUCTS, PURSES

FIRST_DAY: Final = 739_617
"""The tables' day 0: the first of a month."""

FOR_EVER: Final = 9_999_999
AGENT: Final = 70
_PINS: Final = {"ok": PinVerdict.MATCH, "bad": PinVerdict.MISMATCH}
_BOOKS: Final = {
    "merchant": AccountKind.MERCHANT_PAYABLE,
    "fees": AccountKind.FEE_INCOME,
    "commission": AccountKind.COMMISSION,
    "agent": AccountKind.AGENT_PAYABLE,
}
_OF_POINTS: Final = frozenset(kind for kind in TransactionKind if kind.name.startswith("POINTS"))
_PURSE_NAMES: Final = {number: name for name, number in PURSES.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table by its columns."""

    line: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def options(self) -> dict[str, str]:
        """What the column `with` says."""
        return dict(word.split("=") for word in self["with"].split())


@dataclass(slots=True)
class TableText:
    """A table as it is written."""

    title: str
    product: str = ""
    wallets: list[tuple[str, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def read_tables(path: Path) -> Iterator[TableText]:
    """The tables of a file."""
    for text in path.read_text().split("\n= "):
        title, *lines = text.removeprefix("= ").splitlines()
        table, columns = TableText(title), list[str]()
        for line in filter(str.strip, lines):
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) > 1 and not columns:
                columns = cells
            elif len(cells) > 1:
                table.rows.append(Row(line, dict(zip(columns, cells, strict=False))))
            elif line.startswith("product"):
                table.product = line.removeprefix("product").strip()
            else:
                _, name, purses = line.split(maxsplit=2)
                table.wallets.append((name, purses))
        yield table


def amount_in(text: str, *, whole: bool = False) -> int:
    """`12.34` in minor units, or `12` points."""
    return int(Decimal(text or 0).scaleb(0 if whole else 2))


@dataclass(slots=True)
class Expected:
    """What should be true of a wallet now."""

    purses: dict[str, int] = field(default_factory=dict)
    held: int = 0
    lots: dict[tuple[str, int], int] = field(default_factory=dict)


class Books(Protocol):
    """What a table needs of the ledger that it is played on."""

    def open_wallet(self, wallet_id: int, state: WalletState) -> None:
        """A new wallet."""
        ...

    def state_of(self, wallet_id: int) -> WalletState:
        """A wallet as it is stored."""
        ...

    def commit(self, intents: Sequence[Intent], day: int) -> Sequence[Result | Moved]:
        """Settle intents as one group of a business date."""
        ...

    def balance_of(self, kind: AccountKind, account_id: int | None = None, asset: int | None = None) -> int:
        """The sum of the entries of all accounts of a kind, or of one of them."""
        ...


class InMemory(MemoryLedger):
    """The ledger in memory as tables use it."""

    def open_wallet(self, wallet_id: int, state: WalletState) -> None:
        """A new wallet."""
        self.wallets[wallet_id] = (1, state)

    def state_of(self, wallet_id: int) -> WalletState:
        """A wallet as it is stored."""
        return self.wallets[wallet_id][1]

    def commit(self, intents: Sequence[Intent], day: int) -> list[Result | Moved]:
        """Settle intents as one group, none of which may post a leg of nothing."""
        results = super().commit(intents, day)
        assert all(entry.amount_minor for entry in self.entries)
        return results


class Play:
    """A table under way.

    Args:
        table: as written.
        together: settle all rows of a day as one group, and compare outcomes only.
        books: the ledger to play it on, in memory unless told another.
    """

    def __init__(self, table: TableText, *, together: bool, books: Books | None = None) -> None:
        self._together = together
        self._rules = PRODUCTS[table.product]
        self._ledger: Books = books or InMemory()
        self._day, self._at_us = FIRST_DAY, FIRST_US
        self._numbers = count(1)
        self._ids: dict[str, int] = {}
        self._sent: dict[tuple[str, TransactionKind], Intent] = {}
        self._latest: dict[str, Intent] = {}
        self._results: dict[bytes, Result] = {}
        self._expected: dict[str, Expected] = {}
        self._books: dict[str, int] = {}
        self._waiting: list[tuple[Row, Intent]] = []
        for name, purses in table.wallets:
            self._open(name, purses)
        for row in table.rows:
            self._play(row)
        self._commit()

    def _open(self, name: str, purses: str) -> None:
        lots, expected = list[Lot](), Expected()
        for purse, amount, *until in (part.split() for part in purses.split(",")):
            minor = amount_in(amount, whole=purse == "points")
            expires = FIRST_DAY + int(until[1]) if until else 0
            lots.append(Lot(PURSES.get(purse, PURSES["cash"]), expires, minor))
            expected.purses[purse] = expected.purses.get(purse, 0) + minor
            if expires:
                expected.lots[purse, int(until[1])] = minor
        self._ids[name], self._expected[name] = len(self._ids) + 1, expected
        lots.sort(key=lambda lot: (lot.purse, lot.expires or FOR_EVER))
        self._ledger.open_wallet(self._ids[name], WalletState(tuple(lots)))

    def _play(self, row: Row) -> None:
        if row["movement"].startswith("day "):
            self._commit()
            self._day = FIRST_DAY + int(row["movement"].removeprefix("day "))
            return
        self._waiting.append((row, self._intent(row)))
        if not self._together:
            self._commit()

    def _intent(self, row: Row) -> Intent:
        kind, options = TransactionKind[row["movement"].upper().replace(" ", "_")], row.options
        self._at_us += int(options.get("after", 100)) * 1_000_000
        stan, whole = row["step"], kind in _OF_POINTS
        amount, asset = amount_in(row["amount"], whole=whole), POINTS_ASSET if whole else CNY
        wallet = self._ids.get(row["card"])
        if row["card"] and wallet is None:
            wallet = 0
        proposer, _, approver = options.get("by", "").partition(",")
        intent = Intent(
            next(self._numbers), kind, _key(stan, kind), fingerprint_of(kind, wallet, amount, row["with"]),
            self._at_us, asset, amount, _origin(stan), wallet, self._rules, _pin(options),
            category=options.get("at", ""), proposer=proposer, approver=approver, agent=AGENT,
        )  # fmt: skip
        self._aim(intent, options)
        self._refer(intent, options)
        self._sent.setdefault((stan, kind), intent)
        if kind not in REVERSED_KIND and kind is not TransactionKind.TOP_UP_CONFIRM:
            self._latest.setdefault(stan, intent)
        return intent

    def _aim(self, intent: Intent, options: Mapping[str, str]) -> None:
        """Say which other wallet, purse and lot a movement is about."""
        other = options.get("to") or options.get("agent")
        if other is not None:
            intent.other_wallet_id = self._ids.get(other, 0)
            intent.other_rules = PRODUCTS["float"] if "agent" in options else self._rules
        if intent.kind in _OF_POINTS:
            intent.purse = POINTS
        if "purse" in options:
            intent.purse = PURSES[options["purse"]]
        if "until" in options:
            intent.expires = FIRST_DAY + int(options["until"])
        if "read" in options:
            intent.rules = None
        if "grade" in options:
            intent.grade = int(options["grade"])

    def _refer(self, intent: Intent, options: Mapping[str, str]) -> None:
        """Name the original, and what that itself changed."""
        if "of" not in options:
            return
        name, reversed_kind = options["of"], REVERSED_KIND.get(intent.kind)
        if intent.kind is TransactionKind.TOP_UP_CONFIRM:
            reversed_kind = TransactionKind.TOP_UP
            told = fingerprint_of(reversed_kind, intent.wallet_id, intent.amount_minor, "")
            intent.original_fingerprint = told
        original = self._latest.get(name)
        if reversed_kind is not None:
            intent.original_key = _key(name, reversed_kind)
            original = self._sent.get((name, reversed_kind))
        else:
            intent.original_key = _key("none", intent.kind) if original is None else original.key
            intent.original_id = 0 if original is None else original.transaction_id
        if original is not None:
            intent.parent_key = original.original_key

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        results = self._ledger.commit([intent for _, intent in waiting], self._day)
        for (row, intent), result in zip(waiting, results, strict=True):
            self._compare(row, intent, result)

    def _compare(self, row: Row, intent: Intent, result: Result | Moved) -> None:
        assert isinstance(result, Result), row.line
        outcome, *more = row["outcome"].split()
        assert outcome == result.outcome.name, row.line
        assert ("again" in more) == (result.transaction_id != intent.transaction_id), row.line
        if result.transaction_id == intent.transaction_id:
            self._results[intent.key] = result
        assert "again" not in more or result == self._results.get(intent.key, result), row.line
        if "tells" in more:
            told = amount_in(more[-1], whole=intent.kind in _OF_POINTS)
            assert told == result.available_minor, row.line
        if not self._together:
            self._expect(row)
            self._check(row)

    def _expect(self, row: Row) -> None:
        """Bring what is expected up to date by a row's cells."""
        for part in filter(None, row["purses"].split(", ")):
            *names, amount = part.split()
            name = names.pop(0) if names[0] in self._ids else row["card"]
            name = name or self._only_card
            purse = " ".join(names)
            self._expected[name].purses[purse] = amount_in(amount, whole="points" in purse)
        card = row["card"] or self._only_card
        if row["held"]:
            self._expected[card].held = amount_in(row["held"])
        for cell in filter(None, row["lots"].split("; ")):
            first, _, rest = cell.partition(" ")
            is_named = first in self._ids
            name = first if is_named else card
            self._expected[name].lots = dict(_lots_in(rest if is_named else cell))
        for part in filter(None, row["books"].split(", ")):
            book, amount = part.split()
            self._books[book] = amount_in(amount)

    @property
    def _only_card(self) -> str:
        """The card that a row is about which names none."""
        return "A"

    def _check(self, row: Row) -> None:
        for name, expected in self._expected.items():
            wallet = self._ids[name]
            state = self._ledger.state_of(wallet)
            purses, lots = self._purses_of(wallet, state, expected)
            assert expected.purses == purses, f"{name}: {row.line}"
            assert expected.held == sum(lot.held_minor for lot in state.lots), f"{name}: {row.line}"
            assert expected.lots == lots, f"{name}: {row.line}"
        books = {book: self._ledger.balance_of(_BOOKS[book]) for book in self._books}
        assert self._books == books, row.line

    def _purses_of(
        self, wallet: int, state: WalletState, expected: Expected
    ) -> tuple[dict[str, int], dict[tuple[str, int], int]]:
        """The purses and expiring lots of a wallet as tables write them."""
        purses: dict[str, int] = dict.fromkeys(expected.purses, 0)
        lots: dict[tuple[str, int], int] = {}
        for lot in state.lots:
            name = "float" if "float" in expected.purses else _PURSE_NAMES[lot.purse]
            if lot.balance_minor:
                purses[name] = purses.get(name, 0) + lot.balance_minor
            if lot.expires:
                lots[name, lot.expires - FIRST_DAY] = lot.balance_minor
        for debt, asset in (("owes", CNY), ("owes points", POINTS_ASSET)):
            owed = -self._ledger.balance_of(AccountKind.CARDHOLDER_RECEIVABLE, wallet, asset)
            if owed or debt in expected.purses:
                purses[debt] = owed
        return purses, lots


def _lots_in(cell: str) -> Iterator[tuple[tuple[str, int], int]]:
    for part in filter(None, cell.removeprefix("-").split(", ")):
        lot, amount = part.split()
        purse, _, until = lot.partition("@")
        yield (purse, int(until)), amount_in(amount, whole=purse == "points")


def _key(stan: str, kind: TransactionKind) -> bytes:
    return duplicate_key("990001000000001", "T0000001", "000001", stan, kind)


def _origin(stan: str) -> Origin:
    return Origin(MERCHANT_ACCOUNT, "990001000000001", "T0000001", "000001", stan)


def _pin(options: Mapping[str, str]) -> PinVerdict:
    return _PINS.get(options.get("pin", ""), PinVerdict.ABSENT)


OUTCOMES: Final = frozenset(outcome.name for outcome in Outcome)
"""What may stand in the column of outcomes."""
