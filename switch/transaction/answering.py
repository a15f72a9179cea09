"""How a request ends: with an answer that is written, counted and noted, or in silence.

An answer leaves when its outcome is durable, or when it is certain that there is nothing to be durable. An
outcome nobody knows yet gets no answer at all, nor does one that the HSM went away from before its MAC was
made: the terminal repeats or reverses. That nothing was done is true of one sending only: a repeat, whose
first sending may have been committed, is not told so. An exception is a defect of the program; it, too, is
answered by silence, never by a guess.

The MAC is put on by whichever way the request took: one of them may wait for the HSM, the other can't.
"""

from time import perf_counter
from typing import Final

from iso8583_specs.codec import Codec
from ledger.identity import retrieval_reference
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from switch.observability.logs import get
from switch.observability.transaction_log import OUTCOME_LABELS
from switch.transaction.parts import Parts, UnderWay
from switch.vocabulary import unionpay_pos
from switch.vocabulary.model import Reply, Service

MAC_BYTES: Final = 8
"""Of field 64, the last one of a message."""

_SERVICE_LABELS: Final = {service: service.value for service in Service}
_UNANSWERED: Final = "unanswered"
_log = get("switch.transaction")


class Answering:
    """Writes and sends the answers of one dialect; see the module's docstring."""

    def __init__(self, codec: Codec, parts: Parts) -> None:
        self._codec = codec
        self._metrics = parts.metrics
        self._clock = parts.clock
        self._log = parts.log

    def reply_to(self, result: Result) -> Reply:
        """What is answered to a request that has a result."""
        outcome, number, received_at_us, available_minor = result
        at = self._clock.local(received_at_us)
        has_mac = outcome is not Outcome.SYSTEM_MALFUNCTION
        return Reply(outcome, retrieval_reference(number), at.time, at.date, available_minor, has_mac=has_mac)

    def short(self, under_way: UnderWay, outcome: Outcome) -> Reply:
        """A reply that says no more than its outcome."""
        at = self._clock.local(under_way.now_us)
        return Reply(outcome, retrieval_reference(under_way.number), at.time, at.date)

    def written(self, under_way: UnderWay, reply: Reply) -> bytes | None:
        """The answer, with room for its MAC if it has one; None if the request is not to be told this."""
        request = under_way.request
        if request.is_repeat and reply.outcome is Outcome.SYSTEM_MALFUNCTION:
            return None
        return self._codec.encode(unionpay_pos.answer(request.message, reply))

    def send(self, under_way: UnderWay, reply: Reply, answer: bytes) -> None:
        """Let an answer leave."""
        request = under_way.request
        service, seconds = _SERVICE_LABELS[request.service], perf_counter() - under_way.started
        self._log.note(
            service, reply.outcome, reply.reference, request.merchant_id, request.terminal_id,
            request.batch, request.stan, request.amount_minor, self._clock.now_us(), seconds,
        )  # fmt: skip
        self._metrics.transaction_finished(service, OUTCOME_LABELS[reply.outcome], seconds)
        under_way.respond(answer)

    def stay_silent(self, under_way: UnderWay) -> None:
        """Answer nothing."""
        service, seconds = _SERVICE_LABELS[under_way.request.service], perf_counter() - under_way.started
        self._metrics.transaction_finished(service, _UNANSWERED, seconds)
        under_way.respond(None)

    def fail(self, under_way: UnderWay) -> None:
        """End a request over a defect of the program, from inside an exception's handler."""
        _log.exception("request failed")
        self.stay_silent(under_way)
