"""Network management: sign-on, sign-off and echo. No MAC comes with them, and no money moves.

A sign-on hands out new session keys under the terminal's master key, and tells the batch that is open. It
proves nothing about who asked, so the keys in use stay good until the new ones are proven by a MAC. A sign-on
for keys that don't go under the terminal's master key (SM4 under triple DES, or the other way round), or for
SM4 keys where they are off, is a function that isn't supported.
"""

from typing import Final, Protocol

from directory.records import KeySet, Terminal
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from hsm_soft.key_block import KeyBlock, KeyBlockRefused, Refusal
from hsm_soft.session_keys import SignOnLayout
from ledger.identity import retrieval_reference
from ledger.outcome import Outcome
from switch.observability.metrics import Metrics
from switch.shell.clock import Clock
from switch.vocabulary.model import KeyLayout, Reply, Request, Service

LAYOUTS: Final = {
    KeyLayout.SINGLE: SignOnLayout.SINGLE_24,
    KeyLayout.DOUBLE: SignOnLayout.DOUBLE_40,
    KeyLayout.DOUBLE_TRACK: SignOnLayout.DOUBLE_60,
    KeyLayout.SM4: SignOnLayout.SM4_48,
    KeyLayout.SM4_TRACK: SignOnLayout.SM4_72,
}
"""What the HSM is asked for, for each layout of the vocabulary; under a triple length key it makes more."""

_NOT_FOR_THIS_TERMINAL: Final = frozenset({Refusal.ALGORITHM, Refusal.STRENGTH})
"""Why the HSM makes no keys of a layout for a terminal; all other reasons are defects."""


class KeepsSignOns(Protocol):
    """The directory, as management uses it."""

    async def signed_on(self, terminal: Terminal, new: KeySet) -> Terminal:
        """Keep the keys that a sign-on hands out; the terminal as it is afterwards."""
        ...

    async def signed_off(self, terminal: Terminal) -> None:
        """Note that the terminal said it leaves."""
        ...


class Management:
    """Answers network management requests of known terminals."""

    def __init__(self, hsm: Hsm, directory: KeepsSignOns, clock: Clock, metrics: Metrics) -> None:
        self._hsm = hsm
        self._directory = directory
        self._clock = clock
        self._metrics = metrics

    async def manage(self, request: Request, terminal: Terminal, number: int, now_us: int) -> Reply:
        """The reply to a request that passed its checks."""
        at, reference = self._clock.local(now_us), retrieval_reference(number)
        if request.service is Service.SIGN_ON:
            try:
                batch, field_62 = await self._sign_on(request, terminal, now_us)
            except KeyBlockRefused as refused:
                if refused.reason not in _NOT_FOR_THIS_TERMINAL:
                    raise
                return Reply(Outcome.FUNCTION_NOT_SUPPORTED, reference, at.time, at.date)
            return Reply(Outcome.APPROVED, reference, at.time, at.date, batch=batch, session_keys=field_62)
        if request.service is Service.SIGN_OFF:
            await self._directory.signed_off(terminal)
        return Reply(Outcome.APPROVED, reference, at.time, at.date)

    async def _sign_on(self, request: Request, terminal: Terminal, now_us: int) -> tuple[str, bytes]:
        """The open batch and field 62; the keys are durable before they are told."""
        assert request.key_layout is not None
        layout = LAYOUTS[request.key_layout]
        keys = await self._hsm.ask(SoftHsm.new_session_keys, KeyBlock(terminal.master_key), layout)
        self._metrics.hsm_operation("new_session_keys", "made")
        new = KeySet(now_us, False, keys.pin_key, keys.mac_key, keys.track_key)
        signed_on = await self._directory.signed_on(terminal, new)
        return signed_on.batch, keys.field_62
