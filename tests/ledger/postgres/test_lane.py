"""A lane: groups that gather, answers after COMMIT, repeats, and intents or wallets that can't be trusted."""

import asyncio
from dataclasses import replace

import pytest

from ledger.outcome import Outcome
from ledger.postgres.errors import GroupFailed, NoResources, Undecidable
from ledger.postgres.lane import GROUP_LIMIT
from ledger.postgres.session import Session
from ledger.sealer import SealBroken, Sealer

from .nodes import BrokenWatcher, Connection, Node, StartNode, blocked_backends, locked, session, until


async def test_intents_gather_while_a_group_is_in_flight(node: Node) -> None:
    """One group is in flight; what comes meanwhile becomes the next one, and nobody hears before COMMIT."""
    (wallet,) = await node.open(1000)
    async with locked(node.dsn, wallet) as holder:
        first = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
        await blocked_backends(holder)
        later = [asyncio.create_task(node.post(node.till.purchase(wallet, 1))) for _ in range(5)]
        done, _ = await asyncio.wait([first, *later], timeout=0.05)

        assert done == set()
        assert node.ledger._lanes[wallet % 2].depth == 5
        assert (
            await holder.fetchval("SELECT count(*) FROM ledger.wallet_event WHERE wallet_id = $1", wallet)
            == 1
        )

    assert [await task for task in (first, *later)] == [Outcome.APPROVED] * 6
    assert node.watcher.groups == [("committed", 1), ("committed", 5)]


async def test_answered_is_durable(node: Node, connection: Connection) -> None:
    """At the very moment an answer is there, its transaction is in the database."""
    wallets = await node.open(*[1000] * 8)
    stored = "SELECT outcome FROM ledger.transaction WHERE id = $1"

    async def buy_and_look(wallet: int) -> None:
        result = await node.ledger.post(node.till.purchase(wallet, 600))
        async with session(node.dsn) as other:
            assert await other.fetchval(stored, result.transaction_id) == result.outcome

    await asyncio.gather(*(buy_and_look(wallet) for wallet in wallets * 2))


async def test_lanes_do_not_wait_for_each_other(node: Node) -> None:
    """While one lane's group is in flight the other lane goes on."""
    even, odd = await node.open(1000, 1000)
    async with locked(node.dsn, even) as holder:
        waiting = asyncio.create_task(node.post(node.till.purchase(even, 1)))
        await blocked_backends(holder)

        assert await node.post(node.till.purchase(odd, 1)) is Outcome.APPROVED
        assert not waiting.done()
    await waiting


async def test_groups_are_bounded(node: Node) -> None:
    """More intents than a group may have become several groups."""
    (wallet,) = await node.open(10_000)

    await node.post_all(node.till.purchase(wallet, 1) for _ in range(GROUP_LIMIT + 8))

    assert node.watcher.groups == [("committed", GROUP_LIMIT), ("committed", 8)]


async def test_repeats_within_a_group_and_after_it(node: Node) -> None:
    """A repeat gets the first one's result, whether it comes in the same group or later."""
    (wallet,) = await node.open(1000)
    intent = node.till.purchase(wallet, 600)

    results = await node.post_all([intent, node.till.again(intent), node.till.again(intent)])
    later = await node.ledger.post(node.till.again(intent))

    assert {*results, later} == {results[0]}
    assert results[0].transaction_id == intent.transaction_id
    assert await node.balances([wallet]) == [400]


async def test_repeats_after_a_restart(start_node: StartNode) -> None:
    """What was answered before a restart is remembered after it, on any node; reversed is reversed."""
    before = await start_node()
    (wallet,) = await before.open(1000)
    intents = [before.till.purchase(wallet, 300, stan="1"), before.till.purchase(wallet, 300, stan="2")]
    results = await before.post_all([*intents, before.till.reversal("2", 300)])
    await before.ledger.stop()
    after = await start_node()

    repeated = await after.post_all(map(before.till.again, intents))
    undone = await after.ledger.post(before.till.reversal("2", 300))

    assert repeated[0] == results[0]
    assert repeated[1].outcome is Outcome.RELATED_TRANSACTION_WRONG
    assert undone == results[2]


async def test_balance_is_that_of_the_first_time(node: Node) -> None:
    """The repeat of an inquiry tells the balance of then."""
    (wallet,) = await node.open(1000)
    inquiry = node.till.inquiry(wallet)
    results = await node.post_all([inquiry, node.till.purchase(wallet, 300)])

    again = await node.ledger.post(node.till.again(inquiry))

    assert again == results[0]
    assert again.available_minor == 1000


async def test_reversal_reads_its_original_from_the_journal(node: Node) -> None:
    """A reversal that comes later takes the legs that were posted, from wherever they went."""
    (wallet,) = await node.open(1000)
    await node.post(node.till.purchase(wallet, 300, stan="1"))

    assert await node.post(node.till.reversal("1", 300)) is Outcome.APPROVED
    assert await node.balances([wallet]) == [1000]
    assert await node.offences() == []


async def test_lane_leaves_the_locks_after_a_while(node: Node) -> None:
    """After so many groups under row locks a lane trusts its cache again."""
    (wallet,) = await node.open(1000)
    lane = node.ledger._lanes[0]
    lane._groups_under_locks = 2

    for _ in range(3):
        await node.post(node.till.purchase(wallet, 1))

    assert lane._groups_under_locks == 0
    assert await node.balances([wallet]) == [997]


@pytest.mark.parametrize("under_locks", [False, True], ids=["cas", "locks"])
async def test_epoch_raised_by_another(node: Node, connection: Connection, *, under_locks: bool) -> None:
    """A lane that somebody fenced reads its writer again and goes on."""
    (wallet,) = await node.open(1000)
    await node.post(node.till.purchase(wallet, 1))
    node.ledger._lanes[0]._groups_under_locks = int(under_locks)
    await connection.execute("UPDATE ledger.writer SET epoch = epoch + 1 WHERE id / 8 = $1", node.number)

    assert await node.post(node.till.purchase(wallet, 1)) is Outcome.APPROVED
    assert ("Fenced" in node.watcher.results()) != under_locks
    assert await node.balances([wallet]) == [998]


async def test_forgotten_wallets_are_read_again(node: Node) -> None:
    """A wallet that had to make room in the cache is loaded when it is needed."""
    wallets = await node.open(*[1000] * 8)
    for lane in node.ledger._lanes:
        lane._cache._limit = 1
    for _ in range(3):
        results = await node.post_all(node.till.purchase(wallet, 100) for wallet in wallets)
        assert {result.outcome for result in results} == {Outcome.APPROVED}

    assert [len(lane._cache) for lane in node.ledger._lanes] == [1, 1]
    assert await node.balances(wallets) == [700] * 8


# ---- intents that can't be written or decided


async def given_up(node: Node, wallet: int, **poison: object) -> list[tuple[int, str]]:
    """Post a poisoned intent among others: they must be posted, and it alone refused."""
    origin = node.till.purchase(wallet, 1).origin
    if text := poison.pop("merchant_id", None):
        poison["origin"] = origin._replace(merchant_id=str(text))
    bad = replace(node.till.purchase(wallet, 1), **poison)
    good = [node.till.purchase(wallet, 1) for _ in range(6)]

    results = await node.post_all([*good[:3], bad, *good[3:]])

    outcomes = [result.outcome for result in results]
    assert outcomes == [*[Outcome.APPROVED] * 3, Outcome.SYSTEM_MALFUNCTION, *[Outcome.APPROVED] * 3]
    assert [number for number, _ in node.watcher.given_up] == [bad.transaction_id]
    assert await node.posted(wallet) == 6
    return [(number, type(failure).__name__) for number, failure in node.watcher.given_up]


@pytest.mark.parametrize(
    ("poison", "failure"),
    [
        ({"merchant_id": "nul\0inside"}, Undecidable),
        ({"merchant_id": "half a pair \ud800"}, Undecidable),
        ({"received_at_us": 1 << 63}, Undecidable),
        ({"rules": None}, Undecidable),
        ({"wallet_id": None}, Undecidable),
    ],
    ids=["NUL", "surrogate", "too large", "no rules", "no wallet"],
)
async def test_poisoned_intent_is_refused_alone(
    node: Node, poison: dict[str, object], failure: type[Exception]
) -> None:
    """An intent that PostgreSQL or the program can't digest is found and refused; the others commit."""
    (wallet,) = await node.open(1000)

    assert [name for _, name in await given_up(node, wallet, **poison)] == [failure.__name__]


async def test_poison_under_locks(node: Node) -> None:
    """The same inside a transaction that has to be rolled back."""
    (wallet,) = await node.open(1000)
    for lane in node.ledger._lanes:
        lane._groups_under_locks = 100

    await given_up(node, wallet, merchant_id="nul\0inside")

    assert await node.post(node.till.purchase(wallet, 1)) is Outcome.APPROVED


@pytest.mark.parametrize("groups_under_locks", [0, 100])
async def test_intent_that_postgresql_refuses(node: Node, groups_under_locks: int) -> None:
    """A number that was used before is found out by the database alone, and its intent alone is refused."""
    wallet, other = await node.open(1000, 1000)
    used = node.till.purchase(other, 1)
    await node.post(used)
    for lane in node.ledger._lanes:
        lane._groups_under_locks = groups_under_locks

    given = await given_up(node, wallet, transaction_id=used.transaction_id)

    assert given == [(used.transaction_id, GroupFailed.__name__)]


async def test_outcome_of_a_newer_program(node: Node, connection: Connection) -> None:
    """A repeat whose stored outcome this program doesn't know is refused, and nothing else suffers."""
    (wallet,) = await node.open(1000)
    unknown, known = node.till.purchase(wallet, 1), node.till.purchase(wallet, 1)
    await connection.execute(
        "INSERT INTO ledger.dedup VALUES ($1, 1, '2026-01-05', 1, $2, 999, $3)",
        unknown.key, unknown.fingerprint, bytes(16),
    )  # fmt: skip

    results = await node.post_all([unknown, known])

    assert [result.outcome for result in results] == [Outcome.SYSTEM_MALFUNCTION, Outcome.APPROVED]
    await connection.execute("DELETE FROM ledger.dedup WHERE key = $1", unknown.key)


async def test_no_resources_refuses_the_group(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk refuses the group at once, intent by intent would not help; it may be sent again."""
    (wallet,) = await node.open(1000)
    intents = [node.till.purchase(wallet, 1) for _ in range(4)]

    async def write(*_: object) -> None:
        raise NoResources("DiskFullError")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "write", write)
        results = await node.post_all(intents)

    assert [result.outcome for result in results] == [Outcome.SYSTEM_MALFUNCTION] * 4
    assert node.watcher.groups == [("NoResources", 4)]
    assert node.watcher.given_up == []
    again = await node.post_all(map(node.till.again, intents))
    assert [result.outcome for result in again] == [Outcome.APPROVED] * 4


async def test_connection_lost_while_recovering(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends after a certain failure is noticed by the next attempt."""
    (wallet,) = await node.open(1000)
    write = Session.write

    async def fail_once(session: Session, *arguments: object) -> None:
        monkeypatch.setattr(Session, "write", write)
        session.terminate()
        raise GroupFailed

    monkeypatch.setattr(Session, "write", fail_once)

    assert await node.post(node.till.purchase(wallet, 1)) is Outcome.APPROVED
    assert node.watcher.results() == ["GroupFailed", "OutcomeUnknown", "committed"]
    assert node.watcher.unknown == []


# ---- wallets that can't be trusted


@pytest.fixture
async def damaged(database_dsn: str, start_node: StartNode) -> Node:
    """A node on a database that may be damaged."""
    return await start_node(database_dsn)


async def test_old_row_put_back(damaged: Node, start_node: StartNode) -> None:
    """A wallet's row from an earlier time opens, but isn't the newest: nobody spends its money again."""
    wallet, other = await damaged.open(1000, 1000)
    async with session(damaged.dsn) as connection:
        old = await connection.fetchrow(
            "SELECT version, key_id, sealed FROM ledger.wallet WHERE id = $1", wallet
        )
        await damaged.post(damaged.till.purchase(wallet, 900))
        assert old is not None
        await connection.execute(
            "UPDATE ledger.wallet SET version = $2, key_id = $3, sealed = $4 WHERE id = $1", wallet, *old
        )

    for node in (damaged, await start_node(damaged.dsn)):
        results = await node.post_all([node.till.purchase(wallet, 900), node.till.purchase(other, 900 // 2)])
        assert [r.outcome for r in results] == [Outcome.WALLET_QUARANTINED, Outcome.APPROVED]
        assert node.watcher.quarantined[-1] == (wallet, "not the newest version")
        assert await node.post(node.till.inquiry(wallet)) is Outcome.WALLET_QUARANTINED


async def test_broken_seal(damaged: Node) -> None:
    """A wallet whose seal is broken is refused, the others of its group are not."""
    wallet, _, other = await damaged.open(1000, 0, 1000)
    async with session(damaged.dsn) as connection:
        await connection.execute(
            "UPDATE ledger.wallet SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE id = $1",
            wallet,
        )

    results = await damaged.post_all([damaged.till.purchase(wallet, 1), damaged.till.purchase(other, 1)])

    assert [result.outcome for result in results] == [Outcome.WALLET_QUARANTINED, Outcome.APPROVED]
    assert damaged.watcher.quarantined == [(wallet, SealBroken.__name__)]


async def test_wallet_of_another(damaged: Node) -> None:
    """A richer wallet's state put into a poorer wallet's row doesn't open there."""
    poor, _, rich = await damaged.open(1, 0, 1000)
    async with session(damaged.dsn) as connection:
        await connection.execute(
            "UPDATE ledger.wallet w SET sealed = r.sealed FROM ledger.wallet r WHERE w.id = $1 AND r.id = $2",
            poor, rich,
        )  # fmt: skip

    assert await damaged.post(damaged.till.purchase(poor, 1000)) is Outcome.WALLET_QUARANTINED


async def test_event_of_the_future_trips_the_cached_wallet(damaged: Node) -> None:
    """A cached wallet whose next version exists already is dropped, looked at again and quarantined."""
    (wallet,) = await damaged.open(1000)
    await damaged.post(damaged.till.purchase(wallet, 1))
    async with session(damaged.dsn) as connection:
        await connection.execute("INSERT INTO ledger.wallet_event VALUES ($1, 3, '2026-01-05', 1)", wallet)

    assert await damaged.post(damaged.till.purchase(wallet, 1)) is Outcome.WALLET_QUARANTINED
    assert damaged.watcher.results() == ["committed", "TripwireHit", "committed"]


async def test_wallet_that_does_not_exist(node: Node) -> None:
    """A card whose wallet is missing is as untrustworthy."""
    assert await node.post(node.till.purchase(424242, 1)) is Outcome.WALLET_QUARANTINED


async def test_reversal_whose_original_is_damaged(damaged: Node) -> None:
    """A duplicate key whose transaction is gone is refused, and its lane lives on."""
    (wallet,) = await damaged.open(1000)
    await damaged.post(damaged.till.purchase(wallet, 100, stan="1"))
    async with session(damaged.dsn) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("DELETE FROM ledger.transaction WHERE wallet_id = $1", wallet)

    assert await damaged.post(damaged.till.reversal("1", 100)) is Outcome.SYSTEM_MALFUNCTION
    assert await damaged.post(damaged.till.purchase(wallet, 100)) is Outcome.APPROVED


async def test_lane_that_dies_is_seen(ledger_dsn: str, sealer: Sealer) -> None:
    """Should a lane end by a defect, the node isn't ready any more, and tells at once what it was."""
    node = await Node.started(ledger_dsn, sealer)
    assert node.ledger.is_ready
    lane = node.ledger._lanes[0]
    lane._observer = BrokenWatcher()
    lane.submit(node.till.purchase(0, 1), lambda _: None)

    await until(lambda: not node.ledger.is_ready)

    assert [AttributeError] == [type(defect) for defect in node.watcher.defects]
    with pytest.raises(AttributeError):
        await node.ledger.stop()
