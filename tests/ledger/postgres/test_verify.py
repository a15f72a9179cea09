"""Verification names each row that isn't as it should be.

Books with every kind of row are made once. Each test damages them in a transaction of its own, with the
triggers off as somebody with access to the server could, verifies within it, and rolls it back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest

from ledger.intent import PinVerdict
from ledger.postgres.checks import GAPS, NEWEST, SEALS
from ledger.postgres.verify import ALL_CHECKS, CHAIN, DAY_SEALS, Report, verify
from ledger.sealer import Sealer

from .nodes import FIRST_DATE, Connection, MakeDatabase, Node, StartNode, session

Names: TypeAlias = dict[str, int]

SUM = "legs of a transaction sum to zero in each layer"
ENTRY = "every entry has its transaction, approved"
GROUP = "every transaction is in a commit group"
ENTRY_EVENT = "every entry of a wallet has its event"
EVENT = "every event has its transaction"
BEYOND = "nothing is given back beyond what was taken"
WHOLE = "what is taken back is taken back whole"
OWED = "nothing is owed for what stays taken back"
OWES = "a request makes nobody owe"
KEY = "a duplicate key leads to its transaction"
WRITER = "a writer stands where its last group stands"
BALANCE = "a sealed day's balances are the sums of its entries"


@pytest.fixture(scope="module")
def books(make_database: MakeDatabase, sealer: Sealer) -> Iterator[tuple[str, Names]]:
    """A database with every kind of row, and the numbers of some."""
    with make_database() as dsn:
        yield dsn, asyncio.run(_keep_books(dsn, sealer))


async def _keep_books(dsn: str, sealer: Sealer) -> Names:
    node = await Node.started(dsn, sealer)
    rich, _, poor, owing, _, forgiven = await node.open(1000, 0, 50, 100, 0, 100)
    till = node.till
    bought, kept, declined = (
        till.purchase(rich, 300, stan="1"),
        till.purchase(rich, 20),
        till.purchase(poor, 99),
    )
    undone, guessed = till.reversal("1", 300), till.purchase(poor, 1, pin=PinVerdict.MISMATCH)
    for intent in (bought, kept, declined, undone, guessed, till.reversal("never", 1)):
        await node.post(intent)
    due, spent = till.purchase(owing, 80), till.purchase(owing, 90)
    void = till.void(due)
    restored = till.void_reversal(void)
    owed = till.purchase(forgiven, 80)
    first = till.void(owed)
    forgave = till.void(owed)
    for intent in (due, void, spent, restored):
        await node.post(intent)
    for intent in (owed, first, till.purchase(forgiven, 90), till.void_reversal(first), forgave):
        await node.post(intent)
    await node.ledger.stop()
    async with session(dsn) as connection:
        opened = await connection.fetchval("SELECT min(id) FROM ledger.transaction")
    return {
        "rich": rich, "poor": poor, "writer": 8 * node.number, "opened": opened,
        "bought": bought.transaction_id, "kept": kept.transaction_id, "undone": undone.transaction_id,
        "declined": declined.transaction_id, "guessed": guessed.transaction_id, "due": due.transaction_id,
        "spent": spent.transaction_id, "restored": restored.transaction_id, "void": void.transaction_id,
        "forgiven": forgiven, "owed": owed.transaction_id, "forgave": forgave.transaction_id,
        "other_writer": 8 * node.number + 1,
    }  # fmt: skip


@asynccontextmanager
async def damaged(dsn: str, *statements: str) -> AsyncIterator[Connection]:
    """The books after these statements, for as long as it takes to look at them."""
    async with session(dsn) as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            assert await connection.execute(statement) not in ("UPDATE 0", "DELETE 0"), statement
        yield connection
        await transaction.rollback()


# What was done, as SQL, and all that verification says to it. {names} are numbers of the books.
DAMAGES: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "an amount changed on one side": (
        ["UPDATE ledger.entry SET amount_minor = -10 WHERE transaction_id = {kept} AND leg = 0"],
        {
            (SUM, "transaction {kept}, asset 156: 10"),
            (SEALS, "wallet {rich}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "an amount changed on both sides": (
        ["UPDATE ledger.entry SET amount_minor = amount_minor / 2 WHERE transaction_id = {kept}"],
        {(SEALS, "wallet {rich}: sealed lots differ from its entries"), (CHAIN, "group {writer}/2")},
    ),
    "money sent to another merchant": (
        ["UPDATE ledger.entry SET account_id = 8 WHERE transaction_id = {kept} AND leg = 1"],
        {(CHAIN, "group {writer}/2")},
    ),
    "entries removed": (
        ["DELETE FROM ledger.entry WHERE transaction_id = {kept}"],
        {(SEALS, "wallet {rich}: sealed lots differ from its entries"), (CHAIN, "group {writer}/2")},
    ),
    "a decline made an approval": (
        ["UPDATE ledger.transaction SET outcome = 0 WHERE id = {declined}"],
        {(KEY, "key of {declined}"), (CHAIN, "group {writer}/3")},
    ),
    "an approval made a decline": (
        ["UPDATE ledger.transaction SET outcome = 63 WHERE id = {kept}"],
        {
            (ENTRY, "entry {kept}/0"),
            (ENTRY, "entry {kept}/1"),
            (KEY, "key of {kept}"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "a transaction's text changed": (
        ["UPDATE ledger.transaction SET terminal_id = 'T9999999' WHERE id = {declined}"],
        {(CHAIN, "group {writer}/3")},
    ),
    "a transaction removed": (
        ["DELETE FROM ledger.transaction WHERE id = {declined}"],
        {(KEY, "key of {declined}"), (CHAIN, "group {writer}/3")},
    ),
    "a transaction removed with its entries": (
        [
            "DELETE FROM ledger.transaction WHERE id = {kept}",
            "DELETE FROM ledger.entry WHERE transaction_id = {kept}",
        ],
        {
            (EVENT, "event of wallet {rich}, version 3"),
            (KEY, "key of {kept}"),
            (SEALS, "wallet {rich}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "a transaction added to a group": (
        [
            ("INSERT INTO ledger.transaction VALUES "
            "('2026-01-05', 77, {writer}, 3, 1, 40, 156, 1, 0, NULL, NULL, NULL, NULL, NULL, 0, 7, "
            "'M', 'T', '1', '2', '', '', 3)"),
        ],
        {(CHAIN, "group {writer}/3")},
    ),
    "a transaction in a group that is not there": (
        ["UPDATE ledger.transaction SET seq = 99 WHERE id = {declined}"],
        {(CHAIN, "group {writer}/3"), (GROUP, "transaction {declined}")},
    ),
    "a transaction of a writer nobody knows": (
        ["UPDATE ledger.transaction SET writer = 9999999 WHERE id = {declined}"],
        {(CHAIN, "group {writer}/3"), (GROUP, "transaction {declined}")},
    ),
    "a transaction in a group before the first": (
        ["UPDATE ledger.transaction SET seq = 0 WHERE id = {declined}"],
        {(CHAIN, "group {writer}/3"), (GROUP, "transaction {declined}")},
    ),
    "a transaction moved to another day with all that belongs to it": (
        [
            "UPDATE ledger.transaction SET business_date = '2026-01-06' WHERE id = {kept}",
            "UPDATE ledger.entry SET business_date = '2026-01-06' WHERE transaction_id = {kept}",
            "UPDATE ledger.wallet_event SET business_date = '2026-01-06' WHERE transaction_id = {kept}",
            "UPDATE ledger.dedup SET business_date = '2026-01-06' WHERE transaction_id = {kept}",
        ],
        {(CHAIN, "group {writer}/2"), (GROUP, "transaction {kept}")},
    ),
    "an entry moved to another day": (
        ["UPDATE ledger.entry SET business_date = '2026-01-06' WHERE transaction_id = {kept} AND leg = 1"],
        {
            (SUM, "transaction {kept}, asset 156: -20"),
            (SUM, "transaction {kept}, asset 156: 20"),
            (ENTRY, "entry {kept}/1"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "an entry of another wallet": (
        ["UPDATE ledger.entry SET account_id = {poor} WHERE transaction_id = {kept} AND leg = 0"],
        {
            (ENTRY_EVENT, "entry {kept}/0"),
            (SEALS, "wallet {rich}: sealed lots differ from its entries"),
            (SEALS, "wallet {poor}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "a reversal pointed at another original": (
        ["UPDATE ledger.transaction SET original_id = {kept} WHERE id = {undone}"],
        {(BEYOND, "original {kept}"), (WHOLE, "original {kept}"), (CHAIN, "group {writer}/4")},
    ),
    "an original taken back twice": (
        ["UPDATE ledger.transaction SET original_id = {bought} WHERE id = {kept}"],
        {
            (WHOLE, "original {bought}"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "a reversal of half the amount": (
        ["UPDATE ledger.entry SET amount_minor = amount_minor / 2 WHERE transaction_id = {undone}"],
        {
            (WHOLE, "original {bought}"),
            (SEALS, "wallet {rich}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/4"),
        },
    ),
    "a purchase made the reversal of what is owed": (
        ["UPDATE ledger.transaction SET original_id = {due} WHERE id = {spent}"],
        {(CHAIN, "group {other_writer}/4")},
    ),
    "a debt turned round": (
        ["UPDATE ledger.entry SET amount_minor = 70 WHERE transaction_id = {restored} AND account_kind = 4"],
        {
            (SUM, "transaction {restored}, asset 156: 140"),
            (BEYOND, "original {due}"),
            (WHOLE, "original {void}"),
            (CHAIN, "group {other_writer}/5"),
        },
    ),
    "a debt kept for what is voided": (
        [
            "DELETE FROM ledger.entry WHERE transaction_id = {forgave} AND account_kind = 4",
            "UPDATE ledger.entry SET amount_minor = 80 WHERE transaction_id = {forgave} AND account_kind = 1",
        ],
        {
            (OWED, "original {owed}"),
            (SEALS, "wallet {forgiven}: sealed lots differ from its entries"),
            (CHAIN, "group {other_writer}/10"),
        },
    ),
    "a purchase that is owed": (
        ["UPDATE ledger.entry SET account_kind = 4 WHERE transaction_id = {kept} AND leg = 0"],
        {
            (OWES, "entry {kept}/0"),
            (SEALS, "wallet {rich}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/2"),
        },
    ),
    "an event removed": (
        ["DELETE FROM ledger.wallet_event WHERE transaction_id = {kept}"],
        {(ENTRY_EVENT, "entry {kept}/0"), (GAPS, "wallet {rich}")},
    ),
    "the first event removed": (
        ["DELETE FROM ledger.wallet_event WHERE wallet_id = {poor} AND version = 1"],
        {(ENTRY_EVENT, "entry {opened}/2"), (GAPS, "wallet {poor}")},
    ),
    "an event of another transaction": (
        ["UPDATE ledger.wallet_event SET transaction_id = {declined} WHERE transaction_id = {guessed}"],
        {(EVENT, "event of wallet {poor}, version 2")},
    ),
    "an event added": (
        ["INSERT INTO ledger.wallet_event VALUES ({rich}, 5, '2026-01-05', 77)"],
        {
            (EVENT, "event of wallet {rich}, version 5"),
            (NEWEST, "wallet {rich}: version 4, newest event 5"),
        },
    ),
    "an old row put back": (
        ["UPDATE ledger.wallet SET version = 1 WHERE id = {poor}"],
        {(NEWEST, "wallet {poor}: version 1, newest event 2"), (SEALS, "wallet {poor}: SealBroken")},
    ),
    "a wallet removed": (
        ["DELETE FROM ledger.wallet WHERE id = {poor}"],
        {(NEWEST, "wallet {poor}: version none, newest event 2")},
    ),
    "a wallet added": (
        ["INSERT INTO ledger.wallet VALUES (5, 1, 1, '\\x00')"],
        {(NEWEST, "wallet 5: version 1, newest event none"), (SEALS, "wallet 5: SealBroken")},
    ),
    "a seal broken": (
        ["UPDATE ledger.wallet SET sealed = sealed || '\\x00' WHERE id = {rich}"],
        {(SEALS, "wallet {rich}: SealBroken")},
    ),
    "another wallet's seal": (
        [
            ("UPDATE ledger.wallet SET (sealed, version) = "
            "(SELECT sealed, version FROM ledger.wallet WHERE id = {rich}) WHERE id = {poor}"),
        ],
        {(NEWEST, "wallet {poor}: version 4, newest event 2"), (SEALS, "wallet {poor}: SealBroken")},
    ),
    "an answer changed": (
        ["UPDATE ledger.dedup SET outcome = 0 WHERE transaction_id = {declined}"],
        {(KEY, "key of {declined}")},
    ),
    "an answer that leads nowhere": (
        ["UPDATE ledger.dedup SET transaction_id = 77 WHERE transaction_id = {declined}"],
        {(KEY, "key of 77")},
    ),
    "a group removed in the middle": (
        ["DELETE FROM ledger.commit_group WHERE writer = {writer} AND seq = 3"],
        {(CHAIN, "group {writer}/4"), (GROUP, "transaction {declined}")},
    ),
    "a group's hash changed": (
        ["UPDATE ledger.commit_group SET hash = sha256('') WHERE writer = {writer} AND seq = 3"],
        {(CHAIN, "group {writer}/3"), (CHAIN, "group {writer}/4")},
    ),
    "a group's number of transactions changed": (
        ["UPDATE ledger.commit_group SET transactions = 9 WHERE writer = {writer} AND seq = 3"],
        {(CHAIN, "group {writer}/3")},
    ),
    "a group moved to another day": (
        ["UPDATE ledger.commit_group SET business_date = '2026-01-06' WHERE writer = {writer} AND seq = 3"],
        {(CHAIN, "group {writer}/3"), (GROUP, "transaction {declined}")},
    ),
    "the last group removed with its rows": (
        [
            "DELETE FROM ledger.commit_group WHERE writer = {writer} AND seq = 5",
            "DELETE FROM ledger.transaction WHERE writer = {writer} AND seq = 5",
            "DELETE FROM ledger.dedup WHERE transaction_id = {guessed}",
            "DELETE FROM ledger.wallet_event WHERE transaction_id = {guessed}",
        ],
        {(NEWEST, "wallet {poor}: version 2, newest event 1"), (WRITER, "writer {writer}")},
    ),
    "a writer put back": (
        [
            ("UPDATE ledger.writer SET seq = 4, head = "
            "(SELECT hash FROM ledger.commit_group WHERE writer = {writer} AND seq = 4) WHERE id = {writer}"),
        ],
        {(WRITER, "writer {writer}")},
    ),
    "a writer removed": (["DELETE FROM ledger.writer WHERE id = {writer}"], {(WRITER, "writer {writer}")}),
    "a writer's head changed": (
        ["UPDATE ledger.writer SET head = sha256('') WHERE id = {writer}"],
        {(WRITER, "writer {writer}")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_named(books: tuple[str, Names], sealer: Sealer, damage: str) -> None:
    """What was done to the books is found, row by row, and nothing else is found wrong."""
    dsn, names = books
    statements, expected = DAMAGES[damage]
    async with damaged(dsn, *(statement.format(**names) for statement in statements)) as connection:
        offences = (await verify(connection, sealer)).offences
        keys = {
            f"key {row[0]}": f"key of {row[1]}"
            for row in await connection.fetch("SELECT encode(key, 'hex'), transaction_id FROM ledger.dedup")
        }

    found = [(offence.check, keys.get(offence.row, offence.row)) for offence in offences]
    assert sorted(found) == sorted((check, row.format(**names)) for check, row in expected)


def test_each_check_is_tested() -> None:
    """No check is left without damage that it finds."""
    found = {check for _, offences in DAMAGES.values() for check, _ in offences}

    assert found == {*ALL_CHECKS} - {DAY_SEALS, BALANCE}


async def test_clean_books(books: tuple[str, Names], sealer: Sealer) -> None:
    """Clean books are found clean; the report says what was checked."""
    async with session(books[0]) as connection:
        report = await verify(connection, sealer)

    assert report == Report(ALL_CHECKS, wallets=6, transactions=16, offences=())
    assert report.is_clean


async def test_books_without_any_row(empty_books: str, sealer: Sealer) -> None:
    """A ledger nobody has used yet is clean."""
    async with session(empty_books) as connection:
        assert (await verify(connection, sealer)).is_clean


@pytest.fixture
def empty_books(database_dsn: str) -> str:
    """A migrated database, and no more."""
    return database_dsn


async def test_clean_beside_running_traffic(start_node: StartNode) -> None:
    """Verification reads one snapshot: traffic beside it never looks like damage."""
    nodes = await start_node(), await start_node()
    wallets = await nodes[0].open(*[100_000] * 16)

    async def shop(node: Node) -> None:
        for i in range(25):
            await node.post_all(node.till.purchase(wallet, 1, stan=f"{wallet}-{i}") for wallet in wallets)
            await node.post_all(node.till.reversal(f"{wallet}-{i}", 1) for wallet in wallets[::2])

    shopping = asyncio.gather(*map(shop, nodes))
    looks = 0
    while not shopping.done():
        assert await nodes[0].offences() == []
        looks += 1
    await shopping

    assert looks > 1
    assert FIRST_DATE in {lane._writer.open_date for lane in nodes[0].ledger._lanes}
