"""The demo seed: 32 random bytes, from which every PIN and terminal key of the demo world derives.

A demo world needs PINs and terminal keys in the clear, which a real one must never have. Deriving them
keeps them out of every table and file: the same seed gives the same world again, and without it nobody
knows them. The file stands at `<home>/demo/DEMO-SEED.hex`, loudly named and readable by its owner only. In
production nothing of the kind may exist: the file is neither made nor read there.

Derivation is HMAC-SHA256 (RFC 2104) of a label that names the purpose and the number, one label for one
value.
"""

import contextlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from hsm_soft.new_keys import new_des_key
from tools.trouble import Trouble

SEED_BYTES: Final = 32
_SEED_TEXT: Final = re.compile(r"[0-9a-f]{64}\n?")


class DemoForbidden(Trouble):
    """Demo cards and terminals must not exist in production."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class BadDemoSeed(Trouble):
    """A demo seed file doesn't hold 64 lower-case hex digits."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not hold 64 lower-case hex digits")


@dataclass(frozen=True, slots=True)
class DemoSeed:
    """The seed, and what derives from it."""

    value: bytes = field(repr=False)

    def pin(self, card: int) -> str:
        """The six-digit PIN of a demo card."""
        return f"{int.from_bytes(self._derive(b'pin %d' % card)[:8]) % 1_000_000:06}"

    def terminal_master_key(self, terminal: int) -> bytes:
        """The double-length TDES master key of a demo terminal: 16 bytes, odd parity, distinct halves."""
        attempts = count()
        return new_des_key(
            16,
            lambda length: self._derive(b"terminal master key %d.%d" % (terminal, next(attempts)))[:length],
        )

    @property
    def mark(self) -> str:
        """Eight hex digits that tell one seed from another and nothing else about it."""
        return self._derive(b"mark")[:4].hex()

    def _derive(self, label: bytes) -> bytes:
        return hmac.digest(self.value, label, "sha256")


def demo_folder(home: Path, environment: str) -> Path:
    """`<home>/demo`, made if absent, for its owner only.

    Raises:
        DemoForbidden: The environment is production.
    """
    if environment == "production":
        raise DemoForbidden
    folder = home / "demo"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def load_demo_seed(
    home: Path, environment: str, new_seed: Callable[[int], bytes] = secrets.token_bytes
) -> DemoSeed:
    """The home's demo seed, made at first use; who comes at the same time gets the same one.

    Raises:
        DemoForbidden: The environment is production.
        BadDemoSeed: The file holds something else.
    """
    path = demo_folder(home, environment) / "DEMO-SEED.hex"
    if not path.exists():
        _create(path, new_seed(SEED_BYTES))
    text = path.read_text(encoding="ascii", errors="replace")
    if not _SEED_TEXT.fullmatch(text):
        raise BadDemoSeed(path)
    return DemoSeed(bytes.fromhex(text))


def _create(path: Path, value: bytes) -> None:
    """Write the file whole or not at all, unless somebody else was first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(value.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
