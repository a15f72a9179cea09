"""What the model keeps of a posted movement, so that it can be taken back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from .terms import MILES


class Refused(Exception):
    """A request ends here, with the outcome of this name."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Move(NamedTuple):
    """So much to (above zero) or from an account; a wallet's moves name the lot."""

    account: str
    owner: int
    asset: int
    amount: int
    purse: int = 0
    until: int = 0

    @property
    def back(self) -> "Move":
        """What takes it back."""
        return self._replace(amount=-self.amount)

    @property
    def is_of_hold(self) -> bool:
        """Whether it is of what is held rather than what moved."""
        return self.account in {"HELD_WALLET", "HELD_MERCHANT"}

    @property
    def is_of_wallet(self) -> bool:
        """Whether a wallet has the balance."""
        return bool(self.purse)


class Charge(NamedTuple):
    """A fee or an earning: from where to where, and whether a refund gives back its share."""

    source: Move
    target: Move
    returned: bool

    @property
    def back(self) -> "Charge":
        """What takes it back."""
        return Charge(self.source.back, self.target.back, self.returned)


@dataclass(eq=False)
class Posting:
    """An approved movement and how it stands: posted, held, completed, released, voided or reversed."""

    kind: str
    number: int
    wallet: int
    amount: int
    asset: int
    day: int
    other: int | None = None
    moves: list[Move] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    state: str = "posted"
    added: int = 0
    refunded: int = 0
    until: int = 0
    counted: list[tuple[int, int]] = field(default_factory=list)
    changed: "Posting | None" = None
    wholes: list[Charge] = field(default_factory=list)
    purses: dict[int, str] = field(default_factory=dict)

    @property
    def is_gone(self) -> bool:
        """Whether it was taken back."""
        return self.state in {"voided", "reversed"}

    @property
    def left(self) -> int:
        """What may still be refunded."""
        return self.amount - self.refunded

    def less(self, amount: int) -> tuple[list[Move], list[Charge]]:
        """Refund an amount of it: what is to be moved; from now on the rest stands."""
        self.wholes = self.wholes or list(self.charges)
        self.refunded += amount
        moves = [*self._less_main(amount, -1), *self._less_main(amount, 1)]
        charges = [self._less_charge(index) for index, charge in enumerate(self.wholes) if charge.returned]
        return moves, charges

    def _less_main(self, amount: int, side: int) -> list[Move]:
        """Take back what was moved last first, of what was taken (-1) or of what was given (1)."""
        back: list[Move] = []
        for index in reversed(range(len(self.moves))):
            move = self.moves[index]
            if move.is_of_hold or move.amount * side <= 0:
                continue
            part = min(move.amount * side, amount)
            amount -= part
            self.moves[index] = move._replace(amount=move.amount - part * side)
            back.insert(0, move._replace(amount=-part * side))
        return back

    def _less_charge(self, index: int) -> Charge:
        """Take back a charge's share, a fee's rounded down, points' up: not in the cardholder's favour."""
        full = self.wholes[index].target.amount
        if self.wholes[index].target.asset == MILES:
            left = full * self.left // self.amount
        else:
            left = full - full * self.refunded // self.amount
        charge = self.charges[index]
        part = charge.target.amount - left
        self.charges[index] = charge._replace(
            source=charge.source._replace(amount=-left), target=charge.target._replace(amount=left)
        )
        return Charge(
            charge.source._replace(amount=part), charge.target._replace(amount=-part), returned=True
        )


def place(move: Move) -> Move:
    """Where a move is, whatever its amount."""
    return move._replace(amount=0)


def merged(moves: Iterable[Move]) -> list[Move]:
    """One move for each place."""
    sums: dict[Move, int] = {}
    for move in moves:
        sums[place(move)] = sums.get(place(move), 0) + move.amount
    return [where._replace(amount=amount) for where, amount in sums.items() if amount]


def of_hold(moves: Iterable[Move]) -> list[Move]:
    """What of moves is of a hold."""
    return [move for move in moves if move.is_of_hold]


def taking_back(posting: Posting) -> tuple[list[Move], list[Charge]]:
    """What takes a posting back, without what it did to holds."""
    moves = [move.back for move in posting.moves if not move.is_of_hold]
    return moves, [charge.back for charge in posting.charges]
