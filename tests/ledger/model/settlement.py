"""Putting moves on wallets that may have changed since the moves were made.

What comes in goes first, then what is taken, then what is held. What comes back to a lot that has lapsed is
dead, or good for some days of grace if the product is known and says so, unless it is to be held there again.
What must be taken comes from its own lot, then from others of its purse, then from cash and its overdraft;
the rest is owed. A hold that is placed again holds what is there. What is let go in a lapsed lot lapses.
"""

from collections import Counter
from typing import NamedTuple

from .posting import Charge, Move
from .terms import CASH, ISSUER, MILES, MONEY, PRODUCT, Terms
from .wallet import Lot, Wallet


class Side(NamedTuple):
    """A wallet that moves are put on, its product as far as it is known, and how far it may be overdrawn."""

    wallet: Wallet
    terms: Terms
    floor: int


class Settled(NamedTuple):
    """What was moved in the end, and the money that is owed."""

    moves: list[Move]
    charges: list[Charge]
    owed: int


class Settlement:
    """One settlement: it changes the wallets in place."""

    def __init__(self, sides: dict[int, Side], day: int) -> None:
        self._sides, self._day = sides, day
        self._owed = 0
        self._to_hold: Counter[tuple[int, int, int]] = Counter()
        self._let_go: dict[tuple[int, int, int], Move] = {}
        self._taken: Counter[tuple[int, int, int]] = Counter()

    def run(self, moves: list[Move], charges: list[Charge]) -> Settled:
        """Put all moves, in their three turns, and tell what became of each."""
        asked = [*moves, *(side for charge in charges for side in charge[:2])]
        for move in asked:
            if move.account == "HELD_WALLET" and move.amount < 0:
                self._to_hold[_where(move)] -= move.amount
        parts: list[list[Move]] = [[] for _ in asked]
        for turn in range(3):
            for index, move in enumerate(asked):
                if move.amount and _turn(move) == turn:
                    parts[index] = self._put(move)
        main = _with_held([part for each in parts[: len(moves)] for part in each])
        rest = iter(parts[len(moves) :])
        done = [
            piece
            for charge, source, target in zip(charges, rest, rest, strict=True)
            for piece in _pieces(source, target, returned=charge.returned)
        ]
        return Settled(main, [*done, *self._lapses()], self._owed)

    def _put(self, move: Move) -> list[Move]:
        if move.account == "HELD_WALLET":
            return self._let_it_go(move) if move.amount > 0 else self._hold(move)
        if not move.is_of_wallet:
            return [move]
        return self._give(move) if move.amount > 0 else self._take(move)

    def _lot(self, move: Move) -> Lot:
        return self._sides[move.owner].wallet.lot(move.purse, move.until)

    def _room(self, owner: int, lot: Lot) -> int:
        return max(0, lot.free + (self._sides[owner].floor if lot.purse == CASH else 0))

    def _let_it_go(self, move: Move) -> list[Move]:
        self._lot(move).held -= move.amount
        before = self._let_go.get(_where(move))
        self._let_go[_where(move)] = (
            move if before is None else move._replace(amount=move.amount + before.amount)
        )
        return [move]

    def _hold(self, move: Move) -> list[Move]:
        lot = self._lot(move)
        part = min(-move.amount, self._room(move.owner, lot))
        lot.held += part
        return [move._replace(amount=-part)] if part else []

    def _give(self, move: Move) -> list[Move]:
        lot = self._lot(move)
        kept = move.amount if lot.is_good(self._day) else min(move.amount, self._to_hold[_where(move)])
        self._to_hold[_where(move)] -= min(kept, self._to_hold[_where(move)])
        lot.balance += kept
        parts = [move._replace(amount=kept), self._late(move, move.amount - kept)]
        return [part for part in parts if part.amount]

    def _late(self, move: Move, amount: int) -> Move:
        """What comes back to a lapsed lot."""
        grace = self._sides[move.owner].terms.grace.get(move.purse)
        if grace is None:
            return Move("BREAKAGE", ISSUER, move.asset, amount)
        late = move._replace(amount=amount, until=self._day + grace)
        self._lot(late).balance += amount
        return late

    def _take(self, move: Move) -> list[Move]:
        wallet, due, parts = self._sides[move.owner].wallet, -move.amount, list[Move]()
        lots = [
            self._lot(move),
            *(lot for lot in wallet.of(move.purse, self._day) if lot.until != move.until),
        ]
        if move.purse != CASH and move.asset == MONEY:
            lots.append(wallet.cash)
        for lot in lots:
            part = min(due, self._room(move.owner, lot))
            account = move.account if lot.purse == move.purse else "WALLET_CASH"
            if part:
                parts.append(Move(account, move.owner, move.asset, -part, lot.purse, lot.until))
                self._taken[_where(parts[-1])] += part
                lot.balance -= part
                due -= part
        if due:
            parts.append(Move("CARDHOLDER_RECEIVABLE", move.owner, move.asset, -due))
            self._owed += due if move.asset != MILES else 0
        return parts

    def _lapses(self) -> list[Charge]:
        """What was let go in lapsed lots, and not taken from them."""
        charges: list[Charge] = []
        for where, let_go in self._let_go.items():
            lot, amount = self._lot(let_go), let_go.amount - self._taken[where]
            if amount > 0 and not lot.is_good(self._day):
                lot.balance -= amount
                source = let_go._replace(account=account_of(let_go.purse), amount=-amount)
                charges.append(Charge(source, self._late(source, amount), returned=False))
        return charges


def account_of(purse: int) -> str:
    """The account of a purse whose value lapses."""
    return PRODUCT.accounts[purse]


def _where(move: Move) -> tuple[int, int, int]:
    return move.owner, move.purse, move.until


def _turn(move: Move) -> int:
    if move.amount > 0:
        return 0
    return 2 if move.account == "HELD_WALLET" else 1


def _with_held(moves: list[Move]) -> list[Move]:
    """As much is held for merchants as was held of the wallet in the end; the last one has the less."""
    lacking = sum(move.amount for move in moves if move.is_of_hold)
    done: list[Move] = []
    for move in reversed(moves):
        part = max(0, min(lacking, move.amount)) if move.account == "HELD_MERCHANT" else 0
        lacking -= part
        done.insert(0, move._replace(amount=move.amount - part))
    return [move for move in done if move.amount]


def _pieces(source: list[Move], target: list[Move], *, returned: bool) -> list[Charge]:
    """A charge of which one side may have come in pieces, as a charge for each piece."""
    if len(source) < len(target):
        return [Charge(source[0]._replace(amount=-piece.amount), piece, returned) for piece in target]
    return [Charge(piece, target[0]._replace(amount=-piece.amount), returned) for piece in source]
