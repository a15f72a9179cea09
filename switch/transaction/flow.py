"""The flow of one request, from the bytes of a message to the bytes of its answer.

Decode, read into the canonical request, run the checks in order, ask the HSM and the ledger, write the
answer, put the MAC on it. What is checked, and in which order, is the table in `steps`; what a dialect calls
it is its vocabulary; what is decided about money is the ledger's.

A request takes one of two ways. Nearly every one finds what it needs in memory and holds its turn at once,
and takes the fast path; one that has to wait for something takes the slow path, from the start. A request
holds the turn of its keys from the moment it came, whichever way it takes.
"""

from time import perf_counter
from typing import Final

from iso8583_specs.codec import Codec, MalformedMessage
from switch.observability.logs import get
from switch.transaction.answering import Answering
from switch.transaction.fast_path import FastPath
from switch.transaction.intents import KINDS, identity_of
from switch.transaction.parts import Parts, Respond, UnderWay
from switch.transaction.slow_path import SlowPath
from switch.vocabulary import unionpay_pos
from switch.vocabulary.model import Request

_log: Final = get("switch.transaction")


class Flow:
    """Answers messages of one dialect; see the module's docstring."""

    def __init__(self, codec: Codec, parts: Parts) -> None:
        self._codec = codec
        self._metrics = parts.metrics
        self._clock = parts.clock
        self._numbers = parts.ledger.numbers
        self._turns = parts.turns
        answering = Answering(codec, parts)
        self._slow_path = SlowPath(parts, answering)
        core = parts.hsm.core
        self._fast_path = None if core is None else FastPath(parts, core, answering)

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
            self._metrics.fields_unexpected(listener, request.unexpected_fields)
        self._metrics.transaction_started()
        number, now_us = self._numbers.next(), self._clock.now_us()
        under_way = UnderWay(request, body, respond, number, now_us, perf_counter())
        kind = KINDS.get(request.service)
        if kind is None:
            self._slow_path.manage(under_way)
            return
        identity = identity_of(request, kind)
        turn = self._turns.hold(*identity.keys)
        fast_path = self._fast_path if turn.has_come else None
        if fast_path is None or not fast_path.transact(under_way, identity, turn):
            self._slow_path.transact(under_way, identity, turn)

    def _read(self, body: bytes, listener: str) -> Request | None:
        """The request in a message; one that can't be decoded still is one if its MTI can be read."""
        try:
            message, defect = self._codec.decode(body), None
        except MalformedMessage as malformed:
            self._metrics.message_malformed(listener, malformed.reason.value)
            _log.warning("message malformed", listener=listener, defect=str(malformed))
            readable = self._codec.decode_readable(body)
            if readable is None:
                return None
            message, defect = readable, str(malformed)
        if not unionpay_pos.is_request(message.mti):
            self._metrics.message_malformed(listener, "not_a_request")
            return None
        request = unionpay_pos.read(message)
        request.defect = defect or request.defect
        return request
