"""From a request to what the ledger is asked: its kind, the keys it names, and the intent. Pure.

Both ways of the flow come by here, so what is posted doesn't depend on which of them a request took.
"""

from typing import Final, NamedTuple

from directory.records import Card, KeySet
from hsm_soft.key_block import KeyBlock
from hsm_soft.pin import PinReference, PinResult
from ledger.chart import Asset
from ledger.identity import (
    REVERSED_KIND,
    VOIDED_KIND,
    TransactionKind,
    duplicate_key,
    transaction_of_reference,
)
from ledger.intent import Intent, Origin, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from switch.product_rules import ProductRulesOf
from switch.transaction.parts import UnderWay
from switch.transaction.steps import Situation
from switch.vocabulary.model import Request, Service

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

_TAKES_BACK: Final = REVERSED_KIND.keys() | VOIDED_KIND.keys()


class Identity(NamedTuple):
    """What a request is to the ledger: its kind, and the duplicate keys that it names (see `Intent`)."""

    kind: TransactionKind
    own: bytes
    original: bytes | None = None
    voided: bytes | None = None

    @property
    def keys(self) -> list[bytes]:
        """The keys, of which another request may hold the turn."""
        return [key for key in self[1:] if key is not None]


def identity_of(request: Request, kind: TransactionKind) -> Identity:
    """A reversal has its original's STAN and batch; a void names its purchase's, and so does its reversal."""
    own = _key(request, request.batch, request.stan, kind)
    if kind not in _TAKES_BACK:
        return Identity(kind, own)
    reversed_kind = REVERSED_KIND.get(kind)
    voided_kind = VOIDED_KIND.get(reversed_kind or kind)
    voided = None
    if voided_kind is not None:
        voided = _key(request, request.original_batch, request.original_stan, voided_kind)
    if reversed_kind is None:
        return Identity(kind, own, original=voided)
    return Identity(kind, own, _key(request, request.batch, request.stan, reversed_kind), voided)


def _key(request: Request, batch: str, stan: str, kind: TransactionKind) -> bytes:
    return duplicate_key(request.merchant_id, request.terminal_id, batch, stan, kind)


PinQuestion = tuple[KeyBlock, bytes, str, int, PinReference]


def pin_question(request: Request, card: Card, key_set: KeySet) -> PinQuestion | None:
    """What the HSM is asked of a request's PIN, under the PIN key of the set whose MAC fitted.

    Which set that is was never found by trial. None for a block that it can't read.
    """
    assert request.pan is not None
    assert request.pin_block is not None
    if not request.pin_block_usable:
        return None
    reference = PinReference(card.pin_salt, card.pin_value)
    return KeyBlock(key_set.pin_key), request.pin_block, request.pan.clear, card.wallet_id, reference


class Intents:
    """Makes intents; remembers the rules of products as the ledger knows them."""

    def __init__(self) -> None:
        self._rules = ProductRulesOf()

    def made(
        self,
        under_way: UnderWay,
        identity: Identity,
        situation: Situation,
        fingerprint: bytes,
        refused: Outcome | None,
    ) -> Intent:
        """The intent of a request that has passed the checks, or was `refused` on the record."""
        request, terminal, card = under_way.request, situation.terminal, situation.card
        kind, own, original, voided = identity
        assert terminal is not None
        wallet_id = card.wallet_id if card is not None else None
        if card is None and request.pan is not None and kind in _TAKES_BACK:
            wallet_id = 0
        intent = Intent(
            under_way.number, kind, own, fingerprint, under_way.now_us,
            int(request.currency or Asset.CNY), request.amount_minor, Origin(terminal.merchant.id,
            request.merchant_id, request.terminal_id, request.batch, request.stan), wallet_id,
            self._rules_of(situation), situation.pin or PinVerdict.ABSENT,
            refused, original, parent_key=voided, category=terminal.merchant.category,
        )  # fmt: skip
        if kind in VOIDED_KIND:
            intent.original_id = transaction_of_reference(request.original_reference) or 0
        return intent

    def _rules_of(self, situation: Situation) -> ProductRules | None:
        card, terms = situation.card, situation.terms
        return None if card is None or terms is None else self._rules.of(terms, card.product.party_id)
