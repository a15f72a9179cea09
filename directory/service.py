"""The directory as the switch uses it: the view of the hot path, and what a terminal's own messages change.

A change goes to the database first and then into the view, so that what a terminal is told is durable.
"""

import asyncio

import asyncpg

from directory import commands
from directory.records import KeySet, Terminal
from directory.view import DirectoryView
from storage.database import database_errors


class Directory(DirectoryView):
    """The view, and the changes that sign-on, sign-off and the first MAC under new keys make.

    Args:
        pool: As for the view.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        super().__init__(pool)
        self._noting: dict[tuple[str, str, int], asyncio.Future[Terminal]] = {}

    async def signed_on(self, terminal: Terminal, new: KeySet) -> Terminal:
        """Keep the keys that a sign-on hands out; the terminal as it is afterwards.

        Raises:
            DatabaseUnavailable: It is not known whether they were kept.
        """
        told = self._told
        with database_errors():
            async with self._pool.acquire() as connection:
                changed = await commands.record_sign_on(
                    connection, terminal.merchant.merchant_id, terminal.terminal_id, new
                )
        return self._remember_since(told, changed)

    async def verified(self, terminal: Terminal, used: KeySet) -> Terminal:
        """Note that a MAC has proven these keys, which ends older ones.

        After a sign-on many requests may come at once, each of them proof: one note serves them all.

        Raises:
            DatabaseUnavailable: It is not known whether it was noted.
        """
        proof = (terminal.merchant.merchant_id, terminal.terminal_id, used.created_at_us)
        noting = self._noting.get(proof)
        if noting is None:
            noting = self._noting[proof] = asyncio.ensure_future(self._note_verified(terminal, used))
            noting.add_done_callback(lambda _: self._noting.pop(proof))
        return await asyncio.shield(noting)

    async def _note_verified(self, terminal: Terminal, used: KeySet) -> Terminal:
        told = self._told
        with database_errors():
            async with self._pool.acquire() as connection:
                changed = await commands.record_verified(
                    connection, terminal.merchant.merchant_id, terminal.terminal_id, used
                )
        return self._remember_since(told, changed)

    async def signed_off(self, terminal: Terminal) -> None:
        """Note that a terminal said it leaves.

        Raises:
            DatabaseUnavailable: It is not known whether it was noted.
        """
        with database_errors():
            async with self._pool.acquire() as connection:
                await commands.record_sign_off(
                    connection, terminal.merchant.merchant_id, terminal.terminal_id
                )
