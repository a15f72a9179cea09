"""What verification finds: each way to tamper with the log, and heads that the log doesn't meet."""

from collections.abc import Callable

import pytest

from hsm_soft.audit.head import (
    HeadUnreadable,
    SignedHead,
    TreeHead,
    head_bytes,
    parse_head,
    print_head,
    signed_head,
)
from hsm_soft.audit.log import StoredRecord
from hsm_soft.audit.record import GENESIS, AuditEntry, chained, encode_record
from hsm_soft.audit.verification import AuditWalk, verify_records
from hsm_soft.signing import public_key, signature_holds, signer

SEED = bytes(range(32))
PUBLIC = public_key(SEED)


def log_of(size: int, operation: str = "key.show") -> list[StoredRecord]:
    """A whole log of so many records."""
    log, chain = [], GENESIS
    for seq in range(1, size + 1):
        record = encode_record(seq, seq, AuditEntry(operation, ("alice",), f"key:{seq}"))
        chain = chained(chain, record)
        log.append(StoredRecord(seq, record.decode("ascii"), chain))
    return log


def rechained(log: list[StoredRecord]) -> list[StoredRecord]:
    """The same texts with numbers and hashes that fit: what a writer of the whole table can do."""
    chain, anew = GENESIS, []
    for seq, stored in enumerate(log, start=1):
        chain = chained(chain, stored.record.encode())
        anew.append(StoredRecord(seq, stored.record, chain))
    return anew


def head_of(log: list[StoredRecord], seed: bytes = SEED) -> SignedHead:
    """The signed head of a log."""
    walk = AuditWalk()
    for record in log:
        walk.step(record)
    head = walk.end(77)
    return SignedHead(head, public_key(seed), signer(seed)(head_bytes(head)))


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_whole_log_is_clean(size: int) -> None:
    """Records in order with their hashes, and heads of any moment of them, leave nothing to find."""
    log = log_of(size)

    assert verify_records(log, [head_of(log[:at]) for at in range(size + 1)], PUBLIC) == []


def _edited(log: list[StoredRecord]) -> list[StoredRecord]:
    log[2] = log[2]._replace(record=log[2].record.replace("alice", "mallo"))
    return log


def _rehashed(log: list[StoredRecord]) -> list[StoredRecord]:
    log[2] = log[2]._replace(hash=bytes(32))
    return log


def _without(log: list[StoredRecord]) -> list[StoredRecord]:
    return log[:2] + log[3:]


def _swapped(log: list[StoredRecord]) -> list[StoredRecord]:
    log[2], log[3] = log[3]._replace(seq=3), log[2]._replace(seq=4)
    return log


def _closed_up(log: list[StoredRecord]) -> list[StoredRecord]:
    return rechained(log[:2] + log[3:])


def _scribbled(log: list[StoredRecord]) -> list[StoredRecord]:
    log[2] = log[2]._replace(record="{")
    return log


def _listed(log: list[StoredRecord]) -> list[StoredRecord]:
    log[2] = log[2]._replace(record="[3]")
    return log


@pytest.mark.parametrize(
    ("tamper", "finding"),
    [
        (_edited, "record 3: changed, or put in: its hash doesn't follow from those before"),
        (_rehashed, "record 3: changed, or put in: its hash doesn't follow from those before"),
        (_without, "record 3: missing; record 4 stands in its place"),
        (_swapped, "record 3: its text is of another record, or unreadable"),
        (_closed_up, "record 3: its text is of another record, or unreadable"),
        (_scribbled, "record 3: its text is of another record, or unreadable"),
        (_listed, "record 3: its text is of another record, or unreadable"),
    ],
)
def test_the_first_bad_record_is_named(
    tamper: Callable[[list[StoredRecord]], list[StoredRecord]], finding: str
) -> None:
    """However a record was changed, the first one that doesn't fit is the one that is named, and only it."""
    assert [finding] == [str(each) for each in verify_records(tamper(log_of(6)))]


def test_a_truncated_tail_is_found_with_a_head() -> None:
    """Records cut off at the end leave a clean chain; a head kept elsewhere says how many there were."""
    log = log_of(6)

    assert verify_records(log[:4]) == []
    assert ["record 5: missing; a signed head says there were 6 records"] == [
        str(each) for each in verify_records(log[:4], [head_of(log)], PUBLIC)
    ]


def test_a_log_written_anew_is_found_with_a_head() -> None:
    """Whoever writes all records and hashes anew leaves a clean chain, but not that of the signed head."""
    anew = log_of(6, "key.hide")

    assert verify_records(anew) == []
    assert ["the first 4 records are not those of the signed head"] == [
        str(each) for each in verify_records(anew, [head_of(log_of(4))], PUBLIC)
    ]


def test_a_head_of_somebody_else_proves_nothing() -> None:
    """A head signed by another key, or changed since, is itself a finding."""
    log = log_of(2)
    good = head_of(log)
    changed = good._replace(head=good.head._replace(at_us=78))

    for head in (head_of(log, bytes(32)), changed):
        assert ["the head of 2 records is not signed by this HSM's key"] == [
            str(each) for each in verify_records(log, [head], PUBLIC)
        ]


async def test_a_head_is_printed_and_read_again() -> None:
    """What is exported is what is read back, signature and all."""

    async def sign(head: TreeHead) -> bytes:
        return signer(SEED)(head_bytes(head))

    signed = await signed_head(TreeHead(3, 5, b"\1" * 32, b"\2" * 32), PUBLIC, sign)

    assert signed == parse_head(print_head(signed))
    assert signed.is_signed_by(PUBLIC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", "[" * 100_000),
        '{"size": true}',
        '{"size": -1}',
        '{"size": 1, "at_us": 9223372036854775808}',
        '{"size": 1, "at_us": 1, "root": 5}',
        '{"size": 1, "at_us": 1, "root": "zz"}',
        '{"size": 1, "at_us": 1, "root": "00"}',
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    """Anything but a head raises the one typed error."""
    with pytest.raises(HeadUnreadable):
        parse_head(text)


def test_leaves_are_kept_for_proofs_only_where_asked() -> None:
    """A walk needs a logarithm of memory unless proofs are wanted."""
    plain, keeping = AuditWalk(), AuditWalk(keep_leaves=True)
    for record in log_of(3):
        plain.step(record)
        keeping.step(record)

    assert plain.leaves == []
    assert len(keeping.leaves) == 3


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32), PUBLIC])
def test_a_signature_by_nobody_does_not_hold(public: bytes) -> None:
    """Keys that are none, and signatures that are none, are not an error but simply don't hold."""
    assert not signature_holds(public, bytes(64), b"data")
    assert not signature_holds(public, b"", b"data")


def test_ed25519_is_that_of_the_standard() -> None:
    """RFC 8032, 7.1, test 2."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )

    assert public_key(seed).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert signer(seed)(b"\x72").hex() == signature
    assert signature_holds(public_key(seed), bytes.fromhex(signature), b"\x72")
