"""An HSM in a process of its own beside an installation's switches, and what is in a process's memory."""

import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from .switch_process import COMMAND, START_SECONDS, STOP_SECONDS, Installation

Form: TypeAlias = bytes | re.Pattern[bytes]
Secrets: TypeAlias = Mapping[str, Iterable[Form]]
"""What to look for, by name, each in the forms in which it might stand."""

MASTER_KEY_FILE: Final = "DEVELOPMENT-MASTER-KEY.hex"
PROCESS_MODE: Final = {"CARDSWITCH_HSM__MODE": "process"}
_SERVING: Final = re.compile(r"^hsm serving on ", re.MULTILINE)
_REGION: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r")
_PIECE_BYTES: Final = 16 * 1024 * 1024


class HsmProcess:
    """A running `cardswitch hsm serve`."""

    def __init__(self, installation: Installation) -> None:
        self._output = installation.home.parent / "hsm.out"
        self._log = installation.home.parent / "hsm.err"
        with self._output.open("wb") as output, self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "hsm", "serve"],
                env=installation.environment,
                cwd=installation.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )
        self._wait()

    @property
    def written(self) -> str:
        """All that HSMs of this installation have logged, and what this one has printed."""
        return self._output.read_text(encoding="utf-8") + self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it in the middle of whatever it is doing."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _SERVING.search(self._output.read_text(encoding="utf-8")):
            assert self.process.poll() is None, self.written[-4000:]
            assert time.monotonic() < deadline, "the HSM did not start"
            time.sleep(0.02)


def found_in_memory(process_id: int, secrets: Secrets) -> set[str]:
    """The names of the secrets that the memory of a process holds in any of their forms."""
    found: set[str] = set()
    longest = max(len(_text(form)) for forms in secrets.values() for form in forms)
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process_id}/maps").read_text(encoding="utf-8").splitlines():
            region = _REGION.match(line)
            if region is None or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(text, 16) for text in region.groups())
            for at in range(start, end, _PIECE_BYTES):
                try:
                    memory.seek(at)
                    piece = memory.read(min(_PIECE_BYTES + longest, end - at))
                except OSError:
                    continue
                found |= found_in(piece, secrets)
    return found


def found_in(data: bytes, secrets: Secrets) -> set[str]:
    """The names of the secrets that these bytes hold in any of their forms."""
    return {name for name, forms in secrets.items() if any(_is_in(data, form) for form in forms)}


def _is_in(data: bytes, form: Form) -> bool:
    return form in data if isinstance(form, bytes) else form.search(data) is not None


def _text(form: Form) -> bytes:
    return form if isinstance(form, bytes) else form.pattern
