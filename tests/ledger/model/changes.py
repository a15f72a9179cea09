"""What movements that refer to a posted one do: to the wallets, to it, and to what it had changed itself."""

from collections.abc import Callable
from dataclasses import dataclass

from .posting import Charge, Move, Posting, Refused, merged, of_hold, taking_back
from .requests import (
    Request,
    charge,
    check_amount,
    check_asset,
    check_card,
    check_not_closed,
    check_pin,
    forced_sale,
    owe,
    post,
    preauth,
    sources,
    spend,
    take,
)
from .settlement import Settled, Settlement, Side
from .terms import MONEY
from .wallet import Lot

TAKEN_BACK = frozenset({"voided", "reversed"})
FORCED = frozenset({"COMPLETION_ADVICE"})


@dataclass
class Change:
    """A movement with the posting that it refers to."""

    request: Request
    on: Posting

    def settle(self, moves: list[Move]) -> Settled:
        """Put moves on the wallets, whatever these hold."""
        return self.settle_with(moves, taking_back(self.on)[1])

    def settle_with(self, moves: list[Move], charges: list[Charge]) -> Settled:
        """Put moves and charges on the wallets."""
        request = self.request
        sides = {
            request.wallet.number: Side(request.wallet, request.terms, request.wallet.floor(request.terms))
        }
        if request.other is not None and request.other_terms is not None:
            sides[request.other.number] = Side(request.other, request.other_terms, 0)
        settled = Settlement(sides, request.day).run(moves, charges)
        request.moves, request.charges = settled.moves, settled.charges
        return settled


def check_card_fits(change: Change) -> None:
    """A card that is stated is the original's."""
    if change.request.intent.wallet_id not in {None, change.on.wallet}:
        raise Refused("CARD_DIFFERS")


def check_fits(change: Change, *, reversal: bool) -> None:
    """What takes something back states its amount, a reversal or a hold's void perhaps without additions."""
    on, amounts = change.on, {change.on.amount}
    if reversal or on.state == "held":
        amounts.add(on.amount - on.added)
    if change.request.amount not in amounts or change.request.intent.asset != on.asset:
        raise Refused("ORIGINAL_AMOUNT_DIFFERS")
    check_card_fits(change)


def check_behind(on: Posting) -> None:
    """The void of a completion can't be taken back once its hold was completed anew."""
    behind = on.changed
    if on.kind == "COMPLETION_VOID" and behind is not None and behind.state == "voided":
        assert behind.changed is not None
        if behind.changed.state == "completed":
            raise Refused("RELATED_TRANSACTION_WRONG")


def uphold(change: Change) -> None:
    """The reversal of what is over: it stays so for good."""
    check_fits(change, reversal=True)
    change.on.state = "reversed"


def reverse(change: Change) -> None:
    """Whatever came of it: it is taken back."""
    on, behind = change.on, change.on.changed
    if behind is not None and on.kind.endswith("_VOID") and behind.state == "reversed":
        uphold(change)
        return
    check_fits(change, reversal=True)
    take_back(change, "reversed")


def void(change: Change) -> None:
    """At a cardholder's or cashier's request: it is taken back, if the money is there."""
    check_fits(change, reversal=False)
    check_not_closed(change.request.wallet)
    if not change.request.is_bare:
        check_pin(change.request)
    take_back(change, "voided")


def take_back(change: Change, state: str) -> None:
    """Take the original back, and bring what it had changed to where it was."""
    on = change.on
    if on.changed is None:
        undo_plain(change, on)
    else:
        UNDOING.get(on.kind, undo_void)(change, on, on.changed)
    on.state = state


def _uncount(change: Change, posting: Posting) -> None:
    for share in posting.counted:
        change.request.wallet.counted.remove(share)


def _refuse_debt(change: Change, settled: Settled) -> None:
    """A void is no reason to owe money."""
    if change.request.kind.endswith("_VOID") and settled.owed:
        raise Refused("INSUFFICIENT_FUNDS")


def undo_plain(change: Change, on: Posting) -> None:
    """A sale, top-up, transfer or hold."""
    moves = [move.back for move in on.moves] if on.kind == "PREAUTH" else taking_back(on)[0]
    _refuse_debt(change, change.settle(moves))
    _uncount(change, on)


def undo_increment(change: Change, on: Posting, behind: Posting) -> None:
    """The hold is smaller by what of the increment is still held."""
    if behind.state == "reversed":
        change.settle([])
        return
    parts = _still_held(on, behind)
    change.settle([part.back for part in parts] if behind.state == "held" else [])
    if behind.state != "voided":
        _uncount(change, on)
    behind.moves = merged([*behind.moves, *(part.back for part in parts)])
    behind.amount -= on.amount
    behind.added -= on.amount
    for share in on.counted:
        behind.counted.remove(share)


def _still_held(increment: Posting, hold: Posting) -> list[Move]:
    """What of an increment is still held, for its own merchant as far as there is enough."""
    held = {move._replace(amount=0): -move.amount for move in hold.moves}
    parts = [
        move._replace(amount=-min(-move.amount, held.get(move._replace(amount=0), 0)))
        for move in increment.moves
        if move.account == "HELD_WALLET"
    ]
    left = -sum(part.amount for part in parts)
    own = {move.owner for move in increment.moves if move.account == "HELD_MERCHANT"}
    last_first = [move for move in hold.moves[::-1] if move.account == "HELD_MERCHANT"]
    for move in sorted(last_first, key=lambda move: move.owner not in own):
        parts.append(move._replace(amount=min(left, move.amount)))
        left -= parts[-1].amount
    return [part for part in parts if part.amount]


def undo_completion(change: Change, on: Posting, behind: Posting) -> None:
    """The hold is there again, if its time isn't over."""
    is_held_again = behind.state == "completed" and behind.until >= change.request.day
    held = behind.moves if is_held_again else []
    settled = change.settle([*held, *taking_back(on)[0]])
    _refuse_debt(change, settled)
    if behind.state == "completed":
        behind.state = "held" if is_held_again else "released"
        behind.moves = of_hold(settled.moves) if is_held_again else behind.moves


def undo_completion_void(change: Change, on: Posting, behind: Posting) -> None:
    """The completion stands again, and takes its hold if that is still there."""
    assert behind.changed is not None
    hold = behind.changed
    let_go = [move.back for move in hold.moves] if hold.state == "held" else []
    settled = change.settle([*let_go, *taking_back(on)[0]])
    _stand_again(change, behind, settled)
    if hold.state in {"held", "released"}:
        hold.state = "completed"


def undo_void(change: Change, on: Posting, behind: Posting) -> None:
    """What was voided stands again, whatever the wallet holds."""
    if behind.kind != "PREAUTH":
        _stand_again(change, behind, change.settle(taking_back(on)[0]))
        return
    is_held_again = behind.until >= change.request.day
    settled = change.settle(behind.moves if is_held_again else [])
    change.request.wallet.counted.extend(behind.counted)
    behind.state = "held" if is_held_again else "released"
    behind.moves = of_hold(settled.moves) if is_held_again else behind.moves


def _stand_again(change: Change, posting: Posting, settled: Settled) -> None:
    posting.state, posting.moves, posting.charges = "posted", list(settled.moves), list(settled.charges)
    change.request.wallet.counted.extend(posting.counted)


UNDOING: dict[str, Callable[[Change, Posting, Posting], None]] = {
    "PREAUTH_INCREMENT": undo_increment,
    "COMPLETION": undo_completion,
    "COMPLETION_ADVICE": undo_completion,
    "COMPLETION_VOID": undo_completion_void,
}
"""How what changed something else is taken back; all others are voids of something plain."""


def refund(change: Change) -> None:
    """Give a part back."""
    request, on = change.request, change.on
    check_card_fits(change)
    check_not_closed(request.wallet)
    if not request.is_bare:
        check_pin(request)
    if request.terms.refund_days is not None and request.day > on.day + request.terms.refund_days:
        raise Refused("RELATED_TRANSACTION_INVALID")
    check_amount(request)
    if request.intent.asset != on.asset or request.amount > on.left:
        raise Refused("ORIGINAL_AMOUNT_DIFFERS")
    moves, charges = on.less(request.amount)
    change.settle_with(moves, charges)
    on.state = "partly refunded" if on.left else "refunded"


def tip(change: Change) -> None:
    """A tip grows its sale."""
    request, on = change.request, change.on
    check_card_fits(change)
    forced_sale(request, "TIP_ADVICE")
    on.amount += request.amount
    on.added += request.amount
    on.moves = [*on.moves, *request.moves]
    on.charges = [*on.charges, *request.charges]
    on.counted = [*on.counted, (request.day, request.amount)]


def increment(change: Change) -> None:
    """Hold more."""
    request, on = change.request, change.on
    check_card_fits(change)
    preauth(request)
    on.amount += request.amount
    on.added += request.amount
    on.moves = merged([*on.moves, *request.moves])
    on.counted = [*on.counted, (request.day, request.amount)]


def complete(change: Change) -> None:
    """Let the hold go and take the amount: of what was held, then as a purchase would."""
    request, hold = change.request, change.on
    forced = request.kind in FORCED
    check_card_fits(change)
    if not forced:
        if request.is_bare:
            raise Refused("CARD_UNKNOWN")
        check_card(request)
        check_pin(request)
    if request.amount * 100 > hold.amount * (100 + request.terms.excess_percent):
        raise Refused("AMOUNT_OVER_LIMIT")
    check_asset(request, MONEY)
    check_amount(request)
    held = [move for move in hold.moves if move.account == "HELD_WALLET"] if hold.state == "held" else []
    let_go = [move.back for move in hold.moves] if hold.state == "held" else []
    moves, charges = _posting_of(request, hold, held, forced=forced)
    change.settle_with([*let_go, *moves], charges)
    hold.state = "completed"


def _posting_of(
    request: Request, hold: Posting, held: list[Move], *, forced: bool
) -> tuple[list[Move], list[Charge]]:
    """What a completion is to move, tried on a copy of the wallet."""
    trial = request.on_trial()
    floor, left = trial.wallet.floor(trial.terms), request.amount
    for move in held:
        lot, part = trial.wallet.lot(move.purse, move.until), min(left, -move.amount)
        lot.held += move.amount
        lot.balance -= part
        left -= part
        account, number = hold.purses[move.purse], trial.wallet.number
        trial.moves.append(Move(account, number, MONEY, -part, move.purse, move.until))
    charge(trial, request.kind, floor, forced=forced)

    def take_more(lot: Lot, part: int) -> None:
        take(trial, lot, part)

    missing = spend(trial, left, sources(trial, request.kind), floor, take_more)
    if missing and not forced:
        raise Refused("INSUFFICIENT_FUNDS")
    owe(trial, missing)
    trial.moves = merged(trial.moves)
    post(trial, "MERCHANT_PAYABLE", request.merchant, request.amount)
    return trial.moves, trial.charges


def expire(change: Change) -> None:
    """Let a hold go after its last good day."""
    if change.request.day <= change.on.until:
        raise Refused("RELATED_TRANSACTION_INVALID")
    change.settle_with([move.back for move in change.on.moves], [])
    change.on.state = "released"
