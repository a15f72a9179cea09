"""The wallets a lane has seen last, bounded: least recently used ones go.

An entry is one run of bytes, so a look at one of a hundred thousand wallets touches memory in two places, and
the garbage collector in none. Nothing is forgotten before the cache is full, so the order of use is only kept
once it is half full: until then a look changes nothing.

Entries hold only what is committed. A cached wallet is a guess about the database: the version predicate of
its group's statement is what makes acting on it safe. After a lost swap its entry is dropped, never mended.
"""

from ledger.wallet import WalletState, decode_state

_VERSION_BYTES = 8


class WalletCache:
    """Committed wallet states by wallet id.

    Args:
        limit: how many wallets are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ordered_from = limit // 2
        self._entries: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, wallet_id: int) -> tuple[int, WalletState] | None:
        """The wallet's version and state; it becomes the most recently used."""
        entry = self._entries.get(wallet_id)
        if entry is None:
            return None
        if len(self._entries) > self._ordered_from:
            self._entries[wallet_id] = self._entries.pop(wallet_id)
        return int.from_bytes(entry[:_VERSION_BYTES]), decode_state(entry[_VERSION_BYTES:])

    def put(self, wallet_id: int, version: int, state: bytes) -> None:
        """Keep the bytes of a committed state; the least recently used one goes if there are too many."""
        if len(self._entries) > self._ordered_from:
            self._entries.pop(wallet_id, None)
        self._entries[wallet_id] = version.to_bytes(_VERSION_BYTES) + state
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def drop(self, wallet_id: int) -> None:
        """Forget a wallet."""
        self._entries.pop(wallet_id, None)
