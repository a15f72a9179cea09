"""Sealed columns move under a newer key row by row, and what doesn't open stays."""

from collections.abc import Sequence

import pytest

from directory.customer_service import DocumentKind, Person, add_customer
from directory.resealing import (
    CARD_NUMBERS,
    LOWEST_ID,
    PERSONAL_DATA,
    Resealed,
    SealedColumn,
    reseal_rows,
    rows_sealed_under,
)

from .card_room import CardRoom

NEW, OLD, BROKEN = b"\x00\x09", b"\x00\x02", b"\x00\x01"


class Vault:
    """Seals with a key's number in front."""

    async def seal(self, field: str, text: str) -> bytes:
        """Under the old key; what is told to be broken, under one that nobody has."""
        return (BROKEN if "broken" in text else OLD) + text.encode()

    async def open(self, field: str, sealed: bytes) -> str:
        """Not asked for here."""
        raise NotImplementedError

    async def index(self, field: str, text: str) -> bytes:
        """Text of that length."""
        return text.encode()[:16].ljust(16)


async def reseal(sealed: Sequence[bytes]) -> list[bytes | None]:
    """Under the new key, unless it doesn't open."""
    return [NEW + each[2:] if each.startswith(OLD) else None for each in sealed]


@pytest.fixture
async def persons(room: CardRoom) -> CardRoom:
    """Five customers, of whom one has a name that doesn't open."""
    for number, name in enumerate(("a", "b", "broken", "d", "e")):
        person = Person(name, DocumentKind.OTHER, f"DOC{number}")
        await room.office.run(
            room.clerk, lambda work, p=person: add_customer(work, Vault(), room.issuer.id, p)
        )
    return room


async def test_rows_move_a_few_at_a_time(persons: CardRoom) -> None:
    """Each call goes on behind the last row, until none is left."""
    place = PERSONAL_DATA[0]
    async with persons.office.connections() as connection:
        after, told = LOWEST_ID, []
        while True:
            told.append(await reseal_rows(connection, place, reseal, 9, after, 2))
            last = told[-1].last
            if last is None:
                break
            after = last
        counts = [await rows_sealed_under(connection, [place], key_id) for key_id in (1, 2, 9)]

    assert [Resealed(2, 2, 0), Resealed(4, 1, 1), Resealed(5, 1, 0), Resealed(None, 0, 0)] == told
    assert [1, 0, 4] == counts


async def test_row_that_changed_meanwhile_stays_as_it_is(persons: CardRoom) -> None:
    """A seal that isn't the one read any more is not overwritten."""

    async def slowly(sealed: Sequence[bytes]) -> list[bytes | None]:
        await persons.office.execute(
            "UPDATE directory.customer SET name_sealed = $1 WHERE id = 1", NEW + b"x"
        )
        return await reseal(sealed)

    async with persons.office.connections() as connection:
        told = await reseal_rows(connection, PERSONAL_DATA[0], slowly, 9, LOWEST_ID, 2)
    (row,) = await persons.office.rows("SELECT name_sealed FROM directory.customer WHERE id = 1")

    assert Resealed(2, 1, 0) == told
    assert NEW + b"x" == row["name_sealed"]


async def test_all_that_is_broken_moves_nothing(persons: CardRoom) -> None:
    """Rows of which none opens are counted."""

    async def none(sealed: Sequence[bytes]) -> list[bytes | None]:
        return [None for _ in sealed]

    async with persons.office.connections() as connection:
        assert Resealed(5, 0, 5) == await reseal_rows(connection, PERSONAL_DATA[1], none, 9, LOWEST_ID, 9)


async def test_every_sealed_column_is_listed(room: CardRoom) -> None:
    """No table of the directory has a sealed column that would be left behind."""
    rows = await room.office.rows(
        """SELECT table_name, column_name FROM information_schema.columns
           WHERE table_schema = 'directory' AND column_name LIKE '%sealed'"""
    )
    listed = {(place.table, place.column) for place in (*CARD_NUMBERS, *PERSONAL_DATA)}

    assert {(f"directory.{row['table_name']}", row["column_name"]) for row in rows} == listed
    assert SealedColumn("directory.card", "pan_sealed") in CARD_NUMBERS
