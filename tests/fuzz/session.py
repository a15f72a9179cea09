"""One target under atheris, in a process of its own: libFuzzer takes a process over and ends it.

`python -m tests.fuzz.session TARGET SECONDS FOLDER`. The folder has the target's corpus in `corpus`; inputs
that took long are kept in `slow`, a finding in `crash-…`. Time is the process's own, since the machine has
other work, and instrumented code is slower than what it becomes: what is slow here is only a suspect, which
is measured again without instruments.
"""

import hashlib
import sys
import time
from pathlib import Path

import atheris

_ALL = ["iso8583_specs", "switch.commands.packets"]
# A diagnosis reads a capture by every framing and dialect; reading and weighing is a target of its own.
_WHOLE_DOCTOR = [
    f"iso8583_specs.detection.{name}" for name in ("captures", "diagnosis", "envelopes", "report")
]
_INSTRUMENTED = {"doctor": _WHOLE_DOCTOR, "captures": _WHOLE_DOCTOR}
_SUSPECT_SECONDS = 0.1
_LONGEST_INPUT = 20_000
_MEMORY_MB = 2048


def main() -> None:
    """Fuzz until the time is up."""
    target_name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with atheris.instrument_imports(include=_INSTRUMENTED.get(target_name, _ALL)):
        from tests.fuzz.targets import TARGETS
    target, slow = TARGETS[target_name], folder / "slow"

    def timed(data: bytes) -> None:
        started = time.process_time()
        target(data)
        if time.process_time() - started > _SUSPECT_SECONDS:
            (slow / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST_INPUT}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-timeout=10",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], timed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
