"""Numbers, references and duplicate keys; what is stored or printed on receipts never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity import (
    CHANGES_MAX,
    COUNTER_BITS,
    NODE_BITS,
    ORIGINAL_KINDS,
    REVERSED_KIND,
    VOIDED_KIND,
    TransactionKind,
    TransactionNumbers,
    approval_code,
    change_key,
    duplicate_key,
    retrieval_reference,
    system_key,
    transaction_of_reference,
)

NUMBERS = st.integers(0, (1 << (COUNTER_BITS + NODE_BITS)) - 1)
TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=15)


@given(NUMBERS)
def test_references_lead_back(number: int) -> None:
    """A reference has 12 characters of base 36 and leads to its transaction without a search."""
    reference = retrieval_reference(number)

    assert len(reference) == 12
    assert int(reference, 36) == number
    assert number == transaction_of_reference(reference)
    assert reference[6:] == approval_code(reference)


@given(st.lists(NUMBERS, unique=True))
def test_references_are_ordered_like_numbers(numbers: list[int]) -> None:
    """Later transactions have higher references, so they never meet."""
    assert [retrieval_reference(n) for n in sorted(numbers)] == sorted(map(retrieval_reference, numbers))


@pytest.mark.parametrize(
    "reference",
    ["", "00000000001", "0000000000001", "00000000000-", "00000000000²", " 00000000001", "ZZZZZZZZZZZZ"],
)
def test_foreign_references(reference: str) -> None:
    """A reference that can't be one of ours leads nowhere."""
    assert transaction_of_reference(reference) is None


def test_numbers_of_two_nodes_never_meet() -> None:
    """Each node counts in a space of its own, and each number comes once."""
    one, two = TransactionNumbers(1), TransactionNumbers(2)

    assert [one.next(), one.next()] == [(1 << 38) + 1, (1 << 38) + 2]
    assert two.next() == (2 << 38) + 1


@pytest.mark.parametrize("change", [-1, CHANGES_MAX])
def test_changes_have_a_bound(change: int) -> None:
    """There is no key for a change beyond the last."""
    with pytest.raises(AssertionError):
        change_key(bytes(16), change)


@pytest.mark.parametrize("node", [0, 1 << NODE_BITS])
def test_node_numbers_have_24_bits(node: int) -> None:
    """A node outside the space is refused at start."""
    with pytest.raises(AssertionError):
        TransactionNumbers(node)


def test_stored_keys_never_change() -> None:
    """Keys of earlier programs are found by later ones."""
    key = duplicate_key("990001000000001", "T0000001", "000001", "000042", TransactionKind.PURCHASE)

    assert key.hex() == "342951742642d7df0cde85a43ef66e6c"
    assert [change_key(key, change).hex() for change in (0, 1, 16)] == [
        "0f11955f0a97e588f969feb0b44aff7e",
        "adaeb465766862e163ffc45b4e172ed5",
        "1774c45e9f65370f646969ec582a2427",
    ]


@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(TransactionKind)), unique=True, max_size=5)
)
def test_keys_differ_where_identities_differ(
    identities: list[tuple[str, str, str, str, TransactionKind]],
) -> None:
    """Each part counts, and no part can be taken for another; change keys meet none of them."""
    keys = [duplicate_key(*identity) for identity in identities]
    changes = [change_key(key, change) for key in keys for change in range(CHANGES_MAX)]

    assert len(keys) + len(changes) == len({*keys, *changes})
    assert all(len(key) == 16 for key in (*keys, *changes))


def test_kinds_that_reverse() -> None:
    """A reversal is for good; a void, which is a request, may itself be reversed, but never voided."""
    assert REVERSED_KIND.keys().isdisjoint({*REVERSED_KIND.values(), *VOIDED_KIND.values()})
    assert VOIDED_KIND.keys() <= set(REVERSED_KIND.values())
    assert VOIDED_KIND.keys().isdisjoint(VOIDED_KIND.values())


def test_what_is_never_reversed() -> None:
    """A refund, an advice, a confirm and what the operator does can only be followed by something new."""
    final = {
        TransactionKind.REFUND, TransactionKind.COMPLETION_ADVICE, TransactionKind.OFFLINE_SALE,
        TransactionKind.TIP_ADVICE, TransactionKind.TOP_UP_CONFIRM, TransactionKind.ADJUSTMENT,
    }  # fmt: skip

    assert final.isdisjoint(REVERSED_KIND.values())


@pytest.mark.parametrize(
    ("kind", "originals"),
    [
        (TransactionKind.PURCHASE_REVERSAL, {TransactionKind.PURCHASE}),
        (TransactionKind.PURCHASE_VOID_REVERSAL, {TransactionKind.PURCHASE_VOID}),
        (TransactionKind.COMPLETION_VOID, {TransactionKind.COMPLETION, TransactionKind.COMPLETION_ADVICE}),
        (TransactionKind.TIP_ADVICE, {TransactionKind.PURCHASE, TransactionKind.OFFLINE_SALE}),
        (TransactionKind.HOLD_EXPIRY, {TransactionKind.PREAUTH}),
    ],
)
def test_originals_of_a_kind(kind: TransactionKind, originals: set[TransactionKind]) -> None:
    """What refers to an original refers to some kinds only; reversals and voids to what they take back."""
    assert originals == ORIGINAL_KINDS[kind]
    assert REVERSED_KIND.keys() | VOIDED_KIND.keys() <= ORIGINAL_KINDS.keys()


def test_system_keys() -> None:
    """What the ledger posts by itself has one key for one thing, which never changes."""
    lapse = system_key(TransactionKind.LOT_EXPIRY, 5, 3, 739_000)

    assert lapse.hex() == "c527cfc02d7d12b7b674c57890a88ccd"
    assert lapse == system_key(TransactionKind.LOT_EXPIRY, 5, 3, 739_000)
    assert lapse != system_key(TransactionKind.LOT_EXPIRY, 5, 37, 39_000)
    assert lapse != system_key(TransactionKind.HOLD_EXPIRY, 5, 3, 739_000)


def test_kinds_are_equal_to_their_numbers() -> None:
    """A number that was read from the journal finds what is kept by kind."""
    assert {kind: kind.name for kind in TransactionKind}[40] == "TOP_UP"
