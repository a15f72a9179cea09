"""The ledger's tables in memory: reads for a group what a lane reads, and writes it as the statement does.

It refuses what PostgreSQL would refuse (a duplicate key, a version that moved on, legs that don't sum to
zero, a gap in a wallet's events), so a wrong group fails where it is committed.
"""

from collections.abc import Sequence

from ledger.chart import AccountKind, Leg, is_balanced
from ledger.decision import Original
from ledger.intent import Intent
from ledger.postgres.chain import EntryRow, TransactionRow
from ledger.postgres.dedup import (
    Found,
    Result,
    first_change_keys,
    later_change_keys,
    named_keys,
    posted_numbers,
    unpack_result,
)
from ledger.postgres.group import Group, Knowledge, Moved, WorkingWallet
from ledger.wallet import WalletState, decode_state, encode_state


class MemoryLedger:
    """One lane's view of a ledger; wallets of other lanes are those that `is_mine` denies."""

    def __init__(self) -> None:
        self.wallets: dict[int, tuple[int, WalletState]] = {}
        self.found: dict[bytes, Found] = {}
        self.originals: dict[int, Original] = {}
        self.transactions: dict[int, TransactionRow] = {}
        self.entries: list[EntryRow] = []
        self.quarantined: set[int] = set()
        self.foreign: set[int] = set()

    def open(self, wallet_id: int, balance_minor: int) -> None:
        """A new wallet."""
        self.wallets[wallet_id] = (1, WalletState(balance_minor))

    def commit(self, intents: Sequence[Intent], day: int) -> list[Result | Moved]:
        """Settle the intents as one group, write it, and give their results."""
        group = self.group(intents, day)
        results = [group.settle(intent) for intent in intents]
        self.write(group)
        return results

    def group(self, intents: Sequence[Intent], day: int) -> Group:
        """What a lane knows when it starts to settle these intents."""
        keys = [intent.key for intent in intents]
        named = named_keys(intents)
        found = self._probe([*keys, *named, *first_change_keys([*named, *keys])])
        found |= self._probe(later_change_keys([*named, *keys], found))
        originals = {number: self.originals[number] for number in posted_numbers(named, found)}
        ids = {i.wallet_id for i in intents if i.wallet_id and i.refusal is None and i.original_key is None}
        ids |= {original.wallet_id for original in originals.values()} - self.foreign
        wallets = {
            i: WorkingWallet(self.wallets[i][0], *self.wallets[i])
            for i in ids & self.wallets.keys() - self.quarantined
        }
        return Group(day, Knowledge(found, originals, wallets), lambda i: i not in self.foreign)

    def _probe(self, keys: Sequence[bytes]) -> dict[bytes, Found]:
        return {key: self.found[key] for key in keys if key in self.found}

    def write(self, group: Group) -> None:
        """Write a group's rows, all or none as far as it can tell."""
        for wallet_id, version in group.assertions():
            assert self.wallets[wallet_id][0] == version
        for wallet_id, wallet in group.swaps():
            versions = [event.version for event in group.events if event.wallet_id == wallet_id]
            assert list(range(wallet.expected + 1, wallet.version + 1)) == versions
            assert self.wallets[wallet_id][0] == wallet.expected
            assert wallet.state.balance_minor >= 0
            self.wallets[wallet_id] = (wallet.version, decode_state(encode_state(wallet.state)))
        for row in group.dedup:
            assert row.key not in self.found
            stored = unpack_result(row.outcome, row.transaction_id, row.result)
            self.found[row.key] = Found(row.role, row.transaction_id, row.fingerprint, stored)
        for transaction in group.transactions:
            assert transaction.id not in self.transactions
            self.transactions[transaction.id] = transaction
        self._post(group)

    def _post(self, group: Group) -> None:
        self.entries += group.entries
        for transaction in group.transactions:
            legs = self.legs(transaction.id)
            assert is_balanced(legs)
            if legs:
                assert transaction.wallet_id is not None
                self.originals[transaction.id] = Original(
                    *(transaction.id, transaction.wallet_id, transaction.amount_minor),
                    *(group.day, legs, transaction.original_id),
                )

    def legs(self, transaction_id: int) -> tuple[Leg, ...]:
        """The legs that a transaction posted."""
        return tuple(
            Leg(AccountKind(e.account_kind), e.account_id, e.asset, e.amount_minor)
            for e in self.entries
            if e.transaction_id == transaction_id
        )

    def balance_of(self, kind: AccountKind, account_id: int | None = None) -> int:
        """The sum of the entries of all accounts of a kind, or of one of them."""
        return sum(
            entry.amount_minor
            for entry in self.entries
            if entry.account_kind == kind and account_id in {None, entry.account_id}
        )
