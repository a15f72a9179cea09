"""`python -m benchmarks.card_batch`: cards opened in one batch, killed half-way, resumed, and counted.

An installation of its own gets an issuer, a product, a range whose numbers come scattered, and the keys of a
printing house. Then `cardswitch card batch open` makes the cards twice: once to its end, which is timed, and
once until half of its parts are there, when the process is killed (SIGKILL) and `resume` does the rest. The
second batch is released by two operators and exported, and its files are opened as the printing house opens
them: every card is there once, with a number of its own, and so is its wallet. Results go to
`benchmarks/results/card_batch.json`; the exit code is 1 if a limit is missed or a card is lost or doubled.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.key_life import KeyState, ManagedKey, Slot
from hsm_soft.key_ring import add
from hsm_soft.key_usage import KeyUsage
from hsm_soft.secret_file import read_secret_file
from storage.database import connect
from storage.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results"
COMMAND = Path(sys.executable).with_name("cardswitch")
SECONDS_MAX = 60.0
PASSWORD, GIVEN = "chosen by myself 2", "given by somebody 1"
FILE_KEY = bytes(range(32))
MASTER_KEY = bytes(range(1, 33))
TERMS = '{"card_class": "gift", "currency": 156, "services": ["purchase"]}'
MADE = "SELECT count(*) FROM directory.card_batch_part WHERE batch_id = $1"


@dataclass
class Installation:
    """A home on a database, with commands to run there."""

    home: Path
    dsn: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What every command sees."""
        return os.environ | {
            "CARDSWITCH_HOME": str(self.home),
            "CARDSWITCH_DATABASE__DSN": self.dsn,
            "CARDSWITCH_HSM__MASTER_KEY_FILE": str(self.home.parent / "master-key.hex"),
            "CARDSWITCH_OPERATOR_PASSWORD": PASSWORD,
        }

    def run(self, *arguments: str, status: int = 0, **variables: str) -> Any:
        """The JSON of a command."""
        environment = {**self.environment, **variables}
        done = subprocess.run(
            [COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert status == done.returncode, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout) if "--json" in arguments else None

    def by(self, operator: str, *arguments: str, status: int = 0) -> Any:
        """The JSON of an operator's command."""
        return self.run(*arguments, "--operator", operator, "--json", status=status)

    def by_two(self, *arguments: str) -> None:
        """A command that root proposes and rosa approves."""
        proposal = self.by("root", *arguments, status=3)["proposal"]
        self.by("rosa", "approval", "approve", str(proposal))

    def furnish(self) -> None:
        """People, an issuer, a product, a range, and a printing house's keys."""
        (self.home.parent / "master-key.hex").write_text(MASTER_KEY.hex())
        self.run("operator", "first", "root", CARDSWITCH_OPERATOR_NEW_PASSWORD=PASSWORD)
        new = {"CARDSWITCH_OPERATOR_NEW_PASSWORD": GIVEN}
        rosa = ("operator", "add", "rosa", "--role", "platform_admin", "--operator", "root")
        self.run(*rosa, **new)
        changed = {"CARDSWITCH_OPERATOR_PASSWORD": GIVEN, "CARDSWITCH_OPERATOR_NEW_PASSWORD": PASSWORD}
        self.run("operator", "password", "--operator", "rosa", **changed)
        self.by("root", "issuer", "add", "CITY", "City")
        terms = self.home.parent / "terms.json"
        terms.write_text(TERMS)
        product = ("product", "add", "GIFT", "Gift", "--party", "issuer:CITY", "--terms", str(terms))
        self.by("root", *product)
        self.by("root", "range", "register", "990055", "--name", "cards")
        self.by("root", "range", "allocate", "990055", "--to", "issuer:CITY", "--name", "cards")
        asyncio.run(self._add_keys())

    def opening(self, cards: int) -> list[str | Path]:
        """The command that opens a batch."""
        return [
            *(COMMAND, "card", "batch", "open", "--party", "issuer:CITY", "--product", "GIFT"),
            *(
                "--range",
                "990055",
                "--cards",
                str(cards),
                "--printer",
                "house",
                "--operator",
                "root",
                "--json",
            ),
        ]

    async def value(self, query: str, *values: object) -> int:
        """One number from the database."""
        connection = await connect(self.dsn)
        try:
            return int(await connection.fetchval(query, *values))
        finally:
            await connection.close()

    async def _add_keys(self) -> None:
        protection = KeyBlockProtection(MASTER_KEY)
        keys = ((KeyUsage.SECRET_FILE, FILE_KEY, ""), (KeyUsage.PIN_ENCRYPTION, FILE_KEY[1:17], "E"))
        connection = await connect(self.dsn)
        try:
            for number, (usage, clear, mode) in enumerate(keys, start=200):
                block = protection.wrap(usage, clear, os.urandom, mode=mode)
                life = (KeyState.ACTIVE, Slot.CURRENT, "00", None, block)
                await add(connection, ManagedKey(number, "link:house", usage.title, *life))
        finally:
            await connection.close()


def whole(there: Installation, cards: int) -> dict[str, Any]:
    """A batch made without interruption: seconds and memory."""
    started = monotonic()
    subprocess.run(there.opening(cards), env=there.environment, check=True, capture_output=True)
    seconds = monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "seconds": round(seconds, 1),
        "cards_per_second": round(cards / seconds),
        "resident_mib_max": round(peak / 1024),
    }


def interrupted(there: Installation, cards: int, part_cards: int) -> dict[str, Any]:
    """A batch killed half-way and resumed: what was there, and how long the rest took."""
    process = subprocess.Popen(
        there.opening(cards), env=there.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while asyncio.run(there.value(MADE, 2)) < cards // part_cards // 2:
        assert process.poll() is None, "it ended before it could be killed"
        sleep(0.05)
    process.kill()
    process.wait()
    at_kill = asyncio.run(there.value(MADE, 2))
    started = monotonic()
    there.by("root", "card", "batch", "resume", "2")
    return {"parts_when_killed": at_kill, "resumed_in_seconds": round(monotonic() - started, 1)}


def examined(there: Installation, cards: int) -> dict[str, Any]:
    """What the printing house finds in the second batch, and the database in both."""
    out = there.home.parent / "house"
    there.by_two("card", "batch", "release", "2")
    there.by("root", "card", "batch", "export", "2", "--out", str(out))
    lines = [
        line
        for file in sorted(out.glob("*.cards"))
        for line in read_secret_file(FILE_KEY, "cards", file.read_bytes())
    ]
    serials, numbers = {line[0] for line in lines}, {line[1] for line in lines}
    stored = "SELECT count(DISTINCT pan_index) FROM directory.card"
    wallets = "SELECT count(*) FROM directory.card JOIN ledger.wallet ON wallet.id = card.wallet_id"
    return {
        "delivered": len(lines),
        "serials": len(serials),
        "numbers": len(numbers),
        "numbers_stored": asyncio.run(there.value(stored)),
        "wallets": asyncio.run(there.value(wallets)),
        "as_expected": len(lines) == len(serials) == len(numbers) == cards
        and asyncio.run(there.value(stored)) == asyncio.run(there.value(wallets)) == 2 * cards,
    }


def main(options: argparse.Namespace) -> int:
    """Measure, print, and keep the result."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres.acquire(Path(folder) / "postgres") as server,
    ):
        there = Installation(Path(folder) / "home", server.dsn)
        there.furnish()
        results: dict[str, Any] = {
            "cards": options.cards,
            "whole": whole(there, options.cards),
            "killed": interrupted(there, options.cards, 1_000),
            "examined": examined(there, options.cards),
        }
        there.run("ledger", "verify", "--json")
    results["limit_seconds"] = SECONDS_MAX
    results["machine"] = {"processors": os.cpu_count(), "python": platform.python_version()}
    text = json.dumps(results, indent=2) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "card_batch.json").write_text(text, encoding="utf-8")
    kept = results["examined"]["as_expected"] and results["whole"]["seconds"] <= SECONDS_MAX
    return 0 if kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cards", type=int, default=100_000)
    sys.exit(main(parser.parse_args()))
