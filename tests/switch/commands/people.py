"""Operators at the command line, on a database of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Cardswitch = Callable[..., Any]

GIVEN = "given by somebody 1"
CHOSEN = "chosen by myself 2"


@dataclass(frozen=True)
class People:
    """Operators of an installation; all of them choose the same password."""

    run: Cardswitch
    environment: pytest.MonkeyPatch

    def by(self, operator: str, *arguments: str, stdin: str = "", password: str = CHOSEN) -> Any:
        """What a command answers an operator."""
        self.environment.setenv("CARDSWITCH_OPERATOR_PASSWORD", password)
        return self.run(*arguments, "--operator", operator, stdin=stdin)

    def told(self, operator: str, *arguments: str, stdin: str = "") -> Any:
        """The JSON of a command that must succeed."""
        ran = self.by(operator, *arguments, "--json", stdin=stdin)
        assert ran.status == 0, ran.err
        return ran.json

    def first(self, name: str) -> None:
        """The first operator of the installation."""
        self.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", CHOSEN)
        assert self.run("operator", "first", name, "--json").json == {"done": True}

    def added(self, name: str, role: str, party: str, *, by: str, approved_by: str | None = None) -> None:
        """Another one, approved where that is needed, who has chosen a password."""
        self.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)
        what = ("operator", "add", name, "--role", role, "--party", party)
        if approved_by is None:
            self.told(by, *what)
        else:
            self.approved(by, *what, approved_by=approved_by)
        self.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", CHOSEN)
        assert self.by(name, "operator", "password", password=GIVEN).status == 0

    def approved(self, by: str, *arguments: str, approved_by: str) -> str:
        """The number of a proposal that one operator made with a command, and another approved."""
        proposed = self.by(by, *arguments, "--json")
        assert proposed.status == 3, proposed.err
        number = str(proposed.json["proposal"])
        self.told(approved_by, "approval", "approve", number)
        return number
