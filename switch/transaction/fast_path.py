"""The fast path: a request goes from its bytes to the ledger, and from its result to its answer, in one go.

Nearly every request finds what it needs in memory: its terminal with keys that have been proven, its card,
and an HSM in this process. For these there is neither task nor coroutine, and what waits for the ledger is
one small object. Whatever else turns up (a terminal or card that isn't in memory, keys never used before, a
MAC that fits none of them, a message that can't be read, a refusal over what another node may have changed)
is left to the slow path, which starts over; that is decided before the PIN is looked at, so no PIN is
verified twice.

The order of what is done here is that of `slow_path`; what is checked is the same table for both (`steps`),
and so is what the ledger is asked (`intents`). The switch's tests of the flow run over both.
"""

from functools import partial

from directory.key_sets import candidates
from directory.records import KeySet, PanIndex, Terminal
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock
from hsm_soft.pos_mac import MacMismatch
from ledger.intent import Intent, PinVerdict
from ledger.postgres.dedup import Result
from routing.route import route
from switch.transaction.answering import MAC_BYTES, Answering
from switch.transaction.intents import PIN_VERDICTS, Identity, Intents, PinQuestion, pin_question
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
from switch.vocabulary.unionpay_pos import fingerprinted


class FastPath:
    """Requests that need not wait; see the module's docstring.

    Args:
        parts: Of the node.
        hsm: The HSM, in this process.
        answering: How requests end.
    """

    def __init__(self, parts: Parts, hsm: SoftHsm, answering: Answering) -> None:
        self._hsm = hsm
        self._answering = answering
        self._intents = Intents()
        self._peek_terminal = parts.directory.peek_terminal
        self._peek_card = parts.directory.peek_card
        self._ledger = parts.ledger
        self._table = parts.table
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._old_set_us = parts.old_set_us

    def transact(self, under_way: UnderWay, identity: Identity, turn: Turn) -> bool:
        """Ask the ledger, and answer once it has; False if this takes waiting: then nothing was done."""
        try:
            prepared = self._prepared(under_way, identity)
            if prepared is None:
                return False
            intent, key_set = prepared
            self._ledger.submit(intent, partial(self._posted, under_way, turn, key_set))
        except Exception:  # noqa: BLE001 - a defect ends this request, and no other
            turn.end()
            self._answering.fail(under_way)
        return True

    def _posted(self, under_way: UnderWay, turn: Turn, key_set: KeySet, result: Result) -> None:
        """Answer a request whose result is durable."""
        turn.end()
        try:
            reply = self._answering.reply_to(result)
            answer = self._answering.written(under_way, reply)
            if answer is None:
                self._answering.stay_silent(under_way)
                return
            if reply.has_mac:
                answer = self._with_mac(answer, key_set)
            self._answering.send(under_way, reply, answer)
        except Exception:  # noqa: BLE001 - whatever it was, the other requests go on
            self._answering.fail(under_way)

    def _with_mac(self, answer: bytes, key_set: KeySet) -> bytes:
        data = answer[:-MAC_BYTES]
        mac = self._hsm.pos_mac(KeyBlock(key_set.mac_key), data)
        self._metrics.hsm_operation("pos_mac", "made")
        return data + mac

    def _prepared(self, under_way: UnderWay, identity: Identity) -> tuple[Intent, KeySet] | None:
        """What to ask the ledger, and the keys of who asks."""
        request = under_way.request
        terminal = self._peek_terminal(request.merchant_id, request.terminal_id)
        if terminal is None or request.defect is not None:
            return None
        key_set = self._proven(under_way, terminal)
        if key_set is None:
            return None
        year_month = self._clock.local(under_way.now_us).year_month
        situation = Situation(request, year_month, terminal, mac_verified=True)
        refused = first_refusal(LINE_CHECKS[request.service], situation)
        if refused in OF_THE_TERMINAL:
            return None
        if refused is None:
            if not self._has_found_card(situation, key_set, under_way.now_us):
                return None
            refused = first_refusal(ISSUER_CHECKS[request.service], situation)
        fingerprint = self._hsm.fingerprint(fingerprinted(request))
        return self._intents.made(under_way, identity, situation, fingerprint, refused), key_set

    def _proven(self, under_way: UnderWay, terminal: Terminal) -> KeySet | None:
        """The key set whose MAC this is, if the terminal has proven before that it has those keys."""
        mac, data = under_way.request.mac, under_way.body[:-MAC_BYTES]
        assert mac is not None
        for key_set in candidates(terminal.key_sets, under_way.now_us, self._old_set_us):
            try:
                self._hsm.verify_pos_mac(KeyBlock(key_set.mac_key), data, mac)
            except MacMismatch:
                self._metrics.hsm_operation("verify_pos_mac", "mismatch")
                continue
            self._metrics.hsm_operation("verify_pos_mac", "match")
            return key_set if key_set.verified else None
        return None

    def _has_found_card(self, situation: Situation, key_set: KeySet, now_us: int) -> bool:
        """Route the card, look it up, and have its PIN verified; False if it isn't in memory."""
        request = situation.request
        if request.pan is None:
            return True
        situation.destination = route(self._table, request.pan.clear)
        if not needs_card(situation):
            return True
        card = situation.card = self._peek_card(PanIndex(self._hsm.pan_index(request.pan.clear)))
        if card is None:
            return False
        situation.terms = card.product.at(now_us)
        if request.pin_block is not None:
            question = pin_question(request, card, key_set)
            situation.pin = None if question is None else self._verdict(question)
        return True

    def _verdict(self, question: PinQuestion) -> PinVerdict | None:
        result = self._hsm.verify_pin(*question)
        self._metrics.hsm_operation("verify_pin", result.value)
        return PIN_VERDICTS[result]
