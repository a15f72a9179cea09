"""The slow path: a request that has to wait goes on in a task of its own.

It waits for its turn, for what only the database knows, for an HSM in another process, or for network
management. Every request may come this way; those that need not wait take the fast path, in the same order
(`fast_path`).

What the directory remembers may be older than what another node has made of it. So before a MAC that fits no
keys is wrong, and before a terminal is refused for its own state or batch, the terminal is read again.
"""

import asyncio
from collections.abc import Coroutine
from typing import NamedTuple

from directory.key_sets import candidates
from directory.records import Card, KeySet, PanIndex, Terminal
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import HsmUnavailable
from hsm_soft.key_block import KeyBlock
from hsm_soft.pos_mac import MacMismatch
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.committer import result_of
from routing.route import route
from storage.database import DatabaseUnavailable
from switch.observability.logs import get
from switch.transaction.answering import MAC_BYTES, Answering
from switch.transaction.intents import PIN_VERDICTS, Identity, Intents, pin_question
from switch.transaction.parts import Parts, UnderWay
from switch.transaction.steps import (
    ISSUER_CHECKS,
    LINE_CHECKS,
    OF_THE_TERMINAL,
    Situation,
    first_refusal,
    needs_card,
)
from switch.transaction.turns import Turn
from switch.vocabulary.model import Reply, Request
from switch.vocabulary.unionpay_pos import fingerprinted

_log = get("switch.transaction")


class Prepared(NamedTuple):
    """A request that has passed the checks, or was refused on the record: what the ledger is asked."""

    intent: Intent
    key_set: KeySet


class SlowPath:
    """Requests that may have to wait; see the module's docstring.

    Args:
        parts: Of the node.
        answering: How requests end.
    """

    def __init__(self, parts: Parts, answering: Answering) -> None:
        self._parts = parts
        self._answering = answering
        self._intents = Intents()
        self._clock = parts.clock
        self._hsm = parts.hsm
        self._directory = parts.directory
        self._tasks: set[asyncio.Task[None]] = set()

    def transact(self, under_way: UnderWay, identity: Identity, turn: Turn) -> None:
        """Have a request for the ledger answered, once its turn has come."""
        self._spawn(under_way, self._transact(under_way, identity, turn))

    def manage(self, under_way: UnderWay) -> None:
        """Have a request for network management answered, or one for a service that isn't offered."""
        self._spawn(under_way, self._manage(under_way))

    def _spawn(self, under_way: UnderWay, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(under_way, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, under_way: UnderWay, work: Coroutine[None, None, None]) -> None:
        """Without the database or the HSM nothing was decided, which is answered as such."""
        try:
            try:
                await work
            except (DatabaseUnavailable, HsmUnavailable):
                await self._refuse(under_way, Outcome.SYSTEM_MALFUNCTION)
        except Exception:  # noqa: BLE001 - whatever it was, the other requests go on
            self._answering.fail(under_way)

    async def _transact(self, under_way: UnderWay, identity: Identity, turn: Turn) -> None:
        async with turn:
            prepared = await self._prepared(under_way, identity)
            if isinstance(prepared, Outcome):
                await self._refuse(under_way, prepared)
                return
            result = await result_of(self._parts.ledger, prepared.intent)
        await self._answer(under_way, self._answering.reply_to(result), prepared.key_set)

    async def _manage(self, under_way: UnderWay) -> None:
        request, number, now_us = under_way.request, under_way.number, under_way.now_us
        situation = self._situation(under_way)
        situation.terminal = await self._terminal(request)
        refused = await self._line_refusal(situation)
        if refused is not None:
            await self._refuse(under_way, refused)
            return
        assert situation.terminal is not None
        reply = await self._parts.management.manage(request, situation.terminal, number, now_us)
        await self._answer(under_way, reply, None)

    async def _refuse(self, under_way: UnderWay, outcome: Outcome) -> None:
        """Answer that nothing was done, without a MAC."""
        await self._answer(under_way, self._answering.short(under_way, outcome), None)

    async def _answer(self, under_way: UnderWay, reply: Reply, key_set: KeySet | None) -> None:
        """Answer; `key_set` has the keys whose MAC goes on the answer (None: no MAC)."""
        answer = self._answering.written(under_way, reply)
        if answer is None:
            self._answering.stay_silent(under_way)
            return
        if reply.has_mac:
            assert key_set is not None
            try:
                answer = await self._with_mac(answer, key_set)
            except HsmUnavailable:
                _log.warning("no MAC to be had for an answer")
                self._answering.stay_silent(under_way)
                return
        self._answering.send(under_way, reply, answer)

    async def _with_mac(self, answer: bytes, key_set: KeySet) -> bytes:
        data = answer[:-MAC_BYTES]
        mac = await self._hsm.ask(SoftHsm.pos_mac, KeyBlock(key_set.mac_key), data)
        self._parts.metrics.hsm_operation("pos_mac", "made")
        return data + mac

    async def _prepared(self, under_way: UnderWay, identity: Identity) -> Prepared | Outcome:
        """What to ask the ledger, if it is known who asks; else why that is not known."""
        request, situation = under_way.request, self._situation(under_way)
        situation.terminal = await self._terminal(request)
        key_set = await self._authenticate(situation, under_way)
        refused = await self._line_refusal(situation)
        if key_set is None:
            assert refused is not None
            return refused
        if refused is None:
            await self._find_card(situation, key_set)
            if situation.card is not None:
                situation.terms = situation.card.product.at(under_way.now_us)
            refused = first_refusal(ISSUER_CHECKS[request.service], situation)
        fingerprint = await self._hsm.ask(SoftHsm.fingerprint, fingerprinted(request))
        return Prepared(self._intents.made(under_way, identity, situation, fingerprint, refused), key_set)

    def _situation(self, under_way: UnderWay) -> Situation:
        return Situation(under_way.request, self._clock.local(under_way.now_us).year_month)

    async def _terminal(self, request: Request) -> Terminal | None:
        name = request.merchant_id, request.terminal_id
        if not all(part.isascii() and part.isprintable() for part in name):
            return None  # no such name is ever registered, and not every text can be asked of the database
        return await self._directory.terminal(*name)

    async def _authenticate(self, situation: Situation, under_way: UnderWay) -> KeySet | None:
        """Find the key set whose MAC this is; before giving up, see whether another node rolled the keys."""
        terminal, request = situation.terminal, situation.request
        if terminal is None or request.defect is not None:
            return None
        used = await self._matching(terminal, under_way)
        if used is None:
            terminal = await self._directory.reload_terminal(request.merchant_id, request.terminal_id)
            used = await self._matching(terminal, under_way) if terminal is not None else None
        if used is None or terminal is None:
            return None
        situation.mac_verified = True
        situation.terminal = terminal
        if not used.verified:
            situation.terminal = await self._directory.verified(terminal, used)
        return used

    async def _matching(self, terminal: Terminal, under_way: UnderWay) -> KeySet | None:
        mac, data = under_way.request.mac, under_way.body[:-MAC_BYTES]
        assert mac is not None
        for key_set in candidates(terminal.key_sets, self._clock.now_us(), self._parts.old_set_us):
            try:
                await self._hsm.ask(SoftHsm.verify_pos_mac, KeyBlock(key_set.mac_key), data, mac)
            except MacMismatch:
                self._parts.metrics.hsm_operation("verify_pos_mac", "mismatch")
                continue
            self._parts.metrics.hsm_operation("verify_pos_mac", "match")
            return key_set
        return None

    async def _line_refusal(self, situation: Situation) -> Outcome | None:
        """What the checks of the line say, of the terminal as it is now if they refuse it."""
        request, checks = situation.request, LINE_CHECKS[situation.request.service]
        refused = first_refusal(checks, situation)
        if refused not in OF_THE_TERMINAL:
            return refused
        anew = await self._directory.reload_terminal(request.merchant_id, request.terminal_id)
        situation.terminal = anew or situation.terminal
        return first_refusal(checks, situation)

    async def _find_card(self, situation: Situation, key_set: KeySet) -> None:
        """Route the card, look it up, and have its PIN verified."""
        request = situation.request
        if request.pan is None:
            return
        situation.destination = route(self._parts.table, request.pan.clear)
        if not needs_card(situation):
            return
        index = PanIndex(await self._hsm.ask(SoftHsm.pan_index, request.pan.clear))
        situation.card = await self._directory.card(index)
        if situation.card is not None and request.pin_block is not None:
            situation.pin = await self._verdict(request, situation.card, key_set)

    async def _verdict(self, request: Request, card: Card, key_set: KeySet) -> PinVerdict | None:
        question = pin_question(request, card, key_set)
        if question is None:
            return None
        result = await self._hsm.ask(SoftHsm.verify_pin, *question)
        self._parts.metrics.hsm_operation("verify_pin", result.value)
        return PIN_VERDICTS[result]
