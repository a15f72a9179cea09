"""What is noted anywhere is forgotten by the view, and read anew when it comes by next."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest

from directory import change_log, refreshing
from directory.change_log import Change, note_changes, terminal_key
from directory.records import CardState, PanIndex
from directory.refreshing import Refresher, keep_fresh
from directory.subjects import Kind
from directory.view import DirectoryView
from storage.database import DatabaseUnavailable

from .conftest import MERCHANT_ID, TERMINAL_ID, AddCards, Connection, Pool

OTHER: Final = Change(Kind.OPERATOR, "somebody")


@pytest.fixture
def view(pool: Pool) -> DirectoryView:
    """A view of the database."""
    return DirectoryView(pool)


@pytest.fixture
async def refresher(connection: Connection, view: DirectoryView) -> Refresher:
    """Has begun to read the log."""
    refresher = Refresher(view, lambda ranges: None)
    await refresher.refresh(connection)
    return refresher


async def test_first_reading_forgets_what_was_read_before(
    connection: Connection, view: DirectoryView, add_cards: AddCards
) -> None:
    """What the view remembered before the log was read may have changed unseen."""
    (pan_index,) = await add_cards(7)
    await view.card(pan_index)
    await view.terminal(MERCHANT_ID, TERMINAL_ID)

    await Refresher(view, lambda ranges: None).refresh(connection)

    assert view.peek_card(pan_index) is None
    assert view.peek_terminal(MERCHANT_ID, TERMINAL_ID) is None


async def test_changed_card_is_read_anew(
    refresher: Refresher, view: DirectoryView, connection: Connection, add_cards: AddCards
) -> None:
    """The card that was noted has its new state when it comes by next; the other stays in memory."""
    changed, other = await add_cards(7, 8)
    await view.card(changed)
    await view.card(other)
    async with connection.transaction():
        await connection.execute("UPDATE directory.card SET state = 'frozen' WHERE wallet_id = 7")
        await note_changes(connection, [Change(Kind.CARD, changed.hex())])

    await refresher.refresh(connection)

    assert view.peek_card(changed) is None
    assert view.peek_card(other) is not None
    card = await view.card(changed)
    assert card is not None
    assert card.state is CardState.FROZEN


@pytest.mark.parametrize(
    "change",
    [Change(Kind.TERMINAL, terminal_key(MERCHANT_ID, TERMINAL_ID)), Change(Kind.MERCHANT, MERCHANT_ID)],
    ids=["terminal", "merchant"],
)
async def test_changed_terminal_or_merchant_is_read_anew(
    refresher: Refresher, view: DirectoryView, connection: Connection, change: Change
) -> None:
    """A terminal goes with its own change, and with its merchant's."""
    await view.terminal(MERCHANT_ID, TERMINAL_ID)
    await note_changes(connection, [change])

    await refresher.refresh(connection)

    assert view.peek_terminal(MERCHANT_ID, TERMINAL_ID) is None


async def test_change_of_another_merchant_keeps_the_terminal(
    refresher: Refresher, view: DirectoryView, connection: Connection
) -> None:
    """Only what changed is read anew."""
    await view.terminal(MERCHANT_ID, TERMINAL_ID)
    await note_changes(connection, [Change(Kind.MERCHANT, "990001999999999"), OTHER])

    await refresher.refresh(connection)

    assert view.peek_terminal(MERCHANT_ID, TERMINAL_ID) is not None


@pytest.mark.parametrize(("product_id", "stays"), [(3, False), (4, True)])
async def test_cards_of_a_changed_product_are_read_anew(
    refresher: Refresher,
    view: DirectoryView,
    connection: Connection,
    add_cards: AddCards,
    monkeypatch: pytest.MonkeyPatch,
    product_id: int,
    stays: bool,
) -> None:
    """Each card of the product goes, with pauses in which requests are answered; others stay."""
    monkeypatch.setattr("directory.view._BETWEEN_PAUSES", 2)
    indexes = await add_cards(7, 8, 9)
    for pan_index in indexes:
        await view.card(pan_index)
    await note_changes(connection, [Change(Kind.PRODUCT, str(product_id))])

    await refresher.refresh(connection)

    assert [stays] * 3 == [view.peek_card(pan_index) is not None for pan_index in indexes]


async def test_long_log_is_read_to_its_end(
    refresher: Refresher,
    view: DirectoryView,
    connection: Connection,
    add_cards: AddCards,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One refresh reads page after page, and old changes are dropped on the way."""
    monkeypatch.setattr(change_log, "PAGE", 2)
    monkeypatch.setattr(change_log, "KEPT", 3)
    monkeypatch.setattr(refreshing, "_BETWEEN_DROPS", 2)
    (pan_index,) = await add_cards(7)
    await view.card(pan_index)
    await note_changes(connection, [OTHER] * 7 + [Change(Kind.CARD, pan_index.hex())])

    await refresher.refresh(connection)

    assert view.peek_card(pan_index) is None
    assert await connection.fetchval("SELECT count(*) FROM directory.change") == 3


async def test_reading_that_a_change_overtook_is_not_remembered(
    view: DirectoryView, add_cards: AddCards
) -> None:
    """What was asked before the view was told to forget is handed out, and asked for again next time."""
    (pan_index,) = await add_cards(7)
    reading = asyncio.create_task(view.card(pan_index))
    missing = asyncio.create_task(view.terminal(MERCHANT_ID, "T9999999"))
    seeing = asyncio.create_task(view.terminal(MERCHANT_ID, TERMINAL_ID))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    view.forget_card(pan_index)

    assert await reading is not None
    assert await missing is None
    assert await seeing is not None
    assert view.peek_card(pan_index) is None
    assert view.peek_terminal(MERCHANT_ID, TERMINAL_ID) is None


async def test_refreshing_goes_on_after_the_database_failed(
    refresher: Refresher,
    pool: Pool,
    view: DirectoryView,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each failure is told; when the log can be read again, what was noted meanwhile counts."""
    forgotten: asyncio.Queue[PanIndex] = asyncio.Queue()
    monkeypatch.setattr(view, "forget_card", forgotten.put_nowait)
    monkeypatch.setattr(refreshing, "_PAUSE_SECONDS", 0.01)
    failed: asyncio.Queue[Exception] = asyncio.Queue()
    await connection.execute("ALTER TABLE directory.change RENAME TO away")
    fresh = asyncio.create_task(keep_fresh(refresher, pool.acquire, failed.put_nowait, 0.01))

    assert isinstance(await failed.get(), DatabaseUnavailable)
    await connection.execute("ALTER TABLE directory.away RENAME TO change")
    await note_changes(connection, [Change(Kind.CARD, "07")])

    assert b"\x07" == await forgotten.get()
    fresh.cancel()


async def test_ranges_are_taken_when_they_change(view: DirectoryView, connection: Connection) -> None:
    """Once at the beginning, and whenever a range was registered."""
    taken: list[Sequence[tuple[str, str]]] = []
    refresher = Refresher(view, taken.append)
    await refresher.refresh(connection)
    await connection.execute(
        """INSERT INTO directory.number_range
               (id, party_id, name, first, last, pan_digits, ordering, check_digit, quarantine_days, state)
           VALUES (1, 1, 'Ours', '622126', '622925', 16, 'sequence', 'luhn', 0, 'open')"""
    )
    await note_changes(connection, [OTHER])
    await refresher.refresh(connection)
    await note_changes(connection, [Change(Kind.RANGE, "1")])
    await refresher.refresh(connection)

    assert taken == [[], [("622126", "622925")]]
