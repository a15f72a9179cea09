"""The wallets a lane has seen last, bounded: least recently used ones go.

Entries are plain tuples of integers (the garbage collector stops looking at them) and hold only what is
committed. A cached wallet is a guess about the database: the version predicate of its group's statement is
what makes acting on it safe. After a lost swap its entry is dropped, never mended.
"""

from ledger.wallet import WalletState


class WalletCache:
    """Committed wallet states by wallet id.

    Args:
        limit: how many wallets are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, wallet_id: int) -> tuple[int, WalletState] | None:
        """The wallet's version and state; it becomes the most recently used."""
        entry = self._entries.pop(wallet_id, None)
        if entry is None:
            return None
        self._entries[wallet_id] = entry
        return entry[0], WalletState._make(entry[1:])

    def put(self, wallet_id: int, version: int, state: WalletState) -> None:
        """Keep a committed state; the least recently used one goes if there are too many."""
        self._entries.pop(wallet_id, None)
        self._entries[wallet_id] = (version, *state)
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def drop(self, wallet_id: int) -> None:
        """Forget a wallet."""
        self._entries.pop(wallet_id, None)
