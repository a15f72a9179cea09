"""A desk at which officers look after keys by the real commands, on a database of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Cardswitch = Callable[..., Any]


@dataclass(frozen=True)
class Desk:
    """Officers at the command line of an installation of their own."""

    run: Cardswitch
    folder: Path
    dsn: str

    def secret(self, name: str, text: str) -> str:
        """A file with a secret; its path."""
        file = self.folder / name
        file.write_text(text + "\n")
        return str(file)

    def by(self, officer: str) -> tuple[str, ...]:
        """The options with which an officer acts."""
        return (
            "--officer",
            officer,
            "--passphrase-file",
            self.secret(officer, f"the passphrase of {officer}"),
        )

    def approved(self, activity: str, *about: str) -> str:
        """The number of a ceremony that alice opened and bob approved."""
        opened = self.run("keys", "ceremony", "open", activity, *about, *self.by("alice"), "--json")
        assert opened.status == 0, opened.err
        number = str(opened.json["ceremony"])
        approved = self.run("keys", "ceremony", "approve", number, *self.by("bob"))
        assert approved.status == 0, approved.err
        return number

    def component(self, ceremony: str, officer: str) -> Any:
        """A new component of an officer's, as that officer is shown it."""
        ran = self.run("keys", "ceremony", "component", ceremony, "--new", *self.by(officer), "--json")
        return ran.json

    def generated(self, *what: str) -> Any:
        """A new key, as it is shown."""
        number = self.approved("generate", *what)
        return self.run("keys", "generate", "--ceremony", number, *what, "--json").json["keys"][0]
