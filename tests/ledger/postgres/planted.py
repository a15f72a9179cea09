"""Originals planted under keys, as if they had been posted and changed, for tests of single rows."""

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind, change_key
from ledger.lifecycle import OriginalState
from ledger.original import Original
from ledger.outcome import Outcome
from ledger.postgres.dedup import ROLE_CHANGE, ROLE_OWN, ROLE_TOMBSTONE, Found, Result
from ledger.wallet import CASH, Lot, WalletState
from tests.ledger.memory_ledger import MemoryLedger

DAY = 739_000
CARD, MERCHANT, CNY = 4, 7, 156
FINGERPRINT = b"f" * 16
HOLDS = frozenset({TransactionKind.PREAUTH, TransactionKind.PREAUTH_INCREMENT})

SALE = (
    Leg(AccountKind.WALLET_CASH, CARD, CNY, -400, CASH),
    Leg(AccountKind.MERCHANT_PAYABLE, MERCHANT, CNY, 400),
)
HOLD = (
    Leg(AccountKind.HELD_WALLET, CARD, CNY, -400, CASH),
    Leg(AccountKind.HELD_MERCHANT, MERCHANT, CNY, 400),
)
_UNPOSTED = {
    OriginalState.TOMBSTONE: (ROLE_TOMBSTONE, Outcome.ORIGINAL_NOT_FOUND),
    OriginalState.DECLINED: (ROLE_OWN, Outcome.CARD_LOST),
}


def open_card(ledger: MemoryLedger, held_minor: int = 0) -> None:
    """A wallet with money, some of which is held."""
    ledger.wallets[CARD] = 1, WalletState((Lot(CASH, 0, 9000, held_minor),))


def plant(
    ledger: MemoryLedger,
    key: bytes,
    kind: TransactionKind,
    state: OriginalState,
    *,
    changes: int = 1,
    original_key: bytes | None = None,
) -> int:
    """Let something of 4.00 stand so under a key; its number."""
    number = 1000 + len(ledger.found)
    role, outcome = _UNPOSTED.get(state, (ROLE_OWN, Outcome.APPROVED))
    result = Result(outcome, number, 0)
    if state in _UNPOSTED:
        ledger.found[key] = Found(role, number, FINGERPRINT, result, None, DAY)
    elif state is not OriginalState.ABSENT:
        original = Original(
            *(number, kind, CARD, 400, CNY, DAY, MERCHANT, HOLD if kind in HOLDS else SALE, state, changes),
            expires_day=DAY - 1,
            original_key=original_key,
        )
        ledger.found[key] = Found(role, number, FINGERPRINT, result, original, DAY)
        for change in range(changes):
            ledger.found[change_key(key, change)] = Found(ROLE_CHANGE, number, b"c", result, original, DAY)
    return number
