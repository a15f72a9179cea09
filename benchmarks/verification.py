"""`python -m benchmarks.verification`: how long `ledger verify` takes over a million entries.

A ledger of its own, on an embedded PostgreSQL, opens a hundred thousand wallets and posts purchases through
its lanes over three business days, of which two are closed and sealed. Then the whole of it is verified, and
what came after the last seal alone. Results go to `benchmarks/results/verification.json`; the exit code is 1
if something is wrong in the books or the limit is missed.
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

import asyncpg

from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import new_named_keys
from ledger.identity import TransactionKind, TransactionNumbers, duplicate_key
from ledger.intent import Intent, Origin
from ledger.outcome import Outcome
from ledger.postgres.committer import Ledger, enter
from ledger.postgres.days import close_day
from ledger.postgres.observer import LedgerObserver
from ledger.postgres.opening import Opening, WalletOpener
from ledger.postgres.verify import Report, verify
from ledger.product import ProductRules
from storage.database import connect
from storage.embedded import EmbeddedPostgres
from storage.migrations import migrate
from switch.bootstrap import COMPONENTS
from switch.shell.wallet_sealer import WalletSealer

RESULTS: Final = Path(__file__).parent / "results"
SECONDS_MAX: Final = 10.0
DAYS: Final = 3
_AT_ONCE: Final = 1_024
_OPENED: Final = 10_000
_FUNDS_MINOR: Final = 1_000_000
_FIRST_US: Final = 1_767_600_000_000_000
_RULES: Final = ProductRules()


async def _nothing() -> None:
    """The HSM is always there."""


def _sealer() -> WalletSealer:
    randbytes = Random(8583).randbytes
    master_key = MasterKey(randbytes(32), development=True, created=False)
    keys = new_named_keys(KeyBlockProtection(master_key.key), randbytes)
    hsm = SoftHsm(master_key, {key.id: key.key_block for key in keys})
    hsm.load_data_keys([hsm.new_data_key(KeyUsage.WALLET_SEALING, 1)])
    return WalletSealer(InProcessHsm(hsm), _nothing)


class Books:
    """A ledger that fills with purchases.

    Args:
        dsn: A migrated database.
        sealer: Seals its wallets.
        wallets: How many there are.
    """

    def __init__(self, dsn: str, sealer: WalletSealer, wallets: int) -> None:
        self._dsn = dsn
        self._sealer = sealer
        self._wallets = wallets
        self._random = Random(1)

    async def open(self, connection: "asyncpg.Connection[asyncpg.Record]", node: int) -> None:
        """Open the wallets."""
        opener = WalletOpener(node, TransactionNumbers(node), self._sealer)
        ids = iter(range(1, self._wallets + 1))
        while some := list(islice(ids, _OPENED)):
            async with connection.transaction():
                await opener.open_wallets(
                    connection, [Opening(wallet, _FUNDS_MINOR) for wallet in some], _FIRST_US
                )

    async def buy(self, purchases: int) -> None:
        """Post so many purchases, through the lanes of a node of its own."""
        node = await enter(self._dsn, datetime.now(UTC).date())
        ledger = Ledger(self._dsn, self._sealer, node, LedgerObserver(), cached_wallets=self._wallets)
        await ledger.start()
        try:
            for start in range(0, purchases, _AT_ONCE):
                numbers = range(start, min(start + _AT_ONCE, purchases))
                results = await asyncio.gather(
                    *(ledger.post(self._purchase(ledger, node, number)) for number in numbers)
                )
                assert all(result.outcome is Outcome.APPROVED for result in results)
        finally:
            await ledger.stop()

    def _purchase(self, ledger: Ledger, node: int, number: int) -> Intent:
        kind, merchant = TransactionKind.PURCHASE, f"{node:015}"
        batch, stan = f"{number // 999_999 + 1:06}", f"{number % 999_999 + 1:06}"
        key = duplicate_key(merchant, "T0000001", batch, stan, kind)
        origin = Origin(7 + number % 500, merchant, "T0000001", batch, stan)
        wallet = self._random.randrange(1, self._wallets + 1)
        transaction = ledger.numbers.next()
        return Intent(transaction, kind, key, key, _FIRST_US, _RULES.asset, 10, origin, wallet, _RULES)


async def measure(dsn: str, wallets: int, purchases: int) -> tuple[dict[str, Any], list[Report]]:
    """Fill a ledger and verify it; what it took, and what was found."""
    await migrate(dsn, COMPONENTS)
    sealer = _sealer()
    books, node = Books(dsn, sealer, wallets), await enter(dsn, datetime.now(UTC).date())
    connection = await connect(dsn)
    try:
        await books.open(connection, node)
        sealed = None
        for day in range(DAYS):
            await books.buy(purchases // DAYS)
            if day + 1 < DAYS:
                sealed = (await close_day(connection)).sealed[-1].business_date
        await connection.execute("VACUUM ANALYZE")
        started = monotonic()
        whole = await verify(connection, sealer)
        middle = monotonic()
        since = await verify(connection, sealer, sealed)
        ended = monotonic()
        entries = await connection.fetchval("SELECT count(*) FROM ledger.entry")
    finally:
        await connection.close()
    took = {"entries": entries, "whole_seconds": middle - started, "since_last_seal_seconds": ended - middle}
    return {name: round(value, 2) for name, value in took.items()}, [whole, since]


def main(arguments: Sequence[str]) -> int:
    """Measure, print and keep the results."""
    parser = argparse.ArgumentParser(description="Time ledger verification.")
    parser.add_argument("--wallets", type=int, default=100_000)
    parser.add_argument("--purchases", type=int, default=450_000)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="cardswitch-verification-") as home,
        EmbeddedPostgres.acquire(Path(home)) as server,
    ):
        took, reports = asyncio.run(measure(server.dsn, options.wallets, options.purchases))
    clean = all(report.is_clean for report in reports)
    results = took | {"clean": clean, "limits": {"whole_seconds_max": SECONDS_MAX}}
    results["machine"] = {"python": platform.python_version()}
    text = json.dumps(results, indent=2)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "verification.json").write_text(text + "\n", encoding="utf-8")
    return 0 if clean and took["whole_seconds"] <= SECONDS_MAX else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
