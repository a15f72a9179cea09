"""Commands change the directory whole, on any number of nodes at once."""

import asyncio
from dataclasses import replace

import pytest

from directory.batch_rules import BatchEnd
from directory.change_log import Change, read_changes
from directory.commands import (
    CardRow,
    TerminalUnknown,
    change_master_key,
    insert_cards,
    open_batch,
    record_sign_off,
    record_sign_on,
    record_verified,
)
from directory.key_sets import KEY_SETS_MAX
from directory.product_terms import CardService
from directory.reading import microseconds, read_cards, read_products, read_terminals
from directory.records import (
    CardState,
    KeySet,
    Merchant,
    MerchantState,
    PanIndex,
    Product,
    Terminal,
    TerminalState,
)
from directory.subjects import Kind
from storage.database import DatabaseUnavailable, connect

from .conftest import MERCHANT_ID, TERMINAL_ID, AddCards, Connection

NAME = (MERCHANT_ID, TERMINAL_ID)
NOW_US = 1_764_000_000_000_001


def keys(created_at_us: int, *, verified: bool = False) -> KeySet:
    """Session keys of a time."""
    return KeySet(created_at_us, verified, f"P0 {created_at_us}", f"M3 {created_at_us}")


async def stored(connection: Connection) -> Terminal:
    """The terminal as the database has it."""
    return (await read_terminals(connection, [NAME]))[NAME]


async def test_product_comes_back_with_its_versions(connection: Connection, product: Product) -> None:
    """What is stored means the same when it is read."""
    assert {product.id: product} == await read_products(connection, [product.id])


async def test_terminal_comes_with_its_merchant(connection: Connection, merchant: Merchant) -> None:
    """A new one has its batch open and no session keys."""
    expected = Terminal(TERMINAL_ID, merchant, TerminalState.ACTIVE, "D0112K0", "000001", (), version=0)

    assert expected == await stored(connection)


async def test_cards_are_stored_in_bulk(connection: Connection, add_cards: AddCards) -> None:
    """Every card of a bulk insert is found by its index."""
    indexes = await add_cards(*range(100, 1100))

    found = await read_cards(connection, indexes, {})

    assert list(range(100, 1100)) == sorted(card.wallet_id for card in found.values())


async def test_wallet_has_one_card_at_a_time(connection: Connection, product: Product) -> None:
    """A replacement takes over the wallet; two live cards can't share one."""
    rows = [
        CardRow(bytes([n]) * 16, 7, product.id, state, "3112", b"sealed", b"salt", b"value", id=n)
        for n, state in enumerate(
            (CardState.REPLACED, CardState.REPLACED, CardState.ACTIVE, CardState.FROZEN)
        )
    ]
    await insert_cards(connection, rows[:3])

    with pytest.raises(DatabaseUnavailable):
        await insert_cards(connection, rows[3:])


def test_card_row_hides_itself() -> None:
    """Nothing of a card's row but its wallet is in the repr."""
    row = CardRow(b"index", 7, 1, CardState.ACTIVE, "3112", b"sealed", b"salt", b"value")

    assert repr(row) == "<CardRow of wallet 7>"


async def test_sign_on_keeps_the_old_keys(connection: Connection) -> None:
    """The new set waits behind the old one; what is returned is what is stored."""
    await record_sign_on(connection, *NAME, keys(NOW_US))
    terminal = await record_sign_on(connection, *NAME, keys(NOW_US + 5))

    assert (keys(NOW_US), keys(NOW_US + 5)) == terminal.key_sets
    assert terminal == await stored(connection)


async def test_sign_on_of_a_slow_clock_is_still_the_newest(connection: Connection) -> None:
    """A node whose clock is behind hands out a set that counts as newer than those before it."""
    await record_sign_on(connection, *NAME, keys(NOW_US))
    terminal = await record_sign_on(connection, *NAME, keys(NOW_US - 1_000_000))

    assert [each.created_at_us for each in terminal.key_sets] == [NOW_US, NOW_US + 1]
    assert terminal.key_sets[-1].pin_key == keys(NOW_US - 1_000_000).pin_key


async def test_flood_of_sign_ons_keeps_the_keys_in_use(connection: Connection) -> None:
    """However many sets are handed out, few are kept, and the verified one is among them."""
    await record_sign_on(connection, *NAME, keys(NOW_US))
    await record_verified(connection, *NAME, keys(NOW_US))
    for later in range(1, 10):
        await record_sign_on(connection, *NAME, keys(NOW_US + later))
    terminal = await stored(connection)

    assert len(terminal.key_sets) == KEY_SETS_MAX
    assert keys(NOW_US, verified=True) == terminal.key_sets[0]


async def test_verified_set_ends_the_older_ones(connection: Connection) -> None:
    """Once a set is proven the older go and the newer stay."""
    for later in range(3):
        await record_sign_on(connection, *NAME, keys(NOW_US + later))
    terminal = await record_verified(connection, *NAME, keys(NOW_US + 1))

    assert (keys(NOW_US + 1, verified=True), keys(NOW_US + 2)) == terminal.key_sets
    assert terminal == await stored(connection)


async def test_verified_again_and_after_the_end_changes_no_keys(connection: Connection) -> None:
    """A second proof, or that of a set that went meanwhile, leaves the sets alone."""
    for later in range(2):
        await record_sign_on(connection, *NAME, keys(NOW_US + later))
    await record_verified(connection, *NAME, keys(NOW_US + 1))
    for used in (NOW_US, NOW_US + 1):
        terminal = await record_verified(connection, *NAME, keys(used))

        assert (keys(NOW_US + 1, verified=True),) == terminal.key_sets


async def test_each_change_grows_the_version(connection: Connection) -> None:
    """Readings of different changes can be told apart."""
    versions = [
        (await record_sign_on(connection, *NAME, keys(NOW_US))).version,
        (await record_verified(connection, *NAME, keys(NOW_US))).version,
        (await open_batch(connection, *NAME, closing="000001")).version,
    ]

    assert versions == [1, 2, 3]


async def test_two_nodes_sign_on_at_once(connection: Connection, database_dsn: str) -> None:
    """Sign-ons on two nodes wait for each other, and both sets are kept."""
    nodes = [await connect(database_dsn) for _ in range(2)]
    signed_on = await asyncio.gather(
        *(
            record_sign_on(node, *NAME, replace(keys(NOW_US), pin_key=f"node {n}"))
            for n, node in enumerate(nodes)
        )
    )
    for node in nodes:
        await node.close()

    terminal = await stored(connection)

    assert {"node 0", "node 1"} == {each.pin_key for each in terminal.key_sets}
    assert sorted(each.version for each in signed_on) == [1, 2]
    assert terminal in signed_on


async def test_sign_off_keeps_the_keys(connection: Connection) -> None:
    """A sign-off is noted, but anybody could have sent it: the keys stay good."""
    before = await record_sign_on(connection, *NAME, keys(NOW_US))
    await record_sign_off(connection, *NAME)

    assert before == await stored(connection)
    assert await connection.fetchval("SELECT signed_off_at IS NOT NULL FROM directory.terminal")


@pytest.mark.parametrize(
    ("open_now", "expected"), [("000001", "000002"), ("000999", "001000"), ("999999", "000001")]
)
async def test_open_batch(connection: Connection, open_now: str, expected: str) -> None:
    """The next batch is one higher, and the first again after the last."""
    await connection.execute("UPDATE directory.terminal SET batch = $1", open_now)

    assert expected == (await open_batch(connection, *NAME, closing=open_now)).batch


async def test_batch_is_closed_once(connection: Connection) -> None:
    """Whoever closes the same batch second finds the next one open."""
    first = await open_batch(connection, *NAME, closing="000001")
    second = await open_batch(connection, *NAME, closing="000001")

    assert first == second
    assert await connection.fetchval("SELECT count(*) FROM directory.terminal_batch") == 1


async def test_closed_batch_is_kept(connection: Connection) -> None:
    """What closed it is known, and it closes in the moment in which the next one opens; views are told."""
    opened_us = await connection.fetchval("SELECT batch_opened_us FROM directory.terminal")
    seen = (await read_changes(connection, None)).seen
    await open_batch(connection, *NAME, closing="000001", closed_by=BatchEnd.OPERATOR)
    following_us = await connection.fetchval("SELECT batch_opened_us FROM directory.terminal")
    kept = await connection.fetchrow("SELECT * FROM directory.terminal_batch")

    assert kept is not None
    assert (*NAME, "000001", opened_us, following_us, "operator") == tuple(kept)
    assert (Change(Kind.TERMINAL, "/".join(NAME)),) == (await read_changes(connection, seen)).changes


async def test_terminal_has_what_it_and_its_merchant_have(connection: Connection) -> None:
    """It offers and takes what both do; who says nothing of it does everything."""
    before = await stored(connection)
    await connection.execute("UPDATE directory.merchant SET services = '{purchase,refund}'")
    of_merchant = await stored(connection)
    await connection.execute("UPDATE directory.terminal SET services = '{refund,top_up}', accepts = '{3,4}'")
    of_both = await stored(connection)

    assert (before.offers, before.accepts) == (None, None)
    assert (of_merchant.offers, of_merchant.accepts) == ({CardService.PURCHASE, CardService.REFUND}, None)
    assert (of_both.offers, of_both.accepts) == ({CardService.REFUND}, {3, 4})


async def test_unknown_terminal_can_not_be_changed(connection: Connection) -> None:
    """A change of a terminal that doesn't exist is an error and stores nothing."""
    for change in (record_sign_on, record_verified):
        with pytest.raises(TerminalUnknown):
            await change(connection, MERCHANT_ID, "T9999999", keys(NOW_US))
    with pytest.raises(TerminalUnknown):
        await open_batch(connection, MERCHANT_ID, "T9999999", closing="000001")

    assert await connection.fetchval("SELECT count(*) FROM directory.terminal_key_set") == 0


async def test_times_are_exact(connection: Connection) -> None:
    """A set's time, which names it, survives the database to the microsecond."""
    await record_sign_on(connection, *NAME, keys(NOW_US))

    assert (
        microseconds(await connection.fetchval("SELECT created_at FROM directory.terminal_key_set")) == NOW_US
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory.terminal SET batch = '000000'",
        "UPDATE directory.terminal SET state = 'lost'",
        "UPDATE directory.merchant SET merchant_id = 'short'",
        "UPDATE directory.product SET name = ''",
        "UPDATE directory.card SET expiry = '3113'",
        "UPDATE directory.card SET pan_index = 'x'",
        "UPDATE directory.card SET state = 'unknown'",
    ],
)
async def test_nonsense_is_refused_by_the_tables(
    connection: Connection, add_cards: AddCards, statement: str
) -> None:
    """What no command would store, the schema does not take from anybody else."""
    await add_cards(7)

    with pytest.raises(Exception, match="violates check constraint"):
        await connection.execute(statement)


async def test_database_knows_the_states_of_the_program(connection: Connection, product: Product) -> None:
    """Each state of a card, merchant and terminal can be stored."""
    cards = [
        CardRow(bytes([n]) * 16, n, product.id, state, "3112", b"sealed", b"salt", b"value")
        for n, state in enumerate(CardState)
    ]
    await insert_cards(connection, cards)
    for state in MerchantState:
        await connection.execute("UPDATE directory.merchant SET state = $1", state)
    for terminal_state in TerminalState:
        await connection.execute("UPDATE directory.terminal SET state = $1", terminal_state)
    found = await read_cards(connection, [PanIndex(row.pan_index) for row in cards], {})

    assert set(CardState) == {card.state for card in found.values()}


async def test_a_track_key_is_kept_with_its_set(connection: Connection) -> None:
    """A sign-on that asks for one gets it stored beside the others."""
    new = replace(keys(NOW_US), track_key="D0")

    terminal = await record_sign_on(connection, *NAME, new)

    assert terminal.key_sets[-1].track_key == "D0"
    assert (await stored(connection)).key_sets[-1] == terminal.key_sets[-1]


async def test_a_terminal_gets_another_master_key(connection: Connection) -> None:
    """Its version grows and views are told to read it anew; its session keys stay."""
    await record_sign_on(connection, *NAME, keys(NOW_US))
    before = await stored(connection)

    seen = (await read_changes(connection, None)).seen
    await change_master_key(connection, *NAME, "K0 new")

    after = await stored(connection)
    assert (Change(Kind.TERMINAL, "/".join(NAME)),) == (await read_changes(connection, seen)).changes
    assert (after.master_key, after.version) == ("K0 new", before.version + 1)
    assert after.key_sets == before.key_sets


async def test_an_unknown_terminal_gets_no_master_key(connection: Connection) -> None:
    """There has to be one of that name."""
    with pytest.raises(TerminalUnknown):
        await change_master_key(connection, MERCHANT_ID, "T9999999", "K0 new")
