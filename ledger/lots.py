"""Arithmetic on a wallet's lots: what is there of a purse, taking it, and adding to one lot. Pure.

A lot is good until the end of its last good day. Value is taken from the lots of a purse in their order, so
soonest to expire first; a lot that has lapsed is never taken from, though it is there until its lapse is
posted. Nothing here asks a product: which purses may be used at all is for `ledger.purses` to say.
"""

from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot


def is_good(expires: int, day: int) -> bool:
    """Whether value with this last good day is good on a business date."""
    return expires == NEVER or day <= expires


def expiry(day: int, validity_days: int | None) -> int:
    """The last good day of value that comes on `day` and is good for so many days more; None: for ever."""
    return NEVER if validity_days is None else day + validity_days


def balance(lots: tuple[Lot, ...], purse: int, day: int) -> int:
    """What a purse has in good lots, held or not."""
    return sum(lot.balance_minor for lot in lots if lot.purse == purse and is_good(lot.expires, day))


def available(lots: tuple[Lot, ...], purse: int, day: int) -> int:
    """What may be taken of a purse."""
    return sum(
        lot.balance_minor - lot.held_minor for lot in lots if lot.purse == purse and is_good(lot.expires, day)
    )


def find(lots: tuple[Lot, ...], purse: int, expires: int) -> Lot:
    """The lot of a purse with this last good day; an empty one if there is none."""
    for lot in lots:
        if lot.purse == purse and lot.expires == expires:
            return lot
    return Lot(purse, expires)


def add(
    lots: tuple[Lot, ...], purse: int, expires: int, balance_minor: int, held_minor: int = 0
) -> tuple[Lot, ...]:
    """The lots with amounts (of either sign) added to one of them, which comes and goes as it is needed."""
    for index, lot in enumerate(lots):
        if lot.purse == purse and lot.expires == expires:
            changed = Lot(purse, expires, lot.balance_minor + balance_minor, lot.held_minor + held_minor)
            is_kept = purse == CASH or changed.balance_minor or changed.held_minor
            kept = (changed,) if is_kept else ()
            return lots[:index] + kept + lots[index + 1 :]
    if not balance_minor and not held_minor:
        return lots
    return tuple(sorted((*lots, Lot(purse, expires, balance_minor, held_minor)), key=_order))


def _order(lot: Lot) -> tuple[int, bool, int]:
    return lot.purse, lot.expires == NEVER, lot.expires


def has_room(lots: tuple[Lot, ...], purse: int, expires: int) -> bool:
    """Whether a request may add to this lot: it is there, or the wallet has few enough."""
    return len(lots) < LOTS_MAX or any(lot.purse == purse and lot.expires == expires for lot in lots)
