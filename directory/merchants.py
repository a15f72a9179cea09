"""What is done with merchants: from the application to the closing.

A merchant comes with a party of its own, under the platform or the issuer that brought it, so that its people
see what is its and nothing else. Its life is the table of `merchant_life`: whoever applies says who the
merchant is, how it is paid and what it is charged; a second operator approves just that; it goes live when
settlement and fees are known. What a live merchant is paid or charged changes by four eyes as well.

The number of its bank account comes in sealed and leaves sealed; people are shown its last digits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import asyncpg

from directory import fee_plans
from directory.content import Content, text_of, whole_of
from directory.merchant_life import MerchantEvent, merchant_after
from directory.named import check_category, check_merchant_id
from directory.offers import EVERYTHING, Offer, check_offer, offer_of
from directory.parties import PLATFORM_ID, PartyId, PartyKind
from directory.party_service import insert_party
from directory.records import MerchantState
from directory.refusals import AlreadyThere, InvalidValue, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_text
from directory.work import CarryOut, Scope, Subject, Work


class Cycle(StrEnum):
    """How long a settlement period is."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Method(StrEnum):
    """Whether fees are kept back from what is paid, or billed."""

    NET = "net"
    GROSS = "gross"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a merchant is paid.

    Attributes:
        cycle: The period.
        days: From its end until it is paid.
        method: What becomes of fees.
        account_name: Whose the bank account is.
        account_bank: The bank's code.
        account_sealed: The account's number, sealed.
        account_tail: Its last characters, four at most.
    """

    cycle: Cycle
    days: int
    method: Method
    account_name: str
    account_bank: str
    account_sealed: bytes = field(repr=False)
    account_tail: str


@dataclass(frozen=True, slots=True)
class MerchantDetails:
    """What an application says, beside settlement and fees.

    Attributes:
        name: For people.
        category: Four digits (ISO 18245).
        offer: What it may sell by, and to whose cards.
    """

    name: str
    category: str
    offer: Offer = EVERYTHING


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant as its people see it; `id` is its account's in the ledger."""

    id: int
    merchant_id: str
    party_id: PartyId
    state: MerchantState
    details: MerchantDetails
    fee_plan: str | None
    settlement: Settlement | None

    @property
    def subject(self) -> Subject:
        """What the audit calls it."""
        return Subject(Kind.MERCHANT, self.merchant_id, self.party_id)


class NotReady(Refused):
    """Something is missing before a merchant can be approved or go live."""

    text = message("settlement data and a fee plan are wanted first")


ACTIONS: Final[Mapping[MerchantEvent, Action]] = MappingProxyType(
    {
        MerchantEvent.APPROVE: Action.MERCHANT_APPROVE,
        MerchantEvent.REJECT: Action.MERCHANT_REJECT,
        MerchantEvent.GO_LIVE: Action.MERCHANT_GO_LIVE,
        MerchantEvent.SUSPEND: Action.MERCHANT_SUSPEND,
        MerchantEvent.RESUME: Action.MERCHANT_RESUME,
        MerchantEvent.CLOSE: Action.MERCHANT_CLOSE,
    }
)
"""The right that each event needs."""

ACCOUNT_FIELD: Final = "merchant account"
"""The name under which the number of a bank account is sealed."""

_PARENTS: Final = """
SELECT party.id,
       CASE parent.kind WHEN 'platform' THEN parent.kind ELSE parent.kind || ':' || parent.code END AS name
FROM directory.party JOIN directory.party AS parent ON parent.id = party.parent_id
WHERE party.id = ANY ($1::bigint[])
"""
_DAYS_MAX: Final = 31

_PAID: Final = frozenset({MerchantEvent.APPROVE, MerchantEvent.GO_LIVE})
"""What needs settlement data and a fee plan."""

_MERCHANTS: Final = """
SELECT merchant.id, merchant_id, merchant.party_id, state, merchant.name, category, services, accepts,
       fee_plan.code AS fee_plan, settlement_cycle, settlement_days, settlement_method, account_name,
       account_bank, account_sealed, account_tail
FROM directory.merchant LEFT JOIN directory.fee_plan ON fee_plan.id = merchant.fee_plan_id
"""
_FIND: Final = f"{_MERCHANTS} WHERE merchant_id = $1 FOR UPDATE OF merchant"
_LIST: Final = (
    f"{_MERCHANTS} WHERE {Scope('').where('merchant.party_id', 1)} AND merchant_id > $2"
    " AND ($3 = '' OR state = $3) ORDER BY merchant_id LIMIT $4"
)
_ADD: Final = """
INSERT INTO directory.merchant (id, merchant_id, party_id, state, name, category, services, accepts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_TAKEN: Final = "SELECT FROM directory.merchant WHERE merchant_id = $1"
_MOVE: Final = "UPDATE directory.merchant SET state = $2 WHERE merchant_id = $1"
_CHANGE: Final = """
UPDATE directory.merchant SET name = $2, category = $3, services = $4, accepts = $5 WHERE merchant_id = $1
"""
_SETTLE: Final = """
UPDATE directory.merchant
SET fee_plan_id = $2, settlement_cycle = $3, settlement_days = $4, settlement_method = $5, account_name = $6,
    account_bank = $7, account_sealed = $8, account_tail = $9
WHERE merchant_id = $1
"""


async def apply(
    work: Work, merchant_id: str, details: MerchantDetails, parent_id: PartyId = PLATFORM_ID
) -> Merchant:
    """Take a merchant's application.

    Args:
        work: Of an operator who may.
        merchant_id: DE 42 of its messages.
        details: Who it is.
        parent_id: The platform's party, or the issuer's that brings it.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such party within reach.
        InvalidValue: Something of it can't be used.
        AlreadyThere: The identifier is taken.
    """
    check_merchant_id(merchant_id)
    await _check(work, details)
    found = await work.connection.fetchval("SELECT id FROM directory.party WHERE id = $1", parent_id)
    await work.require(Action.MERCHANT_APPLY, found, Kind.PARTY)
    if await work.connection.fetchrow(_TAKEN, merchant_id) is not None:
        raise AlreadyThere(kind=Kind.MERCHANT)
    party = await insert_party(work, PartyKind.MERCHANT, merchant_id, details.name, parent_id)
    made = Merchant(party.id, merchant_id, party.id, MerchantState.APPLIED, details, None, None)
    await work.connection.execute(_ADD, made.id, merchant_id, party.id, made.state, *_columns(details))
    work.record(Action.MERCHANT_APPLY, made.subject, after={"state": made.state, **_told(details)})
    return made


async def move(work: Work, merchant_id: str, event: MerchantEvent) -> Merchant:
    """Approve, reject, go live, suspend, resume or close; approving needs a second operator.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach.
        NotInThisState: The merchant's state has no such event.
        NotReady: Settlement data or a fee plan is missing.
        ApprovalNeeded: It waits for a second operator.
    """
    action = ACTIONS[event]
    known = await required(work, action, merchant_id)
    following = merchant_after(known.state, event)
    if event in _PAID and (known.settlement is None or known.fee_plan is None):
        raise NotReady
    await work.approval(action, known.subject, {**_told(known.details), **_proposed(known)})
    await work.connection.execute(_MOVE, merchant_id, following)
    work.record(action, known.subject, before={"state": known.state}, after={"state": following})
    return replace(known, state=following)


async def change(work: Work, merchant_id: str, details: MerchantDetails) -> Merchant:
    """Change who a merchant is and what it offers and takes.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach.
        InvalidValue: Something of it can't be used.
    """
    await _check(work, details)
    known = await required(work, Action.MERCHANT_CHANGE, merchant_id)
    await work.connection.execute(_CHANGE, merchant_id, *_columns(details))
    work.record(Action.MERCHANT_CHANGE, known.subject, before=_told(known.details), after=_told(details))
    return replace(known, details=details)


async def settle(work: Work, merchant_id: str, settlement: Settlement, fee_plan: str) -> Merchant:
    """Say how a merchant is paid and what it is charged; by a second operator once it is approved.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant or fee plan within reach.
        InvalidValue: Something of it can't be used.
        ApprovalNeeded: It waits for a second operator.
    """
    _check_settlement(settlement)
    known = await required(work, Action.MERCHANT_SETTLE, merchant_id)
    plan = await fee_plans.fee_plan(work, fee_plan)
    settled = replace(known, settlement=settlement, fee_plan=fee_plan)
    if known.state is not MerchantState.APPLIED:
        await work.approval(Action.MERCHANT_SETTLE, known.subject, _proposed(settled))
    await work.connection.execute(
        _SETTLE,
        *(merchant_id, plan.id, settlement.cycle, settlement.days, settlement.method),
        *(settlement.account_name, settlement.account_bank),
        *(settlement.account_sealed, settlement.account_tail),
    )
    work.record(
        Action.MERCHANT_SETTLE,
        known.subject,
        before=_told_settlement(known),
        after=_told_settlement(settled),
    )
    return settled


async def merchant(work: Work, merchant_id: str) -> Merchant:
    """A merchant by its identifier.

    Raises:
        NotAllowed: The role sees no merchants.
        NoSuchRecord: There is none within reach.
    """
    return await required(work, Action.MERCHANT_SEE, merchant_id)


async def merchants(
    work: Work, *, state: MerchantState | None = None, after: str = "", limit: int = 100
) -> list[Merchant]:
    """The merchants within reach by identifier, a page at a time.

    Args:
        work: Of an operator who may.
        state: Only those in this state.
        after: The last identifier of the page before.
        limit: How many at most.

    Raises:
        NotAllowed: The role sees no merchants.
    """
    scope = work.scope(Action.MERCHANT_SEE)
    rows = await work.connection.fetch(_LIST, scope.prefix, after, state or "", limit)
    return [_merchant(row) for row in rows]


async def parents(work: Work, known: Iterable[Merchant]) -> dict[PartyId, str]:
    """Who brought each merchant, by the merchant's party: `platform`, or `issuer:` and its code."""
    rows = await work.connection.fetch(_PARENTS, [each.party_id for each in known])
    return {PartyId(row["id"]): row["name"] for row in rows}


async def required(work: Work, action: Action, merchant_id: str) -> Merchant:
    """A merchant that the operator may do this to.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is none within reach.
    """
    row = await work.connection.fetchrow(_FIND, merchant_id)
    await work.require(action, row["party_id"] if row else None, Kind.MERCHANT)
    assert row is not None
    return _merchant(row)


async def _approve_as_proposed(work: Work, content: Content) -> Merchant:
    return await move(work, text_of(content, "merchant"), MerchantEvent.APPROVE)


async def _settle_as_proposed(work: Work, content: Content) -> Merchant:
    settlement = Settlement(
        Cycle(text_of(content, "settlement_cycle")),
        whole_of(content, "settlement_days"),
        Method(text_of(content, "settlement_method")),
        text_of(content, "account_name"),
        text_of(content, "account_bank"),
        bytes.fromhex(text_of(content, "account_sealed")),
        text_of(content, "account_tail"),
    )
    return await settle(work, text_of(content, "merchant"), settlement, text_of(content, "fee_plan"))


async def _check(work: Work, details: MerchantDetails) -> None:
    check_text("name", details.name)
    check_category(details.category)
    await check_offer(work, details.offer)


def _check_settlement(settlement: Settlement) -> None:
    check_text("account_name", settlement.account_name)
    check_text("account_bank", settlement.account_bank)
    if not 0 <= settlement.days <= _DAYS_MAX:
        raise InvalidValue(field="settlement_days", reason=message("0 to 31 days are wanted"))


def _columns(details: MerchantDetails) -> tuple[object, ...]:
    return details.name, details.category, *details.offer.columns


def _told(details: MerchantDetails) -> Content:
    return {"name": details.name, "category": details.category, **details.offer.told}


def _told_settlement(known: Merchant) -> Content:
    settlement = known.settlement
    if settlement is None:
        return {"fee_plan": known.fee_plan}
    return {
        "fee_plan": known.fee_plan,
        "settlement_cycle": settlement.cycle,
        "settlement_days": settlement.days,
        "settlement_method": settlement.method,
        "account_name": settlement.account_name,
        "account_bank": settlement.account_bank,
        "account_tail": settlement.account_tail,
    }


def _proposed(known: Merchant) -> Content:
    """What a proposal says of settlement and fees: all of it, so that nothing else is carried out."""
    sealed = known.settlement.account_sealed.hex() if known.settlement is not None else None
    return {"merchant": known.merchant_id, "account_sealed": sealed, **_told_settlement(known)}


def _merchant(row: asyncpg.Record) -> Merchant:
    settlement = None
    if row["settlement_cycle"] is not None:
        settlement = Settlement(
            Cycle(row["settlement_cycle"]),
            row["settlement_days"],
            Method(row["settlement_method"]),
            *(row["account_name"], row["account_bank"], row["account_sealed"], row["account_tail"]),
        )
    return Merchant(
        *(row["id"], row["merchant_id"], PartyId(row["party_id"]), MerchantState(row["state"])),
        MerchantDetails(row["name"], row["category"], offer_of(row)),
        *(row["fee_plan"], settlement),
    )


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType(
    {Action.MERCHANT_APPROVE: _approve_as_proposed, Action.MERCHANT_SETTLE: _settle_as_proposed}
)
"""What an approved proposal does."""
