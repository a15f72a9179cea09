"""A lane: one writer, one connection, one commit group in flight.

While a group is being committed, intents gather; when its outcome is known, all that have gathered (at most
512) are decided on committed state and written as the next group. There is no timer: load alone sets the
group's size.

    gather → probe duplicate keys → load wallets → settle each (pure) → write → answer
       ↑         a certain failure: forget what was read and decide again │
       └── lost answer: resolve through the writer row; committed → answer, else decide again

The loop runs in its own task, which no client's cancellation reaches. After a lost swap the lane decides
under row locks for its next hundred groups: two nodes that fight for the same wallets then queue instead of
spinning. Nobody is answered from a group whose outcome is unknown; what never reached the database may be
refused.

A movement between two wallets runs in the lane of its own one. If the other wallet belongs to another lane,
its group is decided under row locks, in the order of the wallets' ids like every group, and nothing of that
wallet is taken from the cache or kept in it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from ledger.intent import Intent
from ledger.postgres.cache import WalletCache
from ledger.postgres.chain import EntryRow, TransactionRow, group_hash
from ledger.postgres.dedup import Result, unread_originals, wallets_of
from ledger.postgres.errors import (
    DuplicateKeyTaken,
    Fenced,
    GroupFailed,
    NoResources,
    OutcomeUnknown,
    SwapLost,
    TripwireHit,
    before_sending,
)
from ledger.postgres.group import Group, Knowledge, Moved, WorkingWallet, refused
from ledger.postgres.observer import LedgerObserver
from ledger.postgres.session import SealedSwap, Session, WalletRow, WriterHead, read_keys
from ledger.sealer import SealBroken, Sealer, WalletToSeal, state_in
from ledger.wallet import UnreadableState, encode_state

GROUP_LIMIT = 512
GROUPS_UNDER_LOCKS = 100
_FAILURES_BEFORE_SPLIT = 3
_RECONNECT_SECONDS = 0.2


@dataclass(slots=True)
class Waiting:
    """An intent, and whoever is told its result, once."""

    intent: Intent
    told: Callable[[Result | Moved], None]
    is_answered: bool = False

    def answer(self, result: Result | Moved) -> None:
        """Tell the result, unless one was told before."""
        if not self.is_answered:
            self.is_answered = True
            self.told(result)


class _Written(NamedTuple):
    """A group that was sent: what identifies it in the writer row, what it answers, the states it makes."""

    seq: int
    head: bytes
    group: Group
    results: list[Result | Moved]
    states: list[WalletToSeal]


class Lane:
    """See the module's docstring.

    Args:
        index: this lane's number; wallets belong to the lane of their id modulo `lanes`.
        lanes: how many lanes the node has.
        dsn: where the database is.
        writer: the number of this lane's row in `ledger.writer`, new at every start.
        sealer: seals and opens wallet states.
        cache: wallets to remember.
        observer: told of what happens.
    """

    def __init__(
        self,
        index: int,
        lanes: int,
        dsn: str,
        writer: int,
        sealer: Sealer,
        cache: WalletCache,
        observer: LedgerObserver,
    ) -> None:
        self._index = index
        self._lanes = lanes
        self._dsn = dsn
        self._writer_id = writer
        self._sealer = sealer
        self._cache = cache
        self._observer = observer
        self._queue: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._stopping = False
        self._resolving = False
        self._groups_under_locks = 0
        self._session: Session
        self._writer: WriterHead
        self._sent: _Written | None = None

    @property
    def depth(self) -> int:
        """How many intents wait for the next group."""
        return len(self._queue)

    @property
    def is_ready(self) -> bool:
        """Whether the database answers: the connection stands, and no group's outcome has to be found out."""
        return not self._resolving and self._session.is_open

    @property
    def day(self) -> int:
        """The business date that it works on, as an ordinal."""
        return self._writer.open_date.toordinal()

    def submit(self, intent: Intent, told: Callable[[Result | Moved], None]) -> None:
        """Queue an intent; `told` is called when its group is durable, or when it certainly never will be."""
        self._queue.append(Waiting(intent, told))
        self._arrived.set()

    async def start(self) -> None:
        """Connect and enter the writer's row."""
        self._session = await Session.open(self._dsn, self._arrived.set)
        try:
            self._writer = await self._session.open_writer(self._writer_id)
        except (OutcomeUnknown, GroupFailed):
            self._session.terminate()
            raise

    def stop(self) -> None:
        """Let `run` return once the queue is empty."""
        self._stopping = True
        self._arrived.set()

    async def run(self) -> None:
        """Commit groups until stopped."""
        try:
            while await self._has_work():
                size = min(len(self._queue), GROUP_LIMIT)
                batch = [self._queue.popleft() for _ in range(size)]
                self._observer.queue_changed(self._index, len(self._queue), len(self._cache))
                await self._commit(batch)
        finally:
            self._session.terminate()

    async def _has_work(self) -> bool:
        while not self._queue:
            if self._stopping:
                return False
            if not self._session.is_open:
                await self._restore_session()
                continue
            self._arrived.clear()
            await self._arrived.wait()
        return True

    async def _restore_session(self) -> None:
        """Try once to connect anew with nothing in flight: an idle node, too, becomes ready by itself."""
        if not await self._reconnect():
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        """Try until every intent of the batch is answered."""
        failures = 0
        while batch:
            try:
                written = await self._observed_attempt(batch)
            except GroupFailed as failure:
                failures += self._note_failure(batch, failure)
                await self._recover_from_failure()
                if isinstance(failure, NoResources) or failures >= _FAILURES_BEFORE_SPLIT:
                    await self._give_up(batch, failure)
                    return
            except OutcomeUnknown:
                committed = await self._resolve(batch)
                if committed is not None:
                    self._accept(batch, committed)
                    return
                batch = [waiting for waiting in batch if not waiting.is_answered]
            else:
                self._accept(batch, written)
                return

    async def _observed_attempt(self, batch: Sequence[Waiting]) -> _Written:
        started, result = perf_counter(), "committed"
        try:
            return await self._attempt(batch)
        except (GroupFailed, OutcomeUnknown) as failure:
            result = type(failure).__name__
            raise
        finally:
            self._observer.group_finished(self._index, result, len(batch), perf_counter() - started)

    def _note_failure(self, batch: Sequence[Waiting], failure: GroupFailed) -> int:
        """Forget what the failure disproved; 1 if deciding again is not known to mend it."""
        match failure:
            case SwapLost() | TripwireHit():
                self._groups_under_locks = GROUPS_UNDER_LOCKS
                self._drop_wallets(batch)
                return 0
            case Fenced() | DuplicateKeyTaken():
                return 0
            case _:
                self._drop_wallets(batch)
                return 1

    def _drop_wallets(self, batch: Sequence[Waiting]) -> None:
        for waiting in batch:
            for wallet_id in (waiting.intent.wallet_id, waiting.intent.other_wallet_id):
                if wallet_id is not None:
                    self._cache.drop(wallet_id)
        if self._sent is not None:
            for wallet_id in self._sent.group.knowledge.wallets:
                self._cache.drop(wallet_id)

    async def _recover_from_failure(self) -> None:
        """Read the writer again; a connection that ends meanwhile is the next attempt's to notice."""
        self._sent = None
        try:
            await self._session.roll_back()
            self._writer = await self._session.read_writer(self._writer_id)
        except (OutcomeUnknown, GroupFailed):
            self._session.terminate()

    async def _give_up(self, batch: Sequence[Waiting], failure: GroupFailed) -> None:
        """Split a group that keeps failing until the intent that breaks it stands alone; refuse that."""
        if isinstance(failure, NoResources):
            _refuse(batch)
            return
        if len(batch) == 1:
            self._observer.intent_given_up(batch[0].intent.transaction_id, failure)
            _refuse(batch)
            return
        middle = len(batch) // 2
        await self._commit(batch[:middle])
        await self._commit(batch[middle:])

    async def _attempt(self, batch: Sequence[Waiting]) -> _Written:
        """Read, decide and write one group."""
        self._sent = None
        intents = [waiting.intent for waiting in batch]
        if self._groups_under_locks:
            self._groups_under_locks -= 1
            return await self._attempt_under_locks(intents)
        with before_sending():
            group = await self._read(intents, under_locks=False)
        if group is None:
            return await self._attempt_under_locks(intents)
        return await self._decide_and_write(group, intents)

    async def _attempt_under_locks(self, intents: Sequence[Intent]) -> _Written:
        await self._session.begin()
        self._writer = await self._session.lock_writer(self._writer_id)
        with before_sending():
            group = await self._read(intents, under_locks=True)
        assert group is not None
        written = await self._decide_and_write(group, intents)
        await self._session.commit()
        return written

    async def _decide_and_write(self, group: Group, intents: Sequence[Intent]) -> _Written:
        with before_sending():
            results = [group.settle(intent) for intent in intents]
            written = self._numbered(group, results)
            swaps = await self._sealed_swaps(written)
        if group.transactions:
            self._sent = written
            await self._session.write(self._writer, group, written.head, swaps)
        elif any(_is_new(*pair) for pair in zip(intents, results, strict=True)):
            await self._require_open_day()
        return written

    async def _require_open_day(self) -> None:
        """What leaves no row was still decided for a day, and no statement has proven that it is open."""
        writer = await self._session.read_writer(self._writer_id)
        if writer.open_date != self._writer.open_date:
            raise Fenced("the day was closed")

    async def _read(self, intents: Sequence[Intent], *, under_locks: bool) -> Group | None:
        """Everything the group's decisions depend on; None if that takes row locks, and there are none."""
        session = self._session
        found = await read_keys(session.probe, intents)
        days = unread_originals(intents, found)
        originals = await session.originals(days) if days else {}
        pairs = [pair for pair in wallets_of(intents, found, originals) if self._is_mine(pair[0])]
        ids = {wallet_id for pair in pairs for wallet_id in pair if wallet_id is not None}
        if under_locks:
            await session.lock_wallets(sorted(ids))
            wallets: dict[int, WorkingWallet] = {}
        elif all(map(self._is_mine, ids)):
            wallets = self._cached(ids)
        else:
            return None
        missing = [i for i in ids if i not in wallets]
        if missing:
            await self._admit(await session.load_wallets(missing), wallets)
        knowledge = Knowledge(found, originals, wallets)
        return Group(self._writer.open_date.toordinal(), knowledge, self._is_mine)

    def _is_mine(self, wallet_id: int) -> bool:
        return wallet_id % self._lanes == self._index

    def _cached(self, ids: set[int]) -> dict[int, WorkingWallet]:
        wallets: dict[int, WorkingWallet] = {}
        for wallet_id in ids:
            cached = self._cache.get(wallet_id)
            if cached is not None:
                wallets[wallet_id] = WorkingWallet(cached[0], cached[0], cached[1])
        return wallets

    async def _admit(self, rows: Sequence[WalletRow], wallets: dict[int, WorkingWallet]) -> None:
        """Open loaded wallets, or quarantine them: then they stay absent and their intents are refused.

        What is loaded is committed, so it is remembered at once. (If its group is one of those that are
        decided again, it is forgotten with the group's other wallets.)
        """
        newest = [row for row in rows if row.version == row.newest]
        for row in rows:
            if row.version != row.newest:
                self._observer.wallet_quarantined(row.id, "not the newest version")
        opened = await self._sealer.open_wallets([(r.id, r.version, r.key_id, r.sealed) for r in newest])
        for row, state in zip(newest, opened, strict=True):
            try:
                wallets[row.id] = WorkingWallet(row.version, row.version, state_in(state))
                if state is not None and self._is_mine(row.id):
                    self._cache.put(row.id, row.version, state)
            except (SealBroken, UnreadableState) as defect:
                self._observer.wallet_quarantined(row.id, type(defect).__name__)

    def _numbered(self, group: Group, results: list[Result | Moved]) -> _Written:
        """Fix the group's identity: the next sequence number, and the hash over its rows in order."""
        writer = self._writer
        group.transactions.sort(key=_number_of)
        group.entries.sort(key=_place_of)
        digest = group_hash(
            writer.head, writer.id, writer.seq + 1, group.day, group.transactions, group.entries
        )
        return _Written(writer.seq + 1, digest, group, results, [])

    async def _sealed_swaps(self, written: _Written) -> list[SealedSwap]:
        swaps = written.group.swaps()
        if not swaps:
            return []
        encoded = [(i, w.version, encode_state(w.state)) for i, w in swaps]
        written.states.extend(encoded)
        sealed = await self._sealer.seal_wallets(encoded)
        return [
            SealedSwap(wallet_id, wallet.expected, wallet.version, *seal)
            for (wallet_id, wallet), seal in zip(swaps, sealed, strict=True)
        ]

    def _accept(self, batch: Sequence[Waiting], written: _Written) -> None:
        """The group is durable: move the writer on, remember its wallets, and answer."""
        self._sent = None
        if written.group.transactions:
            self._writer.seq, self._writer.head = written.seq, written.head
        for wallet_id, version, state in written.states:
            if self._is_mine(wallet_id):
                self._cache.put(wallet_id, version, state)
        for wallet_id, amount_minor in written.group.shortfalls:
            self._observer.shortfall_posted(wallet_id, amount_minor)
        asyncio.get_running_loop().call_soon(_answer, batch, written.results)  # the next group goes first

    async def _resolve(self, batch: Sequence[Waiting]) -> _Written | None:
        """Learn what became of the group in flight; None if it was certainly not committed.

        Waits as long as it takes: an answer may leave only when the outcome is known. Intents that were never
        sent are refused as soon as the database can't be reached, so that terminals hear 96 rather than
        nothing.
        """
        sent = self._sent
        if sent is not None:
            self._observer.outcome_unknown(self._index, len(batch))
        self._drop_wallets(batch)
        self._resolving = True
        while not await self._reconnect():
            self._refuse_unsent(batch if sent is None else ())
            await asyncio.sleep(_RECONNECT_SECONDS)
        self._resolving = False
        self._sent = None
        is_ours = sent is not None and (self._writer.seq, self._writer.head) == (sent.seq, sent.head)
        return sent if is_ours else None

    async def _reconnect(self) -> bool:
        """A new session, and the writer's row as it finally stands; False if the database can't tell now."""
        self._session.terminate()
        try:
            self._session = await Session.open(self._dsn, self._arrived.set)
            self._writer = await self._session.resolve_writer(self._writer_id)
        except (OutcomeUnknown, GroupFailed):
            return False
        return True

    def _refuse_unsent(self, batch: Sequence[Waiting]) -> None:
        _refuse(batch)
        _refuse(self._queue)
        self._queue.clear()


def _is_new(intent: Intent, result: Result | Moved) -> bool:
    """Whether an intent was decided just now, and not answered as it was the first time."""
    return isinstance(result, Result) and result.transaction_id == intent.transaction_id


def _number_of(row: TransactionRow) -> int:
    return row.id


def _place_of(row: EntryRow) -> tuple[int, int]:
    return row.transaction_id, row.leg


def _answer(batch: Sequence[Waiting], results: Sequence[Result | Moved]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        waiting.answer(result)


def _refuse(batch: "Sequence[Waiting] | deque[Waiting]") -> None:
    """Answer intents that are certainly not committed."""
    for waiting in batch:
        waiting.answer(refused(waiting.intent))
