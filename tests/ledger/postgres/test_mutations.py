"""A harness that never fails proves nothing: safeguards are taken out, and the tests' eyes must see it.

Each scenario puts one trap before the ledger and says whether it fell in. The table tells, for safeguards
taken out alone and together, whether harm is seen. Most traps are covered twice: that is why pairs are taken
out, too. Safeguards are words of the group's statement, constraints of the schema, or a line of the program.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.group import Group, Moved, Result
from ledger.postgres.lane import Lane, Waiting, _Written

from .line_cutter import Fault, LineCutter
from .nodes import Node, StartNode, blocked_backends, close_day, locked, session

Patch = pytest.MonkeyPatch


@dataclass
class Trap:
    """A database of its own, two nodes on it, and a line to it for the first."""

    dsn: str
    line: LineCutter
    far: Node
    near: Node


@pytest.fixture
async def trap(database_dsn: str, start_node: StartNode) -> AsyncIterator[Trap]:
    """The nodes are started before anything is taken out: their number and day don't depend on it."""
    async with LineCutter.to(database_dsn) as line:
        trap = Trap(database_dsn, line, await start_node(line.dsn), await start_node(database_dsn))
        yield trap
        await trap.far.ledger.stop()


# ---- what can be taken out


@dataclass(frozen=True)
class Safeguard:
    """How it is taken out: words of the statement replaced, a constraint dropped, or the program changed."""

    words: Sequence[tuple[str, str]] = ()
    constraint: tuple[str, str] | None = None
    program: Callable[[Patch], None] | None = None


def answer_early(patch: Patch) -> None:
    """Answer as soon as it is decided, before COMMIT."""
    attempt, numbered = Lane._attempt, Lane._numbered
    deciding: list[Sequence[Waiting]] = []

    async def early_attempt(lane: Lane, batch: Sequence[Waiting]) -> _Written:
        deciding.append(batch)
        return await attempt(lane, batch)

    def early_numbered(lane: Lane, group: Group, results: list[Result | Moved]) -> _Written:
        for waiting, result in zip(deciding.pop(), results, strict=True):
            waiting.answer(result)
        return numbered(lane, group, results)

    patch.setattr(Lane, "_attempt", early_attempt)
    patch.setattr(Lane, "_numbered", early_numbered)


def write_wallets_as_they_come(patch: Patch) -> None:
    """Send wallets in the order of the requests, which differs between nodes."""

    def swaps(group: Group) -> object:
        wanted = dict.fromkeys(row.wallet_id for row in group.transactions)
        return [(wallet_id, group.knowledge.wallets[wallet_id or 0]) for wallet_id in wanted]

    patch.setattr(Group, "swaps", swaps)


SAFEGUARDS = {
    "version": Safeguard(words=[(" AND o.version = w.expected", "")]),
    "assertion": Safeguard(words=[("cardinality($13::text::bigint[]), assertion.n", "0, 0")]),
    "answers": Safeguard(words=[("recorded.n = 1", "recorded.n = 2")]),
    "seq": Safeguard(words=[(" AND seq = $2 - 1", "")]),
    "epoch": Safeguard(words=[(" AND epoch = $3", " AND $3::int >= 0")]),
    "open date": Safeguard(words=[(" AND open_date = $6", "")]),
    "unique answers": Safeguard(constraint=("dedup", "dedup_pkey")),
    "unique events": Safeguard(constraint=("wallet_event", "wallet_event_pkey")),
    "unique groups": Safeguard(constraint=("commit_group", "commit_group_pkey")),
    "unique transactions": Safeguard(constraint=("transaction", "transaction_pkey")),
    "unique entries": Safeguard(constraint=("entry", "entry_pkey")),
    "commit first": Safeguard(program=answer_early),
    "order of wallets": Safeguard(program=write_wallets_as_they_come),
}


async def take_out(dsn: str, names: Sequence[str], patch: Patch) -> None:
    """Take safeguards out; each must have been there."""
    statement = statements.COMMIT_GROUP
    async with session(dsn) as connection:
        for safeguard in (SAFEGUARDS[name] for name in names):
            for before, after in safeguard.words:
                assert statement.count(before) == 1, before
                statement = statement.replace(before, after)
            if safeguard.constraint is not None:
                table, constraint = safeguard.constraint
                await connection.execute(f"ALTER TABLE ledger.{table} DROP CONSTRAINT {constraint}")
            if safeguard.program is not None:
                safeguard.program(patch)
    patch.setattr(statements, "COMMIT_GROUP", statement)


# ---- traps; each says whether harm was done


async def two_nodes_spend_one_wallet(trap: Trap) -> bool:
    """Both know the wallet as it was; both buy for more than half of it."""
    (wallet,) = await trap.near.open(1000)
    await trap.far.post(trap.far.till.inquiry(wallet))
    await trap.near.post(trap.near.till.purchase(wallet, 600))

    outcome = await trap.far.post(trap.far.till.purchase(wallet, 600))

    return outcome is not Outcome.INSUFFICIENT_FUNDS or bool(await trap.near.offences())


async def decline_on_an_old_version(trap: Trap) -> bool:
    """The money came back on the other node before the request came."""
    (wallet,) = await trap.far.open(1000)
    await trap.far.post(trap.far.till.purchase(wallet, 1000, stan="1"))
    await trap.near.post(trap.far.till.reversal("1", 1000))

    return await trap.far.post(trap.far.till.purchase(wallet, 1000)) is Outcome.INSUFFICIENT_FUNDS


async def request_is_repeated(trap: Trap) -> bool:
    """The repeat comes later, on the other node."""
    (wallet,) = await trap.near.open(1000)
    intent = trap.near.till.purchase(wallet, 100)
    await trap.near.post(intent)
    await trap.far.post(trap.near.till.again(intent))

    return await trap.near.balances([wallet]) != [900]


async def original_overtaken_by_its_reversal(trap: Trap) -> bool:
    """The original is decided and on its way when its reversal finds nothing, and says so."""
    (wallet,) = await trap.far.open(1000)
    trap.line.arm(Fault.HOLD)
    buying = asyncio.create_task(trap.far.post(trap.far.till.purchase(wallet, 100, stan="1")))
    await trap.line.struck.wait()
    assert await trap.near.post(trap.far.till.reversal("1", 100)) is Outcome.ORIGINAL_NOT_FOUND
    trap.line.release()
    await buying

    return await trap.near.balances([wallet]) != [1000]


async def two_reversals_cross(trap: Trap) -> bool:
    """Two reversals of one purchase, under different keys: one is on its way when the other is posted."""
    (wallet,) = await trap.far.open(1000)
    await trap.far.post(trap.far.till.purchase(wallet, 100, stan="1"))
    trap.line.arm(Fault.HOLD)
    reversing = asyncio.create_task(trap.far.post(trap.far.till.reversal("1", 100, stan="a")))
    await trap.line.struck.wait()
    await trap.near.post(trap.far.till.reversal("1", 100, stan="b"))
    trap.line.release()
    await reversing

    return bool(await trap.near.offences())


async def statement_comes_after_its_retry(trap: Trap) -> bool:
    """A group whose line was cut reaches the server when it has been written anew."""
    (wallet,) = await trap.far.open(1000)
    trap.line.arm(Fault.DELAY)
    await trap.far.post(trap.far.till.purchase(wallet, 100))
    trap.line.deliver_late()
    await trap.line.late_answer

    return bool(await trap.near.offences())


async def statement_comes_before_its_retry(trap: Trap) -> bool:
    """It arrives when the lane has found out that it had not, and has decided again."""
    (wallet,) = await trap.far.open(1000)
    trap.line.arm(Fault.DELAY)
    buying = asyncio.create_task(trap.far.post(trap.far.till.purchase(wallet, 100)))
    await trap.line.struck.wait()
    trap.line.arm(Fault.HOLD)
    await trap.line.struck.wait()
    trap.line.deliver_late()
    await trap.line.late_answer
    trap.line.release()
    approved = await buying is Outcome.APPROVED

    return await trap.near.posted(wallet) != approved or bool(await trap.near.offences())


async def day_is_closed_meanwhile(trap: Trap) -> bool:
    """A group decided on a day is on its way when the day is closed."""
    (wallet,) = await trap.far.open(1000)
    trap.line.arm(Fault.HOLD)
    buying = asyncio.create_task(trap.far.post(trap.far.till.purchase(wallet, 100)))
    await trap.line.struck.wait()
    async with session(trap.dsn) as connection:
        today = await close_day(connection)
        trap.line.release()
        await buying
        dates = await connection.fetch(
            "SELECT business_date FROM ledger.transaction WHERE wallet_id = $1", wallet
        )

    return [row[0] for row in dates] != [today]


async def answer_runs_ahead_of_commit(trap: Trap) -> bool:
    """The group can't commit yet: nobody may have heard of it."""
    (wallet,) = await trap.near.open(1000)
    async with locked(trap.dsn, wallet) as holder:
        buying = asyncio.create_task(trap.near.post(trap.near.till.purchase(wallet, 100)))
        await blocked_backends(holder)
        await asyncio.sleep(0)
        harmed = buying.done()
    await buying
    return harmed


async def groups_cross(trap: Trap) -> bool:
    """Two groups write the same two wallets, which come in opposite order."""
    one, _, two = await trap.near.open(1000, 0, 1000)
    async with session(trap.dsn) as connection:
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {database} SET deadlock_timeout = 20")
    trap.line.cut()
    async with locked(trap.dsn, two) as holder_of_two:
        async with locked(trap.dsn, one):
            up = asyncio.create_task(trap.far.post_all(trap.far.till.purchase(w, 1) for w in (one, two)))
            await blocked_backends(holder_of_two)
            down = asyncio.create_task(trap.near.post_all(trap.near.till.purchase(w, 1) for w in (two, one)))
            await blocked_backends(holder_of_two, 2)
        await asyncio.sleep(0.01)
    await asyncio.gather(up, down)

    return "Conflict" in trap.far.watcher.results() + trap.near.watcher.results()


HARM, COVERED = True, False
Scenario = Callable[[Trap], Awaitable[bool]]
TABLE: list[tuple[Scenario, str, bool]] = [
    (two_nodes_spend_one_wallet, "", COVERED),
    (two_nodes_spend_one_wallet, "version", COVERED),
    (two_nodes_spend_one_wallet, "unique events", COVERED),
    (two_nodes_spend_one_wallet, "version, unique events", HARM),
    (decline_on_an_old_version, "", COVERED),
    (decline_on_an_old_version, "assertion", HARM),
    (request_is_repeated, "", COVERED),
    (request_is_repeated, "answers", HARM),
    (original_overtaken_by_its_reversal, "", COVERED),
    (original_overtaken_by_its_reversal, "unique answers", HARM),
    (original_overtaken_by_its_reversal, "answers", HARM),
    (two_reversals_cross, "", COVERED),
    (two_reversals_cross, "unique answers", COVERED),
    (two_reversals_cross, "version, unique events", COVERED),
    (two_reversals_cross, "unique answers, version, unique events", HARM),
    (statement_comes_before_its_retry, "", COVERED),
    (statement_comes_before_its_retry, "epoch", COVERED),
    (statement_comes_before_its_retry, "answers", COVERED),
    (statement_comes_before_its_retry, "epoch, answers", HARM),
    (day_is_closed_meanwhile, "", COVERED),
    (day_is_closed_meanwhile, "epoch", COVERED),
    (day_is_closed_meanwhile, "open date", COVERED),
    (day_is_closed_meanwhile, "epoch, open date", HARM),
    (answer_runs_ahead_of_commit, "", COVERED),
    (answer_runs_ahead_of_commit, "commit first", HARM),
    (groups_cross, "", COVERED),
    (groups_cross, "order of wallets", HARM),
]


@pytest.mark.parametrize(
    ("scenario", "without", "harm"),
    TABLE,
    ids=[f"{scenario.__name__}, without {without or 'nothing'}" for scenario, without, _ in TABLE],
)
async def test_harm_is_seen(
    trap: Trap, monkeypatch: Patch, scenario: Scenario, without: str, *, harm: bool
) -> None:
    """A trap does no harm to the whole ledger, and harm is seen exactly where nothing else covers it."""
    await take_out(trap.dsn, [name for name in without.split(", ") if name], monkeypatch)

    assert harm == await scenario(trap)


LAYERS = [
    ("epoch, seq", "group_is_fenced"),
    ("version", "group_swaps_all_wallets"),
    ("unique groups", "commit_group_20260105_pkey"),
    ("unique answers", "dedup_pkey"),
    ("unique transactions", "transaction_20260105_pkey"),
    ("unique events", "wallet_event_pkey"),
    ("unique entries", "entry_20260105_pkey"),
]
"""What refuses a statement that comes after its retry: each is met when those above it are gone."""


@pytest.mark.parametrize("gone", range(len(LAYERS) + 1))
async def test_late_statement_meets_the_next_layer(trap: Trap, monkeypatch: Patch, gone: int) -> None:
    """A late statement is refused by one safeguard after the other; without all of them it does harm."""
    names = ", ".join(name for name, _ in LAYERS[:gone])
    await take_out(trap.dsn, names.split(", ") if names else [], monkeypatch)

    harmed = await statement_comes_after_its_retry(trap)

    assert harmed == (gone == len(LAYERS))
    if not harmed:
        assert f'"{LAYERS[gone][1]}"'.encode() in trap.line.late_answer.result()
