"""The ledger's tables in memory: reads for a group what a lane reads, and writes it as the statement does.

It refuses what PostgreSQL would refuse (a duplicate key, a version that moved on, legs that don't sum to
zero, a gap in a wallet's events), so a wrong group fails where it is committed. It also holds what `verify`
holds: each lot of a wallet is what the wallet was opened with and its entries sum to, held or not.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from ledger.chart import OF_WALLET, AccountKind, Leg, is_balanced
from ledger.intent import Intent
from ledger.postgres.chain import EntryRow, TransactionRow
from ledger.postgres.dedup import Found, Result, found_of, keys_of, posted, unread_originals, wallets_of
from ledger.postgres.group import Group, Knowledge, Moved, WorkingWallet
from ledger.wallet import WalletState, decode_state, encode_state, with_cash

Place: TypeAlias = tuple[int, int, bool]
"""A lot's purse and last good day, and whether what is held of it is meant."""


class MemoryLedger:
    """One lane's view of a ledger; wallets of other lanes are those that `is_mine` denies."""

    def __init__(self) -> None:
        self.wallets: dict[int, tuple[int, WalletState]] = {}
        self.found: dict[bytes, Found] = {}
        self.transactions: dict[int, TransactionRow] = {}
        self.entries: list[EntryRow] = []
        self.quarantined: set[int] = set()
        self.foreign: set[int] = set()
        self._legs: defaultdict[int, list[Leg]] = defaultdict(list)
        self._booked: dict[int, Counter[Place]] = {}
        self._totals: Counter[tuple[int, int, int]] = Counter()

    def open(self, wallet_id: int, balance_minor: int) -> None:
        """A new wallet with cash."""
        self.wallets[wallet_id] = (1, with_cash(balance_minor))

    def commit(self, intents: Sequence[Intent], day: int) -> list[Result | Moved]:
        """Settle the intents as one group, write it, and give their results."""
        group = self.group(intents, day)
        results = [group.settle(intent) for intent in intents]
        self.write(group)
        return results

    def group(self, intents: Sequence[Intent], day: int) -> Group:
        """What a lane knows when it starts to settle these intents."""
        found: dict[bytes, Found] = {}
        keys, asked = keys_of(intents), 0
        while len(keys) > asked:
            asked = len(keys)
            found = {key: self.found[key] for key in keys if key in self.found}
            keys = keys_of(intents, found)
        days = unread_originals(intents, found)
        originals = {
            number: posted(self.transactions[number], self.legs(number), at) for number, at in days.items()
        }
        pairs = wallets_of(intents, found, originals)
        ids = {i for own, other in pairs if own not in self.foreign for i in (own, other) if i}
        wallets = {
            i: WorkingWallet(self.wallets[i][0], *self.wallets[i])
            for i in ids & self.wallets.keys() - self.quarantined
        }
        return Group(day, Knowledge(found, originals, wallets), lambda i: i not in self.foreign)

    def write(self, group: Group) -> None:
        """Write a group's rows, all or none as far as it can tell."""
        for wallet_id, version in group.assertions():
            assert self.wallets[wallet_id][0] == version
        for wallet_id, wallet in group.swaps():
            self._swap(wallet_id, wallet, [e.version for e in group.events if e.wallet_id == wallet_id])
        for row in group.dedup:
            assert row.key not in self.found
            self.found[row.key] = found_of(*row[1:], group.day)
        for transaction in group.transactions:
            assert transaction.id not in self.transactions
            self.transactions[transaction.id] = transaction
        for entry in group.entries:
            self._post(entry)
        for transaction in group.transactions:
            assert is_balanced(self.legs(transaction.id))
        for wallet_id, wallet in group.swaps():
            lots = _places(wallet.state)
            assert {place: sum_ for place, sum_ in self._booked[wallet_id].items() if sum_} == lots

    def _swap(self, wallet_id: int, wallet: WorkingWallet, versions: list[int]) -> None:
        assert list(range(wallet.expected + 1, wallet.version + 1)) == versions
        version, state = self.wallets[wallet_id]
        assert version == wallet.expected
        self._booked.setdefault(wallet_id, Counter(_places(state)))
        self.wallets[wallet_id] = (wallet.version, decode_state(encode_state(wallet.state)))

    def _post(self, entry: EntryRow) -> None:
        number, _, kind, account, asset, amount, purse, expires, _ = entry
        self.entries.append(entry)
        self._legs[number].append(Leg(AccountKind(kind), account, asset, amount, purse, expires))
        self._totals[kind, account, asset] += amount
        if kind in OF_WALLET:
            is_held = kind == AccountKind.HELD_WALLET
            self._booked[account][purse, expires, is_held] += -amount if is_held else amount

    def legs(self, transaction_id: int) -> tuple[Leg, ...]:
        """The legs that a transaction posted."""
        return tuple(self._legs.get(transaction_id, ()))

    def balance_of(self, kind: AccountKind, account_id: int | None = None, asset: int | None = None) -> int:
        """The sum of the entries of all accounts of a kind, or of one of them, or of those in one asset."""
        return sum(
            total
            for (its_kind, account, its_asset), total in self._totals.items()
            if its_kind == kind and account_id in {None, account} and asset in {None, its_asset}
        )


def _places(state: WalletState) -> dict[Place, int]:
    """What a wallet has in each lot, and what is held of it."""
    places: dict[Place, int] = {}
    for purse, expires, balance, held in state.lots:
        places |= {(purse, expires, False): balance, (purse, expires, True): held}
    return {place: amount for place, amount in places.items() if amount}
