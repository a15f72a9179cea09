"""The checks one by one, their order, and that no service lacks its own.

Every test starts from a purchase that passes all checks and breaks something about it; `FAULTS` has what can
be broken, in the order in which it must be noticed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from directory.product_terms import CardClass, CardService, PinRule, ProductTerms
from directory.records import (
    Card,
    CardState,
    Merchant,
    MerchantState,
    Product,
    ProductVersion,
    Terminal,
    TerminalState,
)
from iso8583_specs.message import Message
from iso8583_specs.values import Pan
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from routing.route import NoCardRange, NoRoute
from routing.table import OWN_LEDGER, Destination
from switch.transaction.intents import KINDS
from switch.transaction.steps import (
    CARD_STATES,
    ISSUER_CHECKS,
    LINE_CHECKS,
    PRODUCT_SERVICES,
    Check,
    Situation,
    batch_open,
    card_good,
    cards_agree,
    first_refusal,
    format_right,
    mac_right,
    merchant_trades,
    original_in_batch,
    pin_readable,
    routed,
    service_allowed,
    service_offered,
    terminal_in_use,
    terminal_known,
)
from switch.vocabulary.model import Request, Service
from switch.vocabulary.unionpay_pos import CARD_SERVICES

Change = Callable[[Situation], None]

MERCHANT = Merchant(17, "990001000000001", MerchantState.LIVE)
TERMINAL = Terminal("T0000001", MERCHANT, TerminalState.ACTIVE, "master key", "000001", (), 0)
TERMS = ProductTerms(
    card_class=CardClass.GIFT,
    currency=156,
    services=frozenset({CardService.PURCHASE, CardService.BALANCE_INQUIRY}),
    pin={CardService.PURCHASE: PinRule(when="above", free_up_to_minor=100)},
)
PRODUCT = Product(3, "GIFT", "Gift card", (ProductVersion(1, 0, TERMS),))
CARD = Card(21, PRODUCT, CardState.ACTIVE, "3112", b"salt", b"value", "3112")


def sound(service: Service = Service.PURCHASE) -> Situation:
    """A situation in which nothing is wrong."""
    request = Request(
        service,
        Message("0200"),
        terminal_id="T0000001",
        merchant_id="990001000000001",
        batch="000001",
        original_batch="000001",
        currency="156",
        amount_minor=101,
        pan=Pan("9900010000000000019"),
        expiry="3112",
    )
    return Situation(request, "2611", TERMINAL, True, OWN_LEDGER, CARD, PinVerdict.MATCH, TERMS)


def in_terminal(**changes: Any) -> Change:
    """The terminal is otherwise."""

    def change(situation: Situation) -> None:
        assert situation.terminal is not None
        situation.terminal = replace(situation.terminal, **changes)

    return change


def in_card(**changes: Any) -> Change:
    """The card is otherwise."""

    def change(situation: Situation) -> None:
        assert situation.card is not None
        situation.card = replace(situation.card, **changes)

    return change


def in_request(**changes: Any) -> Change:
    """The request is otherwise."""

    def change(situation: Situation) -> None:
        for name, value in changes.items():
            setattr(situation.request, name, value)

    return change


def known(**changes: Any) -> Change:
    """What else is known of the situation is otherwise."""

    def change(situation: Situation) -> None:
        for name, value in changes.items():
            setattr(situation, name, value)

    return change


FAULTS: list[tuple[Outcome, Change]] = [
    (Outcome.TERMINAL_UNKNOWN, known(terminal=None)),
    (Outcome.MALFORMED, in_request(defect="field 4 is missing")),
    (Outcome.MAC_WRONG, known(mac_verified=False)),
    (Outcome.MERCHANT_INVALID, in_terminal(merchant=replace(MERCHANT, state=MerchantState.SUSPENDED))),
    (Outcome.TERMINAL_NOT_PERMITTED, in_terminal(state=TerminalState.SUSPENDED)),
    (Outcome.BATCH_NOT_OPEN, in_terminal(batch="000002")),
    (Outcome.CARD_RANGE_UNKNOWN, known(destination=NoCardRange())),
    (Outcome.NO_ROUTE, known(destination=NoRoute(Destination("partner")))),
    (Outcome.CARD_DIFFERS, in_request(cards_agree=False)),
    (Outcome.CARD_UNKNOWN, known(card=None)),
    (Outcome.CARD_LOST, in_card(state=CardState.LOST)),
    (Outcome.CARD_EXPIRED, in_card(expiry="2610")),
    (Outcome.SERVICE_NOT_ALLOWED, in_request(currency="840")),
    (Outcome.PIN_UNREADABLE, known(pin=None)),
    (Outcome.PIN_MISSING, known(pin=PinVerdict.ABSENT)),
]


def refusal(situation: Situation) -> Outcome | None:
    """What the line and then the issuer say of it."""
    service = situation.request.service
    line = first_refusal(LINE_CHECKS[service], situation)
    return line if line is not None else first_refusal(ISSUER_CHECKS.get(service, ()), situation)


# The tables


def test_each_service_has_its_checks() -> None:
    """Every service has checks of the line; those that reach the ledger have the issuer's, and no others."""
    assert set(Service) == set(LINE_CHECKS)
    assert set(KINDS) == set(ISSUER_CHECKS)


@pytest.mark.parametrize("service", Service)
def test_each_service_asks_first_who_speaks(service: Service) -> None:
    """Terminal and format come first everywhere, and the MAC next wherever money is concerned."""
    expected: list[Check] = [terminal_known, format_right, *([mac_right] if service in KINDS else [])]

    assert expected == list(LINE_CHECKS[service][: len(expected)])


@pytest.mark.parametrize("service", [Service.PURCHASE_REVERSAL, Service.PURCHASE_VOID_REVERSAL])
def test_reversal_is_checked_for_terminal_format_and_mac_only(service: Service) -> None:
    """What must be taken back is, whatever became of merchant, batch, card or limit."""
    assert LINE_CHECKS[service] == (terminal_known, format_right, mac_right)
    assert not ISSUER_CHECKS[service]


def test_void_is_checked_on_the_line_like_a_purchase() -> None:
    """A void is a new request; of card and PIN only what the message says of them is looked at."""
    line = LINE_CHECKS[Service.PURCHASE]

    assert (*line, original_in_batch) == LINE_CHECKS[Service.PURCHASE_VOID]
    assert ISSUER_CHECKS[Service.PURCHASE_VOID] == (cards_agree, pin_readable)


def test_rules_for_pins_and_card_states_are_total() -> None:
    """Every service with a card is one that a product may offer, and every state of a card has its answer."""
    assert set(PRODUCT_SERVICES) == CARD_SERVICES
    assert set(CardState) == set(CARD_STATES)


# The order


@pytest.mark.parametrize("service", Service)
def test_nothing_wrong_is_no_refusal(service: Service) -> None:
    """A request in order passes every check, unless its service isn't offered."""
    expected = Outcome.FUNCTION_NOT_SUPPORTED if service is Service.UNSUPPORTED else None

    assert expected == refusal(sound(service))


@pytest.mark.parametrize(("outcome", "fault"), FAULTS, ids=[outcome.name for outcome, _ in FAULTS])
def test_each_fault_is_noticed(outcome: Outcome, fault: Change) -> None:
    """One thing wrong with a purchase is answered by the outcome it has."""
    situation = sound()

    fault(situation)

    assert outcome == refusal(situation)


@pytest.mark.parametrize("place", range(len(FAULTS)), ids=[outcome.name for outcome, _ in FAULTS])
def test_first_fault_in_the_order_of_checks_is_the_answer(place: int) -> None:
    """Of two things wrong the one that is checked first is answered."""
    outcome, fault = FAULTS[place]
    for later, other in FAULTS[place + 1 :]:
        situation = sound()
        other(situation)
        fault(situation)

        assert outcome == refusal(situation), later


def test_outcomes_stand_in_the_order_of_the_checks() -> None:
    """The enumeration of outcomes lists them as they are checked, apart from two that are both 14."""
    checked = [outcome for outcome, _ in FAULTS if outcome is not Outcome.CARD_UNKNOWN]

    assert sorted(checked) == checked


# Single checks


@pytest.mark.parametrize(
    ("terminal_id", "merchant_id"), [("", "990001000000001"), ("T0000001", ""), ("", "")]
)
def test_message_that_names_no_terminal_is_malformed(terminal_id: str, merchant_id: str) -> None:
    """Who can't say its name can't be told that it is unknown: its message is broken."""
    situation = sound()
    situation.terminal = None
    in_request(terminal_id=terminal_id, merchant_id=merchant_id)(situation)

    assert terminal_known(situation) is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (MerchantState.LIVE, None),
        (MerchantState.SUSPENDED, Outcome.MERCHANT_INVALID),
        (MerchantState.CLOSED, Outcome.MERCHANT_INVALID),
    ],
)
def test_merchant_must_be_active(state: MerchantState, outcome: Outcome | None) -> None:
    """Only an active merchant trades."""
    situation = sound()
    in_terminal(merchant=replace(MERCHANT, state=state))(situation)

    assert outcome is merchant_trades(situation)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (TerminalState.ACTIVE, None),
        (TerminalState.SUSPENDED, Outcome.TERMINAL_NOT_PERMITTED),
        (TerminalState.CLOSED, Outcome.TERMINAL_NOT_PERMITTED),
    ],
)
def test_terminal_must_be_active(state: TerminalState, outcome: Outcome | None) -> None:
    """Only an active terminal is used."""
    situation = sound()
    in_terminal(state=state)(situation)

    assert outcome is terminal_in_use(situation)


@pytest.mark.parametrize(
    ("service", "offers", "outcome"),
    [
        (Service.PURCHASE, None, None),
        (Service.PURCHASE, {CardService.PURCHASE}, None),
        (Service.PURCHASE, {CardService.BALANCE_INQUIRY}, Outcome.TERMINAL_NOT_PERMITTED),
        (Service.BALANCE_INQUIRY, set(), Outcome.TERMINAL_NOT_PERMITTED),
        (Service.PURCHASE_VOID, set(), None),
        (Service.SIGN_ON, set(), None),
    ],
)
def test_terminal_and_merchant_offer_the_service(
    service: Service, offers: set[CardService] | None, outcome: Outcome | None
) -> None:
    """Without a word on it everything is offered; taking back what was done always is."""
    situation = sound(service)
    in_terminal(offers=None if offers is None else frozenset(offers))(situation)

    assert outcome is terminal_in_use(situation)


@pytest.mark.parametrize(
    ("accepts", "outcome"), [(None, None), ({3, 4}, None), ({4}, Outcome.SERVICE_NOT_ALLOWED)]
)
def test_terminal_and_merchant_take_the_card(accepts: set[int] | None, outcome: Outcome | None) -> None:
    """Only cards of the products that are taken there, or of any if none is named."""
    situation = sound()
    in_terminal(accepts=None if accepts is None else frozenset(accepts))(situation)

    assert outcome is service_allowed(situation)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (CardState.STOCK, Outcome.CARD_UNKNOWN),
        (CardState.INACTIVE, Outcome.CARD_INACTIVE),
        (CardState.ACTIVE, None),
        (CardState.FROZEN, Outcome.CARD_RESTRICTED),
        (CardState.LOST, Outcome.CARD_LOST),
        (CardState.STOLEN, Outcome.CARD_STOLEN),
        (CardState.REPLACED, Outcome.CARD_UNKNOWN),
        (CardState.EXPIRED, Outcome.CARD_EXPIRED),
        (CardState.CLOSED, Outcome.CARD_UNKNOWN),
    ],
)
def test_card_state_has_its_answer(state: CardState, outcome: Outcome | None) -> None:
    """Each state of a card but active refuses, in its own way, before its expiry is looked at."""
    situation = sound()
    in_card(state=state, expiry="3112" if outcome is None else "2001")(situation)

    assert outcome is card_good(situation)


@pytest.mark.parametrize(
    ("expiry", "stated", "outcome"),
    [
        ("2611", "2611", None),
        ("2611", None, None),
        ("2610", "2610", Outcome.CARD_EXPIRED),
        ("2610", None, Outcome.CARD_EXPIRED),
        ("3112", "3011", Outcome.CARD_EXPIRED),
        ("3112", "31", Outcome.CARD_EXPIRED),
    ],
)
def test_card_is_good_to_the_end_of_its_month(
    expiry: str, stated: str | None, outcome: Outcome | None
) -> None:
    """A card is good in the month it expires, and an expiry that is stated must be its own."""
    situation = sound()
    in_card(expiry=expiry, printed_expiry=expiry)(situation)
    in_request(expiry=stated)(situation)

    assert outcome is card_good(situation)


@pytest.mark.parametrize(("asset", "currency"), [(156, "0156"), (156, "15"), (36, "36"), (36, "999")])
def test_currency_must_be_the_products(asset: int, currency: str) -> None:
    """The currency of a request is the product's, in three digits."""
    situation = sound()
    situation.terms = TERMS.model_copy(update={"currency": asset})
    in_request(currency=currency)(situation)

    assert service_allowed(situation) is Outcome.SERVICE_NOT_ALLOWED


def test_currency_has_leading_zeros() -> None:
    """Australian dollars are 036."""
    situation = sound()
    situation.terms = TERMS.model_copy(update={"currency": 36})
    in_request(currency="036")(situation)

    assert service_allowed(situation) is None


@pytest.mark.parametrize(
    ("service", "pin", "outcome"),
    [
        (Service.PURCHASE, PinVerdict.MATCH, None),
        (Service.PURCHASE, PinVerdict.MISMATCH, None),
        (Service.PURCHASE, PinVerdict.ABSENT, Outcome.PIN_MISSING),
        (Service.PURCHASE, None, Outcome.PIN_UNREADABLE),
        (Service.BALANCE_INQUIRY, PinVerdict.ABSENT, None),
        (Service.BALANCE_INQUIRY, None, Outcome.PIN_UNREADABLE),
        (Service.PURCHASE_VOID, PinVerdict.ABSENT, None),
        (Service.PURCHASE_VOID, PinVerdict.MISMATCH, None),
        (Service.PURCHASE_VOID, None, Outcome.PIN_UNREADABLE),
    ],
)
def test_pin_must_be_there_and_readable(
    service: Service, pin: PinVerdict | None, outcome: Outcome | None
) -> None:
    """A product says which service wants a PIN; a block that can't be read is refused everywhere."""
    situation = sound(service)
    situation.pin = pin

    assert outcome is pin_readable(situation)


@pytest.mark.parametrize(("amount_minor", "outcome"), [(100, None), (101, Outcome.PIN_MISSING)])
def test_small_amounts_may_need_no_pin(amount_minor: int, outcome: Outcome | None) -> None:
    """Up to its ceiling a service wants no PIN, above it does."""
    situation = sound()
    situation.pin = PinVerdict.ABSENT
    in_request(amount_minor=amount_minor)(situation)

    assert outcome is pin_readable(situation)


@pytest.mark.parametrize("terms", [None, TERMS.model_copy(update={"services": frozenset()})])
def test_product_offers_the_service(terms: ProductTerms | None) -> None:
    """A service that the product does not offer, or not yet, is refused."""
    situation = sound()
    situation.terms = terms

    assert refusal(situation) is Outcome.SERVICE_NOT_ALLOWED


def test_extended_card_still_states_its_old_expiry() -> None:
    """A card is good until it was extended to, though its stripe says otherwise."""
    situation = sound()
    in_card(expiry="3112", printed_expiry="2610")(situation)
    in_request(expiry="2610")(situation)

    assert card_good(situation) is None


def test_void_needs_a_purchase_of_its_own_batch() -> None:
    """A purchase of another batch than the void's is not there any more to be voided."""
    situation = sound(Service.PURCHASE_VOID)
    in_request(original_batch="000002")(situation)

    assert refusal(situation) is Outcome.RELATED_TRANSACTION_INVALID


@pytest.mark.parametrize(
    "fault", [known(card=None), known(destination=NoCardRange()), in_card(state=CardState.LOST)]
)
def test_void_looks_at_no_card(fault: Change) -> None:
    """Whose card it is is found out with the original; what became of the card is no matter."""
    situation = sound(Service.PURCHASE_VOID)
    situation.pin = PinVerdict.ABSENT
    fault(situation)

    assert refusal(situation) is None


def test_checks_that_pass_say_nothing() -> None:
    """Each check returns None for what is in order."""
    situation = sound()
    checks = (
        *(terminal_known, format_right, mac_right, service_offered, merchant_trades, terminal_in_use),
        *(batch_open, original_in_batch, routed, cards_agree, card_good, service_allowed, pin_readable),
    )

    assert {None} == {check(situation) for check in checks}
    assert first_refusal((), situation) is None
