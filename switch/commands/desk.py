"""What commands of the back office share: the operator, the reason, and how the office's answers are told.

An operator is named by `--operator`. The password never stands on the command line: it is in the variable
CARDSWITCH_OPERATOR_PASSWORD, typed at a prompt where it isn't shown, or the first line of standard input.

Beside the usual exit codes there is 3: what was asked for was not done, but proposed, and waits for a second
operator. With `--json` the proposal's number is told on stdout.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Annotated, Final, TypeAlias, TypeVar

import typer

from directory.csv_exchange import CsvRefused
from directory.office import Office, Operator, Work
from directory.reception import Reception
from directory.refusals import ApprovalNeeded, Refused
from switch.back_office import office_of, reception_of
from switch.bootstrap import Workbench
from switch.commands.frame import EXIT_USAGE, at_workbench, fail, print_json
from switch.language import local, told

__all__ = [
    "EXIT_PROPOSED",
    "CsvOption",
    "Desk",
    "DryRunOption",
    "FileArgument",
    "OperatorOption",
    "WhyOption",
    "at_desk",
    "at_reception",
    "content_of",
    "in_work",
    "moment",
    "new_password",
    "password_of",
    "print_csv",
    "refusals_told",
]

EXIT_PROPOSED: Final = 3

PASSWORD_VARIABLE: Final = "CARDSWITCH_OPERATOR_PASSWORD"  # noqa: S105 - where it stands, not what it is
NEW_PASSWORD_VARIABLE: Final = "CARDSWITCH_OPERATOR_NEW_PASSWORD"  # noqa: S105 - likewise

OperatorOption: TypeAlias = Annotated[str, typer.Option("--operator", help="Who asks for it.")]
WhyOption: TypeAlias = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]
DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, and leave it as it is.")
]
CsvOption: TypeAlias = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
FileArgument: TypeAlias = Annotated[Path, typer.Argument(help="A CSV file; - is standard input.")]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """A signed-in operator's place: the opened installation and the office."""

    bench: Workbench
    office: Office
    operator: Operator
    why: str
    dry: bool

    @property
    def reception(self) -> Reception:
        """Where passwords are looked at and made."""
        return reception_of(self.bench)

    async def run(self, service: Callable[[Work], Awaitable[T]]) -> T:
        """Do a service as one piece of work of the operator."""
        return await self.office.run(self.operator, service, self.why, dry=self.dry)


def at_desk(
    config: Path | None,
    operator: str,
    task: Callable[[Desk], Awaitable[T]],
    *,
    why: str = "",
    dry: bool = False,
    as_json: bool = False,
) -> T:
    """Sign the operator in and do a task at a desk; what is refused ends the command and is told.

    Args:
        config: The settings file.
        operator: The name given.
        task: What is to be done.
        why: The reason given.
        dry: Undo everything at the end.
        as_json: Tell a proposal's number as JSON.
    """

    async def main(bench: Workbench) -> T:
        signed_in = await reception_of(bench).sign_in(operator, password)
        return await task(Desk(bench, office_of(bench), signed_in, why, dry))

    password = password_of(operator)
    with refusals_told(as_json=as_json):
        return at_workbench(config, main)


def in_work(
    config: Path | None,
    operator: str,
    service: Callable[[Work], Awaitable[T]],
    *,
    why: str = "",
    dry: bool = False,
    as_json: bool = False,
) -> T:
    """`at_desk` for a task that is one service."""
    return at_desk(config, operator, lambda desk: desk.run(service), why=why, dry=dry, as_json=as_json)


def at_reception(config: Path | None, task: Callable[[Reception], Awaitable[T]]) -> T:
    """Do what needs no signing in."""
    with refusals_told(as_json=False):
        return at_workbench(config, lambda bench: task(reception_of(bench)))


@contextmanager
def refusals_told(*, as_json: bool) -> Iterator[None]:
    """Tell what the directory refuses, and end with the exit code for it."""
    try:
        yield
    except ApprovalNeeded as needed:
        if as_json:
            print_json({"proposal": needed.proposal_id})
        else:
            typer.echo(told(needed))
        raise typer.Exit(EXIT_PROPOSED) from None
    except CsvRefused as refused:
        for problem in refused.problems:
            place = local("row {row} {column}", row=problem.row, column=problem.column).strip()
            typer.echo(f"{place}: {told(problem.why)}", err=True)
        raise fail(local("{count} problems: nothing was imported", count=len(refused.problems))) from None
    except Refused as refused:
        raise fail(told(refused)) from None


def password_of(name: str) -> str:
    """An operator's password, from wherever it is given."""
    return _secret(PASSWORD_VARIABLE, local("password of {name}", name=name))


def new_password(name: str) -> str:
    """A new password; typed twice where it is typed."""
    prompt = local("new password of {name}", name=name)
    new = _secret(NEW_PASSWORD_VARIABLE, prompt)
    typed = NEW_PASSWORD_VARIABLE not in os.environ and sys.stdin.isatty()
    if typed and getpass(local("the same again") + ": ") != new:
        raise fail(local("the two are not the same"))
    return new


def content_of(file: Path) -> bytes:
    """What stands in a file, or on standard input."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or "?"
        raise fail(local("{file} can't be read: {reason}", file=file, reason=reason), EXIT_USAGE) from None


def print_csv(text: str) -> None:
    """A CSV file on stdout, as it is: in UTF-8 and with its own line ends, whatever the system's are."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def moment(at_us: int | None) -> datetime | None:
    """A moment for people and JSON."""
    return None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)


def _secret(variable: str, prompt: str) -> str:
    if variable in os.environ:
        return os.environ[variable]
    if sys.stdin.isatty():
        return getpass(f"{prompt}: ")
    line = sys.stdin.readline()
    if not line:
        raise fail(local("{prompt}: none is given", prompt=prompt), EXIT_USAGE)
    return line.rstrip("\r\n")
