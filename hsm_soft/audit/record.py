"""What one entry of the audit says, and the bytes it is kept, hashed and exported as. Pure.

An entry names people, keys and outcomes, and no secret. That is held by its shape: an operation and a subject
are names, a detail is a short printable text, and whatever has a run of digits as long as a card number or a
run of hexadecimal digits as long as a DES key is refused. A card is named by its keyed hash only.

A record is an entry with its place and time as one line of JSON: keys sorted, no white space, ASCII. Those
bytes are what the hash chain and the Merkle tree are made over,

    hash of record i = SHA-256(hash of record i-1 ‖ record i)        before the first: 32 zero bytes

so they are stored as they are and never written anew.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import sha256
from types import MappingProxyType
from typing import Final

__all__ = ["GENESIS", "AuditEntry", "AuditRefused", "AuditResult", "chained", "encode_record"]

GENESIS: Final = bytes(32)
"""What stands before the first record in the hash chain."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_./:-]{0,63}", re.IGNORECASE)
_TEXT_MAX: Final = 120
_ACTORS_MAX: Final = 9
_DETAILS_MAX: Final = 16
_CARD_BYTES: Final = 16
# A card number has 12 digits or more, a single DES key 16 hexadecimal ones; separators don't hide them.
_SECRET_SHAPED: Final = re.compile(r"(?:\d[ -]?){12,}|(?:[0-9a-f][ :-]?){16,}", re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AuditRefused(ValueError):
    """An entry that is not what an audit may hold; names the part, never its content."""

    def __init__(self, part: str) -> None:
        super().__init__(f"the audit refuses this entry's {part}")
        self.part = part


class AuditResult(Enum):
    """How an operation ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done, or refused.

    Args:
        operation: what was asked for, as `key.import` or `ceremony.open`.
        actors: who took part, each by the name the installation knows: officers, or `node:3`.
        subject: what it was done to, as `key:6` or `master-key`.
        result: how it ended.
        details: short texts by name: check value, slot, partner, reason.
        card: the keyed hash of a card number (16 bytes), where a card is concerned.

    Raises:
        AuditRefused: a part is malformed, too long, or looks like a card number or a key.
    """

    operation: str
    actors: tuple[str, ...]
    subject: str
    result: AuditResult = AuditResult.DONE
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    card: bytes | None = None

    def __post_init__(self) -> None:
        _require("operation", _is_name(self.operation))
        _require("actors", 0 < len(self.actors) <= _ACTORS_MAX and all(map(_is_name, self.actors)))
        _require("subject", _is_name(self.subject))
        texts = self.details.items()
        _require("details", len(texts) <= _DETAILS_MAX and all(_is_name(k) and _is_text(v) for k, v in texts))
        _require("card", self.card is None or len(self.card) == _CARD_BYTES)


def encode_record(seq: int, at_us: int, entry: AuditEntry) -> bytes:
    """The canonical bytes of an entry at its place.

    Args:
        seq: its number, from 1 without gaps.
        at_us: when, microseconds since the epoch.
        entry: what was done.
    """
    at = (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds")
    content = {
        "actors": entry.actors,
        "at": at.replace("+00:00", "Z"),
        "card": None if entry.card is None else entry.card.hex(),
        "details": dict(entry.details),
        "operation": entry.operation,
        "result": entry.result.value,
        "seq": seq,
        "subject": entry.subject,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def chained(previous: bytes, record: bytes) -> bytes:
    """The hash of a record that follows the one with hash `previous` (both 32 bytes)."""
    return sha256(previous + record).digest()


def _require(part: str, holds: bool) -> None:
    if not holds:
        raise AuditRefused(part)


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and not _SECRET_SHAPED.search(text)


def _is_text(text: str) -> bool:
    return len(text) <= _TEXT_MAX and text.isprintable() and not _SECRET_SHAPED.search(text)
