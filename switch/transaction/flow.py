"""The flow of one request, from the bytes of a message to the bytes of its answer.

Decode, read into the canonical request, run the checks in order, ask the HSM and the ledger, write the
answer, put the MAC on it. What is checked, and in which order, is the table in `steps`; what a dialect calls
it is its vocabulary; what is decided about money is the ledger's. This module only fetches what the next
check needs.

Nearly every request finds what it needs in memory and holds its turn at once. It then goes from its bytes to
the ledger without a pause, and what waits there is one small object. Only a request that has to wait for
something else, a turn, a record of the directory or an HSM in another process, starts over in a task of its
own; both walk the same checks (`_prepare`), one over what is in memory, the other over the whole directory.

An answer leaves when its outcome is durable, or when it is certain that there is nothing to be durable. An
outcome nobody knows yet gets no answer at all, nor does one that the HSM went away from before its MAC was
made: the terminal repeats or reverses. An exception here is a defect of the program; it, too, is answered by
silence, never by a guess.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple, NoReturn, Protocol, TypeAlias, TypeVar

from directory.key_sets import candidates
from directory.records import Card, KeySet, PanIndex, Terminal
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, HsmUnavailable
from hsm_soft.key_block import KeyBlock
from hsm_soft.pin import PinReference, PinResult
from hsm_soft.pos_mac import MacMismatch
from iso8583_specs.codec import Codec, MalformedMessage
from ledger.chart import Asset
from ledger.identity import (
    REVERSED_KIND,
    VOIDED_KIND,
    TransactionKind,
    TransactionNumbers,
    duplicate_key,
    transaction_of_reference,
)
from ledger.intent import Intent, Origin, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from routing.route import route
from routing.table import OWN_LEDGER, RangeTable
from storage.database import DatabaseUnavailable
from switch.observability.logs import get
from switch.observability.metrics import Metrics
from switch.observability.transaction_log import OUTCOME_LABELS, TransactionLog
from switch.product_rules import ProductRulesOf
from switch.shell.clock import Clock
from switch.transaction.steps import ISSUER_CHECKS, LINE_CHECKS, Situation, first_refusal, routed
from switch.transaction.turns import Turn, Turns
from switch.vocabulary import unionpay_pos
from switch.vocabulary.model import Reply, Request, Service

KINDS: Final = {
    Service.PURCHASE: TransactionKind.PURCHASE,
    Service.BALANCE_INQUIRY: TransactionKind.BALANCE_INQUIRY,
    Service.PURCHASE_REVERSAL: TransactionKind.PURCHASE_REVERSAL,
    Service.PURCHASE_VOID: TransactionKind.PURCHASE_VOID,
    Service.PURCHASE_VOID_REVERSAL: TransactionKind.PURCHASE_VOID_REVERSAL,
}
"""The ledger's kind for each service that reaches it."""

PIN_VERDICTS: Final = {
    PinResult.ABSENT: PinVerdict.ABSENT,
    PinResult.MATCH: PinVerdict.MATCH,
    PinResult.MISMATCH: PinVerdict.MISMATCH,
    PinResult.UNREADABLE: None,
    PinResult.LIMITED: None,
}
"""The HSM's result as the checks and the ledger know it."""

OF_THE_TERMINAL: Final = frozenset(
    {Outcome.MERCHANT_INVALID, Outcome.TERMINAL_NOT_PERMITTED, Outcome.BATCH_NOT_OPEN}
)
"""Refusals for what the directory says of a terminal, which another node may have changed meanwhile."""

ROUTED: Final = {service: routed in checks for service, checks in ISSUER_CHECKS.items()}
"""Whether a service goes where its card is routed; what takes a posting back goes where that was posted."""

_FINGERPRINTED: Final = (3, 4, 25, 49, 61, 37)
"""The fields that make two requests the same, beside the card and the type in field 60."""

_MAC_BYTES: Final = 8
Value = TypeVar("Value")
_log = get("switch.transaction")


class PostsIntents(Protocol):
    """The ledger, as the flow uses it."""

    numbers: TransactionNumbers

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Have an intent posted; `told` is called once with its durable result."""
        ...


class SeesRecords(Protocol):
    """Cards and terminals, as the checks of a request ask for them."""

    def peek_card(self, pan_index: PanIndex) -> Card | None:
        """The card if it is in memory."""
        ...

    async def card(self, pan_index: PanIndex) -> Card | None:
        """The card."""
        ...

    def peek_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal if it is in memory."""
        ...

    async def terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal."""
        ...

    async def reload_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal as the database has it now."""
        ...

    async def verified(self, terminal: Terminal, used: KeySet) -> Terminal:
        """Note that these keys have been proven by a MAC."""
        ...


class SignsOn(Protocol):
    """Network management: what needs no MAC and moves no money."""

    async def manage(self, request: Request, terminal: Terminal, number: int, now_us: int) -> Reply:
        """The reply to a sign-on, sign-off or echo of a known terminal."""
        ...


class Keys(NamedTuple):
    """The duplicate keys that a request names: see `Intent`."""

    own: bytes
    original: bytes | None = None
    voided: bytes | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the node's flows have in common: a terminal may use any listener."""

    directory: SeesRecords
    management: SignsOn
    hsm: Hsm
    ledger: PostsIntents
    turns: Turns
    table: RangeTable
    clock: Clock
    metrics: Metrics
    old_set_us: int
    log: TransactionLog = field(default_factory=lambda: TransactionLog(enabled=True))


class NotInMemory(Exception):
    """A request needs what only the database has."""


async def _only_by_waiting(*_: object) -> NoReturn:
    raise NotInMemory


class InMemory:
    """The part of a directory that can be asked without waiting; for the rest it raises `NotInMemory`."""

    def __init__(self, directory: SeesRecords) -> None:
        self.peek_card = directory.peek_card
        self.peek_terminal = directory.peek_terminal

    card = terminal = reload_terminal = verified = _only_by_waiting


Respond: TypeAlias = Callable[[bytes | None], None]
"""Takes the answer to a message, without framing; None if none is due."""


@dataclass(slots=True, repr=False)
class UnderWay:
    """A request that was taken and isn't answered yet; `respond` is called exactly once."""

    request: Request
    body: bytes
    respond: Respond
    number: int
    now_us: int
    started: float


class Prepared(NamedTuple):
    """A request that has passed the checks, or was refused on the record: what the ledger is asked."""

    intent: Intent
    key_set: KeySet


class Flow:
    """Answers messages of one dialect; see the module's docstring."""

    def __init__(self, codec: Codec, parts: Parts) -> None:
        self._codec = codec
        self._parts = parts
        self._clock = parts.clock
        self._hsm = parts.hsm
        self._directory = parts.directory
        self._in_memory = InMemory(parts.directory)
        self._ledger = parts.ledger
        self._turns = parts.turns
        self._rules = ProductRulesOf()
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, body: bytes, listener: str, respond: Respond) -> None:
        """Answer a message, at once or later; see `Respond`.

        Args:
            body: The message, from its MTI on.
            listener: Where it came in, for metrics.
            respond: Told the answer, once.
        """
        request = self._read(body, listener)
        if request is None:
            respond(None)
            return
        if request.unexpected_fields:
            self._parts.metrics.fields_unexpected(listener, request.unexpected_fields)
        self._parts.metrics.transaction_started()
        under_way = UnderWay(
            request, body, respond, self._ledger.numbers.next(), self._clock.now_us(), perf_counter()
        )
        kind = KINDS.get(request.service)
        if kind is None:
            self._spawn(under_way, self._manage(under_way))
        else:
            self._transact(under_way, kind)

    def _transact(self, under_way: UnderWay, kind: TransactionKind) -> None:
        """A request for the ledger; its turn is taken before anything is waited for."""
        keys = _keys(under_way.request, kind)
        turn = self._turns.hold(*filter(None, keys))
        if not (turn.has_come and self._hsm.answers_at_once):
            self._spawn(under_way, self._transact_later(under_way, kind, keys, turn))
            return
        try:
            prepared = _at_once(self._prepare(under_way, kind, keys, self._in_memory))
        except NotInMemory:
            self._spawn(under_way, self._transact_later(under_way, kind, keys, turn))
        except Exception:  # noqa: BLE001 - a defect ends this request, and no other
            turn.end()
            self._fail(under_way)
        else:
            self._post(under_way, turn, prepared)

    async def _transact_later(
        self, under_way: UnderWay, kind: TransactionKind, keys: Keys, turn: Turn
    ) -> None:
        async with turn:
            prepared = await self._prepare(under_way, kind, keys, self._directory)
            if isinstance(prepared, Reply):
                await self._answer(under_way, prepared, None)
                return
            told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            self._ledger.submit(prepared.intent, told.set_result)
            result = await told
        await self._answer(under_way, self._result_reply(result), prepared.key_set)

    def _post(self, under_way: UnderWay, turn: Turn, prepared: "Prepared | Reply") -> None:
        if isinstance(prepared, Reply):
            turn.end()
            self._conclude(under_way, prepared, None)
            return
        try:
            self._ledger.submit(prepared.intent, partial(self._posted, under_way, turn, prepared.key_set))
        except Exception:  # noqa: BLE001 - a defect ends this request, and no other
            turn.end()
            self._fail(under_way)

    def _posted(self, under_way: UnderWay, turn: Turn, key_set: KeySet, result: Result) -> None:
        turn.end()
        self._conclude(under_way, self._result_reply(result), key_set)

    def _spawn(self, under_way: UnderWay, work: Coroutine[None, None, None]) -> None:
        """Let a request that has to wait go on in a task."""
        task = asyncio.create_task(self._guarded(under_way, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, under_way: UnderWay, work: Coroutine[None, None, None]) -> None:
        """Without the database or the HSM nothing was decided, which is answered as such."""
        try:
            try:
                await work
            except (DatabaseUnavailable, HsmUnavailable):
                reply = self._short(Outcome.SYSTEM_MALFUNCTION, under_way.number, under_way.now_us)
                await self._answer(under_way, reply, None)
        except Exception:  # noqa: BLE001 - whatever it was, the other requests go on
            self._fail(under_way)

    def _conclude(self, under_way: UnderWay, reply: Reply, key_set: KeySet | None) -> None:
        """Answer at once."""
        try:
            _at_once(self._answer(under_way, reply, key_set))
        except Exception:  # noqa: BLE001 - whatever it was, the other requests go on
            self._fail(under_way)

    async def _answer(self, under_way: UnderWay, reply: Reply, key_set: KeySet | None) -> None:
        """Answer; `key_set` has the keys whose MAC goes on the answer (None: no MAC).

        That nothing was done is true of this sending only: a repeat, whose first sending may have been
        committed, is not told so.
        """
        if under_way.request.is_repeat and reply.outcome is Outcome.SYSTEM_MALFUNCTION:
            self._end(under_way, "unanswered", perf_counter() - under_way.started, None)
            return
        try:
            answer = await self._write(under_way.request, reply, key_set)
        except HsmUnavailable:
            _log.warning("no MAC to be had for an answer")
            self._end(under_way, "unanswered", perf_counter() - under_way.started, None)
            return
        seconds = perf_counter() - under_way.started
        self._note(under_way.request, reply, seconds)
        self._end(under_way, OUTCOME_LABELS[reply.outcome], seconds, answer)

    def _fail(self, under_way: UnderWay) -> None:
        """A defect of the program: nothing is answered, so that nothing wrong is."""
        _log.exception("request failed")
        self._end(under_way, "unanswered", perf_counter() - under_way.started, None)

    def _end(self, under_way: UnderWay, outcome: str, seconds: float, answer: bytes | None) -> None:
        self._parts.metrics.transaction_finished(under_way.request.service.value, outcome, seconds)
        under_way.respond(answer)

    def _read(self, body: bytes, listener: str) -> Request | None:
        """The request in a message; one that can't be decoded still is one if its MTI can be read."""
        try:
            message, defect = self._codec.decode(body), None
        except MalformedMessage as malformed:
            self._parts.metrics.message_malformed(listener, malformed.reason.value)
            _log.warning("message malformed", listener=listener, defect=str(malformed))
            readable = self._codec.decode_readable(body)
            if readable is None:
                return None
            message, defect = readable, str(malformed)
        if not unionpay_pos.is_request(message.mti):
            self._parts.metrics.message_malformed(listener, "not_a_request")
            return None
        request = unionpay_pos.read(message)
        request.defect = defect or request.defect
        return request

    async def _manage(self, under_way: UnderWay) -> None:
        request, number, now_us = under_way.request, under_way.number, under_way.now_us
        situation = self._situation(request, now_us)
        situation.terminal = await _terminal(request, self._directory)
        refused = await self._line_refusal(situation, self._directory)
        if refused is not None:
            await self._answer(under_way, self._short(refused, number, now_us), None)
            return
        assert situation.terminal is not None
        reply = await self._parts.management.manage(request, situation.terminal, number, now_us)
        await self._answer(under_way, reply, None)

    async def _prepare(
        self, under_way: UnderWay, kind: TransactionKind, keys: Keys, directory: SeesRecords
    ) -> "Prepared | Reply":
        """What to ask the ledger, if it is known who asks; else the answer."""
        request = under_way.request
        situation = self._situation(request, under_way.now_us)
        situation.terminal = await _terminal(request, directory)
        key_set = await self._authenticate(situation, under_way.body, directory)
        refused = await self._line_refusal(situation, directory)
        if key_set is None:
            assert refused is not None
            return self._short(refused, under_way.number, under_way.now_us)
        if refused is None:
            await self._find_card(situation, key_set, directory)
            if situation.card is not None:
                situation.terms = situation.card.product.at(under_way.now_us)
            refused = first_refusal(ISSUER_CHECKS[request.service], situation)
        intent = await self._intent(situation, kind, keys, under_way, refused)
        if kind in VOIDED_KIND:
            intent.original_id = transaction_of_reference(request.original_reference) or 0
        return Prepared(intent, key_set)

    def _situation(self, request: Request, now_us: int) -> Situation:
        return Situation(request, self._clock.local(now_us).year_month)

    async def _authenticate(self, situation: Situation, body: bytes, directory: SeesRecords) -> KeySet | None:
        """Find the key set whose MAC this is; before giving up, see whether another node rolled the keys."""
        terminal, request = situation.terminal, situation.request
        if terminal is None or request.defect is not None:
            return None
        used = await self._matching(terminal, request, body)
        if used is None:
            terminal = await directory.reload_terminal(request.merchant_id, request.terminal_id)
            used = await self._matching(terminal, request, body) if terminal is not None else None
        if used is None or terminal is None:
            return None
        situation.mac_verified = True
        situation.terminal = terminal
        if not used.verified:
            situation.terminal = await directory.verified(terminal, used)
        return used

    async def _matching(self, terminal: Terminal, request: Request, body: bytes) -> KeySet | None:
        assert request.mac is not None
        data = body[:-_MAC_BYTES]
        now_us = self._clock.now_us()
        for key_set in candidates(terminal.key_sets, now_us, self._parts.old_set_us):
            try:
                await self._hsm.ask(SoftHsm.verify_pos_mac, KeyBlock(key_set.mac_key), data, request.mac)
            except MacMismatch:
                self._parts.metrics.hsm_operation("verify_pos_mac", "mismatch")
                continue
            self._parts.metrics.hsm_operation("verify_pos_mac", "match")
            return key_set
        return None

    async def _line_refusal(self, situation: Situation, directory: SeesRecords) -> Outcome | None:
        """What the checks of the line say, of the terminal as it is now if they refuse it."""
        request, checks = situation.request, LINE_CHECKS[situation.request.service]
        refused = first_refusal(checks, situation)
        if refused not in OF_THE_TERMINAL:
            return refused
        anew = await directory.reload_terminal(request.merchant_id, request.terminal_id)
        situation.terminal = anew or situation.terminal
        return first_refusal(checks, situation)

    async def _find_card(self, situation: Situation, key_set: KeySet, directory: SeesRecords) -> None:
        """Route the card, look it up, and have its PIN verified."""
        request = situation.request
        if request.pan is None:
            return
        situation.destination = route(self._parts.table, request.pan.clear)
        if situation.destination is not OWN_LEDGER and ROUTED[request.service]:
            return
        index = PanIndex(await self._hsm.ask(SoftHsm.pan_index, request.pan.clear))
        situation.card = directory.peek_card(index) or await directory.card(index)
        if situation.card is not None and request.pin_block is not None:
            situation.pin = await self._verify_pin(request, situation.card, key_set)

    async def _verify_pin(self, request: Request, card: Card, key_set: KeySet) -> PinVerdict | None:
        """The HSM's verdict, under the PIN key of the set whose MAC fitted: never found by trial."""
        assert request.pan is not None
        assert request.pin_block is not None
        if not request.pin_block_usable:
            return None
        result = await self._hsm.ask(
            SoftHsm.verify_pin, KeyBlock(key_set.pin_key), request.pin_block, request.pan.clear,
            card.wallet_id, PinReference(card.pin_salt, card.pin_value),
        )  # fmt: skip
        self._parts.metrics.hsm_operation("verify_pin", result.value)
        return PIN_VERDICTS[result]

    async def _intent(
        self,
        situation: Situation,
        kind: TransactionKind,
        keys: Keys,
        under_way: UnderWay,
        refused: Outcome | None,
    ) -> Intent:
        request, terminal, card = situation.request, situation.terminal, situation.card
        assert terminal is not None
        wallet_id = card.wallet_id if card is not None else None
        if card is None and request.pan is not None and (kind in REVERSED_KIND or kind in VOIDED_KIND):
            wallet_id = 0
        return Intent(
            under_way.number, kind, keys.own, await self._fingerprint(request), under_way.now_us,
            int(request.currency or Asset.CNY), request.amount_minor, Origin(terminal.merchant.id,
            request.merchant_id, request.terminal_id, request.batch, request.stan), wallet_id,
            self._rules.of(situation.terms) if situation.terms is not None else None,
            situation.pin or PinVerdict.ABSENT, refused, original_key=keys.original, voided_key=keys.voided,
        )  # fmt: skip

    async def _fingerprint(self, request: Request) -> bytes:
        """A keyed hash of what makes two requests the same: never of fields that change on a repeat."""
        fields = request.message.fields
        pan = request.pan.clear if request.pan is not None else ""
        told = (pan, str(fields[60])[:2], *[fields.get(number, "") for number in _FINGERPRINTED])
        return await self._hsm.ask(SoftHsm.fingerprint, "\0".join(map(str, told)).encode("latin-1"))

    def _result_reply(self, result: Result) -> Reply:
        at = self._clock.local(result.received_at_us)
        return Reply(
            result.outcome,
            result.transaction_id,
            at.time,
            at.date,
            result.available_minor,
            has_mac=result.outcome is not Outcome.SYSTEM_MALFUNCTION,
        )

    def _short(self, outcome: Outcome, number: int, now_us: int) -> Reply:
        """A reply that says no more than its outcome."""
        at = self._clock.local(now_us)
        return Reply(outcome, number, at.time, at.date)

    async def _write(self, request: Request, reply: Reply, key_set: KeySet | None) -> bytes:
        answer = self._codec.encode(unionpay_pos.answer(request.message, reply))
        if not reply.has_mac:
            return answer
        assert key_set is not None
        data = answer[:-_MAC_BYTES]
        mac = await self._hsm.ask(SoftHsm.pos_mac, KeyBlock(key_set.mac_key), data)
        self._parts.metrics.hsm_operation("pos_mac", "made")
        return data + mac

    def _note(self, request: Request, reply: Reply, seconds: float) -> None:
        self._parts.log.note(
            request.service.value, reply.outcome, reply.transaction_id, request.merchant_id,
            request.terminal_id, request.batch, request.stan, request.amount_minor,
            self._clock.now_us(), seconds,
        )  # fmt: skip


async def _terminal(request: Request, directory: SeesRecords) -> Terminal | None:
    name = request.merchant_id, request.terminal_id
    known = directory.peek_terminal(*name)
    if known is not None:
        return known
    if not all(part.isascii() and part.isprintable() for part in name):
        return None  # no such name is ever registered, and not every text can be asked of the database
    return await directory.terminal(*name)


def _at_once(work: Coroutine[None, None, Value]) -> Value:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as ended:
        value: Value = ended.value
        return value
    raise AssertionError("it waits")


def _keys(request: Request, kind: TransactionKind) -> Keys:
    """A reversal has its original's STAN and batch; a void names its purchase's, and so does its reversal."""
    own = _key(request, request.batch, request.stan, kind)
    reversed_kind = REVERSED_KIND.get(kind)
    voided_kind = VOIDED_KIND.get(reversed_kind or kind)
    voided = None
    if voided_kind is not None:
        voided = _key(request, request.original_batch, request.original_stan, voided_kind)
    if reversed_kind is None:
        return Keys(own, original=voided)
    return Keys(own, _key(request, request.batch, request.stan, reversed_kind), voided)


def _key(request: Request, batch: str, stan: str, kind: TransactionKind) -> bytes:
    return duplicate_key(request.merchant_id, request.terminal_id, batch, stan, kind)
