"""The demo world is made once, grows, and is there whole chunks at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from functools import partial
from typing import TypeAlias

import asyncpg
import pytest

from directory.product_terms import CardService, Limits
from directory.reading import read_cards, read_terminals
from directory.records import Card, CardState, MerchantState, PanIndex, TerminalState
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlock
from hsm_soft.key_store import open_hsm
from hsm_soft.master_key import MasterKey
from hsm_soft.pin import PinReference, PinResult
from hsm_soft.session_keys import SignOnLayout
from ledger.identity import TransactionNumbers
from ledger.postgres.committer import enter
from ledger.postgres.inquiry import balances
from ledger.postgres.opening import Opening, WalletOpener
from ledger.postgres.verify import verify
from storage.database import DatabaseUnavailable, connect
from switch.shell.wallet_sealer import WalletSealer
from tools import world
from tools.demo_parties import demo_card, demo_terminal
from tools.demo_seed import DemoSeed
from tools.terminal_security import TerminalSecurity
from tools.world import Wallets, WorldCard, WorldMaker, WorldOfAnotherSeed

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

BALANCE_MINOR = 1_000_00
NOW_US = 1_764_000_000_000_000


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten cards a chunk, and a pause after every third."""
    monkeypatch.setattr(world, "CHUNK_CARDS", 10)
    monkeypatch.setattr(world, "_CARDS_BETWEEN_PAUSES", 3)


@pytest.fixture
async def writer(database_dsn: str) -> AsyncIterator[Connection]:
    """The maker's session for storing."""
    connection = await connect(database_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(database_dsn: str) -> AsyncIterator[Connection]:
    """The maker's session for looking up."""
    connection = await connect(database_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def hsm(writer: Connection) -> SoftHsm:
    """The installation's HSM."""
    return await open_hsm(writer, MasterKey(bytes(range(32)), development=True, created=True))


class OpensWallets:
    """The ledger, which gives up when told."""

    def __init__(self, opener: WalletOpener) -> None:
        self._opener = opener
        self.chunks_until_failure: int | None = None

    async def open(self, connection: Connection, openings: Sequence[Opening]) -> None:
        """Open wallets; the chunk at which the ledger gives up is opened, too, before it does."""
        await self._opener.open_wallets(connection, openings, NOW_US)
        if self.chunks_until_failure is not None:
            self.chunks_until_failure -= 1
            if self.chunks_until_failure < 0:
                raise DatabaseUnavailable("gone")


@pytest.fixture
async def numbers(database_dsn: str) -> TransactionNumbers:
    """Numbers of a node that has entered the ledger."""
    return TransactionNumbers(await enter(database_dsn, date(2026, 11, 22)))


@pytest.fixture
def sealer(hsm: SoftHsm) -> WalletSealer:
    """The HSM as the ledger sees it; its data keys stay as they are."""

    async def nothing_to_learn() -> None:
        pass

    return WalletSealer(InProcessHsm(hsm), nothing_to_learn)


@pytest.fixture
def ledger(numbers: TransactionNumbers, sealer: WalletSealer) -> OpensWallets:
    """The ledger's side."""
    return OpensWallets(WalletOpener(1, numbers, sealer))


@pytest.fixture
def maker(
    writer: Connection,
    reader: Connection,
    hsm: SoftHsm,
    sealer: WalletSealer,
    numbers: TransactionNumbers,
    ledger: OpensWallets,
    seed: DemoSeed,
) -> WorldMaker:
    """The maker of the seed's world."""
    wallets = Wallets(numbers.next, ledger.open, partial(balances, reader, sealer))
    return WorldMaker(writer, reader, InProcessHsm(hsm), wallets, seed, lambda: NOW_US)


async def made(maker: WorldMaker, cards: int, balance_minor: int = BALANCE_MINOR) -> list[WorldCard]:
    """The cards of a world with one terminal."""
    await maker.make_terminals(1)
    return [card async for chunk in maker.make_cards(cards, balance_minor) for card in chunk]


async def stored(reader: Connection, hsm: SoftHsm, seed: DemoSeed, number: int) -> Card:
    """A demo card as the directory has it."""
    pan_index = PanIndex(hsm.pan_index(demo_card(seed, number).pan))
    return (await read_cards(reader, [pan_index], {}))[pan_index]


async def test_cards_are_handed_out_in_order(maker: WorldMaker, seed: DemoSeed) -> None:
    """Every card comes once, by number, with its opening balance."""
    expected = [WorldCard(demo_card(seed, number), BALANCE_MINOR) for number in range(1, 26)]

    assert expected == await made(maker, 25)


async def test_stored_card(maker: WorldMaker, reader: Connection, hsm: SoftHsm, seed: DemoSeed) -> None:
    """A card is active, of the demo product, and its PIN is the one that the seed gives."""
    await made(maker, 1)
    card = await stored(reader, hsm, seed, 1)
    keys = hsm.new_session_keys(
        hsm.import_terminal_master(seed.terminal_master_key(1)), SignOnLayout.DOUBLE_40
    )
    demo = demo_card(seed, 1)
    block = TerminalSecurity(seed.terminal_master_key(1), keys.field_62).pin_block(demo.pin, demo.pan)
    verdict = hsm.verify_pin(
        keys.pin_key, block, demo.pan, card.wallet_id, PinReference(card.pin_salt, card.pin_value)
    )

    assert (card.state, card.expiry, card.product.code) == (CardState.ACTIVE, "3112", "DEMO")
    assert verdict is PinResult.MATCH


async def test_pan_is_nowhere_in_clear(
    maker: WorldMaker, reader: Connection, hsm: SoftHsm, seed: DemoSeed
) -> None:
    """The database has the PAN sealed, and nothing of it otherwise."""
    await made(maker, 1)
    pan = demo_card(seed, 1).pan
    sealed = await reader.fetchval("SELECT pan_sealed FROM directory.card")
    rows = await reader.fetch("SELECT card::text FROM directory.card")

    assert pan == hsm.open_pan(sealed)
    assert pan.encode().hex() not in str(rows)
    assert pan not in str(rows)


async def test_terminals_and_merchants(
    maker: WorldMaker, reader: Connection, hsm: SoftHsm, seed: DemoSeed
) -> None:
    """Six terminals stand at two merchants; their batch is open and their key is the seed's."""
    terminals = await maker.make_terminals(6)
    names = [(each.merchant.merchant_id, each.terminal_id) for each in terminals]
    there = await read_terminals(reader, names)
    keys = hsm.new_session_keys(KeyBlock(there[names[5]].master_key), SignOnLayout.SINGLE_24)

    assert [demo_terminal(seed, number) for number in range(1, 7)] == terminals
    assert len({there[name].merchant.id for name in names[:5]}) == 1
    assert len({there[name].merchant.id for name in names}) == 2
    assert {MerchantState.LIVE} == {terminal.merchant.state for terminal in there.values()}
    assert {TerminalState.ACTIVE} == {terminal.state for terminal in there.values()}
    assert {"000001"} == {terminal.batch for terminal in there.values()}
    assert TerminalSecurity(seed.terminal_master_key(6), keys.field_62)


async def test_product(maker: WorldMaker, reader: Connection, hsm: SoftHsm, seed: DemoSeed) -> None:
    """Demo cards ask for a PIN and refuse nothing below 10,000.00 or 1,000 purchases a day."""
    await made(maker, 1)
    product = (await stored(reader, hsm, seed, 1)).product
    terms = product.at(NOW_US)

    assert terms is not None
    assert (terms.currency, terms.pin_tries_max) == (156, 3)
    assert {CardService.PURCHASE, CardService.BALANCE_INQUIRY} == set(terms.pin) == set(terms.services)
    assert terms.limits == Limits(transaction_max_minor=50_000_00, day_count_max=100_000)


async def test_world_again_is_the_same_world(maker: WorldMaker, reader: Connection) -> None:
    """Made again, nothing is added, and the balances are those of now."""
    first = await made(maker, 25)
    before = await reader.fetch("SELECT * FROM directory.card ORDER BY pan_index")
    again = await made(maker, 25, balance_minor=7)

    assert first == again
    assert before == await reader.fetch("SELECT * FROM directory.card ORDER BY pan_index")


async def test_world_grows(maker: WorldMaker, reader: Connection, sealer: WalletSealer) -> None:
    """A larger world has the smaller one's cards, and the books are clean."""
    small = await made(maker, 14)
    large = await made(maker, 33, balance_minor=7)
    report = await verify(reader, sealer)

    assert small == large[:14]
    assert {7} == {card.balance_minor for card in large[14:]}
    assert report.is_clean
    assert report.wallets == 33


async def test_interrupted_world_has_whole_chunks(
    maker: WorldMaker, ledger: OpensWallets, reader: Connection, sealer: WalletSealer
) -> None:
    """When the database goes in the middle, the chunks before are whole; the next run does the rest."""
    ledger.chunks_until_failure = 2
    with pytest.raises(DatabaseUnavailable):
        await made(maker, 45)
    cards = await reader.fetchval("SELECT count(*) FROM directory.card")
    wallets = await reader.fetchval("SELECT count(*) FROM ledger.wallet")
    ledger.chunks_until_failure = None

    assert (cards, wallets) == (20, 20)
    assert len(await made(maker, 45)) == 45
    assert (await verify(reader, sealer)).is_clean


async def test_abandoned_world_stores_no_half_chunk(maker: WorldMaker, reader: Connection) -> None:
    """Who stops taking cards stops the making, between chunks."""
    await maker.make_terminals(1)
    cards = maker.make_cards(45, BALANCE_MINOR)
    await anext(cards)
    await asyncio.wait_for(cards.aclose(), 10)

    stored_cards = await reader.fetchval("SELECT count(*) FROM directory.card")
    stored_wallets = await reader.fetchval("SELECT count(*) FROM ledger.wallet")

    assert stored_cards == stored_wallets
    assert stored_cards in {10, 20}


async def test_world_of_another_seed_is_left_alone(
    maker: WorldMaker,
    writer: Connection,
    reader: Connection,
    hsm: SoftHsm,
    sealer: WalletSealer,
    numbers: TransactionNumbers,
) -> None:
    """A database whose PINs this seed doesn't give is refused before anything is added."""
    await made(maker, 1)
    wallets = Wallets(
        numbers.next, OpensWallets(WalletOpener(2, numbers, sealer)).open, partial(balances, reader, sealer)
    )
    other = WorldMaker(writer, reader, InProcessHsm(hsm), wallets, DemoSeed(b"\xff" * 32), lambda: NOW_US)

    with pytest.raises(WorldOfAnotherSeed):
        await other.make_terminals(5)

    assert await reader.fetchval("SELECT count(*) FROM directory.terminal") == 1


async def test_world_of_no_cards(maker: WorldMaker) -> None:
    """No cards are no chunks."""
    assert await made(maker, 0) == []


async def test_parties_are_made_by_the_back_office(maker: WorldMaker, reader: Connection) -> None:
    """Every step is in the audit, approvals by the second operator, and made again it adds nothing."""
    await maker.make_terminals(2)
    rows = await reader.fetch("SELECT operator, action, proposal_id FROM directory.audit ORDER BY seq")
    await maker.make_terminals(2)
    by_second = [row["action"] for row in rows if row["operator"] == "demo-approves"]

    assert by_second == ["merchant.approve"]
    assert {"issuer.add", "product.add", "range.allocate", "merchant.go_live", "terminal.activate"} <= {
        row["action"] for row in rows
    }
    assert len(rows) == await reader.fetchval("SELECT count(*) FROM directory.audit")


async def test_demo_numbers_are_nobody_elses(maker: WorldMaker, reader: Connection) -> None:
    """The range of the demo's cards has no number left to draw."""
    await maker.make_terminals(1)
    drawn = await reader.fetchval("SELECT next_position FROM directory.number_range WHERE first = '9900010'")

    assert drawn == 10**11
