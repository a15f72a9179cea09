"""The checks of a transaction: what is checked, in which order, for which service. Pure.

Each check looks at what is known so far (`Situation`) and returns the outcome that ends the request, or None.
They run in two stretches. The checks of the line come first. Until the MAC is right nobody knows who asks, so
a refusal is answered at once and leaves no trace. From then on a refusal is the transaction's answer: it is
carried to the ledger, because a repeat must be answered as the first time, and only the ledger knows what was
answered. The checks of the issuer follow where those of the line refuse nothing. The ledger goes on with PIN,
limits and funds.

Reversals are checked for terminal, format and MAC only: what must be taken back is, whatever became of card,
merchant or limit since. A void is a new request, so the line checks it like one; of its card only what the
message itself says of it is looked at, and a PIN only if one came.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from directory.product_terms import CardService, ProductTerms
from directory.records import Card, CardState, MerchantState, Terminal, TerminalState
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from routing.route import NoCardRange, NoRoute
from routing.table import OWN_LEDGER, Destination
from switch.vocabulary.model import Request, Service


@dataclass(slots=True)
class Situation:
    """What is known of a request so far; filled in while the checks go on.

    Attributes:
        request: The request.
        year_month: Now as YYMM in the switch's time zone, for expiry.
        terminal: As the directory knows it, None if it doesn't.
        mac_verified: Whether the MAC fits one of the terminal's key sets.
        destination: What routing chose for the card.
        card: None if the directory doesn't know it.
        pin: What the HSM said of the PIN; None for a block that it can't read.
        terms: Of the card's product, as they are now; None if none are in force yet.
    """

    request: Request
    year_month: str
    terminal: Terminal | None = None
    mac_verified: bool = False
    destination: Destination | NoCardRange | NoRoute | None = None
    card: Card | None = None
    pin: PinVerdict | None = PinVerdict.ABSENT
    terms: ProductTerms | None = None


Check: TypeAlias = Callable[[Situation], Outcome | None]


def terminal_known(s: Situation) -> Outcome | None:
    """97: the directory knows this terminal of this merchant. A message too broken to name one is 30."""
    if not (s.request.terminal_id and s.request.merchant_id):
        return Outcome.MALFORMED
    return None if s.terminal is not None else Outcome.TERMINAL_UNKNOWN


def format_right(s: Situation) -> Outcome | None:
    """30: the message keeps the dialect's rules."""
    return Outcome.MALFORMED if s.request.defect is not None else None


def mac_right(s: Situation) -> Outcome | None:
    """A0: the MAC is the terminal's."""
    return None if s.mac_verified else Outcome.MAC_WRONG


def service_offered(s: Situation) -> Outcome | None:
    """40: this switch offers the service."""
    return Outcome.FUNCTION_NOT_SUPPORTED if s.request.service is Service.UNSUPPORTED else None


def merchant_trades(s: Situation) -> Outcome | None:
    """03: the merchant may trade."""
    assert s.terminal is not None
    return None if s.terminal.merchant.state is MerchantState.LIVE else Outcome.MERCHANT_INVALID


def terminal_in_use(s: Situation) -> Outcome | None:
    """58: the terminal may be used, and it and its merchant offer the service."""
    assert s.terminal is not None
    if s.terminal.state is not TerminalState.ACTIVE:
        return Outcome.TERMINAL_NOT_PERMITTED
    if s.terminal.offers is None:
        return None
    service = PRODUCT_SERVICES.get(s.request.service)
    return None if service is None or service in s.terminal.offers else Outcome.TERMINAL_NOT_PERMITTED


def batch_open(s: Situation) -> Outcome | None:
    """77: the batch is the terminal's open one."""
    assert s.terminal is not None
    return None if s.request.batch == s.terminal.batch else Outcome.BATCH_NOT_OPEN


def original_in_batch(s: Situation) -> Outcome | None:
    """12: the purchase to be voided is of the batch that is open, so it isn't settled yet."""
    same = s.request.original_batch == s.request.batch
    return None if same else Outcome.RELATED_TRANSACTION_INVALID


def routed(s: Situation) -> Outcome | None:
    """15, 92: the card belongs to a range, and whoever authorises it can be reached."""
    if isinstance(s.destination, NoCardRange):
        return Outcome.CARD_RANGE_UNKNOWN
    return Outcome.NO_ROUTE if isinstance(s.destination, NoRoute) else None


def cards_agree(s: Situation) -> Outcome | None:
    """14: field 2 and track 2 name one card."""
    return None if s.request.cards_agree else Outcome.CARD_DIFFERS


CARD_STATES: Final[Mapping[CardState, Outcome | None]] = MappingProxyType(
    {
        CardState.STOCK: Outcome.CARD_UNKNOWN,
        CardState.INACTIVE: Outcome.CARD_INACTIVE,
        CardState.ACTIVE: None,
        CardState.FROZEN: Outcome.CARD_RESTRICTED,
        CardState.LOST: Outcome.CARD_LOST,
        CardState.STOLEN: Outcome.CARD_STOLEN,
        CardState.REPLACED: Outcome.CARD_UNKNOWN,
        CardState.EXPIRED: Outcome.CARD_EXPIRED,
        CardState.CLOSED: Outcome.CARD_UNKNOWN,
    }
)
"""What a card's state answers: 14, 21, 41, 43, 54 or 62, or nothing for an active card."""


def card_good(s: Situation) -> Outcome | None:
    """14, 21, 41, 43, 54, 62: the card exists, is active and not expired, and states its own expiry."""
    card = s.card
    if card is None:
        return Outcome.CARD_UNKNOWN
    refused = CARD_STATES[card.state]
    if refused is not None:
        return refused
    stated = s.request.expiry
    if card.expiry < s.year_month or (stated is not None and stated != card.printed_expiry):
        return Outcome.CARD_EXPIRED
    return None


PRODUCT_SERVICES: Final[Mapping[Service, CardService]] = MappingProxyType(
    {
        Service.PURCHASE: CardService.PURCHASE,
        Service.BALANCE_INQUIRY: CardService.BALANCE_INQUIRY,
    }
)
"""What a product must allow for a service; the services that aren't here take back what it allowed."""


def service_allowed(s: Situation) -> Outcome | None:
    """57: the terminal takes cards of this product, which offers the service in this currency."""
    assert s.terminal is not None
    assert s.card is not None
    if s.terminal.accepts is not None and s.card.product.id not in s.terminal.accepts:
        return Outcome.SERVICE_NOT_ALLOWED
    terms = s.terms
    if terms is None or s.request.currency != f"{terms.currency:03d}":
        return Outcome.SERVICE_NOT_ALLOWED
    return None if PRODUCT_SERVICES[s.request.service] in terms.services else Outcome.SERVICE_NOT_ALLOWED


def pin_readable(s: Situation) -> Outcome | None:
    """99, 55: the PIN block can be read, and there is one where the product wants it. Counts no try."""
    if s.pin is None:
        return Outcome.PIN_UNREADABLE
    service = PRODUCT_SERVICES.get(s.request.service)
    if s.pin is not PinVerdict.ABSENT or service is None:
        return None
    assert s.terms is not None
    return Outcome.PIN_MISSING if s.terms.wants_pin(service, s.request.amount_minor) else None


_MANAGEMENT: Final = (terminal_known, format_right)
_REVERSAL_LINE: Final = (terminal_known, format_right, mac_right)
_CARD_LINE: Final = (terminal_known, format_right, mac_right, merchant_trades, terminal_in_use, batch_open)

LINE_CHECKS: Final[Mapping[Service, Sequence[Check]]] = MappingProxyType(
    {
        Service.SIGN_ON: (*_MANAGEMENT, merchant_trades, terminal_in_use),
        Service.SIGN_OFF: _MANAGEMENT,
        Service.ECHO: _MANAGEMENT,
        Service.PURCHASE: _CARD_LINE,
        Service.BALANCE_INQUIRY: _CARD_LINE,
        Service.PURCHASE_REVERSAL: _REVERSAL_LINE,
        Service.PURCHASE_VOID: (*_CARD_LINE, original_in_batch),
        Service.PURCHASE_VOID_REVERSAL: _REVERSAL_LINE,
        Service.UNSUPPORTED: (terminal_known, format_right, service_offered),
    }
)
"""The checks of the line, in order. What they refuse before a MAC has been right leaves no trace."""

_CARD_ISSUER: Final = (routed, cards_agree, card_good, service_allowed, pin_readable)

ISSUER_CHECKS: Final[Mapping[Service, Sequence[Check]]] = MappingProxyType(
    {
        Service.PURCHASE: _CARD_ISSUER,
        Service.BALANCE_INQUIRY: _CARD_ISSUER,
        Service.PURCHASE_REVERSAL: (),
        Service.PURCHASE_VOID: (cards_agree, pin_readable),
        Service.PURCHASE_VOID_REVERSAL: (),
    }
)
"""The checks of the issuer, in order, for the services that reach the ledger."""


OF_THE_TERMINAL: Final = frozenset(
    {Outcome.MERCHANT_INVALID, Outcome.TERMINAL_NOT_PERMITTED, Outcome.BATCH_NOT_OPEN}
)
"""Refusals for what the directory says of a terminal, which another node may have changed meanwhile."""

_ROUTED: Final = {service: routed in checks for service, checks in ISSUER_CHECKS.items()}


def needs_card(s: Situation) -> bool:
    """Whether the card is to be looked up here, now that routing has chosen its destination.

    A service goes where its card is routed; what takes a posting back goes where that was posted.
    """
    return s.destination is OWN_LEDGER or not _ROUTED[s.request.service]


def first_refusal(checks: Sequence[Check], situation: Situation) -> Outcome | None:
    """The outcome of the first check that refuses, None if all pass."""
    for check in checks:
        refused = check(situation)
        if refused is not None:
            return refused
    return None
