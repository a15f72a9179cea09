"""What is done with parties: adding, finding, listing. See `directory.parties` for what they are.

A party stays for good, since records and the audit refer to it. Ids are small numbers in the order of adding,
taken under the lock of the audit's end.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import asyncpg

from directory.content import Content
from directory.parties import PARENTS, PLATFORM_ID, Lineage, Party, PartyId, PartyKind, lineage_under
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, message
from directory.rights import Action
from directory.subjects import Kind
from directory.work import Scope, Subject, Work

CODE_LENGTH_MAX: Final = 32
NAME_LENGTH_MAX: Final = 100

ADDING: Final[Mapping[PartyKind, Action]] = MappingProxyType(
    {
        PartyKind.ISSUER: Action.ISSUER_ADD,
        PartyKind.AGENT: Action.AGENT_ADD,
        PartyKind.PARTNER: Action.PARTNER_ADD,
    }
)
"""The right that adding a party needs; merchants and cardholders come with records of their own."""

_COLUMNS: Final = "id, kind, parent_id, code, name"
_INSERT: Final = f"""
INSERT INTO directory.party ({_COLUMNS}, lineage) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, code) DO NOTHING RETURNING id
"""
_NEXT: Final = "SELECT max(id) + 1 FROM directory.party"
_PARENT: Final = "SELECT kind, lineage FROM directory.party WHERE id = $1"
_BY_ID: Final = f"SELECT {_COLUMNS} FROM directory.party WHERE id = $1"
_BY_CODE: Final = f"SELECT {_COLUMNS} FROM directory.party WHERE kind = $1 AND code = $2"
_LIST: Final = f"""
SELECT {_COLUMNS} FROM directory.party
WHERE {Scope("").where("id", 1)} AND ($2::text[] IS NULL OR kind = ANY ($2::text[]))
ORDER BY lineage COLLATE "C"
"""


async def add_party(
    work: Work, kind: PartyKind, code: str, name: str, parent_id: PartyId = PLATFORM_ID
) -> Party:
    """Add an issuer, an agent or a partner.

    Args:
        work: Of an operator who may.
        kind: What it is to the platform.
        code: What people call it: an institution's number, a short word.
        name: For people.
        parent_id: Whom it hangs under.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such parent within reach.
        InvalidValue: Code or name can't be used, or such a party does not hang under such a parent.
        AlreadyThere: The code is taken.
    """
    found = await work.connection.fetchval("SELECT id FROM directory.party WHERE id = $1", parent_id)
    await work.require(ADDING[kind], found, Kind.PARTY)
    party = await insert_party(work, kind, code, name, parent_id)
    after: Content = {"kind": kind, "code": code, "name": name, "parent": parent_id}
    work.record(ADDING[kind], Subject(Kind.PARTY, str(party.id), party.id), after=after)
    return party


async def insert_party(work: Work, kind: PartyKind, code: str, name: str, parent_id: PartyId) -> Party:
    """Store a party for a service that has asked for the right and logs what it adds.

    Raises:
        NoSuchRecord: There is no such parent.
        InvalidValue: Code or name can't be used, or such a party does not hang under such a parent.
        AlreadyThere: The code is taken.
    """
    _check_text("code", code, CODE_LENGTH_MAX)
    _check_text("name", name, NAME_LENGTH_MAX)
    parent = await work.connection.fetchrow(_PARENT, parent_id)
    if parent is None:
        raise NoSuchRecord(kind=Kind.PARTY)
    if PartyKind(parent["kind"]) not in PARENTS[kind]:
        raise InvalidValue(field="parent", reason=message("such a party does not hang under such a one"))
    await work.hold_audit()
    party = Party(PartyId(await work.connection.fetchval(_NEXT)), kind, parent_id, code, name)
    lineage = lineage_under(Lineage(parent["lineage"]), party.id)
    if await work.connection.fetchval(_INSERT, party.id, kind, parent_id, code, name, lineage) is None:
        raise AlreadyThere(kind=Kind.PARTY)
    return party


async def find_party(work: Work, kind: PartyKind, code: str) -> Party:
    """A party by its code.

    Raises:
        NotAllowed: The role sees no parties.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, await work.connection.fetchrow(_BY_CODE, kind, code))


async def party(work: Work, party_id: PartyId) -> Party:
    """A party by its id.

    Raises:
        NotAllowed: The role sees no parties.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, await work.connection.fetchrow(_BY_ID, party_id))


async def parties(work: Work, kinds: Sequence[PartyKind] | None = None) -> list[Party]:
    """The parties within reach, each behind the one it hangs under; of some kinds, or all.

    Raises:
        NotAllowed: The role sees no parties.
    """
    scope = work.scope(Action.PARTY_SEE)
    return [_party(row) for row in await work.connection.fetch(_LIST, scope.prefix, kinds)]


async def _found(work: Work, row: asyncpg.Record | None) -> Party:
    await work.require(Action.PARTY_SEE, row["id"] if row else None, Kind.PARTY)
    assert row is not None
    return _party(row)


def _party(row: asyncpg.Record) -> Party:
    return Party(row["id"], PartyKind(row["kind"]), row["parent_id"], row["code"], row["name"])


def _check_text(field: str, text: str, length_max: int) -> None:
    if not text.strip() or len(text) > length_max or not text.isprintable():
        raise InvalidValue(field=field, reason=message("printable text is wanted, and not too long"))
