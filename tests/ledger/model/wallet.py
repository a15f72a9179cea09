"""A wallet of the model: lots that change in place, tries of the PIN, and what counts against limits."""

from dataclasses import dataclass, field, replace
from datetime import date

from .terms import CASH, POINTS, Terms

FOR_EVER = 10**9


@dataclass
class Lot:
    """What there is of a purse until a day (0: for ever)."""

    purse: int
    until: int
    balance: int = 0
    held: int = 0

    def is_good(self, day: int) -> bool:
        """Whether it hasn't lapsed."""
        return not self.until or day <= self.until

    @property
    def free(self) -> int:
        """What isn't held."""
        return self.balance - self.held


@dataclass
class Wallet:
    """All that the book knows of a card's money.

    `counted` are the movements that count against limits, each with its day and amount, as long as nothing
    has taken them back.
    """

    number: int
    lots: list[Lot]
    failures: int = 0
    status: str = "OPEN"
    grade: int = 0
    counted: list[tuple[int, int]] = field(default_factory=list)
    burst_start: int = 0
    burst: int = 0

    def copy(self) -> "Wallet":
        """The wallet as it stands."""
        return replace(self, lots=[replace(lot) for lot in self.lots], counted=list(self.counted))

    def of(self, purse: int, day: int) -> list[Lot]:
        """The good lots of a purse, soonest to lapse first."""
        return sorted(
            (lot for lot in self.lots if lot.purse == purse and lot.is_good(day)),
            key=lambda lot: lot.until or FOR_EVER,
        )

    def lot(self, purse: int, until: int) -> Lot:
        """One lot, which is made if it isn't there."""
        for lot in self.lots:
            if (lot.purse, lot.until) == (purse, until):
                return lot
        self.lots.append(Lot(purse, until))
        return self.lots[-1]

    @property
    def cash(self) -> Lot:
        """The cash."""
        return self.lot(CASH, 0)

    def floor(self, terms: Terms) -> int:
        """How far cash may be overdrawn."""
        return terms.overdrafts[self.grade] if self.grade < len(terms.overdrafts) else 0

    def room(self, purse: int, terms: Terms, day: int) -> int | None:
        """How much a purse may still be filled with."""
        rooms: list[int] = []
        if purse in terms.most:
            rooms.append(terms.most[purse] - sum(lot.balance for lot in self.of(purse, day)))
        if terms.most_money is not None and purse != POINTS:
            there = sum(lot.balance for each in terms.waterfall for lot in self.of(each, day))
            rooms.append(terms.most_money - there)
        return max(0, min(rooms)) if rooms else None

    def over_limit(self, amount: int, terms: Terms, day: int, second: int) -> str | None:
        """Which limit spending an amount breaks."""
        if terms.once_most is not None and amount > terms.once_most:
            return "AMOUNT_OVER_LIMIT"
        for spent, most, times in (
            (self.of_day(day), terms.day_most, terms.day_times),
            (self.of_month(day), terms.month_most, terms.month_times),
        ):
            if most is not None and sum(spent) + amount > most:
                return "AMOUNT_OVER_LIMIT"
            if times is not None and len(spent) >= times:
                return "COUNT_OVER_LIMIT"
        if terms.burst_times is None or not self.is_bursting(terms, second):
            return None
        return "COUNT_OVER_LIMIT" if self.burst >= terms.burst_times else None

    def of_day(self, day: int) -> list[int]:
        """What counts on a day."""
        return [amount for at, amount in self.counted if at == day]

    def of_month(self, day: int) -> list[int]:
        """What counts in the month of a day."""
        return [amount for at, amount in self.counted if month(at) == month(day)]

    def is_bursting(self, terms: Terms, second: int) -> bool:
        """Whether a burst is under way."""
        return self.burst > 0 and second < self.burst_start + terms.burst_seconds

    def count(self, amount: int, terms: Terms, day: int, second: int) -> None:
        """Count a movement."""
        self.counted.append((day, amount))
        if terms.burst_times is None:
            return
        if not self.is_bursting(terms, second):
            self.burst_start, self.burst = second, 0
        self.burst += 1


def month(day: int) -> tuple[int, int]:
    """The calendar month of a day."""
    at = date.fromordinal(day)
    return at.year, at.month
