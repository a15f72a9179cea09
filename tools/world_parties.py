"""The demo world's issuer, product, merchants and terminals, made by the services of the back office.

Two operators do it, as the rules want: one asks, the other approves what needs four eyes. They are nobody's
employees and sign in nowhere, so that the first operator of the installation is still to be added; in the
audit they are called as here. Making the parties again finds what is there and adds what is missing.

The demo's cards have numbers of a range of their own, drawn all at once: no batch of cards ever gets one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import asyncpg

from directory import commands, fee_plans, merchants, stores, terminals
from directory.fee_plans import FeePlanTerms, MerchantFee
from directory.merchant_life import MerchantEvent, TerminalEvent
from directory.merchants import Cycle, MerchantDetails, Method, Settlement
from directory.numbering import CheckDigit, Numbers, Ordering
from directory.parties import PLATFORM_ID, Lineage, PartyId, PartyKind
from directory.party_service import add_party
from directory.product_service import add_product
from directory.product_terms import CardClass, CardService, Limits, PinRule, ProductTerms
from directory.range_service import allocate_range, draw_numbers, register_range
from directory.rights import Role
from directory.terminals import Capability, Device
from directory.work import Approved, NotProposedYet, Operator, OperatorId, ProposalId, Work
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from storage.database import database_errors
from tools.demo_parties import CARD_PREFIX, CURRENCY, DEMO_RANGE, PAN_DIGITS, DemoMerchant, DemoTerminal
from tools.demo_seed import DemoSeed
from tools.trouble import Trouble

CODE: Final = "DEMO"
CHUNK_TERMINALS: Final = 500

_WHY: Final = "the demo world"
_GROCERY: Final = "5411"
_STORE: Final = "S1"
_CAPABILITIES: Final = frozenset({Capability.STRIPE, Capability.CHIP, Capability.PIN_PAD, Capability.PRINTER})
_SIXTY_BASIS_POINTS: Final = MerchantFee(services=(CardService.PURCHASE,), basis_points=60)

_ISSUER: Final = """
SELECT party.id AS party_id, product.id AS product_id, product.name, number_range.id AS range_id
FROM directory.party
JOIN directory.product ON product.code = party.code
JOIN directory.number_range ON number_range.first = $2
WHERE party.kind = 'issuer' AND party.code = $1
"""
_MERCHANTS_THERE: Final = "SELECT merchant_id FROM directory.merchant WHERE merchant_id = ANY ($1::text[])"
_TERMINALS_THERE: Final = """
SELECT merchant_id, terminal_id FROM directory.terminal WHERE merchant_id = ANY ($1::text[])
"""

T = TypeVar("T")


class WorldOfAnotherSeed(Trouble):
    """The database has a demo world made from another seed, so its PINs and keys are not known here."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class DemoIssuer(NamedTuple):
    """Whose cards the demo's are."""

    party_id: PartyId
    product_id: int
    range_id: int


class Staff:
    """Two operators at work in one transaction.

    Args:
        connection: With the transaction begun.
        at_us: The time.
    """

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", at_us: int) -> None:
        self.connection = connection
        self._asking = Work(connection, _operator("demo-asks"), at_us, _WHY)
        self._approving = Work(connection, _operator("demo-approves"), at_us, _WHY)

    async def begin(self) -> None:
        """Wait until nobody else writes the audit: what is locked later is locked in everybody's order."""
        await self._asking.hold_audit()

    async def do(self, service: Callable[[Work], Awaitable[T]]) -> T:
        """Have a service done, by the second operator if it needs four eyes."""
        try:
            return await service(self._asking)
        except NotProposedYet as needed:
            draft = needed.draft
            self._approving.carry_out(
                Approved(ProposalId(0), draft.action, draft.subject.kind, draft.subject.id, draft.content)
            )
            return await service(self._approving)

    async def end(self) -> None:
        """Log what was done."""
        await self._asking.write_log()
        await self._approving.write_log()


async def make_issuer(
    connection: "asyncpg.Connection[asyncpg.Record]", seed: DemoSeed, at_us: int
) -> DemoIssuer:
    """The demo's issuer, with product and range.

    Raises:
        WorldOfAnotherSeed: The database has a world of another seed.
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        async with connection.transaction():
            there = await connection.fetchrow(_ISSUER, CODE, DEMO_RANGE)
            if there is None:
                staff = Staff(connection, at_us)
                await staff.begin()
                made = await staff.do(lambda work: _make_issuer(work, seed))
                await staff.end()
                return made
    if there["name"] != _product_name(seed):
        raise WorldOfAnotherSeed
    return DemoIssuer(there["party_id"], there["product_id"], there["range_id"])


async def make_terminals(
    connection: "asyncpg.Connection[asyncpg.Record]",
    hsm: Hsm,
    wanted: Sequence[DemoTerminal],
    at_us: int,
) -> None:
    """Those of the terminals that are missing, with their merchants; each chunk in one transaction.

    Raises:
        DatabaseUnavailable: The database failed.
        HsmUnavailable: The HSM can't be asked.
    """
    for start in range(0, len(wanted), CHUNK_TERMINALS):
        chunk = wanted[start : start + CHUNK_TERMINALS]
        with database_errors():
            async with connection.transaction():
                staff = Staff(connection, at_us)
                await staff.begin()
                await _make_chunk(staff, hsm, chunk)
                await staff.end()


async def _make_chunk(staff: Staff, hsm: Hsm, chunk: Sequence[DemoTerminal]) -> None:
    merchant_ids = sorted({each.merchant.merchant_id for each in chunk})
    rows = await staff.connection.fetch(_MERCHANTS_THERE, merchant_ids)
    merchants_there = {row["merchant_id"] for row in rows}
    terminals_there = set(map(tuple, await staff.connection.fetch(_TERMINALS_THERE, merchant_ids)))
    for terminal in chunk:
        merchant = terminal.merchant
        if merchant.merchant_id not in merchants_there:
            await _make_merchant(staff, hsm, merchant)
            merchants_there.add(merchant.merchant_id)
        if (merchant.merchant_id, terminal.terminal_id) not in terminals_there:
            await _make_terminal(staff, hsm, terminal)


async def _make_issuer(work: Work, seed: DemoSeed) -> DemoIssuer:
    issuer = await add_party(work, PartyKind.ISSUER, CODE, "Demo issuer 演示发卡机构")
    product = await add_product(work, issuer.id, CODE, _product_name(seed), demo_terms())
    await fee_plans.add_fee_plan(
        work, CODE, "Demo fees", FeePlanTerms(fees=(_SIXTY_BASIS_POINTS,)), PLATFORM_ID
    )
    numbers = Numbers(CARD_PREFIX, CARD_PREFIX, PAN_DIGITS, CheckDigit.LUHN)
    await register_range(work, "Demo", numbers, Ordering.SEQUENCE, 0)
    drawn_from = await allocate_range(work, DEMO_RANGE, DEMO_RANGE, issuer.id, "Demo cards")
    await draw_numbers(work, drawn_from.id, drawn_from.numbers.size, recycle=False)
    return DemoIssuer(issuer.id, product.id, drawn_from.id)


async def _make_merchant(staff: Staff, hsm: Hsm, merchant: DemoMerchant) -> None:
    account = f"62{merchant.number:010}"
    sealed = await hsm.ask(SoftHsm.seal_personal, merchants.ACCOUNT_FIELD, account)
    settlement = Settlement(*(Cycle.DAILY, 1, Method.NET, merchant.name, "DEMOBANK", sealed, account[-4:]))
    name = merchant.merchant_id

    async def apply(work: Work) -> None:
        await merchants.apply(work, name, MerchantDetails(merchant.name, _GROCERY))
        await merchants.settle(work, name, settlement, CODE)
        await stores.add_store(work, stores.Store(name, _STORE, f"{merchant.name}, main store", ""))

    await staff.do(apply)
    for event in (MerchantEvent.APPROVE, MerchantEvent.GO_LIVE):
        await staff.do(_moved(name, event))


def _moved(merchant_id: str, event: MerchantEvent) -> Callable[[Work], Awaitable[merchants.Merchant]]:
    return lambda work: merchants.move(work, merchant_id, event)


async def _make_terminal(staff: Staff, hsm: Hsm, terminal: DemoTerminal) -> None:
    name = (terminal.merchant.merchant_id, terminal.terminal_id)
    device = Device("Demo", f"{terminal.number:08}", _CAPABILITIES)
    master_key = await hsm.ask(SoftHsm.import_terminal_master, terminal.master_key)
    await staff.do(lambda work: terminals.add(work, *name, store=_STORE, device=device))
    await commands.change_master_key(staff.connection, *name, master_key)
    await staff.do(lambda work: terminals.move(work, *name, TerminalEvent.ACTIVATE))


def demo_terms() -> ProductTerms:
    """What the demo's product promises."""
    services = (CardService.PURCHASE, CardService.BALANCE_INQUIRY)
    return ProductTerms(
        card_class=CardClass.CONSUMPTION,
        currency=int(CURRENCY),
        services=frozenset(services),
        pin=dict.fromkeys(services, PinRule()),
        limits=Limits(transaction_max_minor=50_000_00, day_count_max=100_000),
    )


def _product_name(seed: DemoSeed) -> str:
    """Tells which seed the cards are from."""
    return f"Demo card {seed.mark}"


def _operator(name: str) -> Operator:
    return Operator(OperatorId(0), name, Role.PLATFORM_ADMIN, PLATFORM_ID, Lineage(f"{PLATFORM_ID}."))
