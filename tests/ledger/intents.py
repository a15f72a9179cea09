"""Intents as the switch makes them: a till with STANs of its own, and a hash for the HSM's fingerprint."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import count

from ledger.chart import Asset
from ledger.identity import TransactionKind, duplicate_key
from ledger.intent import Intent, Origin, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules

MERCHANT_ACCOUNT = 7
FIRST_US = 1_767_600_000_000_000

NO_LIMITS = ProductRules()


def fingerprint_of(*parts: object) -> bytes:
    """16 bytes that are equal for equal requests."""
    return blake2b(repr(parts).encode(), digest_size=16).digest()


class Till:
    """One terminal of a merchant.

    Args:
        numbers: transaction numbers nobody else uses.
        terminal: its name.
    """

    def __init__(self, numbers: Iterator[int], terminal: str = "T0000001") -> None:
        self._numbers = numbers
        self._terminal = terminal
        self._stans = count(1)

    def purchase(
        self,
        wallet_id: int | None,
        amount_minor: int,
        *,
        stan: str | None = None,
        pin: PinVerdict = PinVerdict.ABSENT,
        rules: ProductRules = NO_LIMITS,
        refusal: Outcome | None = None,
    ) -> Intent:
        """A purchase; a `stan` used before makes it a repeat, or a misuse if the rest differs."""
        return self._request(TransactionKind.PURCHASE, wallet_id, amount_minor, stan, pin, rules, refusal)

    def inquiry(
        self,
        wallet_id: int,
        *,
        stan: str | None = None,
        pin: PinVerdict = PinVerdict.ABSENT,
        rules: ProductRules = NO_LIMITS,
    ) -> Intent:
        """A balance inquiry."""
        return self._request(TransactionKind.BALANCE_INQUIRY, wallet_id, 0, stan, pin, rules, None)

    def reversal(
        self,
        original_stan: str,
        amount_minor: int,
        *,
        stan: str | None = None,
        card: int | None = None,
        asset: int = Asset.CNY,
    ) -> Intent:
        """A reversal of this till's purchase under `original_stan`, by default under that STAN too."""
        stan = original_stan if stan is None else stan
        kind = TransactionKind.PURCHASE_REVERSAL
        return Intent(
            next(self._numbers), kind, self.key(stan, kind),
            fingerprint_of(kind, card, amount_minor, original_stan, asset), FIRST_US, asset, amount_minor,
            self._origin(stan), wallet_id=card, original_key=self.key(original_stan),
        )  # fmt: skip

    def void(
        self,
        original: Intent,
        *,
        stan: str | None = None,
        amount_minor: int | None = None,
        number: int | None = None,
        card: int | None = None,
        pin: PinVerdict = PinVerdict.ABSENT,
        rules: ProductRules = NO_LIMITS,
        refusal: Outcome | None = None,
    ) -> Intent:
        """A void of this till's purchase, quoting its number unless told another."""
        amount = original.amount_minor if amount_minor is None else amount_minor
        quoted = original.transaction_id if number is None else number
        intent = self._request(TransactionKind.PURCHASE_VOID, card, amount, stan, pin, rules, refusal)
        intent.fingerprint = fingerprint_of(intent.fingerprint, original.key, quoted)
        intent.original_key, intent.original_id = original.key, quoted
        return intent

    def void_reversal(
        self,
        void: Intent,
        *,
        stan: str | None = None,
        amount_minor: int | None = None,
        card: int | None = None,
        parent_key: bytes | None = None,
    ) -> Intent:
        """A reversal of a void, by default under the void's STAN."""
        amount = void.amount_minor if amount_minor is None else amount_minor
        kind, stan = TransactionKind.PURCHASE_VOID_REVERSAL, void.origin.stan if stan is None else stan
        return Intent(
            next(self._numbers), kind, self.key(stan, kind), fingerprint_of(kind, card, amount, void.key),
            FIRST_US, Asset.CNY, amount, self._origin(stan), wallet_id=card, original_key=void.key,
            parent_key=parent_key or void.original_key,
        )  # fmt: skip

    def again(self, intent: Intent) -> Intent:
        """The same request as the switch would hand it on again."""
        return replace(intent, transaction_id=next(self._numbers), received_at_us=intent.received_at_us + 1)

    def key(self, stan: str, kind: TransactionKind = TransactionKind.PURCHASE) -> bytes:
        """The duplicate key of a request of this till."""
        return duplicate_key("990001000000001", self._terminal, "000001", stan, kind)

    def _request(
        self,
        kind: TransactionKind,
        wallet_id: int | None,
        amount_minor: int,
        stan: str | None,
        pin: PinVerdict,
        rules: ProductRules,
        refusal: Outcome | None,
    ) -> Intent:
        stan = f"{next(self._stans):06d}" if stan is None else stan
        return Intent(
            next(self._numbers), kind, self.key(stan, kind), fingerprint_of(kind, wallet_id, amount_minor),
            FIRST_US, Asset.CNY, amount_minor, self._origin(stan), wallet_id, rules, pin, refusal,
        )  # fmt: skip

    def _origin(self, stan: str) -> Origin:
        return Origin(MERCHANT_ACCOUNT, "990001000000001", self._terminal, "000001", stan)
