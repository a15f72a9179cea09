"""The back office as its people have it: operators, key officers and a printing house, by commands alone.

An `Office` runs `cardswitch` for operators; two officers hold the ceremonies in which keys are made of their
components, so that whoever owns a key elsewhere (a terminal, a printing house) can be played here. The
printing house opens the files that are meant for it with nothing but its key and the published format.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .plain_terminal import Card
from .switch_process import Installation

GIVEN: Final = "given by somebody 1"
CHOSEN: Final = "chosen by myself 2"
PROPOSED: Final = 3
OFFICERS: Final = ("alice", "bob")


@dataclass
class Office:
    """People at the command line of an installation.

    Args:
        installation: Where they work; a switch may be running on it.
    """

    installation: Installation

    def by(self, operator: str, *arguments: str, status: int = 0) -> Any:
        """The JSON of a command of an operator."""
        return self._run(*arguments, "--operator", operator, password=CHOSEN, new=GIVEN, status=status)

    def by_two(self, *arguments: str) -> None:
        """What needs four eyes: root proposes it, rosa approves."""
        proposed = self.by("root", *arguments, status=PROPOSED)
        self.by("rosa", "approval", "approve", str(proposed["proposal"]))

    def hire(self) -> None:
        """The two administrators of the platform."""
        self.installation.run_with({"CARDSWITCH_OPERATOR_NEW_PASSWORD": CHOSEN}, "operator", "first", "root")
        self.by("root", "operator", "add", "rosa", "--role", "platform_admin")
        self.installation.run_with(
            {"CARDSWITCH_OPERATOR_PASSWORD": GIVEN, "CARDSWITCH_OPERATOR_NEW_PASSWORD": CHOSEN},
            *("operator", "password", "--operator", "rosa"),
        )
        for officer in OFFICERS:
            self.installation.run("keys", "officer", "add", officer, *self._passphrase(officer))

    def key_of(self, owner: str, usage: str, *what: str) -> bytes:
        """A new key of an owner, made of two components, in the clear; current if it is the first."""
        number = self._ceremony("components", "--owner", owner, "--usage", usage, *what)
        parts = [
            bytes.fromhex(self._keys("ceremony", "component", number, "--new", by=each)["component"])
            for each in (0, 1)
        ]
        self.installation.run("keys", "ceremony", "combine", number)
        return bytes(one ^ other for one, other in zip(*parts, strict=True))

    def rotate(self, owner: str, usage: str) -> None:
        """Make an owner's next key the current one."""
        what = ("--owner", owner, "--usage", usage)
        self.installation.run("keys", "rotate", "--ceremony", self._ceremony("rotate", *what), *what)

    def file(self, name: str, content: str) -> str:
        """A file with this content; its path."""
        path = self.installation.home.parent / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def _ceremony(self, activity: str, *about: str) -> str:
        """The number of a ceremony that one officer opened and the other approved."""
        number = str(self._keys("ceremony", "open", activity, *about, by=0)["ceremony"])
        self._keys("ceremony", "approve", number, by=1)
        return number

    def _keys(self, *arguments: str, by: int) -> Any:
        officer = ("--officer", OFFICERS[by], *self._passphrase(OFFICERS[by]))
        return self.installation.run_json("keys", *arguments, *officer)

    def _passphrase(self, officer: str) -> tuple[str, str]:
        return "--passphrase-file", self.file(f"{officer}.txt", f"the long passphrase of {officer}\n")

    def _run(self, *arguments: str, password: str, new: str, status: int) -> Any:
        environment = {"CARDSWITCH_OPERATOR_PASSWORD": password, "CARDSWITCH_OPERATOR_NEW_PASSWORD": new}
        return json.loads(self.installation.run_with(environment, *arguments, "--json", status=status))


@dataclass
class PrintingHouse:
    """Who makes cards of the files that come, and prints PINs.

    Args:
        file_key: AES-256, of its files.
        folder: Where they come.
    """

    file_key: bytes = field(repr=False)
    folder: Path

    def cards(self, name: str) -> dict[str, Card]:
        """The cards of a delivery by their serial numbers, each with its PIN."""
        pins = self.pins(name)
        return {
            serial: Card(pan, expiry, track2, pins[serial])
            for serial, pan, expiry, _, track2 in self._records(f"{name}.cards", "cards")
        }

    def pins(self, name: str) -> dict[str, str]:
        """PINs by the serial numbers of their cards."""
        return {serial: pin for serial, _, pin in self._records(f"{name}.pins", "initial-pins")}

    def _records(self, name: str, purpose: str) -> list[list[str]]:
        content = (self.folder / name).read_bytes()
        head, sealed = content[: content.index(b"\n") + 1], content[content.index(b"\n") + 1 :]
        text = AESGCM(self.file_key).decrypt(sealed[:12], sealed[12:], head)
        records = [line.split(",") for line in text.decode("ascii").splitlines()]
        assert head.decode("ascii").split() == ["cardswitch-secrets", "1", purpose, str(len(records))]
        return records
