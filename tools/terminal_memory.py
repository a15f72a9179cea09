"""What a simulated terminal remembers when it is switched off: trace counter, batch and session keys.

A real terminal never uses a trace number twice in a batch, because the switch would take the second use for
a repeat. So the counter is written down before the message that carries it is sent, and whoever simulates a
terminal holds its memory exclusively. Session keys are kept as they came, encrypted under the terminal's
master key.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import orjson

from tools.trouble import Trouble

_STANS: Final = 999_999


class BadTerminalMemory(Trouble):
    """A terminal's memory file can't be read; deleting it makes a terminal that starts anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a terminal's memory; delete it to start anew")


@dataclass(slots=True)
class TerminalMemory:
    """One terminal's memory.

    Attributes:
        stan: The trace number used last; 0 before the first.
        batch: The batch that the last sign-on named, six digits.
        session_keys: DE 62 of the last sign-on, in hex; empty before the first.
    """

    stan: int = 0
    batch: str = "000000"
    session_keys: str = ""

    def next_stan(self) -> str:
        """The next trace number (DE 11): 000001 to 999999, then 000001 again."""
        self.stan = self.stan % _STANS + 1
        return f"{self.stan:06}"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The memory in a file; a fresh one if there is no file.

        Raises:
            BadTerminalMemory: The file holds something else.
        """
        if not path.exists():
            return cls()
        try:
            memory = cls(**orjson.loads(path.read_bytes()))
            sound = 0 <= memory.stan <= _STANS and len(memory.batch) == len(f"{int(memory.batch):06}")
            bytes.fromhex(memory.session_keys)
        except (TypeError, ValueError):
            raise BadTerminalMemory(path) from None
        if not sound:
            raise BadTerminalMemory(path)
        return memory

    def write(self, path: Path) -> None:
        """Put the memory into a file, whole or not at all."""
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(orjson.dumps(asdict(self)))
        draft.replace(path)
