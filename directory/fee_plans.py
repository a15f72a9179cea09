"""What merchants are charged: fee plans, in versions that never change.

A plan is shared by the merchants that have it. Its terms are a list of fees; of those that name a service and
take the card's class, the first is charged. A plan changes by a further version that comes into force later,
so what was charged stays explained by what was in force then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Annotated, Final, Literal

import asyncpg
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from directory.content import Content, text_of, whole_of
from directory.parties import PartyId
from directory.product_terms import CardClass, CardService, Fee, FeePayer
from directory.refusals import AlreadyThere, InvalidValue, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_code, check_text
from directory.work import CarryOut, Scope, Subject, Work


class MerchantFee(Fee):
    """What a merchant pays for a service; of all classes of cards, unless some are named."""

    payer: Literal[FeePayer.MERCHANT] = FeePayer.MERCHANT
    card_classes: Annotated[tuple[CardClass, ...], Field(min_length=1)] | None = None


class FeePlanTerms(BaseModel):
    """What one version of a plan charges."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fees: Annotated[tuple[MerchantFee, ...], Field(max_length=100)] = ()

    def fee_for(self, service: CardService, card_class: CardClass) -> MerchantFee | None:
        """The fee that a service costs on a card of this class, if any."""
        for fee in self.fees:
            if service in fee.services and (fee.card_classes is None or card_class in fee.card_classes):
                return fee
        return None


@dataclass(frozen=True, slots=True)
class FeePlanVersion:
    """Terms from a moment on, in microseconds since 1970 (UTC), until the next version's."""

    number: int
    effective_from_us: int
    terms: FeePlanTerms


@dataclass(frozen=True, slots=True)
class FeePlan:
    """A plan with its versions, the earliest first; later ones may lie ahead."""

    id: int
    code: str
    name: str
    party_id: PartyId
    versions: tuple[FeePlanVersion, ...]

    def at(self, moment_us: int) -> FeePlanTerms | None:
        """The terms in force at a moment; None before the first version's."""
        for version in reversed(self.versions):
            if version.effective_from_us <= moment_us:
                return version.terms
        return None


class BadFeePlan(InvalidValue):
    """Terms that make no fee plan; names the fields and the rules they break."""


def fee_plan_terms_of(document: str | bytes) -> FeePlanTerms:
    """The terms in a JSON document.

    Raises:
        BadFeePlan: It is no JSON, or not the terms of a fee plan.
    """
    try:
        return FeePlanTerms.model_validate_json(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, each['loc'])) or 'terms'}: {each['msg']}" for each in faults]
        raise BadFeePlan(field="terms", reason="; ".join(told)) from None


_PLANS: Final = """
SELECT plan.id, plan.code, plan.name, plan.party_id, version.version, version.effective_from_us, version.terms
FROM directory.fee_plan AS plan JOIN directory.fee_plan_version AS version ON version.fee_plan_id = plan.id
"""
_BY_CODE: Final = f"{_PLANS} WHERE plan.code = $1 ORDER BY version.version"
_IN_SCOPE: Final = f"{_PLANS} WHERE {Scope('').where('plan.party_id', 1)} ORDER BY plan.code, version.version"
_NEXT: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.fee_plan"
_ADD: Final = """
INSERT INTO directory.fee_plan (id, party_id, code, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO NOTHING RETURNING id
"""
_ADD_VERSION: Final = """
INSERT INTO directory.fee_plan_version (fee_plan_id, version, effective_from_us, terms, added_us)
VALUES ($1, $2, $3, $4, $5)
"""


async def add_fee_plan(work: Work, code: str, name: str, terms: FeePlanTerms, party_id: PartyId) -> FeePlan:
    """Add a plan that is in force at once.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such party within reach.
        InvalidValue: Code or name can't be used.
        AlreadyThere: The code is taken.
    """
    check_code("code", code)
    check_text("name", name)
    found = await work.connection.fetchval("SELECT id FROM directory.party WHERE id = $1", party_id)
    await work.require(Action.FEE_PLAN_ADD, found, Kind.PARTY)
    await work.hold_audit()
    plan_id = await work.connection.fetchval(_NEXT)
    if await work.connection.fetchval(_ADD, plan_id, party_id, code, name) is None:
        raise AlreadyThere(kind=Kind.FEE_PLAN)
    version = FeePlanVersion(1, work.at_us, terms)
    await _store(work, plan_id, version)
    work.record(
        Action.FEE_PLAN_ADD,
        Subject(Kind.FEE_PLAN, code, party_id),
        after={"name": name, **_told(version)},
    )
    return FeePlan(plan_id, code, name, party_id, (version,))


async def change_fee_plan(work: Work, code: str, terms: FeePlanTerms, effective_from_us: int) -> FeePlan:
    """Add a version that comes into force later; needs a second operator.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such plan within reach.
        InvalidValue: The moment has passed, or is before an earlier version's.
        ApprovalNeeded: It waits for a second operator.
    """
    plan = await _found(work, Action.FEE_PLAN_CHANGE, code)
    last = plan.versions[-1]
    if effective_from_us <= max(work.at_us, last.effective_from_us):
        raise InvalidValue(
            field="effective_from", reason=message("it is to lie ahead, behind the version before")
        )
    version = FeePlanVersion(last.number + 1, effective_from_us, terms)
    subject = Subject(Kind.FEE_PLAN, code, plan.party_id)
    await work.approval(Action.FEE_PLAN_CHANGE, subject, {"code": code, **_told(version)})
    await _store(work, plan.id, version)
    work.record(Action.FEE_PLAN_CHANGE, subject, before=_told(last), after=_told(version))
    return FeePlan(plan.id, code, plan.name, plan.party_id, (*plan.versions, version))


async def fee_plan(work: Work, code: str) -> FeePlan:
    """A plan by its code.

    Raises:
        NotAllowed: The role sees no plans.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, Action.FEE_PLAN_SEE, code)


async def fee_plans(work: Work) -> list[FeePlan]:
    """The plans within reach, by code.

    Raises:
        NotAllowed: The role sees no plans.
    """
    scope = work.scope(Action.FEE_PLAN_SEE)
    return _plans(await work.connection.fetch(_IN_SCOPE, scope.prefix))


async def _found(work: Work, action: Action, code: str) -> FeePlan:
    found = _plans(await work.connection.fetch(_BY_CODE, code))
    await work.require(action, found[0].party_id if found else None, Kind.FEE_PLAN)
    return found[0]


async def _store(work: Work, plan_id: int, version: FeePlanVersion) -> None:
    document = version.terms.model_dump_json()
    await work.connection.execute(
        _ADD_VERSION, plan_id, version.number, version.effective_from_us, document, work.at_us
    )


def _told(version: FeePlanVersion) -> Content:
    return {"terms": version.terms.model_dump_json(), "effective_from_us": version.effective_from_us}


def _plans(rows: "Sequence[asyncpg.Record]") -> list[FeePlan]:
    plans = []
    for _, of_plan in groupby(rows, lambda row: row["id"]):
        versions = list(of_plan)
        first = versions[0]
        plans.append(
            FeePlan(
                *(first["id"], first["code"], first["name"], PartyId(first["party_id"])),
                tuple(
                    FeePlanVersion(row["version"], row["effective_from_us"], fee_plan_terms_of(row["terms"]))
                    for row in versions
                ),
            )
        )
    return plans


async def _change_as_proposed(work: Work, content: Content) -> FeePlan:
    terms = fee_plan_terms_of(text_of(content, "terms"))
    return await change_fee_plan(
        work, text_of(content, "code"), terms, whole_of(content, "effective_from_us")
    )


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType(
    {Action.FEE_PLAN_CHANGE: _change_as_proposed}
)
"""What an approved proposal does."""
