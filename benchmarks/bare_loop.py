"""The bare loop: the least a durable switch must do, as the measure of ours.

It frames, decodes 16 fields, changes a balance, writes a transfer and its two entries in one group commit,
and replies. No MAC, PIN, duplicate check, limit, seal, log or metric; nothing here may be used for money.
Messages are ISO 8583:1987 in ASCII behind a 2-byte length, so that any generator for that can drive it.

    python -m benchmarks.bare_loop DSN PORT CONNECTIONS
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

import asyncpg
import uvloop

from benchmarks.frames import take_frames

ACCOUNTS = 200_000
GROUP_LIMIT = 512

FIXED = {3: 6, 4: 12, 7: 10, 11: 6, 12: 6, 13: 4, 22: 3, 25: 2, 37: 12, 41: 8, 42: 15, 49: 3, 52: 16}
VARIABLE = {2: (2, 19), 32: (2, 11), 60: (3, 999)}
Fields = dict[int, str]

SCHEMA = f"""
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.account (id bigint PRIMARY KEY, balance bigint NOT NULL, version bigint NOT NULL DEFAULT 0)
    WITH (fillfactor = 70);
CREATE TABLE bare.transfer (id bigint PRIMARY KEY, reference bytea NOT NULL UNIQUE, amount bigint NOT NULL,
                            at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare.entry (transfer_id bigint NOT NULL, account_id bigint NOT NULL, amount bigint NOT NULL,
                         balance_after bigint, version bigint);
CREATE INDEX ON bare.entry (account_id, version);
INSERT INTO bare.account SELECT g, 100000000 FROM generate_series(1, {ACCOUNTS}) g;
"""

LOCK = "SELECT id, balance, version FROM bare.account WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"
WRITE = """
WITH transfers AS (
    INSERT INTO bare.transfer (id, reference, amount)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[])),
entries AS (
    INSERT INTO bare.entry
    SELECT * FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]))
UPDATE bare.account a SET balance = u.balance, version = u.version
  FROM unnest($9::bigint[], $10::bigint[], $11::bigint[]) AS u (id, balance, version) WHERE a.id = u.id
"""


def compile_plan(bitmap: int) -> Callable[[str], Fields]:
    """A decoder for messages with exactly these fields."""
    fields = [number for number in range(2, 65) if bitmap >> (64 - number) & 1]
    lines = ["def decode(text):", " start = 20"]
    for number in fields:
        if number in FIXED:
            lines.append(f" end = start + {FIXED[number]}; f{number} = text[start:end]; start = end")
        else:
            digits, longest = VARIABLE[number]
            lines.append(f" start += {digits}; length = int(text[start - {digits}:start])")
            lines.append(f" if length > {longest}: raise ValueError({number})")
            lines.append(f" end = start + length; f{number} = text[start:end]; start = end")
    lines.append(" if start != len(text): raise ValueError(0)")
    lines.append(f" return {{{', '.join(f'{number}: f{number}' for number in fields)}}}")
    names: dict[str, Callable[[str], Fields]] = {}
    exec("\n".join(lines), names)
    return names["decode"]


class Engine:
    """Gathers purchases while a group commits, on each of a few connections."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, bytes, Callable[[], None]]] = []
        self.arrived = asyncio.Event()
        self._number = time.time_ns()

    async def run(self, dsn: str, connections: int) -> None:
        """Commit groups for ever."""
        opened = [await asyncpg.connect(dsn) for _ in range(connections)]
        await asyncio.gather(*(self._commit_groups(connection) for connection in opened))

    async def _commit_groups(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        lock, write = await connection.prepare(LOCK), await connection.prepare(WRITE)
        while True:
            while not self.waiting:
                self.arrived.clear()
                await self.arrived.wait()
            group, self.waiting = self.waiting[:GROUP_LIMIT], self.waiting[GROUP_LIMIT:]
            await connection.execute("BEGIN")
            ids = sorted({purchase[0] for purchase in group})
            accounts = {row[0]: [row[1], row[2]] for row in await lock.fetch(ids)}
            await write.fetch(*self._rows(group, accounts, ids))
            await connection.execute("COMMIT")
            for purchase in group:
                purchase[3]()

    def _rows(
        self,
        group: list[tuple[int, int, bytes, Callable[[], None]]],
        accounts: dict[int, list[int]],
        ids: list[int],
    ) -> list[list[Any]]:
        numbers, references, amounts = [], [], []
        entries: list[list[Any]] = [[], [], [], [], []]
        for account_id, amount, reference, _ in group:
            self._number += 1
            account = accounts[account_id]
            account[0] -= amount
            account[1] += 1
            numbers.append(self._number)
            references.append(reference)
            amounts.append(amount)
            entries[0] += (self._number, self._number)
            entries[1] += (account_id, 0)
            entries[2] += (-amount, amount)
            entries[3] += (account[0], None)
            entries[4] += (account[1], None)
        balances = [[accounts[i][0] for i in ids], [accounts[i][1] for i in ids]]
        return [numbers, references, amounts, *entries, list(ids), *balances]


class Line(asyncio.Protocol):
    """One connection: frames in, purchases to the engine, replies out."""

    engine: Engine
    plans: ClassVar[dict[str, Callable[[str], Fields]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        """Queue each message that is whole."""
        self._buffer += data
        for frame in take_frames(self._buffer):
            self._queue(frame.decode("ascii"))
        self.engine.arrived.set()

    def _queue(self, text: str) -> None:
        bitmap = text[4:20]
        plan = self.plans.get(bitmap)
        if plan is None:
            plan = self.plans[bitmap] = compile_plan(int(bitmap, 16))
        fields = plan(text)
        transport = self._transport

        def reply() -> None:
            answer = (
                f"0210303800000A808000{fields[3]}{fields[4]}{fields[11]}{fields[12]}{fields[13]}{fields[37]}00"
                f"{fields[41]}{fields[49]}"
            )
            if not transport.is_closing():
                transport.write(len(answer).to_bytes(2, "big") + answer.encode())

        account_id = int(fields[2][-6:]) % ACCOUNTS + 1
        reference = (fields[41] + fields[11] + fields[37]).encode()
        self.engine.waiting.append((account_id, int(fields[4]), reference, reply))


async def main(dsn: str, port: int, connections: int) -> None:
    """Make the schema, then serve."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    await connection.execute("VACUUM ANALYZE bare.account")
    await connection.close()
    Line.engine = Engine()
    await asyncio.get_running_loop().create_server(Line, "127.0.0.1", port)
    print("ready", flush=True)
    await Line.engine.run(dsn, connections)


if __name__ == "__main__":
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
