"""What is done with terminals: from the setting up to the closing, replacement and batches included.

A terminal belongs to a merchant and is seen by who sees the merchant. It is added without a key; its master
key comes into the directory by a ceremony of the HSM's officers (`cardswitch keys`), and then it can be put
into use. Raising what it may take offline needs a second operator; lowering it doesn't.

A broken device is replaced under the same identifiers. That forces its batch closed and ends every key of the
old device: the new one gets a master key of its own, and may count its traces from 1 again, since its batch
is a new one.

What becomes of batches otherwise is told in `terminal_batches`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import asyncpg

from directory import commands
from directory.batch_rules import FIRST_BATCH, BatchClosing, BatchEnd, BatchRule
from directory.change_log import terminal_key
from directory.content import Content, text_of, whole_of
from directory.merchant_life import TerminalEvent, terminal_after
from directory.merchants import required as required_merchant
from directory.named import check_in_order, check_terminal_id
from directory.offers import EVERYTHING, Offer, check_offer, offer_of
from directory.parties import PartyId
from directory.records import MerchantState, TerminalState
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_text
from directory.work import CarryOut, Scope, Subject, Work

KEY_SLOT_MAX: Final = 9


class Capability(StrEnum):
    """What a device can do."""

    STRIPE = "stripe"
    CHIP = "chip"
    CONTACTLESS = "contactless"
    CODE = "code"
    KEYBOARD = "keyboard"
    PIN_PAD = "pin_pad"
    PRINTER = "printer"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Device:
    """What stands at the till.

    Attributes:
        model: Of its maker.
        serial: Of its maker.
        capabilities: What it can do.
        key_slot: In which of its slots the master key stands.
    """

    model: str = ""
    serial: str = ""
    capabilities: frozenset[Capability] = frozenset()
    key_slot: int = 0


class OfflineLimits(NamedTuple):
    """What a terminal may take without asking; zeros: nothing.

    Attributes:
        floor_minor: The highest amount of one sale.
        total_minor: All of it until the terminal has been online again.
        sales: How many sales until then.
    """

    floor_minor: int = 0
    total_minor: int = 0
    sales: int = 0


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as its people see it."""

    merchant_id: str
    terminal_id: str
    party_id: PartyId
    state: TerminalState
    store: str | None
    device: Device
    offer: Offer
    limits: OfflineLimits
    rule: BatchRule
    has_key: bool
    batch: str
    batch_opened_us: int

    @property
    def subject(self) -> Subject:
        """What the audit and the change log call it."""
        return Subject(Kind.TERMINAL, terminal_key(self.merchant_id, self.terminal_id), self.party_id)


class NoKeyYet(Refused):
    """A terminal is put into use once it has a master key."""

    text = message("the terminal has no master key yet; see cardswitch keys")


class MerchantClosed(Refused):
    """A closed merchant gets no terminals."""

    text = message("the merchant is closed")


ACTIONS: Final[Mapping[TerminalEvent, Action]] = MappingProxyType(
    {
        TerminalEvent.ACTIVATE: Action.TERMINAL_ACTIVATE,
        TerminalEvent.SUSPEND: Action.TERMINAL_SUSPEND,
        TerminalEvent.RESUME: Action.TERMINAL_RESUME,
        TerminalEvent.REPLACE: Action.TERMINAL_REPLACE,
        TerminalEvent.CLOSE: Action.TERMINAL_CLOSE,
    }
)
"""The right that each event needs."""

TERMINALS: Final = """
SELECT terminal.merchant_id, terminal_id, merchant.party_id, terminal.state, store, model, serial,
       capabilities, key_slot, terminal.services, terminal.accepts, floor_minor, offline_max_minor,
       offline_count_max, batch_rule, batch_hours_max, master_key IS NOT NULL AS has_key, batch,
       batch_opened_us
FROM directory.terminal JOIN directory.merchant USING (merchant_id)
"""
_FIND: Final = f"{TERMINALS} WHERE terminal.merchant_id = $1 AND terminal_id = $2 FOR UPDATE OF terminal"
_LIST: Final = (
    f"{TERMINALS} WHERE {Scope('').where('merchant.party_id', 1)}"
    " AND ($2 = '' OR terminal.merchant_id = $2) AND (terminal.merchant_id, terminal_id) > ($3, $4)"
    " AND ($5 = '' OR terminal.state = $5) ORDER BY terminal.merchant_id, terminal_id LIMIT $6"
)
_ADD: Final = """
INSERT INTO directory.terminal
    (merchant_id, terminal_id, state, store, model, serial, capabilities, key_slot, services, accepts,
     batch_rule, batch_hours_max, batch, batch_opened_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT DO NOTHING RETURNING terminal_id
"""
_OF: Final = "WHERE merchant_id = $1 AND terminal_id = $2"
_CHANGE: Final = f"""
UPDATE directory.terminal
SET store = $3, model = $4, serial = $5, capabilities = $6, key_slot = $7, services = $8, accepts = $9,
    batch_rule = $10, batch_hours_max = $11, version = version + 1
{_OF}
"""
_LIMIT: Final = f"""
UPDATE directory.terminal
SET floor_minor = $3, offline_max_minor = $4, offline_count_max = $5, version = version + 1 {_OF}
"""
_MOVE: Final = f"UPDATE directory.terminal SET state = $3, version = version + 1 {_OF}"
_REPLACE: Final = f"""
UPDATE directory.terminal
SET state = $3, model = $4, serial = $5, capabilities = $6, key_slot = $7, master_key = NULL,
    version = version + 1
{_OF}
"""
_END_KEYS: Final = f"DELETE FROM directory.terminal_key_set {_OF}"
_STORE_THERE: Final = "SELECT FROM directory.store WHERE merchant_id = $1 AND code = $2 AND state = 'open'"


async def add(
    work: Work,
    merchant_id: str,
    terminal_id: str,
    *,
    store: str | None = None,
    device: Device | None = None,
    offer: Offer = EVERYTHING,
    rule: BatchRule | None = None,
) -> Terminal:
    """Add a terminal to a merchant, inactive and without a key.

    Args:
        work: Of an operator who may.
        merchant_id: Whose it is.
        terminal_id: DE 41 of its messages.
        store: The code of the store where it stands.
        device: What stands there.
        offer: What it offers and takes, of what the merchant does.
        rule: When its batch closes beside its settlement.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach, or it has no such open store.
        InvalidValue: Something of it can't be used.
        MerchantClosed: The merchant is closed.
        AlreadyThere: The merchant has one of this identifier.
    """
    check_terminal_id(terminal_id)
    merchant = await required_merchant(work, Action.TERMINAL_ADD, merchant_id)
    if merchant.state is MerchantState.CLOSED:
        raise MerchantClosed
    made = Terminal(
        *(merchant_id, terminal_id, merchant.party_id, TerminalState.INACTIVE, store, device or Device()),
        *(offer, OfflineLimits(), rule or BatchRule(), False, FIRST_BATCH, work.at_us),
    )
    await _check(work, made)
    row = (merchant_id, terminal_id, made.state, *_columns(made), made.batch, made.batch_opened_us)
    if await work.connection.fetchval(_ADD, *row) is None:
        raise AlreadyThere(kind=Kind.TERMINAL)
    work.record(Action.TERMINAL_ADD, made.subject, after={"state": made.state, **_told(made)})
    return made


async def change(
    work: Work,
    merchant_id: str,
    terminal_id: str,
    *,
    store: str | None,
    device: Device,
    offer: Offer,
    rule: BatchRule,
) -> Terminal:
    """Change where a terminal stands, what it is, offers and takes, and when its batch closes.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such terminal within reach, or the merchant has no such open store.
        InvalidValue: Something of it can't be used.
    """
    known = await required(work, Action.TERMINAL_CHANGE, merchant_id, terminal_id)
    changed = replace(known, store=store, device=device, offer=offer, rule=rule)
    await _check(work, changed)
    await work.connection.execute(_CHANGE, merchant_id, terminal_id, *_columns(changed))
    work.record(Action.TERMINAL_CHANGE, known.subject, before=_told(known), after=_told(changed))
    return changed


async def limit(work: Work, merchant_id: str, terminal_id: str, limits: OfflineLimits) -> Terminal:
    """Say what a terminal may take offline; to raise it needs a second operator.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such terminal within reach.
        InvalidValue: A limit is negative, or the total below the floor.
        ApprovalNeeded: It waits for a second operator.
    """
    check_in_order("offline_max_minor", limits[:2])
    check_in_order("offline_count_max", limits[2:])
    known = await required(work, Action.TERMINAL_LIMIT, merchant_id, terminal_id)
    if any(new > old for new, old in zip(limits, known.limits, strict=True)):
        content: Content = {"merchant": merchant_id, "terminal": terminal_id, **limits._asdict()}
        await work.approval(Action.TERMINAL_LIMIT, known.subject, content)
    await work.connection.execute(_LIMIT, merchant_id, terminal_id, *limits)
    work.record(Action.TERMINAL_LIMIT, known.subject, before=known.limits._asdict(), after=limits._asdict())
    return replace(known, limits=limits)


async def move(work: Work, merchant_id: str, terminal_id: str, event: TerminalEvent) -> Terminal:
    """Activate, suspend, resume or close; to replace a device see `replace_device`.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such terminal within reach.
        NotInThisState: The terminal's state has no such event.
        NoKeyYet: It is to be activated and has no master key.
    """
    known = await required(work, ACTIONS[event], merchant_id, terminal_id)
    following = terminal_after(known.state, event)
    if event is TerminalEvent.ACTIVATE and not known.has_key:
        raise NoKeyYet
    await work.connection.execute(_MOVE, merchant_id, terminal_id, following)
    work.record(ACTIONS[event], known.subject, before={"state": known.state}, after={"state": following})
    return replace(known, state=following)


async def replace_device(work: Work, merchant_id: str, terminal_id: str, device: Device) -> Terminal:
    """Put another device in a broken one's place: its batch closes, all its keys end, it waits for a key.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such terminal within reach.
        NotInThisState: The terminal is closed, or was never in use.
        InvalidValue: Something of the device can't be used.
    """
    known = await required(work, Action.TERMINAL_REPLACE, merchant_id, terminal_id)
    state = terminal_after(known.state, TerminalEvent.REPLACE)
    changed = replace(known, state=state, device=device, has_key=False)
    await _check(work, changed)
    await close_open_batch(work, known, BatchEnd.REPLACEMENT)
    await work.connection.execute(_END_KEYS, merchant_id, terminal_id)
    await work.connection.execute(_REPLACE, merchant_id, terminal_id, state, *_device_columns(device))
    work.record(
        Action.TERMINAL_REPLACE,
        known.subject,
        before={"state": known.state, "batch": known.batch, **_told(known)},
        after={"state": state, **_told(changed)},
    )
    return await required(work, Action.TERMINAL_REPLACE, merchant_id, terminal_id)


async def terminal(work: Work, merchant_id: str, terminal_id: str) -> Terminal:
    """A terminal by its identifiers.

    Raises:
        NotAllowed: The role sees no terminals.
        NoSuchRecord: There is none within reach.
    """
    return await required(work, Action.TERMINAL_SEE, merchant_id, terminal_id)


async def terminals(
    work: Work,
    *,
    merchant_id: str = "",
    state: TerminalState | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int = 100,
) -> list[Terminal]:
    """The terminals within reach by merchant and identifier, a page at a time.

    Args:
        work: Of an operator who may.
        merchant_id: Only this merchant's.
        state: Only those in this state.
        after: Merchant and identifier of the last one of the page before.
        limit: How many at most.

    Raises:
        NotAllowed: The role sees no terminals.
    """
    scope = work.scope(Action.TERMINAL_SEE)
    rows = await work.connection.fetch(_LIST, scope.prefix, merchant_id, *after, state or "", limit)
    return [terminal_of(row) for row in rows]


async def required(work: Work, action: Action, merchant_id: str, terminal_id: str) -> Terminal:
    """A terminal that the operator may do this to; nobody else changes it until the work ends.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is none within reach.
    """
    row = await work.connection.fetchrow(_FIND, merchant_id, terminal_id)
    await work.require(action, row["party_id"] if row else None, Kind.TERMINAL)
    assert row is not None
    return terminal_of(row)


async def close_open_batch(work: Work, known: Terminal, end: BatchEnd) -> None:
    """Close the batch that is open, and open the next one; for a service that logs it."""
    await commands.close_batch(
        *(work.connection, known.merchant_id, known.terminal_id),
        closing=known.batch,
        closed_by=end,
        now_us=work.at_us,
    )


async def _check(work: Work, known: Terminal) -> None:
    device, rule = known.device, known.rule
    for name, text in (("model", device.model), ("serial", device.serial)):
        if text:
            check_text(name, text)
    if not 0 <= device.key_slot <= KEY_SLOT_MAX:
        raise InvalidValue(field="key_slot", reason=message("0 to 9 is wanted"))
    if rule.hours_max is not None and rule.hours_max < 1:
        raise InvalidValue(field="batch_hours_max", reason=message("one hour is the least"))
    await check_offer(work, known.offer)
    if known.store is not None:
        there = await work.connection.fetchrow(_STORE_THERE, known.merchant_id, known.store)
        if there is None:
            raise NoSuchRecord(kind=Kind.STORE)


def _columns(known: Terminal) -> tuple[object, ...]:
    rule = known.rule
    columns = (known.store, *_device_columns(known.device), *known.offer.columns)
    return (*columns, rule.closing, rule.hours_max)


def _device_columns(device: Device) -> tuple[object, ...]:
    return device.model, device.serial, sorted(device.capabilities), device.key_slot


def _told(known: Terminal) -> Content:
    device, rule = known.device, known.rule
    return {
        "store": known.store,
        "model": device.model,
        "serial": device.serial,
        "capabilities": [*sorted(device.capabilities)],
        "key_slot": device.key_slot,
        "batch_rule": rule.closing,
        "batch_hours_max": rule.hours_max,
        **known.offer.told,
    }


def terminal_of(row: asyncpg.Record) -> Terminal:
    """The terminal in a row of `TERMINALS`."""
    device = Device(
        *(row["model"], row["serial"], frozenset(map(Capability, row["capabilities"])), row["key_slot"])
    )
    return Terminal(
        *(row["merchant_id"], row["terminal_id"], PartyId(row["party_id"]), TerminalState(row["state"])),
        *(row["store"], device, offer_of(row)),
        OfflineLimits(row["floor_minor"], row["offline_max_minor"], row["offline_count_max"]),
        BatchRule(BatchClosing(row["batch_rule"]), row["batch_hours_max"]),
        *(row["has_key"], row["batch"], row["batch_opened_us"]),
    )


async def _limit_as_proposed(work: Work, content: Content) -> Terminal:
    limits = OfflineLimits(*(whole_of(content, name) for name in OfflineLimits._fields))
    return await limit(work, text_of(content, "merchant"), text_of(content, "terminal"), limits)


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType({Action.TERMINAL_LIMIT: _limit_as_proposed})
"""What an approved proposal does."""
