"""What an audit entry may say, and its canonical bytes."""

import json
from hashlib import sha256
from typing import Any

import pytest

from hsm_soft.audit.record import GENESIS, AuditEntry, AuditRefused, AuditResult, chained, encode_record

ENTRY = AuditEntry(
    "key.import", ("alice", "bob"), "key:6", AuditResult.DONE, {"slot": "next", "check_value": "08D7B4"}
)


def test_a_record_is_canonical() -> None:
    """Sorted keys, no white space, ASCII, time in UTC with microseconds."""
    record = encode_record(3, 1_700_000_000_000_001, AuditEntry("a", ("b",), "c", details={"note": "汉"}))

    assert record == (
        b'{"actors":["b"],"at":"2023-11-14T22:13:20.000001Z","card":null,"details":{"note":"\\u6c49"},'
        b'"operation":"a","result":"done","seq":3,"subject":"c"}'
    )


def test_a_record_tells_all_of_its_entry() -> None:
    """People, key, outcome, details and the card's hash stand in it."""
    entry = AuditEntry("pin.change", ("node:1",), "card", AuditResult.REFUSED, ENTRY.details, bytes(16))

    told = json.loads(encode_record(1, 0, entry))

    assert told["card"] == "00" * 16
    assert told["result"] == "refused"
    assert told["details"] == {"slot": "next", "check_value": "08D7B4"}


def test_records_are_chained() -> None:
    """A record's hash is SHA-256 over the hash before it and its bytes."""
    assert sha256(bytes(32) + b"one").digest() == chained(GENESIS, b"one")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("operation", {"operation": ""}),
        ("operation", {"operation": "two words"}),
        ("operation", {"operation": "x" * 65}),
        ("actors", {"actors": ()}),
        ("actors", {"actors": ("a",) * 10}),
        ("actors", {"actors": ("a", "")}),
        ("subject", {"subject": "card:6222020000000000017"}),
        ("subject", {"subject": "key\n6"}),
        ("details", {"details": {"Ä": "x"}}),
        ("details", {"details": {"note": "x\n"}}),
        ("details", {"details": {"note": "x" * 121}}),
        ("details", {"details": {str(number): "x" for number in range(17)}}),
        ("details", {"details": {"note": "card 6222 0200 0000 0000 017"}}),
        ("details", {"details": {"note": "622202000000"}}),
        ("details", {"details": {"key": "0123456789ABCDEF"}}),
        ("details", {"details": {"key": "01 23 45 67 89 ab cd ef"}}),
        ("details", {"details": {"key": "01:23:45:67:89:ab:cd:ef"}}),
        ("card", {"card": bytes(15)}),
    ],
)
def test_what_an_audit_refuses(part: str, change: dict[str, Any]) -> None:
    """Malformed parts, and whatever looks like a card number or a key, are refused without being quoted."""
    parts = {"operation": "key.show", "actors": ("alice",), "subject": "key:6"} | change

    with pytest.raises(AuditRefused) as refused:
        AuditEntry(**parts)

    assert refused.value.part == part
    assert str(refused.value) == f"the audit refuses this entry's {part}"
