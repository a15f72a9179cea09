"""A commit group's own rules; what becomes of money in it is in the tables of `test_money`."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ledger.identity import CHANGES_MAX, TransactionKind, change_key, system_key
from ledger.intent import Intent, PinVerdict
from ledger.lifecycle import Event, OriginalState
from ledger.outcome import Outcome
from ledger.postgres.dedup import ROLE_CHANGE, ROLE_OWN, ROLE_TOMBSTONE, Result, state_of
from ledger.postgres.group import Moved, Shortfall, refused
from ledger.product import FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH
from tests.ledger.intents import NO_LIMITS, Till
from tests.ledger.memory_ledger import MemoryLedger

from .planted import open_card, plant

DAY = 739_000
MINE, FOREIGN = 2, 3
KEY = b"k" * 16


@pytest.fixture
def ledger() -> MemoryLedger:
    """A lane's ledger with one wallet of its own and one of another lane."""
    ledger = MemoryLedger()
    ledger.open(MINE, 1000)
    ledger.open(FOREIGN, 1000)
    return ledger


@pytest.fixture
def till() -> Till:
    """A till."""
    return Till(count(1))


def test_reversal_goes_to_the_lane_of_its_original(ledger: MemoryLedger, till: Till) -> None:
    """A reversal of another lane's wallet is handed on, and leaves nothing here."""
    ledger.commit([till.purchase(FOREIGN, 400, stan="1")], DAY)
    ledger.foreign.add(FOREIGN)
    before = dict(ledger.transactions)

    assert [Moved(FOREIGN)] == ledger.commit([till.reversal("1", 400)], DAY)
    assert before == ledger.transactions


def test_refused_reversal_leaves_its_key_free(ledger: MemoryLedger, till: Till) -> None:
    """A reversal that doesn't fit is recorded, and the right one under the same STAN still gets through."""
    ledger.commit([till.purchase(MINE, 400, stan="1")], DAY)
    wrong = till.reversal("1", 399)

    assert outcome_of(ledger, wrong) is Outcome.ORIGINAL_AMOUNT_DIFFERS
    assert wrong.transaction_id in ledger.transactions
    assert outcome_of(ledger, till.reversal("1", 400)) is Outcome.APPROVED


def test_voids_go_to_the_lane_of_their_original(ledger: MemoryLedger, till: Till) -> None:
    """A void of another lane's purchase is handed on, and so is its reversal."""
    purchase = till.purchase(FOREIGN, 400)
    void = till.void(purchase)
    ledger.commit([purchase], DAY)
    ledger.foreign.add(FOREIGN)
    assert [Moved(FOREIGN)] == ledger.commit([void], DAY)
    ledger.foreign.clear()
    ledger.commit([void], DAY)
    ledger.foreign.add(FOREIGN)
    before = dict(ledger.transactions)

    assert [Moved(FOREIGN)] == ledger.commit([till.void_reversal(void)], DAY)
    assert before == ledger.transactions


def test_quarantined_wallet_leaves_no_trace(ledger: MemoryLedger, till: Till) -> None:
    """Purchases from and reversals to a wallet that can't be trusted are refused and may be sent again."""
    ledger.commit([till.purchase(MINE, 400, stan="1")], DAY)
    ledger.quarantined.add(MINE)
    purchase, reversal = till.purchase(MINE, 100), till.reversal("1", 400)

    results = ledger.commit([purchase, reversal, till.purchase(FOREIGN, 1)], DAY)

    quarantined, approved = Outcome.WALLET_QUARANTINED, Outcome.APPROVED
    assert [quarantined, quarantined, approved] == [r.outcome for r in results if isinstance(r, Result)]
    ledger.quarantined.clear()
    results = ledger.commit([till.again(purchase), till.again(reversal)], DAY)
    assert [approved, approved] == [result.outcome for result in results if isinstance(result, Result)]


def test_declines_assert_the_version_they_saw(ledger: MemoryLedger, till: Till) -> None:
    """Wallets that were looked at and stay are asserted, those that change are swapped, both by id."""
    for wallet_id in (9, 7):
        ledger.open(wallet_id, 1000)
    intents = [
        till.purchase(9, 5000),
        till.purchase(7, 5000),
        till.purchase(7, 1, refusal=Outcome.CARD_EXPIRED),
        till.purchase(FOREIGN, 1, pin=PinVerdict.MISMATCH),
        till.purchase(MINE, 1),
        till.purchase(MINE, 5000),
    ]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert group.assertions() == [(7, 1), (9, 1)]
    assert [wallet_id for wallet_id, _ in group.swaps()] == [MINE, FOREIGN]
    assert [row.wallet_version for row in group.transactions] == [1, 1, None, 2, 2, 2]


def test_loaded_wallet_that_nobody_looked_at_is_not_asserted(ledger: MemoryLedger, till: Till) -> None:
    """A repeat's wallet may change meanwhile: its answer doesn't depend on it."""
    purchase = till.purchase(MINE, 400)
    ledger.commit([purchase], DAY)
    group = ledger.group([till.again(purchase)], DAY)

    group.settle(till.again(purchase))

    assert (group.assertions(), group.swaps(), group.transactions) == ([], [], [])


def test_keys_and_their_roles(ledger: MemoryLedger, till: Till) -> None:
    """A purchase takes its key, its reversal its own and the change key, a tombstone the original's."""
    intents = [till.purchase(MINE, 400, stan="1"), till.reversal("1", 400), till.reversal("2", 400)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [row.role for row in group.dedup] == [ROLE_OWN, ROLE_OWN, ROLE_CHANGE, ROLE_OWN, ROLE_TOMBSTONE]


def test_changes_of_an_original_take_its_keys_in_turn(ledger: MemoryLedger, till: Till) -> None:
    """A void takes its key and a change, its reversal its key, the void's first change and the next one."""
    purchase = till.purchase(MINE, 400)
    void = till.void(purchase)
    intents = [purchase, void, till.void_reversal(void), till.void(purchase)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [row.role for row in group.dedup] == [
        *(ROLE_OWN, ROLE_OWN, ROLE_CHANGE),
        *(ROLE_OWN, ROLE_CHANGE, ROLE_CHANGE),
        *(ROLE_OWN, ROLE_CHANGE),
    ]
    assert len({row.key for row in group.dedup}) == len(group.dedup)


def test_shortfall_is_told(ledger: MemoryLedger, till: Till) -> None:
    """What a wallet lacked for the reversal of a void is told with its group; nothing else is."""
    purchase = till.purchase(MINE, 400)
    void = till.void(purchase)
    intents = [purchase, void, till.purchase(MINE, 900), till.void_reversal(void)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [Shortfall(MINE, 300)] == group.shortfalls


def test_legs_of_the_wallet_name_its_event(ledger: MemoryLedger, till: Till) -> None:
    """An entry of a wallet has the version it made; entries of other accounts have none."""
    ledger.commit([till.purchase(MINE, 400)], DAY)

    assert [(e.leg, e.account_id, e.wallet_version) for e in ledger.entries] == [(0, MINE, 2), (1, 7, None)]


def test_refused_intent_may_be_sent_again(till: Till) -> None:
    """What was certainly not committed is answered as the switch's own trouble."""
    intent = till.purchase(MINE, 1)

    expected = Result(Outcome.SYSTEM_MALFUNCTION, intent.transaction_id, intent.received_at_us)
    assert expected == refused(intent)


@pytest.mark.parametrize("event", [Event.VOID, Event.VOID_REVERSAL])
def test_void_that_does_not_quote_its_original_finds_none(
    ledger: MemoryLedger, till: Till, event: Event
) -> None:
    """Key and number must lead to the same purchase, of a void as of its reversal."""
    purchase, other = till.purchase(MINE, 400), till.purchase(MINE, 400)
    void = till.void(purchase)
    ledger.commit([purchase, other, void], DAY)
    then = {
        Event.VOID: till.void(other, number=purchase.transaction_id),
        Event.VOID_REVERSAL: till.void_reversal(void, parent_key=other.key),
    }[event]

    [result] = ledger.commit([then], DAY)

    assert isinstance(result, Result)
    assert result.outcome is Outcome.ORIGINAL_NOT_FOUND
    assert ledger.wallets[MINE][1].lots[0].balance_minor == 600


def outcome_of(ledger: MemoryLedger, intent: Intent) -> Outcome:
    """What one intent is answered."""
    [result] = ledger.commit([intent], DAY)
    assert isinstance(result, Result)
    return result.outcome


@pytest.mark.parametrize(
    ("changes", "void", "reversal"),
    [
        (CHANGES_MAX - 3, Outcome.APPROVED, Outcome.APPROVED),
        (CHANGES_MAX - 2, Outcome.RELATED_TRANSACTION_WRONG, Outcome.APPROVED),
        (CHANGES_MAX - 1, Outcome.RELATED_TRANSACTION_WRONG, Outcome.APPROVED),
        (CHANGES_MAX, Outcome.RELATED_TRANSACTION_WRONG, Outcome.RELATED_TRANSACTION_WRONG),
    ],
)
def test_changes_have_an_end(till: Till, changes: int, void: Outcome, reversal: Outcome) -> None:
    """Requests leave two changes for what must post: a void's reversal, and the reversal of the original."""
    for expected, kind in (
        (void, TransactionKind.PURCHASE_VOID),
        (reversal, TransactionKind.PURCHASE_REVERSAL),
    ):
        ledger = MemoryLedger()
        open_card(ledger)
        plant(ledger, KEY, TransactionKind.PURCHASE, OriginalState.POSTED, changes=changes)

        assert expected is outcome_of(ledger, replace(till.purchase(4, 400), kind=kind, original_key=KEY))


def test_what_is_of_another_kind_or_day_is_not_the_original(ledger: MemoryLedger, till: Till) -> None:
    """A refund is of a sale, and of the day that it states."""
    inquiry, purchase = till.inquiry(MINE), till.purchase(MINE, 400)
    transfer = replace(
        till.purchase(MINE, 1), kind=TransactionKind.TRANSFER, other_wallet_id=FOREIGN, other_rules=NO_LIMITS
    )
    ledger.commit([inquiry, purchase, transfer], DAY)
    refund = replace(till.purchase(MINE, 1), kind=TransactionKind.REFUND, original_key=transfer.key)
    late = replace(till.purchase(MINE, 400), kind=TransactionKind.REFUND, original_key=purchase.key)

    assert outcome_of(ledger, refund) is Outcome.RELATED_TRANSACTION_INVALID
    assert outcome_of(ledger, replace(late, expected_original_day=DAY - 1)) is Outcome.ORIGINAL_NOT_FOUND
    again = replace(late, key=b"another", expected_original_day=DAY, transaction_id=999)
    assert outcome_of(ledger, again) is Outcome.APPROVED


def test_second_wallet_changes_with_the_first(ledger: MemoryLedger, till: Till) -> None:
    """A transfer writes both wallets, an event of each and both versions; its reversal finds both again."""
    transfer = replace(
        till.purchase(MINE, 300),
        kind=TransactionKind.TRANSFER,
        other_wallet_id=FOREIGN,
        other_rules=NO_LIMITS,
    )
    kind = TransactionKind.TRANSFER_REVERSAL
    reversal = replace(till.reversal("1", 300), kind=kind, original_key=transfer.key)

    ledger.commit([transfer], DAY)

    row = ledger.transactions[transfer.transaction_id]
    assert (MINE, 2, FOREIGN, 2) == row[6:10]
    assert [(MINE, 2), (FOREIGN, 2)] == [(e.account_id, e.wallet_version) for e in ledger.entries]
    assert outcome_of(ledger, reversal) is Outcome.APPROVED
    assert [(3, 1000), (3, 1000)] == [
        (version, state.lots[0].balance_minor) for version, state in ledger.wallets.values()
    ]


def test_movement_without_its_second_wallet_leaves_no_trace(ledger: MemoryLedger, till: Till) -> None:
    """Neither a transfer nor its reversal is decided while one of its wallets can't be trusted."""
    transfer = replace(
        till.purchase(MINE, 300),
        kind=TransactionKind.TRANSFER,
        other_wallet_id=FOREIGN,
        other_rules=NO_LIMITS,
    )
    kind = TransactionKind.TRANSFER_REVERSAL
    reversal = replace(till.reversal("1", 300), kind=kind, original_key=transfer.key)
    ledger.quarantined.add(FOREIGN)
    assert outcome_of(ledger, transfer) is Outcome.WALLET_QUARANTINED
    ledger.quarantined.clear()
    ledger.commit([transfer], DAY)
    ledger.quarantined.add(FOREIGN)

    assert outcome_of(ledger, reversal) is Outcome.WALLET_QUARANTINED
    assert {transfer.transaction_id} == set(ledger.transactions)


def test_hold_is_told_until_when(ledger: MemoryLedger, till: Till) -> None:
    """The journal has the last good day of a hold, and of nothing else."""
    rules = ProductRules(issuer=5, hold_days=7)
    hold = replace(till.purchase(MINE, 300, rules=rules), kind=TransactionKind.PREAUTH)
    short = replace(till.purchase(MINE, 3000, rules=rules), kind=TransactionKind.PREAUTH)

    ledger.commit([hold, short, till.purchase(MINE, 1, rules=rules)], DAY)

    assert [DAY + 7, 0, 0] == [row.hold_until for row in ledger.transactions.values()]


def test_what_the_ledger_does_too_early_leaves_its_key_free(ledger: MemoryLedger, till: Till) -> None:
    """A hold is let go under one key of its own, so an attempt before its day is over isn't remembered."""
    hold = replace(till.purchase(MINE, 300), kind=TransactionKind.PREAUTH)
    ledger.commit([hold], DAY)
    key = system_key(TransactionKind.HOLD_EXPIRY, hold.transaction_id)
    expiry = replace(till.purchase(MINE, 0), kind=TransactionKind.HOLD_EXPIRY, key=key, original_key=hold.key)
    rules = ProductRules(purses=(PurseRule(CASH, PurseKind.CASH), PurseRule(2, PurseKind.BONUS)))
    lapse = till.purchase(MINE, 0, rules=rules)
    lapse = replace(lapse, kind=TransactionKind.LOT_EXPIRY, purse=2, expires=DAY)

    assert outcome_of(ledger, expiry) is Outcome.RELATED_TRANSACTION_INVALID
    assert outcome_of(ledger, lapse) is Outcome.RELATED_TRANSACTION_INVALID
    assert {hold.transaction_id} == set(ledger.transactions)
    [result] = ledger.commit([till.again(expiry)], DAY + 31)
    assert isinstance(result, Result)
    assert result.outcome is Outcome.APPROVED


def test_books_of_a_reversal_are_its_original_s(ledger: MemoryLedger, till: Till) -> None:
    """A reversal knows no product, but what it posts belongs to the original's issuer."""
    purchase = till.purchase(MINE, 400, stan="1", rules=ProductRules(issuer=5))

    ledger.commit([purchase, till.reversal("1", 400)], DAY)

    assert [5, 5] == [row.issuer for row in ledger.transactions.values()]


def test_operators_are_in_the_journal(ledger: MemoryLedger, till: Till) -> None:
    """Who proposed and who approved a manual movement is kept with it."""
    adjustment = replace(
        till.purchase(MINE, 5), kind=TransactionKind.ADJUSTMENT, proposer="anna", approver="bert"
    )

    ledger.commit([adjustment], DAY)

    assert ("anna", "bert") == ledger.transactions[adjustment.transaction_id][-3:-1]


def test_fees_that_come_back_are_kept_with_the_key(ledger: MemoryLedger, till: Till) -> None:
    """The journal doesn't say which fees a refund returns, so a purchase with fees keeps that itself."""
    fee = FeeRule(
        frozenset({TransactionKind.PURCHASE}), Party.MERCHANT, Party.ISSUER, flat_minor=5,
        returned_on_refund=True,
    )  # fmt: skip
    dear, plain = till.purchase(MINE, 400, rules=ProductRules(fees=(fee,))), till.purchase(MINE, 400)

    ledger.commit([dear, plain], DAY)

    original = ledger.found[dear.key].original
    assert original is not None
    assert (True,) == original.charges
    assert ledger.found[plain.key].original is None


@pytest.fixture
def top_up(till: Till) -> Intent:
    """A top-up of the lane's own wallet."""
    return replace(till.purchase(MINE, 400, stan="8"), kind=TransactionKind.TOP_UP)


def confirm(till: Till, top_up: Intent, amount_minor: int = 400, **fields: Any) -> Intent:
    """The confirmation of a top-up."""
    plain = till.purchase(MINE, amount_minor, stan="8")
    intent = replace(plain, kind=TransactionKind.TOP_UP_CONFIRM, key=b"the confirmation")
    told = {"original_key": top_up.key, "original_fingerprint": top_up.fingerprint, "fingerprint": b"f" * 16}
    return replace(intent, **(told | fields))


def test_confirmed_top_up_is_not_done_again(ledger: MemoryLedger, till: Till, top_up: Intent) -> None:
    """A confirmation that comes first posts, and the late request gets its answer and no second credit."""
    first = confirm(till, top_up)
    posted = ledger.commit([first], DAY)

    assert posted == ledger.commit([till.again(top_up)], DAY)
    assert ledger.wallets[MINE][1].lots[0].balance_minor == 1400
    reversal = replace(till.reversal("8", 400), kind=TransactionKind.TOP_UP_REVERSAL, original_key=top_up.key)
    assert outcome_of(ledger, reversal) is Outcome.APPROVED
    assert ledger.wallets[MINE][1].lots[0].balance_minor == 1000


def test_confirmation_without_the_fingerprint(ledger: MemoryLedger, till: Till, top_up: Intent) -> None:
    """Where the request's fingerprint isn't known, a late request counts as another: it is refused."""
    ledger.commit([confirm(till, top_up, original_fingerprint=None)], DAY)

    assert outcome_of(ledger, till.again(top_up)) is Outcome.DUPLICATE_DIFFERS


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"refusal": Outcome.CARD_LOST}, Outcome.CARD_LOST),
        ({"wallet_id": None}, Outcome.CARD_UNKNOWN),
        ({"amount_minor": 0}, Outcome.AMOUNT_INVALID),
    ],
)
def test_declined_confirmation_declines_the_late_request(
    ledger: MemoryLedger, till: Till, top_up: Intent, fields: dict[str, Any], outcome: Outcome
) -> None:
    """Whoever was told that a top-up isn't done can rely on it."""
    assert outcome_of(ledger, confirm(till, top_up, **fields)) is outcome
    assert outcome_of(ledger, till.again(top_up)) is outcome


def test_unrecorded_confirmation_leaves_the_request_its_chance(
    ledger: MemoryLedger, till: Till, top_up: Intent
) -> None:
    """A confirmation that can be mended takes no key, neither its own nor that of the request."""
    assert outcome_of(ledger, confirm(till, top_up, refusal=Outcome.MALFORMED)) is Outcome.MALFORMED
    assert outcome_of(ledger, top_up) is Outcome.APPROVED


@pytest.mark.parametrize(
    ("amount", "refusal", "outcome"),
    [
        (400, None, Outcome.APPROVED),
        (400, Outcome.CARD_LOST, Outcome.APPROVED),
        (401, None, Outcome.ORIGINAL_AMOUNT_DIFFERS),
    ],
)
def test_confirmation_of_a_posted_top_up(
    ledger: MemoryLedger, till: Till, top_up: Intent, amount: int, refusal: Outcome | None, outcome: Outcome
) -> None:
    """It is answered as the top-up was, whatever the card is now, and moves nothing."""
    ledger.commit([top_up], DAY)

    assert outcome is outcome_of(ledger, confirm(till, top_up, amount, refusal=refusal))
    assert ledger.wallets[MINE][1].lots[0].balance_minor == 1400


def test_reversal_of_a_completion_s_void(ledger: MemoryLedger, till: Till) -> None:
    """Void, completion and pre-authorisation change together, in one group as over several."""
    hold = replace(till.purchase(MINE, 600), kind=TransactionKind.PREAUTH)
    done = replace(till.purchase(MINE, 500), kind=TransactionKind.COMPLETION, original_key=hold.key)
    void = replace(till.purchase(MINE, 500), kind=TransactionKind.COMPLETION_VOID, original_key=done.key)
    kind = TransactionKind.COMPLETION_VOID_REVERSAL
    back = replace(till.purchase(MINE, 500), kind=kind, original_key=void.key, parent_key=hold.key)

    results = ledger.commit([hold, done, void, back], DAY)

    assert [Outcome.APPROVED] * 4 == [r.outcome for r in results if isinstance(r, Result)]
    assert (OriginalState.COMPLETED, OriginalState.POSTED, OriginalState.REVERSED) == tuple(
        state_of(intent.key, ledger.found) for intent in (hold, done, void)
    )
    assert change_key(hold.key, 2) in ledger.found
    assert [500, 0] == list(ledger.wallets[MINE][1].lots[0][2:])


def test_reversal_of_a_completion_s_void_after_another_completion(ledger: MemoryLedger, till: Till) -> None:
    """A pre-authorisation is completed once: the void of its first completion stays if there is a second."""
    hold = replace(till.purchase(MINE, 600), kind=TransactionKind.PREAUTH)
    done = replace(till.purchase(MINE, 500), kind=TransactionKind.COMPLETION, original_key=hold.key)
    void = replace(till.purchase(MINE, 500), kind=TransactionKind.COMPLETION_VOID, original_key=done.key)
    other = replace(till.purchase(MINE, 400), kind=TransactionKind.COMPLETION, original_key=hold.key)
    kind = TransactionKind.COMPLETION_VOID_REVERSAL
    back = replace(till.purchase(MINE, 500), kind=kind, original_key=void.key)
    for intent in (hold, done, void, other):
        assert outcome_of(ledger, intent) is Outcome.APPROVED

    assert outcome_of(ledger, back) is Outcome.RELATED_TRANSACTION_WRONG
    assert back.key not in ledger.found
