"""What stored keys say: results as they were answered, how an original stands, and what to read next."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Leg
from ledger.identity import CHANGES_MAX, TransactionKind, change_key
from ledger.intent import Intent
from ledger.lifecycle import OriginalState
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.postgres.chain import TransactionRow
from ledger.postgres.dedup import (
    ROLE_CHANGE,
    ROLE_OWN,
    ROLE_TOMBSTONE,
    Found,
    Result,
    found_of,
    keys_of,
    newest_change,
    pack_result,
    posted,
    state_of,
    unread_originals,
    wallets_of,
)
from tests.ledger.intents import Till

KEY, OTHER, ROOT = b"k" * 16, b"o" * 16, b"r" * 16
DAY = 739_000
LEGS = (Leg(AccountKind.WALLET_CASH, 3, 156, -400, 1), Leg(AccountKind.MERCHANT_PAYABLE, 7, 156, 400))
ORIGINAL = Original(1, TransactionKind.PURCHASE, 3, 400, 156, DAY, 7, LEGS, shares=(Share(DAY, 400),))


@given(
    st.sampled_from(Outcome),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 62),
    st.none() | st.integers(-(1 << 62), 1 << 62),
    st.none() | st.just(ORIGINAL),
)
def test_results_survive(
    outcome: Outcome, number: int, received: int, available: int | None, original: Original | None
) -> None:
    """A repeat gets what was stored, field by field, and a change tells how its original stands."""
    result = Result(outcome, number, received, available)

    stored = pack_result(result, original)

    expected = Found(ROLE_OWN, number, b"", result, original, DAY)
    assert expected == found_of(ROLE_OWN, number, b"", int(outcome), stored, DAY)


def test_stored_results_never_change() -> None:
    """Results of earlier programs are read by later ones."""
    stored = bytes.fromhex("00064aa8d5ef4000 8000000000000000")

    assert Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000) == found_of(1, 7, b"", 0, stored, DAY).result
    assert stored == pack_result(Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000))


def row(
    role: int, number: int, outcome: Outcome = Outcome.APPROVED, original: Original | None = None
) -> Found:
    """A taken key."""
    return Found(role, number, b"", Result(outcome, number, 0), original, DAY)


def taken(*states: OriginalState) -> dict[bytes, Found]:
    """A posted original, number 1, whose changes left it so; the first is made by number 2."""
    changes = {
        change_key(KEY, i): row(ROLE_CHANGE, i + 2, original=replace(ORIGINAL, state=state, changes=i + 1))
        for i, state in enumerate(states)
    }
    return {KEY: row(ROLE_OWN, 1), **changes}


POSTED, VOIDED, REVERSED = OriginalState.POSTED, OriginalState.VOIDED, OriginalState.REVERSED


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ({}, OriginalState.ABSENT),
        ({OTHER: row(ROLE_OWN, 1)}, OriginalState.ABSENT),
        ({KEY: row(ROLE_TOMBSTONE, 1, Outcome.ORIGINAL_NOT_FOUND)}, OriginalState.TOMBSTONE),
        ({KEY: row(ROLE_OWN, 1, Outcome.CARD_LOST)}, OriginalState.DECLINED),
        (taken(), POSTED),
        (taken(VOIDED), VOIDED),
        (taken(VOIDED, POSTED), POSTED),
        (taken(VOIDED, REVERSED), REVERSED),
        (taken(*[VOIDED, POSTED] * 119, VOIDED, REVERSED), REVERSED),
    ],
)
def test_keys_say_how_an_original_stands(found: dict[bytes, Found], state: OriginalState) -> None:
    """The newest change decides."""
    assert state is state_of(KEY, found)


@pytest.mark.parametrize("count_", [0, 1, 2, 17, CHANGES_MAX])
def test_newest_change_tells_all(count_: int) -> None:
    """However many changes there were, the last one is found."""
    changed = newest_change(KEY, taken(*[VOIDED] * count_))

    assert (count_ or None) == (changed and changed.changes)


@pytest.fixture
def till() -> Till:
    """A till."""
    return Till(count(1))


def referring(kind: TransactionKind, till: Till, parent_key: bytes | None = None) -> Intent:
    """An intent that refers to the original with the key."""
    return replace(till.reversal("1", 400), kind=kind, original_key=KEY, parent_key=parent_key)


def test_a_purchase_costs_one_key(till: Till) -> None:
    """A new purchase asks for nothing but its own key."""
    intents = [till.purchase(1, 100), till.purchase(2, 100)]

    assert [intent.key for intent in intents] == keys_of(intents)
    assert keys_of(intents) == keys_of(intents, {KEY: row(ROLE_OWN, 1)})


def test_a_repeat_asks_for_what_changed_it(till: Till) -> None:
    """Once a purchase's key is found, its first change is asked for."""
    purchase = till.purchase(1, 100)

    expected = [purchase.key, purchase.key, change_key(purchase.key, 0)]
    assert expected == keys_of([purchase], {purchase.key: row(ROLE_OWN, 1)})


@pytest.mark.parametrize(
    ("changes", "asked"), [(0, 1), (1, 17), (16, 17), (17, 33), (33, 65), (65, 129), (129, 240), (240, 240)]
)
def test_changes_are_looked_for_further_and_further(till: Till, changes: int, asked: int) -> None:
    """An original that nobody changed costs one more key, and one with many changes a few rounds."""
    found = taken(*[VOIDED] * changes)

    keys = keys_of([referring(TransactionKind.PURCHASE_VOID, till)], found)

    assert {change_key(KEY, change) for change in range(asked)} <= set(keys)
    assert asked + 2 == len(keys)


@pytest.mark.parametrize(
    ("kind", "followed"),
    [
        (TransactionKind.REFUND, set()),
        (TransactionKind.COMPLETION_VOID, {OTHER, ROOT}),
        (TransactionKind.COMPLETION_VOID_REVERSAL, {OTHER, ROOT}),
    ],
)
def test_what_changes_with_an_original_is_asked_for(
    till: Till, kind: TransactionKind, followed: set[bytes]
) -> None:
    """What an original changed is read with it, and what that changed, if a movement may change it."""
    found = {
        KEY: row(ROLE_OWN, 1, original=replace(ORIGINAL, original_key=OTHER)),
        OTHER: row(ROLE_OWN, 2, original=replace(ORIGINAL, original_key=ROOT)),
        ROOT: row(ROLE_OWN, 3),
    }

    keys = keys_of([referring(kind, till)], found)

    assert followed == {OTHER, ROOT} & set(keys)
    assert followed == {key for key in (OTHER, ROOT) if change_key(key, 0) in keys}


def test_a_parent_that_is_named_is_asked_for_at_once(till: Till) -> None:
    """A message that names what its original changed saves a round."""
    keys = keys_of([referring(TransactionKind.PURCHASE_VOID_REVERSAL, till, parent_key=OTHER)])

    assert {KEY, OTHER, change_key(KEY, 0), change_key(OTHER, 0)} < set(keys)


@pytest.mark.parametrize(
    ("found", "days"),
    [
        ({}, {}),
        ({KEY: row(ROLE_TOMBSTONE, 1)}, {}),
        ({KEY: row(ROLE_OWN, 1, Outcome.CARD_LOST)}, {}),
        ({KEY: row(ROLE_OWN, 1, original=ORIGINAL)}, {}),
        (taken(), {1: DAY}),
        (taken(VOIDED), {}),
    ],
)
def test_what_must_be_read_of_the_journal(
    till: Till, found: dict[bytes, Found], days: dict[int, int]
) -> None:
    """A posted original that nobody changed is in the journal only, unless its own row tells it."""
    purchase = till.purchase(1, 100)

    assert days == unread_originals([purchase, referring(TransactionKind.PURCHASE_VOID, till)], found)


@pytest.mark.parametrize(
    ("found", "originals", "wallets"),
    [
        ({}, {}, []),
        (taken(), {1: ORIGINAL}, [(3, None)]),
        (taken(VOIDED), {}, [(3, None)]),
        ({KEY: row(ROLE_OWN, 1, original=replace(ORIGINAL, other_wallet_id=4))}, {}, [(3, 4)]),
        ({KEY: row(ROLE_TOMBSTONE, 1, Outcome.ORIGINAL_NOT_FOUND)}, {}, []),
    ],
)
def test_wallets_of_originals(
    till: Till,
    found: dict[bytes, Found],
    originals: dict[int, Original],
    wallets: list[tuple[int, int | None]],
) -> None:
    """What refers to an original is decided on the original's wallets, not on those it states."""
    intent = replace(referring(TransactionKind.PURCHASE_VOID, till), wallet_id=9)

    assert wallets == wallets_of([intent], found, originals)


def test_wallets_of_requests(till: Till) -> None:
    """A request is decided on its wallets, unless it was refused on its way or the card is unknown."""
    intents: Iterable[Intent] = [
        till.purchase(1, 100),
        till.purchase(None, 100, refusal=Outcome.CARD_UNKNOWN),
        till.purchase(2, 100, refusal=Outcome.CARD_LOST),
        replace(till.purchase(3, 100), kind=TransactionKind.TRANSFER, other_wallet_id=4),
        replace(referring(TransactionKind.TOP_UP_CONFIRM, till), wallet_id=5),
    ]

    assert [(1, None), (3, 4), (5, None)] == wallets_of(intents, {}, {})


def journal_row(kind: TransactionKind, **more: Any) -> TransactionRow:
    """A row of the journal."""
    plain = TransactionRow(
        1, kind, 0, 156, 400, 5, 3, 2, None, None, None, 0, 7, "M", "T", "B", "S", "", "", 0
    )
    return plain._replace(**more)


def test_a_purchase_in_the_journal() -> None:
    """The journal tells all of a plain purchase."""
    assert replace(ORIGINAL, issuer=5) == posted(journal_row(TransactionKind.PURCHASE), LEGS, DAY)


def test_a_hold_in_the_journal() -> None:
    """A pre-authorisation holds until its day, and counts in the windows."""
    hold = posted(journal_row(TransactionKind.PREAUTH, hold_until=DAY + 30), LEGS, DAY)

    assert (OriginalState.HELD, DAY + 30, (Share(DAY, 400),)) == (hold.state, hold.expires_day, hold.shares)


def test_a_confirmed_top_up_in_the_journal() -> None:
    """A confirmation that was posted in place of its top-up is that top-up; no window counts it."""
    top_up = posted(journal_row(TransactionKind.TOP_UP_CONFIRM, other_wallet_id=8), LEGS, DAY)

    assert (TransactionKind.TOP_UP, 8, ()) == (top_up.kind, top_up.other_wallet_id, top_up.shares)
