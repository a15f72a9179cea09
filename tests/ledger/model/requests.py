"""What each new request does to the wallets of the book, or how it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ledger.intent import Intent, PinVerdict

from .posting import Charge, Move, Posting, Refused
from .terms import BARE, CASH, FUEL, GROCER, ISSUER, MILES, MONEY, POINTS, SPECIAL, Terms
from .wallet import Lot, Wallet

DOUBLE_CHECKED = frozenset({"ADJUSTMENT", "POINTS_ADJUSTMENT", "OPERATOR_DEBIT"})


@dataclass
class Request:
    """A request with what it is about; `moves` and `charges` gather what is posted."""

    intent: Intent
    kind: str
    wallet: Wallet
    terms: Terms
    day: int
    other: Wallet | None = None
    other_terms: Terms | None = None
    told: int | None = None
    moves: list[Move] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    is_bare: bool = False

    def on_trial(self) -> "Request":
        """The same on a copy of the wallet, with nothing posted."""
        return replace(self, wallet=self.wallet.copy(), moves=[], charges=[])

    @property
    def amount(self) -> int:
        """The amount."""
        return self.intent.amount_minor

    @property
    def second(self) -> int:
        """When it was received."""
        return self.intent.received_at_us // 1_000_000

    @property
    def merchant(self) -> int:
        """Where it happened."""
        return self.intent.origin.merchant_account

    def posting(self, number: int) -> Posting:
        """What the book keeps of it."""
        other = None if self.other is None else self.other.number
        return Posting(
            self.kind, number, self.wallet.number, self.amount, self.intent.asset, self.day, other,
            self.moves, self.charges,
        )  # fmt: skip


def check_card(request: Request) -> None:
    """A closed card is unknown, a frozen one restricted."""
    if request.wallet.status != "OPEN":
        raise Refused("CARD_UNKNOWN" if request.wallet.status == "CLOSED" else "CARD_RESTRICTED")


def check_not_closed(wallet: Wallet) -> None:
    """Operators may touch any wallet but a closed one."""
    if wallet.status == "CLOSED":
        raise Refused("CARD_UNKNOWN")


def check_pin(request: Request) -> None:
    """A PIN that comes is looked at as long as there are tries; above the free amount it must come."""
    wallet, terms, pin = request.wallet, request.terms, request.intent.pin
    if pin is PinVerdict.ABSENT:
        if request.kind in terms.pin_for and not 0 < request.amount <= terms.pin_free:
            raise Refused("PIN_MISSING")
    elif wallet.failures >= terms.pin_tries:
        raise Refused("PIN_TRIES_EXCEEDED")
    elif pin is PinVerdict.MISMATCH:
        wallet.failures += 1
        raise Refused("PIN_WRONG")
    else:
        wallet.failures = 0


def check_amount(request: Request) -> None:
    """An amount is above zero."""
    if request.amount <= 0:
        raise Refused("AMOUNT_INVALID")


def check_asset(request: Request, asset: int) -> None:
    """An amount is of what the movement moves."""
    if request.intent.asset != asset:
        raise Refused("SERVICE_NOT_ALLOWED")


def check_limits(request: Request) -> None:
    """What is spent keeps to the limits."""
    refused = request.wallet.over_limit(request.amount, request.terms, request.day, request.second)
    if refused is not None:
        raise Refused(refused)


def check_operators(request: Request) -> None:
    """Somebody proposed it, and somebody else agreed."""
    intent = request.intent
    if not intent.proposer or not intent.approver or intent.proposer == intent.approver:
        raise Refused("SERVICE_NOT_ALLOWED")


def check_room(request: Request, wallet: Wallet, terms: Terms, purse: int) -> None:
    """A wallet may be filled so far."""
    room = wallet.room(purse, terms, request.day)
    if room is not None and request.amount > room:
        raise Refused("AMOUNT_OVER_LIMIT")


def cardholder_asks(request: Request, asset: int = MONEY) -> None:
    """The checks before any movement that a cardholder asks for with an amount of money."""
    check_card(request)
    check_pin(request)
    check_asset(request, asset)
    check_amount(request)


def meant(request: Request, *, points: bool | None = None) -> int:
    """The purse that is meant; one of points if `points`, of money if not, any if that is None."""
    intent, terms = request.intent, request.terms
    by_asset = POINTS if intent.asset == MILES else CASH
    purse = by_asset if intent.purse is None else intent.purse
    if purse not in terms.accounts or terms.asset_of(purse) != intent.asset:
        raise Refused("SERVICE_NOT_ALLOWED")
    if points is not None and (terms.asset_of(purse) == MILES) != points:
        raise Refused("SERVICE_NOT_ALLOWED")
    return purse


def is_usable(request: Request, purse: int, kind: str) -> bool:
    """Whether a purse may be spent on this, here."""
    if purse in request.terms.only_for and kind not in request.terms.only_for[purse]:
        return False
    at = request.intent
    return purse != SPECIAL or at.category == GROCER or at.service == FUEL


def sources(request: Request, kind: str) -> list[Lot]:
    """The lots that a movement spends, in its order."""
    usable = [purse for purse in request.terms.waterfall if is_usable(request, purse, kind)]
    return [lot for purse in usable for lot in request.wallet.of(purse, request.day)]


def spend(
    request: Request, amount: int, lots: list[Lot], floor: int, post: Callable[[Lot, int], None]
) -> int:
    """Take an amount from lots and then from the overdraft of cash; what is missing."""
    parts: dict[int, int] = {}
    for index, lot in enumerate(lots):
        parts[index] = max(0, min(amount, lot.free))
        amount -= parts[index]
    for index, lot in enumerate(lots):
        if lot.purse == CASH and amount and floor:
            more = max(0, min(amount, lot.free - parts[index] + floor))
            parts[index] += more
            amount -= more
    for index, part in parts.items():
        if part:
            post(lots[index], part)
    return amount


def take(request: Request, lot: Lot, part: int) -> None:
    """Take a part of a lot."""
    lot.balance -= part
    account = request.terms.accounts[lot.purse]
    asset = request.terms.asset_of(lot.purse)
    request.moves.append(Move(account, request.wallet.number, asset, -part, lot.purse, lot.until))


def give(request: Request, purse: int, until: int) -> None:
    """Give the amount to a lot."""
    request.wallet.lot(purse, until).balance += request.amount
    request.moves.append(
        Move(
            request.terms.accounts[purse], request.wallet.number, request.intent.asset, request.amount,
            purse, until,
        )
    )  # fmt: skip


def until_of(terms: Terms, purse: int, day: int) -> int:
    """The last good day of value that comes today."""
    return day + terms.days[purse] if purse in terms.days else 0


def post(request: Request, account: str, owner: int, amount: int) -> None:
    """Move an amount to or from an account that isn't a wallet's."""
    request.moves.append(Move(account, owner, request.intent.asset, amount))


def owe(request: Request, amount: int) -> None:
    """Let the cardholder owe an amount."""
    if amount:
        post(request, "CARDHOLDER_RECEIVABLE", request.wallet.number, -amount)


def charge(request: Request, kind: str, floor: int, *, forced: bool = False) -> None:
    """Charge the fees, and credit the points that are earned."""
    for fee in request.terms.fees:
        payee, payer = _party(request, fee.payee, "FEE_INCOME"), _party(request, fee.payer, "COMMISSION")
        amount = fee.of(request.amount)
        if kind not in fee.kinds or not amount or payee is None:
            continue
        if payer is not None:
            _pair(request, Move(*payer, MONEY, -amount), payee, fee.returned)
        elif fee.payer == "CARDHOLDER":
            cash = request.wallet.cash
            paid = max(0, min(amount, cash.free + floor))
            if paid < amount and not forced:
                raise Refused("INSUFFICIENT_FUNDS")
            cash.balance -= paid
            account, number = request.terms.accounts[CASH], request.wallet.number
            _pair(request, Move(account, number, MONEY, -paid, CASH), payee, fee.returned)
            owed = Move("CARDHOLDER_RECEIVABLE", number, MONEY, paid - amount)
            _pair(request, owed, payee, fee.returned)
    _credit_points(request, kind)


def _party(request: Request, party: str, of_issuer: str) -> tuple[str, int] | None:
    """The account of a party, if it takes part."""
    if party == "ISSUER":
        return of_issuer, ISSUER
    accounts = {
        "MERCHANT": ("MERCHANT_PAYABLE", request.merchant),
        "AGENT": ("AGENT_PAYABLE", request.intent.agent),
    }
    account = accounts.get(party)
    return account if account is not None and account[1] else None


def _pair(request: Request, source: Move, target: tuple[str, int], returned: bool) -> None:
    if source.amount:
        request.charges.append(Charge(source, Move(*target, source.asset, -source.amount), returned))


def _credit_points(request: Request, kind: str) -> None:
    """Points go to their lots, as far as there is room; rules that meet in a lot add up."""
    points: dict[int, int] = {}
    for earning in request.terms.earnings:
        is_here = earning.category in {None, request.intent.category}
        if kind in earning.kinds and is_here and request.amount >= earning.least:
            until = request.day + earning.days
            points[until] = points.get(until, 0) + earning.of(request.amount)
    for until, earned in points.items():
        room = request.wallet.room(POINTS, request.terms, request.day)
        given = earned if room is None else min(room, earned)
        if given:
            request.wallet.lot(POINTS, until).balance += given
            target = Move("WALLET_POINTS", request.wallet.number, MILES, given, POINTS, until)
            request.charges.append(
                Charge(Move("POINTS_EXPENSE", ISSUER, MILES, -given), target, returned=True)
            )


def purchase(request: Request) -> None:
    """All of the amount and its fees, or nothing."""
    cardholder_asks(request)
    check_limits(request)
    floor = request.wallet.floor(request.terms)
    charge(request, "PURCHASE", floor)
    if spend(request, request.amount, sources(request, "PURCHASE"), floor, lambda *of: take(request, *of)):
        raise Refused("INSUFFICIENT_FUNDS")
    post(request, "MERCHANT_PAYABLE", request.merchant, request.amount)
    request.wallet.count(request.amount, request.terms, request.day, request.second)


def forced_sale(request: Request, kind: str) -> None:
    """What is there of an amount and its fees; the rest is owed."""
    check_asset(request, MONEY)
    check_amount(request)
    floor = request.wallet.floor(request.terms)
    charge(request, kind, floor, forced=True)
    owe(
        request, spend(request, request.amount, sources(request, kind), floor, lambda *of: take(request, *of))
    )
    post(request, "MERCHANT_PAYABLE", request.merchant, request.amount)
    request.wallet.count(request.amount, request.terms, request.day, request.second)


def preauth(request: Request) -> None:
    """Hold what a purchase would take."""
    cardholder_asks(request)
    check_limits(request)
    floor = request.wallet.floor(request.terms)

    def hold(lot: Lot, part: int) -> None:
        lot.held += part
        request.moves.append(Move("HELD_WALLET", request.wallet.number, MONEY, -part, lot.purse, lot.until))

    if spend(request, request.amount, sources(request, request.kind), floor, hold):
        raise Refused("INSUFFICIENT_FUNDS")
    post(request, "HELD_MERCHANT", request.merchant, request.amount)
    request.wallet.count(request.amount, request.terms, request.day, request.second)


def check_top_up(request: Request, least: int) -> int:
    """The checks of a top-up and of its verification; the purse that it goes to."""
    check_card(request)
    check_pin(request)
    purse = meant(request, points=False)
    if "TOP_UP" not in request.terms.only_from.get(purse, {"TOP_UP"}):
        raise Refused("SERVICE_NOT_ALLOWED")
    agent, has_agent = request.other, request.intent.other_wallet_id is not None
    if has_agent and (agent is None or request.other_terms is None or agent.status != "OPEN"):
        raise Refused("SERVICE_NOT_ALLOWED")
    if request.amount < least:
        raise Refused("AMOUNT_INVALID")
    check_room(request, request.wallet, request.terms, purse)
    if agent is not None and request.amount > agent.cash.free + agent.floor(request.other_terms or BARE):
        raise Refused("INSUFFICIENT_FUNDS")
    return purse


def top_up(request: Request) -> None:
    """Value from the agent's float, or owed by the merchant."""
    purse = check_top_up(request, 1)
    if request.other is None:
        post(request, "MERCHANT_PAYABLE", request.merchant, -request.amount)
    else:
        request.other.cash.balance -= request.amount
        request.moves.append(Move("AGENT_FLOAT", request.other.number, MONEY, -request.amount, CASH))
    give(request, purse, until_of(request.terms, purse, request.day))
    charge(request, "TOP_UP", request.wallet.floor(request.terms))


def top_up_verify(request: Request) -> None:
    """Tell how much room there is."""
    request.told = request.wallet.room(check_top_up(request, 0), request.terms, request.day)


def transfer(request: Request) -> None:
    """From a purse to the same purse of another card."""
    check_card(request)
    check_pin(request)
    other, terms = request.other, request.other_terms
    if other is not None and other.status != "OPEN":
        raise Refused("CARD_UNKNOWN" if other.status == "CLOSED" else "CARD_RESTRICTED")
    purse = meant(request)
    if other is None or terms is None or terms.accounts.get(purse) != request.terms.accounts[purse]:
        raise Refused("SERVICE_NOT_ALLOWED")
    closed_in = purse in terms.only_from and "TRANSFER" not in terms.only_from[purse]
    if closed_in or not is_usable(request, purse, "TRANSFER"):
        raise Refused("SERVICE_NOT_ALLOWED")
    check_amount(request)
    check_limits(request)
    charge(request, "TRANSFER", request.wallet.floor(request.terms))
    lots = request.wallet.of(purse, request.day)
    if spend(request, request.amount, lots, 0, lambda *of: take(request, *of)):
        raise Refused("INSUFFICIENT_FUNDS")
    check_room(request, other, terms, purse)
    for move in list(request.moves):
        other.lot(move.purse, move.until).balance -= move.amount
        request.moves.append(move.back._replace(owner=other.number))
    request.wallet.count(request.amount, request.terms, request.day, request.second)


def points_earn(request: Request) -> None:
    """Points by themselves."""
    check_card(request)
    check_pin(request)
    purse = meant(request, points=True)
    check_amount(request)
    check_room(request, request.wallet, request.terms, purse)
    post(request, "POINTS_EXPENSE", ISSUER, -request.amount)
    give(request, purse, until_of(request.terms, purse, request.day))


def points_spend(request: Request) -> None:
    """A sale for points."""
    check_card(request)
    check_pin(request)
    purse = meant(request, points=True)
    check_amount(request)
    lots = request.wallet.of(purse, request.day)
    if spend(request, request.amount, lots, 0, lambda *of: take(request, *of)):
        raise Refused("INSUFFICIENT_FUNDS")
    post(request, "MERCHANT_PAYABLE", request.merchant, request.amount)


def collect(request: Request, account: str, owner: int, floor: int) -> None:
    """Take an amount from one purse, at nobody's request."""
    if request.kind in DOUBLE_CHECKED:
        check_operators(request)
    check_not_closed(request.wallet)
    purse = meant(request)
    check_amount(request)
    lots = request.wallet.of(purse, request.day)
    if spend(request, request.amount, lots, floor, lambda *of: take(request, *of)):
        raise Refused("INSUFFICIENT_FUNDS")
    post(request, account, owner, request.amount)


def service_fee(request: Request) -> None:
    """A fee by itself."""
    collect(request, "FEE_INCOME", ISSUER, request.wallet.floor(request.terms))


def operator_debit(request: Request) -> None:
    """A debit for a merchant, or into suspense."""
    target = ("MERCHANT_PAYABLE", request.merchant) if request.merchant else ("SUSPENSE", ISSUER)
    collect(request, *target, 0)


def adjust(request: Request, against: str, *, points: bool) -> None:
    """Two operators give or take."""
    check_not_closed(request.wallet)
    purse, intent = meant(request, points=points), request.intent
    check_operators(request)
    if request.amount == 0:
        raise Refused("AMOUNT_INVALID")
    if request.amount > 0:
        until = intent.expires or until_of(request.terms, purse, request.day)
        if (until and until < request.day) or (until and purse == CASH):
            raise Refused("RELATED_TRANSACTION_INVALID")
        check_room(request, request.wallet, request.terms, purse)
        post(request, against, ISSUER, -request.amount)
        give(request, purse, until)
        return
    lots = [lot for lot in request.wallet.of(purse, request.day) if intent.expires in {0, lot.until}]
    if spend(request, -request.amount, lots, 0, lambda *of: take(request, *of)):
        raise Refused("INSUFFICIENT_FUNDS")
    post(request, against, ISSUER, -request.amount)


def balance_inquiry(request: Request) -> None:
    """What a purchase may spend here, or what there is of one purse."""
    check_card(request)
    check_pin(request)
    if request.intent.purse is not None or request.intent.asset == MILES:
        lots = request.wallet.of(meant(request), request.day)
    else:
        lots = sources(request, "PURCHASE")
    request.told = sum(lot.free for lot in lots)


def points_inquiry(request: Request) -> None:
    """What there is of points."""
    check_card(request)
    check_pin(request)
    purse = meant(request, points=True)
    request.told = sum(lot.free for lot in request.wallet.of(purse, request.day))


def set_status(request: Request, status: str) -> None:
    """Freeze or unfreeze."""
    check_not_closed(request.wallet)
    request.wallet.status = status


def replace_card(request: Request) -> None:
    """A new card on the same wallet."""
    check_not_closed(request.wallet)
    request.wallet.failures = 0


def change_grade(request: Request) -> None:
    """Another grade."""
    check_not_closed(request.wallet)
    if not 0 <= request.intent.grade < len(request.terms.overdrafts):
        raise Refused("SERVICE_NOT_ALLOWED")
    request.wallet.grade = request.intent.grade


def close(request: Request) -> None:
    """Pay out what is the holder's or write it off; the rest is breakage."""
    wallet, terms, kept = request.wallet, request.terms, request.intent.is_written_off
    full = [lot for lot in wallet.lots if lot.balance]
    if kept:
        check_operators(request)
    if wallet.status == "CLOSED" and not full:
        raise Refused("CARD_UNKNOWN")
    if any(lot.held for lot in wallet.lots):
        raise Refused("RELATED_TRANSACTION_INVALID")
    if wallet.cash.balance < 0 and not kept:
        raise Refused("INSUFFICIENT_FUNDS")
    for lot in full:
        is_paid = lot.is_good(request.day) and not kept and terms.accounts[lot.purse] in PAID_OUT
        account, owner = ("PAYOUT" if is_paid else "BREAKAGE"), ISSUER
        if lot.balance < 0:
            account, owner = "CARDHOLDER_RECEIVABLE", wallet.number
        asset = terms.asset_of(lot.purse)
        request.moves.append(Move(account, owner, asset, lot.balance))
        request.moves.append(
            Move(terms.accounts[lot.purse], wallet.number, asset, -lot.balance, lot.purse, lot.until)
        )
        lot.balance = 0
    wallet.status = "CLOSED"


PAID_OUT = frozenset({"WALLET_CASH", "WALLET_SPECIAL", "AGENT_FLOAT"})


def lapse(request: Request) -> None:
    """What isn't held of a lot lapses after its last good day."""
    intent, terms = request.intent, request.terms
    if intent.purse is None or intent.purse not in terms.accounts:
        raise Refused("SERVICE_NOT_ALLOWED")
    lot = request.wallet.lot(intent.purse, intent.expires)
    if lot.is_good(request.day):
        raise Refused("RELATED_TRANSACTION_INVALID")
    lapsed, asset = lot.free, terms.asset_of(lot.purse)
    if lapsed:
        take(request, lot, lapsed)
        request.moves.append(Move("BREAKAGE", ISSUER, asset, lapsed))


REQUESTS: dict[str, Callable[[Request], None]] = {
    "PURCHASE": purchase,
    "OFFLINE_SALE": lambda request: forced_sale(request, "OFFLINE_SALE"),
    "PREAUTH": preauth,
    "TOP_UP": top_up,
    "TOP_UP_CONFIRM": top_up,
    "TOP_UP_VERIFY": top_up_verify,
    "TRANSFER": transfer,
    "POINTS_EARN": points_earn,
    "POINTS_SPEND": points_spend,
    "POINTS_ADJUSTMENT": lambda request: adjust(request, "POINTS_EXPENSE", points=True),
    "POINTS_INQUIRY": points_inquiry,
    "BALANCE_INQUIRY": balance_inquiry,
    "SERVICE_FEE": service_fee,
    "OPERATOR_DEBIT": operator_debit,
    "ADJUSTMENT": lambda request: adjust(request, "SUSPENSE", points=False),
    "WALLET_FREEZE": lambda request: set_status(request, "FROZEN"),
    "WALLET_UNFREEZE": lambda request: set_status(request, "OPEN"),
    "CARD_REPLACEMENT": replace_card,
    "GRADE_CHANGE": change_grade,
    "WALLET_CLOSING": close,
    "LOT_EXPIRY": lapse,
}
"""What does each new request."""
