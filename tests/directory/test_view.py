"""The view answers from memory, loads what it misses, and never goes back to an older terminal."""

import asyncio
from dataclasses import replace

import pytest

from directory.commands import record_sign_on
from directory.records import Card, CardState, KeySet, Merchant, PanIndex, Product
from directory.view import DirectoryView
from storage.database import DatabaseUnavailable

from .conftest import MERCHANT_ID, TERMINAL_ID, AddCards, Connection, Pool

NEW_KEYS = KeySet(1_000_000, verified=False, pin_key="P0", mac_key="M3")


async def test_card_is_loaded_with_its_product(pool: Pool, add_cards: AddCards, product: Product) -> None:
    """A missed card comes from the database; from then on a peek finds it."""
    view = DirectoryView(pool)
    (pan_index,) = await add_cards(7)
    expected = Card(7, product, CardState.ACTIVE, "3112", b"salt", b"value", "3112")

    assert view.peek_card(pan_index) is None
    assert expected == await view.card(pan_index)
    assert expected == view.peek_card(pan_index)


async def test_cards_share_their_product(pool: Pool, add_cards: AddCards) -> None:
    """Cards that come by different queries refer to one product object."""
    view = DirectoryView(pool)
    first, second = [await view.card(pan_index) for pan_index in await add_cards(7, 8)]

    assert first is not None
    assert second is not None
    assert first.product is second.product


async def test_unknown_cards_evict_nothing(pool: Pool, add_cards: AddCards) -> None:
    """A flood of PANs that don't exist leaves the known cards in memory."""
    view = DirectoryView(pool, card_limit=1)
    (known,) = await add_cards(7)
    await view.card(known)
    found = await asyncio.gather(*(view.card(PanIndex(bytes([n]) * 16)) for n in range(1, 100)))

    assert {None} == set(found)
    assert view.peek_card(known) is not None


async def test_memory_is_bounded(pool: Pool, add_cards: AddCards) -> None:
    """Beyond the limit the card used longest ago goes."""
    view = DirectoryView(pool, card_limit=2)
    indexes = await add_cards(7, 8, 9)
    for pan_index in indexes:
        await view.card(pan_index)

    assert [card and card.wallet_id for card in map(view.peek_card, indexes)] == [None, 8, 9]


async def test_terminal_is_loaded_with_its_merchant(pool: Pool, merchant: Merchant) -> None:
    """A missed terminal comes from the database; from then on a peek finds it."""
    view = DirectoryView(pool)
    terminal = await view.terminal(MERCHANT_ID, TERMINAL_ID)

    assert terminal is not None
    assert (merchant, "000001", ()) == (terminal.merchant, terminal.batch, terminal.key_sets)
    assert terminal is view.peek_terminal(MERCHANT_ID, TERMINAL_ID)
    assert terminal is await view.terminal(MERCHANT_ID, TERMINAL_ID)


@pytest.mark.parametrize("name", [(MERCHANT_ID, "T9999999"), ("990001999999999", TERMINAL_ID)])
async def test_terminal_is_named_by_merchant_and_terminal(pool: Pool, name: tuple[str, str]) -> None:
    """A terminal at another merchant is not that terminal."""
    assert await DirectoryView(pool).terminal(*name) is None


async def test_reload_sees_another_nodes_sign_on(pool: Pool, connection: Connection) -> None:
    """The terminal in memory stays as it is until it is read again."""
    view = DirectoryView(pool)
    before = await view.terminal(MERCHANT_ID, TERMINAL_ID)
    signed_on = await record_sign_on(connection, MERCHANT_ID, TERMINAL_ID, NEW_KEYS)

    assert before is await view.terminal(MERCHANT_ID, TERMINAL_ID)
    assert signed_on == await view.reload_terminal(MERCHANT_ID, TERMINAL_ID)
    assert signed_on == view.peek_terminal(MERCHANT_ID, TERMINAL_ID)


async def test_older_reading_does_not_replace_a_newer_one(pool: Pool) -> None:
    """Of two readings the one with the higher version stays, in whatever order they come."""
    view = DirectoryView(pool)
    old = await view.terminal(MERCHANT_ID, TERMINAL_ID)
    assert old is not None
    new = replace(old, version=old.version + 1, batch="000002")

    assert new is view.remember_terminal(new)
    assert new is view.remember_terminal(old)
    assert new is view.peek_terminal(MERCHANT_ID, TERMINAL_ID)


async def test_late_query_returns_the_newer_terminal(pool: Pool) -> None:
    """A query that started before a change hands out what is known by now, not what it read."""
    view = DirectoryView(pool)
    old = await view.terminal(MERCHANT_ID, TERMINAL_ID)
    assert old is not None
    new = view.remember_terminal(replace(old, version=old.version + 1))

    assert new is await view.reload_terminal(MERCHANT_ID, TERMINAL_ID)


async def test_database_errors_reach_each_waiter(pool: Pool, connection: Connection) -> None:
    """When the database can't answer, every waiter is told so by storage's error."""
    view = DirectoryView(pool)
    await connection.execute("ALTER TABLE directory.card RENAME TO gone")
    answers = await asyncio.gather(
        *(view.card(PanIndex(bytes([n]) * 16)) for n in range(3)), return_exceptions=True
    )

    assert [DatabaseUnavailable] * 3 == [type(answer) for answer in answers]


async def test_closed_pool_is_a_database_error(pool: Pool) -> None:
    """A view whose pool has gone says so by storage's error."""
    await pool.close()

    with pytest.raises(DatabaseUnavailable):
        await DirectoryView(pool).terminal(MERCHANT_ID, TERMINAL_ID)


async def test_what_is_not_there_is_asked_for_once_a_moment(pool: Pool, add_cards: AddCards) -> None:
    """An unknown card or terminal costs one query; a moment later it is looked for again."""
    now = [0.0]
    view = DirectoryView(pool, clock=lambda: now[0])
    pan_index = PanIndex((7).to_bytes(16))

    assert await view.card(pan_index) is None
    assert await view.terminal(MERCHANT_ID, "T9999999") is None
    await add_cards(7)
    assert await view.card(pan_index) is None
    await pool.close()
    assert await view.terminal(MERCHANT_ID, "T9999999") is None
    now[0] = 1.0
    with pytest.raises(DatabaseUnavailable):
        await view.terminal(MERCHANT_ID, "T9999999")


async def test_new_card_is_found_within_a_second(pool: Pool, add_cards: AddCards) -> None:
    """What was asked for in vain is found once it is there and the moment is over."""
    now = [0.0]
    view = DirectoryView(pool, clock=lambda: now[0])
    await view.card(PanIndex((7).to_bytes(16)))
    (pan_index,) = await add_cards(7)
    now[0] = 1.0

    assert await view.card(pan_index) is not None
