"""`python -m benchmarks.hsm`: the HSM's operations beside the same primitives called bare, and its socket.

Each operation and its bare counterpart (the same primitives on contexts that are kept, with no format, check
or key look-up around them) are timed in turns, in slices so short that some of each pass undisturbed by
whatever else the machine does; what counts is the ratio of the best slices, at most `RATIO_MAX`. Then one
client asks the HSM in another process, with many operations under way, at least `SOCKET_PER_SECOND_MIN` a
second. Results go to `benchmarks/results/hsm.json`; the exit code is 1 if a limit is missed.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import uvloop

from hsm_soft.data_keys import DATA_KEY_USAGES
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.mac import MacAlgorithm, MacMethod, Padding
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import new_named_keys
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.primitives import (
    AESGCMSIV,
    aes_cmac,
    compare_digest,
    des_cbc_encryptor,
    des_decryptor,
    des_encryptor,
)
from hsm_soft.process.client import HsmClient
from hsm_soft.process.server import HsmServer
from hsm_soft.process.socket_file import listening_socket

RESULTS = Path(__file__).parent / "results"
RATIO_MAX = 3.0
SOCKET_PER_SECOND_MIN = 20_000
GROUP = 64
CALLS_PER_SLICE = 320
PAN, PIN, WALLET = "6222020000000000017", "123456", 7
MASTER_KEY, DES_KEY = bytes(range(32)), bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
MESSAGE = bytes(range(128))
STATE = bytes(39)

Work = Callable[[], object]


class Contest(NamedTuple):
    """An operation, the same primitives bare, and how many operations one call of each does."""

    operation: Work
    bare: Work
    operations: int = 1


def new_hsm() -> SoftHsm:
    """An HSM with fresh keys; the same ones in every process of a run."""
    master_key = MasterKey(MASTER_KEY, development=True, created=False)
    keys = new_named_keys(KeyBlockProtection(MASTER_KEY), os.urandom)
    hsm = SoftHsm(master_key, {key.id: key.key_block for key in keys})
    hsm.load_data_keys([hsm.new_data_key(usage, number) for number, usage in enumerate(DATA_KEY_USAGES, 1)])
    return hsm


def contests(hsm: SoftHsm) -> dict[str, Contest]:
    """What is measured, by name."""
    protection = KeyBlockProtection(MASTER_KEY)
    encryptor, decryptor = des_encryptor(DES_KEY), des_decryptor(DES_KEY)
    pin_key = protection.wrap(KeyUsage.PIN_ENCRYPTION, DES_KEY, os.urandom)
    sending_key = protection.wrap(KeyUsage.PIN_ENCRYPTION, DES_KEY, os.urandom, mode="E")
    mac_key = protection.wrap(KeyUsage.POS_MAC, DES_KEY, os.urandom)
    retail_key = protection.wrap(KeyUsage.RETAIL_MAC, DES_KEY, os.urandom)
    pan_field = int(PAN[-13:-1], 16)
    block = encryptor((int(f"0{len(PIN)}{PIN}".ljust(16, "F"), 16) ^ pan_field).to_bytes(8, "big"))
    reference = hsm.make_pin_reference(PIN, WALLET)
    x9_19 = MacMethod(MacAlgorithm.X9_19, 8, Padding.METHOD_1)
    iso_0 = PinBlockFormat.ISO_0
    return {
        "pin_verify": Contest(
            lambda: hsm.verify_pin(pin_key, block, PAN, WALLET, reference),
            bare_pin_verify(decryptor, block, reference.value),
        ),
        "pin_translate": Contest(
            lambda: hsm.translate_pin(pin_key, iso_0, sending_key, iso_0, block, PAN),
            lambda: encryptor(decryptor(block)),
        ),
        "pos_mac_128": Contest(lambda: hsm.pos_mac(mac_key, MESSAGE), lambda: encryptor(encryptor(block))),
        "x9_19_128": Contest(lambda: hsm.make_mac(retail_key, x9_19, MESSAGE), bare_x9_19()),
        **seals(hsm),
    }


def bare_pin_verify(decryptor: Callable[[bytes], bytes], block: bytes, value: bytes) -> Work:
    """A block decrypted, a CMAC over the reference's data, a comparison."""
    authenticate, data = aes_cmac(MASTER_KEY), bytes(9 + len(PIN) + 8)

    def bare() -> object:
        decryptor(block)
        return compare_digest(authenticate(data), value)

    return bare


def bare_x9_19() -> Work:
    """CBC over the message under the first half, then decryption and encryption of the last block."""
    chained = des_cbc_encryptor(DES_KEY[:8])
    second, first = des_decryptor(DES_KEY[8:]), des_encryptor(DES_KEY[:8])
    return lambda: first(second(chained(MESSAGE)[-8:]))


def seals(hsm: SoftHsm) -> dict[str, Contest]:
    """Sealing and opening, a group at a time."""
    wallets = [(number, 3, STATE) for number in range(GROUP)]
    rows = [
        (number, 3, *seal) for (number, _, _), seal in zip(wallets, hsm.seal_wallets(wallets), strict=True)
    ]
    aead, binding = AESGCMSIV(MASTER_KEY), bytes(20)
    nonce = os.urandom(12)
    sealed = aead.encrypt(nonce, STATE, binding)

    def bare_seal() -> None:
        for _ in range(GROUP):
            aead.encrypt(os.urandom(12), STATE, binding)

    def bare_open() -> None:
        for _ in range(GROUP):
            aead.decrypt(nonce, sealed, binding)

    return {
        "seal": Contest(lambda: hsm.seal_wallets(wallets), bare_seal, GROUP),
        "open": Contest(lambda: hsm.open_wallets(rows), bare_open, GROUP),
    }


def microseconds(work: Work, calls: int) -> float:
    """The mean time of a call."""
    started = perf_counter()
    for _ in range(calls):
        work()
    return (perf_counter() - started) / calls * 1e6


def measured(contest: Contest, slices: int) -> dict[str, float]:
    """Both sides in turns; the best slice of each for one operation, and their ratio."""
    calls = max(1, CALLS_PER_SLICE // contest.operations)
    ours, bare = [], []
    for _ in range(slices):
        ours.append(microseconds(contest.operation, calls) / contest.operations)
        bare.append(microseconds(contest.bare, calls) / contest.operations)
    return {
        "operation_us": round(min(ours), 3),
        "bare_us": round(min(bare), 3),
        "ratio": round(min(ours) / min(bare), 2),
    }


class Deaf:
    """Hears nothing of what a server tells."""

    def peer_refused(self, reason: str) -> None:
        """Nobody is refused here."""

    def operation_defective(self, operation: str) -> None:
        """Nothing is defective here."""


async def serve(path: Path) -> None:
    """The HSM's side of the socket, until the client ends the process."""
    with listening_socket(path) as listening:
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        await HsmServer(new_hsm(), Deaf()).serve(listening, asyncio.Event())


async def through_the_socket(rounds: int, operations: int) -> dict[str, Any]:
    """POS MACs asked by hundreds of tasks of one client; the median of the rounds, operations a second."""
    with tempfile.TemporaryDirectory(prefix="hsm-") as folder:
        path = Path(folder) / "hsm" / "hsm.sock"
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.hsm", "--serve", str(path)), stdout=asyncio.subprocess.PIPE
        )
        assert server.stdout is not None
        await server.stdout.readline()
        client = HsmClient(path)
        await client.connect()
        mac_key = KeyBlockProtection(MASTER_KEY).wrap(KeyUsage.POS_MAC, DES_KEY, os.urandom)

        async def ask(count: int) -> None:
            for _ in range(count):
                await client.ask(SoftHsm.pos_mac, mac_key, MESSAGE)

        rates = [await rate(ask, operations) for _ in range(rounds)]
        await client.close()
        server.kill()
        await server.wait()
    return {"per_second": round(median(rates)), "in_flight": IN_FLIGHT}


IN_FLIGHT = 512


async def rate(ask: Callable[[int], Awaitable[None]], operations: int) -> float:
    """Operations a second of `IN_FLIGHT` tasks that ask one after the other."""
    each = max(1, operations // IN_FLIGHT)
    started = perf_counter()
    await asyncio.gather(*(ask(each) for _ in range(IN_FLIGHT)))
    return each * IN_FLIGHT / (perf_counter() - started)


def main(options: argparse.Namespace) -> int:
    """Measure, print, and keep the result."""
    hsm = new_hsm()
    results: dict[str, Any] = {
        name: measured(contest, options.slices) for name, contest in contests(hsm).items()
    }
    results["socket"] = uvloop.run(through_the_socket(options.rounds, options.operations))
    missed = [name for name, each in results.items() if each.get("ratio", 0) > RATIO_MAX]
    missed += ["socket"] if results["socket"]["per_second"] < SOCKET_PER_SECOND_MIN else []
    results["limits"] = {"ratio_max": RATIO_MAX, "socket_per_second_min": SOCKET_PER_SECOND_MIN}
    results["missed"] = missed
    results["machine"] = {"processors": os.cpu_count(), "python": platform.python_version()}
    text = json.dumps(results, indent=2) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "hsm.json").write_text(text, encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of the socket")
    parser.add_argument("--slices", type=int, default=400)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        uvloop.run(serve(chosen.serve))
        sys.exit(0)
    sys.exit(main(chosen))
