"""Legs that must be posted, put on wallets whose lots may have changed since. Pure.

What takes a movement back has its legs already: they name the lots. What comes back goes into its own lot. A
lot that has lapsed meanwhile takes nothing: what would come back to it is dead (breakage), or comes as a lot
with a few days of grace, as the product says. What must be taken comes from its own lot, then from other good
lots of its purse, then from cash and its overdraft; what is not there is owed. Nothing is taken of what is
held. A hold that is placed again holds what is there of each lot, and no more.

Legs keep their places, and so do the pairs of fees and earnings at their end: a leg that has to be split
becomes several in its place, and so does a pair. Value that is let go in a lapsed lot lapses in a pair of its
own, which no refund ever returns.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ledger import lots as lot_sums
from ledger.chart import OF_WALLET, POINTS_FROM, AccountKind, Leg, undone
from ledger.original import last_first, merged
from ledger.product import ProductRules
from ledger.wallet import CASH, NEVER, Lot

_HELD_WALLET, _HELD_MERCHANT = AccountKind.HELD_WALLET, AccountKind.HELD_MERCHANT


class Purses(NamedTuple):
    """What there is of a wallet.

    Attributes:
        lots: its lots.
        overdraft_minor: how far its cash may go below zero.
        rules: its product, if it is known.
        accounts: the kinds of account of purses, as far as they are known without the product.
    """

    lots: tuple[Lot, ...]
    overdraft_minor: int = 0
    rules: ProductRules | None = None
    accounts: Mapping[int, AccountKind] = MappingProxyType({})

    def account_of(self, purse: int) -> AccountKind | None:
        """The kind of account of a purse, if it is known."""
        rule = None if self.rules is None else self.rules.purse_rule(purse)
        return self.accounts.get(purse) if rule is None else rule.account


class Settled(NamedTuple):
    """What is posted, a flag for each pair at its end, the lots afterwards, and the money that is owed."""

    legs: tuple[Leg, ...]
    charges: tuple[bool, ...]
    lots: dict[int, tuple[Lot, ...]]
    owed_minor: int


def settle(
    main: Sequence[Leg],
    pairs: Sequence[Leg],
    charges: Sequence[bool],
    purses: Mapping[int, Purses],
    day: int,
    issuer: int,
) -> Settled:
    """Put legs on wallets, whatever these hold.

    Args:
        main: the legs of the movement itself; those of nothing are left out.
        pairs: the legs of fees and earnings, in pairs.
        charges: a flag for each pair.
        purses: the wallets that the legs name, by their numbers.
        day: the open business date.
        issuer: whose breakage is what comes back too late.
    """
    return _Settling(purses, day, issuer).settle(main, pairs, charges)


class _Place(NamedTuple):
    """A lot of a wallet."""

    wallet_id: int
    purse: int
    expires: int


class _Settling:
    """One settlement under way."""

    def __init__(self, purses: Mapping[int, Purses], day: int, issuer: int) -> None:
        self._purses = purses
        self._lots = {wallet_id: each.lots for wallet_id, each in purses.items()}
        self._day = day
        self._issuer = issuer
        self._holding: Counter[_Place] = Counter()
        self._taking: Counter[_Place] = Counter()
        self._owed = 0

    def settle(self, main: Sequence[Leg], pairs: Sequence[Leg], charges: Sequence[bool]) -> Settled:
        """What comes in goes first, then what is taken, then what is held."""
        wanted = [*main, *pairs]
        self._plan(wanted)
        posted: list[list[Leg]] = [[] for _ in wanted]
        for index in sorted(range(len(wanted)), key=lambda index: _turn(wanted[index])):
            posted[index] = self._put(wanted[index])
        legs = _as_held([leg for part in posted[: len(main)] for leg in part])
        flags: list[bool] = []
        for number, flag in enumerate(charges):
            split = _paired(*posted[len(main) + 2 * number : len(main) + 2 * number + 2])
            legs += split
            flags += [flag] * (len(split) // 2)
        lapsed = self._lapsed(main)
        flags += [False] * (len(lapsed) // 2)
        return Settled((*legs, *lapsed), tuple(flags), self._lots, self._owed)

    def _plan(self, legs: Sequence[Leg]) -> None:
        """Note what will be held of lots, and taken from them: so much of a lapsed one is still wanted."""
        for leg in legs:
            if leg.account_kind in OF_WALLET and leg.amount_minor < 0:
                noted = self._holding if leg.account_kind is _HELD_WALLET else self._taking
                noted[_place_of(leg)] -= leg.amount_minor

    def _put(self, leg: Leg) -> list[Leg]:
        """What is posted for a leg."""
        if not leg.amount_minor:
            return []
        if leg.account_kind is _HELD_WALLET:
            return self._hold(leg) if leg.amount_minor < 0 else self._let_go(leg)
        if leg.account_kind not in OF_WALLET:
            return [leg]
        return self._take(leg) if leg.amount_minor < 0 else self._give(leg)

    def _let_go(self, leg: Leg) -> list[Leg]:
        self._add(leg, 0, -leg.amount_minor)
        return [leg]

    def _hold(self, leg: Leg) -> list[Leg]:
        part = min(-leg.amount_minor, self._room(leg.account_id, self._lot(leg)))
        self._add(leg, 0, part)
        return [leg._replace(amount_minor=-part)] if part else []

    def _give(self, leg: Leg) -> list[Leg]:
        if lot_sums.is_good(leg.expires, self._day):
            self._add(leg, leg.amount_minor)
            return [leg]
        kept = min(leg.amount_minor, self._holding[_place_of(leg)])
        self._holding[_place_of(leg)] -= kept
        self._add(leg, kept)
        parts = [leg._replace(amount_minor=kept), self._late(leg, leg.amount_minor - kept)]
        return [part for part in parts if part.amount_minor]

    def _late(self, leg: Leg, amount_minor: int) -> Leg:
        """Where value goes that comes back to a lot that has lapsed."""
        rules = self._purses[leg.account_id].rules
        rule = None if rules is None else rules.purse_rule(leg.purse)
        if rule is None or rule.grace_days is None:
            return Leg(AccountKind.BREAKAGE, self._issuer, leg.asset, amount_minor)
        grace = leg._replace(amount_minor=amount_minor, expires=self._day + rule.grace_days)
        self._add(grace, amount_minor)
        return grace

    def _take(self, leg: Leg) -> list[Leg]:
        wallet_id, due, taken = leg.account_id, -leg.amount_minor, []
        for source, lot in self._sources(leg):
            part = min(due, self._room(wallet_id, lot))
            if part:
                due -= part
                taken.append(source._replace(amount_minor=-part))
                self._add(source, -part)
        if due:
            taken.append(Leg(AccountKind.CARDHOLDER_RECEIVABLE, wallet_id, leg.asset, -due))
            self._owed += due if leg.asset < POINTS_FROM else 0
        return taken

    def _sources(self, leg: Leg) -> list[tuple[Leg, Lot]]:
        """Where an amount may be taken from: its own lot, others of its purse, cash."""
        own = self._lot(leg)
        sources = [(leg, own)]
        sources += (
            (leg._replace(expires=lot.expires), lot)
            for lot in self._lots[leg.account_id]
            if lot.purse == leg.purse and lot != own and lot_sums.is_good(lot.expires, self._day)
        )
        if leg.purse != CASH and leg.asset < POINTS_FROM:
            cash = leg._replace(account_kind=AccountKind.WALLET_CASH, purse=CASH, expires=NEVER)
            sources.append((cash, self._lot(cash)))
        return sources

    def _room(self, wallet_id: int, lot: Lot) -> int:
        """What may be taken of a lot, or held of it."""
        floor = self._purses[wallet_id].overdraft_minor if lot.purse == CASH else 0
        return max(0, lot.balance_minor - lot.held_minor + floor)

    def _lapsed(self, main: Sequence[Leg]) -> list[Leg]:
        """Pairs for what was let go in lapsed lots and not taken from them."""
        let_go: defaultdict[_Place, int] = defaultdict(int)
        assets: dict[_Place, int] = {}
        for leg in main:
            if leg.account_kind is _HELD_WALLET and leg.amount_minor > 0:
                let_go[_place_of(leg)] += leg.amount_minor
                assets[_place_of(leg)] = leg.asset
        legs: list[Leg] = []
        for place, amount in let_go.items():
            freed = amount - self._taking[place]
            account = self._purses[place.wallet_id].account_of(place.purse)
            if freed > 0 and account is not None and not lot_sums.is_good(place.expires, self._day):
                source = Leg(account, place.wallet_id, assets[place], -freed, place.purse, place.expires)
                self._add(source, -freed)
                legs += (source, self._late(source, freed))
        return legs

    def _lot(self, leg: Leg) -> Lot:
        return lot_sums.find(self._lots[leg.account_id], leg.purse, leg.expires)

    def _add(self, leg: Leg, balance_minor: int, held_minor: int = 0) -> None:
        lots = self._lots[leg.account_id]
        self._lots[leg.account_id] = lot_sums.add(lots, leg.purse, leg.expires, balance_minor, held_minor)


def _turn(leg: Leg) -> tuple[bool, bool]:
    """In which turn a leg is put: what comes in, what is taken, what is held."""
    return leg.account_kind is _HELD_WALLET and leg.amount_minor < 0, leg.amount_minor < 0


def _place_of(leg: Leg) -> _Place:
    return _Place(leg.account_id, leg.purse, leg.expires)


def _as_held(legs: list[Leg]) -> list[Leg]:
    """The legs with no more held for merchants than was held of the wallet: the last ones get less."""
    hoped = [leg for leg in legs if leg.account_kind is _HELD_MERCHANT]
    missing = sum(leg.amount_minor for leg in legs if leg.account_kind in {_HELD_WALLET, _HELD_MERCHANT})
    if missing <= 0:
        return legs
    less = merged((*hoped, *undone(last_first(hoped, missing))))
    return [*(leg for leg in legs if leg.account_kind is not _HELD_MERCHANT), *less]


def _paired(sources: Sequence[Leg], targets: Sequence[Leg]) -> list[Leg]:
    """A pair, of which one side may have been split, as pairs."""
    if len(sources) < len(targets):
        source, pairs = sources[0], [(target, target.amount_minor) for target in targets]
        return [leg for target, amount in pairs for leg in (source._replace(amount_minor=-amount), target)]
    return [
        leg for source in sources for leg in (source, targets[0]._replace(amount_minor=-source.amount_minor))
    ]
