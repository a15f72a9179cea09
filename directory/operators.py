"""Operators: who works on the directory, and what is done with them.

An operator has one role and belongs to one party, which has to be of a kind that the role is for. So an
issuer's administrator can only add people of that issuer or its agents, and nobody can raise anybody above
themselves. Who is disabled stays so, and their name is not given again: the audit refers to it.

Adding an operator and resetting a password need four eyes, because who can make a second operator, or become
one, has both pairs. Only while there is nobody else who could approve, an administrator does without: the
second operator of a platform has to come from somewhere. Two who can approve on the platform always stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from re import compile as pattern
from types import MappingProxyType
from typing import Final

import asyncpg

from directory.content import Content, text_of, whole_of
from directory.parties import PartyId, PartyKind
from directory.passwords import FAILURES_MAX, GOOD_US, LOCKED_US
from directory.refusals import AlreadyThere, InvalidValue, Refused, message
from directory.rights import RIGHTS, Action, Reach, Role
from directory.subjects import Kind
from directory.work import CarryOut, OperatorId, Scope, Subject, Work

ROLES_OF: Final[Mapping[PartyKind, frozenset[Role]]] = MappingProxyType(
    {
        PartyKind.PLATFORM: frozenset({Role.PLATFORM_ADMIN, Role.SECURITY_OFFICER, Role.AUDITOR}),
        PartyKind.ISSUER: frozenset({Role.ISSUER_ADMIN, Role.ISSUER_CLERK, Role.AUDITOR}),
        PartyKind.AGENT: frozenset({Role.ISSUER_ADMIN, Role.ISSUER_CLERK, Role.AUDITOR}),
        PartyKind.MERCHANT: frozenset({Role.MERCHANT_ADMIN, Role.MERCHANT_CASHIER, Role.AUDITOR}),
        PartyKind.PARTNER: frozenset({Role.AUDITOR}),
        PartyKind.CARDHOLDER: frozenset(),
    }
)
"""Which roles the people of a party can have."""

_NAME: Final = pattern(r"[a-z][a-z0-9_.-]{0,31}")
_LEAST_ON_PLATFORM: Final = 2
_COLUMNS: Final = """
operator.id, operator.name, role, party_id, party.code, state, password_set_us, must_change, failures,
failed_us, signed_in_us
FROM directory.operator JOIN directory.party ON party.id = party_id
"""
_FIND: Final = f"SELECT {_COLUMNS} WHERE operator.name = $1"
_LIST: Final = f"SELECT {_COLUMNS} WHERE {Scope('').where('party_id', 1)} ORDER BY operator.name"
_ADD: Final = """
INSERT INTO directory.operator (id, name, role, party_id, state, password_proof, password_set_us, must_change)
SELECT max(id) + 1, $1, $2, $3::bigint, 'active', $4, $5::bigint, true FROM directory.operator
"""
_OTHERS: Final = """
SELECT operator.role, starts_with(own.lineage, party.lineage) AS is_own
FROM directory.operator JOIN directory.party ON party.id = operator.party_id
JOIN directory.party AS own ON own.id = $2
WHERE operator.id <> $1
"""
_RESET: Final = """
WITH kept AS (
    INSERT INTO directory.operator_password (operator_id, number, proof)
    SELECT id, (SELECT coalesce(max(number), 0) + 1 FROM directory.operator_password WHERE operator_id = $1),
           password_proof
    FROM directory.operator WHERE id = $1)
UPDATE directory.operator SET password_proof = $2, password_set_us = $3, must_change = true, failures = 0
WHERE id = $1
"""
_SET_STATE: Final = "UPDATE directory.operator SET state = $2, failures = 0 WHERE id = $1"
_ON_PLATFORM: Final = """
SELECT count(*) FROM directory.operator WHERE role = ANY ($1::text[]) AND state <> 'disabled' AND id <> $2
"""


class OperatorState(StrEnum):
    """Whether an operator may work."""

    ACTIVE = "active"
    LOCKED = "locked"
    DISABLED = "disabled"


class OperatorDisabled(Refused):
    """What is disabled stays so."""

    text = message("the operator is disabled for good")


class NotOneself(Refused):
    """Nobody does this to themselves."""

    text = message("somebody else has to do this for you")


class LastOperators(Refused):
    """Too few would be left to approve anything."""

    text = message("at least {least} have to stay who can approve on the platform")


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as others see them.

    Attributes:
        id: For records to refer to.
        name: To sign in with.
        role: What they are employed as.
        party_id: Whose people they are.
        party_code: What that party is called.
        state: Whether they may work.
        locked_until_us: After wrong passwords, until when; 0 if they weren't too many.
        password_expires_us: From when on another password has to be chosen; 0 if at once.
        signed_in_us: The last time; None if never.
    """

    id: OperatorId
    name: str
    role: Role
    party_id: PartyId
    party_code: str
    state: OperatorState
    locked_until_us: int
    password_expires_us: int
    signed_in_us: int | None


async def operators(work: Work) -> Sequence[OperatorRecord]:
    """The operators of parties within reach.

    Raises:
        NotAllowed: The role sees no operators.
    """
    rows = await work.connection.fetch(_LIST, work.scope(Action.OPERATOR_SEE).prefix)
    return [_record(row) for row in rows]


async def add(work: Work, name: str, role: Role, party_id: PartyId, password_proof: str) -> OperatorRecord:
    """Add an operator, whose password is good for choosing another.

    Args:
        work: Of an administrator.
        name: To sign in with.
        role: What they are employed as.
        party_id: Whose people they are.
        password_proof: As `Reception.proof` makes it.

    Raises:
        NotAllowed: The role adds no operators.
        NoSuchRecord: There is no such party within reach.
        InvalidValue: The name can't be used, or such a party has no such role.
        AlreadyThere: The name is taken.
    """
    kind = await work.connection.fetchval("SELECT kind FROM directory.party WHERE id = $1", party_id)
    await work.require(Action.OPERATOR_ADD, None if kind is None else party_id, Kind.PARTY)
    _check(name, role, PartyKind(kind))
    await work.hold_audit()  # from here on nobody else adds an operator
    if await work.connection.fetchrow(_FIND, name):
        raise AlreadyThere(kind=Kind.OPERATOR)
    subject = Subject(Kind.OPERATOR, name, party_id)
    content: Content = {"name": name, "role": role, "party_id": party_id, "password_proof": password_proof}
    await _approval(work, Action.OPERATOR_ADD, subject, content)
    await work.connection.execute(_ADD, name, role, party_id, password_proof, work.at_us)
    work.record(Action.OPERATOR_ADD, subject, after={"role": role, "state": OperatorState.ACTIVE})
    return await _find(work, Action.OPERATOR_ADD, name)


async def reset_password(work: Work, name: str, password_proof: str) -> None:
    """Give an operator another password, good for choosing one.

    Raises:
        NotAllowed: The role resets no passwords.
        NoSuchRecord: There is no such operator within reach.
        NotOneself: One's own password is changed, not reset.
        OperatorDisabled: The operator works no more.
    """
    found = await _other(work, Action.OPERATOR_RESET, name)
    subject = Subject(Kind.OPERATOR, name, found.party_id)
    content: Content = {"name": name, "password_proof": password_proof}
    await _approval(work, Action.OPERATOR_RESET, subject, content)
    await work.connection.execute(_RESET, found.id, password_proof, work.at_us)
    work.record(Action.OPERATOR_RESET, subject, after={"must_change": True})


async def lock(work: Work, name: str) -> None:
    """Keep an operator out until somebody unlocks them.

    Raises:
        NotAllowed: The role locks nobody.
        NoSuchRecord: There is no such operator within reach.
        NotOneself: It is the operator.
        OperatorDisabled: The operator works no more.
    """
    await _set_state(work, Action.OPERATOR_LOCK, name, OperatorState.LOCKED)


async def unlock(work: Work, name: str) -> None:
    """Let an operator in again, whoever or whatever locked them.

    Raises:
        NotAllowed: The role unlocks nobody.
        NoSuchRecord: There is no such operator within reach.
        NotOneself: It is the operator.
        OperatorDisabled: The operator works no more.
    """
    await _set_state(work, Action.OPERATOR_UNLOCK, name, OperatorState.ACTIVE)


async def disable(work: Work, name: str) -> None:
    """Keep an operator out for good.

    Raises:
        NotAllowed: The role disables nobody.
        NoSuchRecord: There is no such operator within reach.
        NotOneself: It is the operator.
        OperatorDisabled: The operator is disabled already.
        LastOperators: Too few would be left who can approve on the platform.
    """
    found = await _other(work, Action.OPERATOR_DISABLE, name)
    approvers = _roles_on_platform()
    if found.role in approvers:
        await work.hold_audit()
        left = await work.connection.fetchval(_ON_PLATFORM, sorted(approvers), found.id)
        if left < _LEAST_ON_PLATFORM:
            raise LastOperators(least=_LEAST_ON_PLATFORM)
    await _set_state(work, Action.OPERATOR_DISABLE, name, OperatorState.DISABLED)


async def _set_state(work: Work, action: Action, name: str, state: OperatorState) -> None:
    found = await _other(work, action, name)
    await work.connection.execute(_SET_STATE, found.id, state)
    subject = Subject(Kind.OPERATOR, name, found.party_id)
    work.record(action, subject, before={"state": found.state}, after={"state": state})


async def _other(work: Work, action: Action, name: str) -> OperatorRecord:
    """An operator within reach who is somebody else, and not disabled."""
    found = await _find(work, action, name)
    if found.id == work.operator.id:
        raise NotOneself
    if found.state is OperatorState.DISABLED:
        raise OperatorDisabled
    return found


async def _find(work: Work, action: Action, name: str) -> OperatorRecord:
    row = await work.connection.fetchrow(_FIND, name)
    await work.require(action, row["party_id"] if row else None, Kind.OPERATOR)
    assert row is not None
    return _record(row)


async def _approval(work: Work, action: Action, subject: Subject, content: Content) -> None:
    """Ask for a second operator, if there is or was one who could approve."""
    rows = await work.connection.fetch(_OTHERS, work.operator.id, subject.party_id)
    rule = RIGHTS[action]
    if any(
        row["role"] in rule.approvers and (row["is_own"] or rule.reach[Role(row["role"])] is Reach.ALL)
        for row in rows
    ):
        await work.approval(action, subject, content)


def _roles_on_platform() -> frozenset[Role]:
    """The roles on the platform that may approve a new operator."""
    return ROLES_OF[PartyKind.PLATFORM] & RIGHTS[Action.OPERATOR_ADD].approvers


def check_name(name: str) -> None:
    """Refuse what is no operator's name.

    Raises:
        InvalidValue: It isn't.
    """
    if not _NAME.fullmatch(name):
        raise InvalidValue(field="name", reason=message("a short word in lower case is wanted"))


def _check(name: str, role: Role, kind: PartyKind) -> None:
    check_name(name)
    if role not in ROLES_OF[kind]:
        raise InvalidValue(field="role", reason=message("nobody of such a party has it"))


def _record(row: asyncpg.Record) -> OperatorRecord:
    locked = row["failures"] >= FAILURES_MAX
    return OperatorRecord(
        id=OperatorId(row["id"]),
        name=row["name"],
        role=Role(row["role"]),
        party_id=PartyId(row["party_id"]),
        party_code=row["code"],
        state=OperatorState(row["state"]),
        locked_until_us=row["failed_us"] + LOCKED_US if locked else 0,
        password_expires_us=0 if row["must_change"] else row["password_set_us"] + GOOD_US,
        signed_in_us=row["signed_in_us"],
    )


async def _carry_out_add(work: Work, content: Content) -> object:
    role, party_id = Role(text_of(content, "role")), PartyId(whole_of(content, "party_id"))
    return await add(work, text_of(content, "name"), role, party_id, text_of(content, "password_proof"))


async def _carry_out_reset(work: Work, content: Content) -> None:
    await reset_password(work, text_of(content, "name"), text_of(content, "password_proof"))


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType(
    {Action.OPERATOR_ADD: _carry_out_add, Action.OPERATOR_RESET: _carry_out_reset}
)
"""How what was approved is done."""
