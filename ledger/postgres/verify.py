"""`ledger verify`: is every row of the ledger what it should be? Names each row that isn't.

The checks read one snapshot (REPEATABLE READ, read only), so they hold beside a running switch. Those that
SQL can make are data (`checks`). The others need the program: wallets are opened and their lots compared with
what the journal says, the hash chain of each writer is computed anew from the journal, and so are the seals
of days.

A verification stands on the end of a day. A full one stands before the first day, or on the newest day whose
partitions were taken out of the journal. One since a sealed day takes the balances of that day as given once
its seal has proven whole, and reads what came later: rows, and the wallets that they wrote. That a wallet's
row is the newest is always checked of all wallets.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import asyncpg

from ledger.postgres import checks, statements
from ledger.postgres.chain import ENTRY_BYTES, TRANSACTION_BYTES, genesis, packed_hash
from ledger.postgres.days import sealed_by
from ledger.sealer import SealBroken, Sealer, state_in
from ledger.wallet import Lot, UnreadableState

_FETCH: Final = 5_000
_LOT: Final = struct.Struct(">hiqq")
_SESSION: Final = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"

CHAIN: Final = "the hash chain is whole"
DAY_SEALS: Final = "the seals of days are whole"
ALL_CHECKS: Final = (*checks.CHECKS, checks.GAPS, checks.NEWEST, checks.SEALS, CHAIN, DAY_SEALS)

_GROUPS: Final = f"""
SELECT g.writer, g.seq, g.business_date, g.previous_hash, g.hash, g.transactions, coalesce(t.count, 0),
       coalesce(t.bytes, ''), coalesce(e.bytes, '')
  FROM ledger.commit_group g
  LEFT JOIN (SELECT t.writer, t.seq, t.business_date, count(*),
                    string_agg({TRANSACTION_BYTES}, '' ORDER BY t.id) AS bytes
               FROM ledger.transaction t WHERE t.business_date > $1 GROUP BY 1, 2, 3) t
         ON (t.writer, t.seq, t.business_date) = (g.writer, g.seq, g.business_date)
  LEFT JOIN (SELECT t.writer, t.seq, t.business_date,
                    string_agg({ENTRY_BYTES}, '' ORDER BY e.transaction_id, e.leg) AS bytes
               FROM ledger.transaction t
               JOIN ledger.entry e ON e.business_date = t.business_date AND e.transaction_id = t.id
              WHERE t.business_date > $1 AND e.business_date > $1 GROUP BY 1, 2, 3) e
         ON (e.writer, e.seq, e.business_date) = (g.writer, g.seq, g.business_date)
 WHERE g.business_date > $1 ORDER BY g.writer, g.seq, g.business_date
"""

_PREDECESSOR: Final = """
SELECT hash FROM ledger.commit_group WHERE business_date <= $1 AND writer = $2 AND seq = $3
"""


class NotSealed(Exception):
    """There are no sealed balances to stand on."""


class Offence(NamedTuple):
    """A row that fails a check."""

    check: str
    row: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how many rows were read, and what is wrong.

    `since` is the sealed day that the verification stands on, None for the whole journal.
    """

    checks: tuple[str, ...]
    wallets: int
    transactions: int
    offences: tuple[Offence, ...]
    since: date | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.offences


async def verify(
    connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer, since: date | None = None
) -> Report:
    """Check the ledger.

    Args:
        connection: to a migrated database, with no transaction begun.
        sealer: opens the wallets.
        since: a sealed day whose balances are taken as given; None: the whole journal.

    Raises:
        NotSealed: `since` isn't a sealed day.
        SealerUnavailable: the wallets can't be opened now.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_SESSION)
        base = await _base(connection, since)
        verification = _Verification(connection, sealer, base, is_whole=since is None)
        await verification.run()
    offences = tuple(verification.offences)
    return Report(ALL_CHECKS, verification.wallets, verification.transactions, offences, since)


async def _base(connection: "asyncpg.Connection[asyncpg.Record]", since: date | None) -> date:
    """The day on whose end the verification stands."""
    if since is None:
        detached = await connection.fetchval(statements.NEWEST_DETACHED)
        assert detached is None or isinstance(detached, date)
        return detached or date.min
    if not await connection.fetchval(statements.IS_SEALED, since):
        raise NotSealed(f"{since} is not a sealed day")
    return since


class _Verification:
    """One verification under way: what it stands on, and what it has found."""

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        sealer: Sealer,
        base: date,
        *,
        is_whole: bool,
    ) -> None:
        self._connection = connection
        self._sealer = sealer
        self._base = base
        self._is_whole = is_whole
        self.offences: list[Offence] = []
        self.wallets = 0
        self.transactions = 0

    async def run(self) -> None:
        """Make every check."""
        for check, query in checks.CHECKS.items():
            await self._ask(check, query, self._base)
        await self._ask(checks.NEWEST, checks.NEWEST_OF_ALL)
        if self._is_whole:
            await self._ask(checks.GAPS, checks.GAPS_OF_ALL)
            await self._open_wallets(checks.LOTS_OF_ALL, self._base)
        else:
            touched = [row[0] for row in await self._connection.fetch(checks.TOUCHED, self._base)]
            await self._ask(checks.GAPS, checks.GAPS_OF_SOME, touched)
            await self._open_wallets(checks.LOTS_OF_SOME, self._base, touched)
        await self._follow_chains()
        await self._seal_days_anew()

    async def _ask(self, check: str, query: str, *arguments: object) -> None:
        rows = await self._connection.fetch(query, *arguments)
        self.offences.extend(Offence(check, row[0]) for row in rows)

    async def _open_wallets(self, query: str, *arguments: object) -> None:
        """Open wallets, and compare their lots with the journal's."""
        cursor = await self._connection.cursor(query, *arguments)
        while rows := await cursor.fetch(_FETCH):
            self.wallets += len(rows)
            opened = await self._sealer.open_wallets([tuple(row)[:4] for row in rows])
            for row, state in zip(rows, opened, strict=True):
                wrong = _seal_defect(state, row["lots"])
                if wrong is not None:
                    self.offences.append(Offence(checks.SEALS, f"wallet {row['id']}: {wrong}"))

    async def _follow_chains(self) -> None:
        """Compute each writer's chain anew, from where it stood at the base."""
        writer, head, last_seq = 0, b"", 0
        async for row in self._connection.cursor(_GROUPS, self._base, prefetch=_FETCH):
            group_writer, seq, day, previous, digest, count, counted, transactions, entries = row
            if group_writer != writer:
                writer = group_writer
                last_seq, head = await self._start_of(writer, seq, previous)
            computed = packed_hash(previous, writer, seq, day.toordinal(), counted, transactions, entries)
            if (seq, previous, digest, count) != (last_seq + 1, head, computed, counted):
                self.offences.append(Offence(CHAIN, f"group {writer}/{seq}"))
            head, last_seq = digest, seq
            self.transactions += counted

    async def _start_of(self, writer: int, seq: int, previous: bytes) -> tuple[int, bytes]:
        """What a writer's first group here must follow: its last one before the base, or its beginning."""
        if self._base == date.min or seq == 1:
            return 0, genesis(writer)
        before = await self._connection.fetchval(_PREDECESSOR, self._base, writer, seq - 1)
        if before is None and await self._connection.fetchval(statements.NEWEST_DETACHED) is not None:
            # It may have been taken out of the journal, and can't be asked: the seal of its day covers it.
            before = previous
        return seq - 1, before or b""

    async def _seal_days_anew(self) -> None:
        """Compute the seals of days anew, and that of the day which the verification stands on."""
        rows = await self._connection.fetch(statements.SEALS_FROM, self._base)
        previous = await self._connection.fetchrow(statements.SEAL_BEFORE, self._base)
        head = b"" if previous is None else previous[0]
        for day, seal, is_detached in rows:
            if not is_detached and await sealed_by(self._connection, day, head) != seal:
                self.offences.append(Offence(DAY_SEALS, f"day {day}"))
            head = seal


def _seal_defect(opened: bytes | None, lots: bytes) -> str | None:
    """What is wrong with a wallet whose lots in the journal these are, if anything."""
    try:
        state = state_in(opened)
    except (SealBroken, UnreadableState) as defect:
        return type(defect).__name__
    journal = {Lot(*lot) for lot in _LOT.iter_unpack(lots)}
    return None if _filled(state.lots) == journal else "sealed lots differ from its entries"


def _filled(lots: Sequence[Lot]) -> set[Lot]:
    return {lot for lot in lots if lot.balance_minor or lot.held_minor}
