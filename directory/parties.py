"""Parties: everybody a record can belong to, in one tree. Pure.

The platform's operator is the root; issuers hang under it, agents and sponsoring enterprises under their
issuer, merchants under the platform or the issuer that brought them, partners under the platform, cardholders
under who issued to them. Each record of the directory carries the id of its party.

A party's lineage is the path to it, `1.20.35.`: ids with a full stop after each. "Own" is whatever begins
with the operator's lineage: one comparison of prefixes decides it, in Python and in SQL, at any depth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType

PartyId = NewType("PartyId", int)
"""Chosen by whoever adds the party."""

Lineage = NewType("Lineage", str)
"""The path from the root to a party, itself included."""

PLATFORM_ID: Final = PartyId(1)
"""The root of the tree, which is always there."""


class PartyKind(StrEnum):
    """What a party is to the platform."""

    PLATFORM = "platform"
    ISSUER = "issuer"
    AGENT = "agent"
    MERCHANT = "merchant"
    PARTNER = "partner"
    CARDHOLDER = "cardholder"


PARENTS: Final[Mapping[PartyKind, frozenset[PartyKind]]] = MappingProxyType(
    {
        PartyKind.PLATFORM: frozenset(),
        PartyKind.ISSUER: frozenset({PartyKind.PLATFORM}),
        PartyKind.AGENT: frozenset({PartyKind.ISSUER}),
        PartyKind.MERCHANT: frozenset({PartyKind.PLATFORM, PartyKind.ISSUER}),
        PartyKind.PARTNER: frozenset({PartyKind.PLATFORM}),
        PartyKind.CARDHOLDER: frozenset({PartyKind.ISSUER, PartyKind.AGENT}),
    }
)
"""Under which kinds a kind may hang."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody records belong to.

    Attributes:
        id: For records to refer to.
        kind: What it is to the platform.
        parent_id: Whom it hangs under; None for the platform alone.
        code: What people and messages call it: an institution's number, DE 42 of a merchant.
        name: For people.
    """

    id: PartyId
    kind: PartyKind
    parent_id: PartyId | None
    code: str
    name: str


def lineage_under(parent: Lineage, party_id: PartyId) -> Lineage:
    """The lineage of a party that hangs under another."""
    return Lineage(f"{parent}{party_id}.")


def is_own(operators: Lineage, records: Lineage) -> bool:
    """Whether a record's party is the operator's or one below it."""
    return records.startswith(operators)
