"""Terminals from the setting up to the closing, with their batches."""

from dataclasses import replace

import pytest

from directory import commands, merchants, terminal_batches, terminals
from directory.batch_rules import BatchClosing, BatchEnd, BatchRule
from directory.change_log import Change, read_changes
from directory.merchant_life import MerchantEvent, NotInThisState, TerminalEvent
from directory.merchants import MerchantDetails
from directory.offers import Offer
from directory.product_terms import CardService
from directory.proposals import ProposalId
from directory.reading import read_terminals
from directory.records import KeySet, Product, TerminalState
from directory.refusals import AlreadyThere, ApprovalNeeded, InvalidValue, NoSuchRecord, NotAllowed, Refused
from directory.rights import Role
from directory.stores import Store, add_store
from directory.subjects import Kind
from directory.terminal_batches import Batch, Closed, TerminalClosed
from directory.terminals import (
    Capability,
    Device,
    MerchantClosed,
    NoKeyYet,
    OfflineLimits,
    Terminal,
)
from directory.work import Operator, Work

from .back_office import BackOffice
from .conftest import Connection

SHOP = "990001000000077"
TILL = "T0000077"
DEVICE = Device("N910", "SN 1", frozenset({Capability.CHIP, Capability.PIN_PAD}), 3)
HOUR_US = 3_600_000_000


@pytest.fixture
def office(back_office: BackOffice) -> BackOffice:
    """An office in which terminals' proposals can be approved."""
    return replace(back_office, carried_out=terminals.CARRIED_OUT)


@pytest.fixture
async def admin(office: BackOffice) -> Operator:
    """An administrator of the platform."""
    operator = await office.operator("alice")

    async def apply(work: Work) -> None:
        await merchants.apply(work, SHOP, MerchantDetails("Corner shop", "5411"))
        await add_store(work, Store(SHOP, "S1", "Main street", ""))

    await office.run(operator, apply)
    return operator


@pytest.fixture
async def added(office: BackOffice, admin: Operator) -> Terminal:
    """A terminal without a key."""
    return await office.run(admin, lambda work: terminals.add(work, SHOP, TILL, store="S1", device=DEVICE))


@pytest.fixture
async def active(office: BackOffice, admin: Operator, added: Terminal, connection: Connection) -> Terminal:
    """A terminal in use, signed on."""
    await commands.change_master_key(connection, SHOP, TILL, "K0 key")
    await commands.record_sign_on(connection, SHOP, TILL, KeySet(1, False, "P0", "M3"))
    return await happens(office, admin, TerminalEvent.ACTIVATE)


async def happens(office: BackOffice, operator: Operator, event: TerminalEvent) -> Terminal:
    """Something happens to the terminal."""
    return await office.run(operator, lambda work: terminals.move(work, SHOP, TILL, event))


async def stored(office: BackOffice, operator: Operator) -> Terminal:
    """The terminal as the database has it."""
    return await office.run(operator, lambda work: terminals.terminal(work, SHOP, TILL))


async def test_terminal_comes_back_as_it_was_added(
    office: BackOffice, admin: Operator, added: Terminal
) -> None:
    """It is inactive, has no key, and its first batch is open."""
    assert (TerminalState.INACTIVE, False, "000001", "S1", DEVICE) == (
        *(added.state, added.has_key, added.batch, added.store, added.device),
    )
    assert added == await stored(office, admin)


async def test_terminal_without_a_key_is_not_put_into_use(
    office: BackOffice, admin: Operator, added: Terminal
) -> None:
    """Its key has to be there first."""
    with pytest.raises(NoKeyYet):
        await happens(office, admin, TerminalEvent.ACTIVATE)


async def test_life_of_a_terminal(office: BackOffice, admin: Operator, active: Terminal) -> None:
    """It is used, suspended, resumed and closed; closed it stays."""
    events = (TerminalEvent.SUSPEND, TerminalEvent.RESUME, TerminalEvent.CLOSE)

    states = [(await happens(office, admin, event)).state for event in events]

    assert active.state is TerminalState.ACTIVE
    assert states == [TerminalState.SUSPENDED, TerminalState.ACTIVE, TerminalState.CLOSED]
    with pytest.raises(NotInThisState):
        await happens(office, admin, TerminalEvent.RESUME)
    with pytest.raises(TerminalClosed):
        await office.run(admin, lambda work: terminal_batches.close_batch(work, SHOP, TILL))


async def test_replaced_device_leaves_nothing_behind(
    office: BackOffice, admin: Operator, active: Terminal, connection: Connection
) -> None:
    """The batch is closed, every key of the old device has ended, and the new one waits for its key."""
    new = Device("N950", "SN 2", frozenset({Capability.CODE}))

    replaced = await office.run(admin, lambda work: terminals.replace_device(work, SHOP, TILL, new))

    seen = (await read_terminals(connection, [(SHOP, TILL)]))[SHOP, TILL]
    kept = await office.run(admin, lambda work: terminal_batches.batches(work, SHOP, TILL))
    assert (TerminalState.INACTIVE, new, False, "000002") == (
        *(replaced.state, replaced.device, replaced.has_key, replaced.batch),
    )
    assert ("", (), "000002") == (seen.master_key, seen.key_sets, seen.batch)
    assert [None, BatchEnd.REPLACEMENT] == [batch.closed_by for batch in kept]
    with pytest.raises(NotInThisState):
        await office.run(admin, lambda work: terminals.replace_device(work, SHOP, TILL, new))


async def test_terminal_changes(
    office: BackOffice, admin: Operator, active: Terminal, product: Product
) -> None:
    """Store, device, offer and rule are those given last; the views are told."""
    offer = Offer(frozenset({CardService.PURCHASE}), frozenset({product.id}))
    rule = BatchRule(BatchClosing.CUTOVER, 24)

    changed = await office.run(
        admin,
        lambda work: terminals.change(work, SHOP, TILL, store=None, device=Device(), offer=offer, rule=rule),
    )

    assert (None, Device(), offer, rule) == (changed.store, changed.device, changed.offer, changed.rule)
    assert changed == await stored(office, admin)


async def test_limits_are_raised_by_two_and_lowered_by_one(
    office: BackOffice, admin: Operator, added: Terminal
) -> None:
    """What a terminal may take offline grows when a second operator agrees."""
    second = await office.operator("bob")
    high, low = OfflineLimits(100_00, 1_000_00, 10), OfflineLimits(50_00, 1_000_00, 5)

    with pytest.raises(ApprovalNeeded) as needed:
        await office.run(admin, lambda work: terminals.limit(work, SHOP, TILL, high))
    before = await stored(office, admin)
    await office.office.approve(second, ProposalId(needed.value.proposal_id))
    raised = await stored(office, admin)
    lowered = await office.run(admin, lambda work: terminals.limit(work, SHOP, TILL, low))

    assert [OfflineLimits(), high, low] == [before.limits, raised.limits, lowered.limits]


@pytest.mark.parametrize("limits", [OfflineLimits(-1), OfflineLimits(2, 1), OfflineLimits(sales=-1)])
async def test_limits_that_make_no_sense_are_refused(
    office: BackOffice, admin: Operator, added: Terminal, limits: OfflineLimits
) -> None:
    """None is negative, and all sales together are not limited below a single one."""
    with pytest.raises(InvalidValue):
        await office.run(admin, lambda work: terminals.limit(work, SHOP, TILL, limits))


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"terminal_id": "T1"}, InvalidValue),
        ({"merchant_id": "990001000000078"}, NoSuchRecord),
        ({"store": "S2"}, NoSuchRecord),
        ({"device": Device(key_slot=10)}, InvalidValue),
        ({"device": Device(model="\n")}, InvalidValue),
        ({"rule": BatchRule(hours_max=0)}, InvalidValue),
        ({"offer": Offer(accepts=frozenset({404}))}, NoSuchRecord),
    ],
)
async def test_terminal_that_makes_no_sense_is_refused(
    office: BackOffice, admin: Operator, changes: dict[str, object], refused: type[Refused]
) -> None:
    """What the tables or the messages could not hold is refused with the rule."""
    wanted: dict[str, object] = {"merchant_id": SHOP, "terminal_id": TILL, **changes}

    with pytest.raises(refused):
        await office.run(admin, lambda work: terminals.add(work, **wanted))


async def test_identifier_is_taken_once(office: BackOffice, admin: Operator, added: Terminal) -> None:
    """A merchant's terminals have different identifiers."""
    with pytest.raises(AlreadyThere):
        await office.run(admin, lambda work: terminals.add(work, SHOP, TILL))


async def test_closed_merchant_gets_no_terminal(office: BackOffice, admin: Operator) -> None:
    """There is nothing to be done at its tills."""
    await office.run(admin, lambda work: merchants.move(work, SHOP, MerchantEvent.REJECT))

    with pytest.raises(MerchantClosed):
        await office.run(admin, lambda work: terminals.add(work, SHOP, TILL))


async def test_batch_is_closed_by_hand(
    office: BackOffice, admin: Operator, active: Terminal, connection: Connection
) -> None:
    """The next one is open at once, in every view."""
    seen = (await read_changes(connection, None)).seen

    closed = await office.run(admin, lambda work: terminal_batches.close_batch(work, SHOP, TILL))
    found = await office.run(admin, lambda work: terminal_batches.batches(work, SHOP, TILL))

    assert closed.batch == "000002"
    assert [("000002", None), ("000001", BatchEnd.OPERATOR)] == [
        (batch.batch, batch.closed_by) for batch in found
    ]
    assert found[1] == Batch("000001", active.batch_opened_us, found[0].opened_us, BatchEnd.OPERATOR)
    assert (Change(Kind.TERMINAL, f"{SHOP}/{TILL}"),) == (await read_changes(connection, seen)).changes


async def test_due_batches_close_by_their_rules(office: BackOffice, admin: Operator) -> None:
    """Those opened before the cutover whose rule that is, those too old, and no other."""
    rules = {
        "T1000001": BatchRule(),
        "T1000002": BatchRule(BatchClosing.CUTOVER),
        "T1000003": BatchRule(hours_max=24),
        "T1000004": BatchRule(hours_max=48),
        "T1000005": BatchRule(BatchClosing.CUTOVER),
    }

    async def add_all(work: Work) -> None:
        for terminal_id, rule in rules.items():
            await terminals.add(work, SHOP, terminal_id, rule=rule)
        await terminals.move(work, SHOP, "T1000005", TerminalEvent.CLOSE)

    await office.run(admin, add_all)
    cutover_us = office.now_us + HOUR_US
    later = replace(office, now_us=office.now_us + 24 * HOUR_US)

    by_cutover = await later.run(admin, lambda work: terminal_batches.close_due_batches(work, cutover_us, 1))
    rest = await later.run(admin, lambda work: terminal_batches.close_due_batches(work, cutover_us))
    none = await later.run(admin, lambda work: terminal_batches.close_due_batches(work, None))

    assert by_cutover == [Closed(SHOP, "T1000002", "000001", BatchEnd.CUTOVER)]
    assert [("T1000003", BatchEnd.AGE)] == [(each.terminal_id, each.closed_by) for each in rest]
    assert none == []


async def test_foreign_terminals_are_not_there(office: BackOffice, admin: Operator, added: Terminal) -> None:
    """A merchant's people see its terminals; another's are not there by name, in a list, or to be changed."""
    own = await office.operator("carol", Role.MERCHANT_ADMIN, added.party_id)
    other = await office.operator("dave", Role.MERCHANT_ADMIN, (await office.party()).id)

    assert [added] == await office.run(own, terminals.terminals)
    assert await office.run(other, terminals.terminals) == []
    with pytest.raises(NoSuchRecord):
        await office.run(other, lambda work: terminal_batches.close_batch(work, SHOP, TILL))
    with pytest.raises(NoSuchRecord):
        await office.run(other, lambda work: terminal_batches.batches(work, SHOP, TILL))
    with pytest.raises(NotAllowed):
        await office.run(own, lambda work: terminals.move(work, SHOP, TILL, TerminalEvent.CLOSE))
    assert await office.run(other, lambda work: terminal_batches.close_due_batches(work, office.now_us)) == []


async def test_list_comes_in_pages(office: BackOffice, admin: Operator) -> None:
    """By merchant and identifier, a page at a time, of one merchant or state if that is asked for."""

    async def add(work: Work) -> None:
        for number in range(5):
            await terminals.add(work, SHOP, f"T{number:07}")

    await office.run(admin, add)
    first = await office.run(admin, lambda work: terminals.terminals(work, merchant_id=SHOP, limit=3))
    last = (first[-1].merchant_id, first[-1].terminal_id)
    rest = await office.run(admin, lambda work: terminals.terminals(work, after=last, limit=3))
    none = await office.run(
        admin, lambda work: terminals.terminals(work, merchant_id=SHOP, state=TerminalState.ACTIVE)
    )

    assert ["0", "1", "2", "3", "4"] == [each.terminal_id[-1] for each in (*first, *rest)]
    assert none == []
