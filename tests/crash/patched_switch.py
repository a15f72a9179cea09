"""`cardswitch run` with one safeguard taken out, to prove that a run would notice.

    python tests/crash/patched_switch.py PATCH run

Each patch changes the program in this process only, and fails loudly where the code it changes has moved on.
No setting of the product can do any of this.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from unittest.mock import patch

from ledger.intent import Intent
from ledger.original import Original
from ledger.postgres import statements
from ledger.postgres.dedup import ROLE_TOMBSTONE, Result
from ledger.postgres.errors import translated
from ledger.postgres.group import Group, Moved
from ledger.postgres.lane import Lane, Waiting, _Written
from ledger.postgres.session import SealedSwap, Session, WriterHead
from storage.embedded import settings as server_settings
from switch.cli import main
from switch.shell.listener import Connection

_BEFORE_COMMIT_SECONDS: Final = 0.1


def answer_before_commit() -> None:
    """Answers leave when a group is decided, a moment before it is written."""
    attempt, numbered, write = Lane._attempt, Lane._numbered, Session.write
    batches: dict[Lane, Sequence[Waiting]] = {}

    async def attempt_noting(lane: Lane, batch: Sequence[Waiting]) -> _Written:
        batches[lane] = batch
        return await attempt(lane, batch)

    def numbered_and_answered(lane: Lane, group: Group, results: list[Result | Moved]) -> _Written:
        for waiting, result in zip(batches[lane], results, strict=True):
            waiting.answer(result)
        return numbered(lane, group, results)

    async def write_late(
        session: Session, writer: WriterHead, group: Group, digest: bytes, swaps: list[SealedSwap]
    ) -> None:
        await asyncio.sleep(_BEFORE_COMMIT_SECONDS)
        await write(session, writer, group, digest, swaps)

    patch.object(Lane, "_attempt", attempt_noting).start()
    patch.object(Lane, "_numbered", numbered_and_answered).start()
    patch.object(Session, "write", write_late).start()


def no_duplicate_keys() -> None:
    """What was done once leaves no key, so nobody recognises a repeat or finds an original."""
    _change_group("WHERE recorded.n = 1", "WHERE recorded.n = 1 AND false")


def no_wallet_versions() -> None:
    """Wallets are written whatever their version, and the tripwire behind that predicate is cut as well."""
    no_swap_predicate()
    _change_group("journaled.n >= 0\n", "journaled.n >= 0 ON CONFLICT DO NOTHING\n")


def no_swap_predicate() -> None:
    """Wallets are written whatever their version; the unique wallet events still stand behind it."""
    _change_group("WHERE o.id = w.id AND o.version = w.expected", "WHERE o.id = w.id")


def no_tombstone() -> None:
    """A reversal that finds no original says so and leaves nothing behind that would stop a late original."""
    occupy = Group.occupy

    def occupy_by_what_is_there(
        group: Group,
        key: bytes,
        role: int,
        intent: Intent,
        result: Result,
        original: Original | None = None,
        fingerprint: bytes | None = None,
    ) -> None:
        if role != ROLE_TOMBSTONE:
            occupy(group, key, role, intent, result, original, fingerprint)

    patch.object(Group, "occupy", occupy_by_what_is_there).start()


def no_write_deadline() -> None:
    """A peer that leaves its answers lying may do so for ever."""
    patch.object(Connection, "_time_writing", lambda connection: None).start()


def commit_asynchronously() -> None:
    """COMMIT returns before anything has left the server's memory, and the server is in no hurry."""
    server_settings._ALWAYS |= {
        "wal_writer_delay": "10s",
        "wal_writer_flush_after": "1GB",
        "wal_buffers": "64MB",
    }
    write = Session.write

    async def write_fast(
        session: Session, writer: WriterHead, group: Group, digest: bytes, swaps: list[SealedSwap]
    ) -> None:
        with translated():
            await session._connection.execute("SET synchronous_commit = off")
        await write(session, writer, group, digest, swaps)

    patch.object(Session, "write", write_fast).start()


PATCHES: Final[Mapping[str, Callable[[], None]]] = {
    taken_out.__name__: taken_out
    for taken_out in (
        answer_before_commit,
        no_duplicate_keys,
        no_wallet_versions,
        no_swap_predicate,
        no_tombstone,
        no_write_deadline,
        commit_asynchronously,
    )
}


def _change_group(old: str, new: str) -> None:
    assert statements.COMMIT_GROUP.count(old) == 1, old
    statements.COMMIT_GROUP = statements.COMMIT_GROUP.replace(old, new)


if __name__ == "__main__":
    PATCHES[sys.argv.pop(1)]()
    main()
