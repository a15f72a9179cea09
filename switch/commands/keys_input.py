"""What commands about keys are told: names and numbers as options, secrets never.

A passphrase or a component is typed where it isn't shown, or read from a file, which may be a file descriptor
(`--passphrase-file /dev/fd/3`). So no secret stands on a command line, in a shell's history or in a process
list.
"""

import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from getpass import getpass
from pathlib import Path
from typing import Annotated, Final, TypeAlias, TypeVar

import typer

from hsm_soft.audit.record import AuditRefused
from hsm_soft.custody import CustodyRefused, KeySpec
from hsm_soft.key_block import KeyBlockRefused
from hsm_soft.key_life import INSTALLATION
from hsm_soft.key_usage import Algorithm, Exportability, KeyUsage
from hsm_soft.rewrap import RewrapFailed
from switch.bootstrap import database_of
from switch.commands.frame import EXIT_USAGE, fail, run_async, settings_of, trouble_told
from switch.custody import Custody, open_custody

_OWNER: Final = re.compile(r"link:[a-z0-9][a-z0-9_-]{0,39}|terminal:[ -.0-~]{15}/[ -.0-~]{8}|installation")
_OFFICER: Final = re.compile(r"[a-z][a-z0-9_.-]{0,31}")
_FILE_CHARACTERS_MAX: Final = 20_000

T = TypeVar("T")

CeremonyOption: TypeAlias = Annotated[int, typer.Option("--ceremony", help="Number of the ceremony.")]
OwnerOption: TypeAlias = Annotated[
    str, typer.Option(help=f"link:NAME, terminal:MERCHANT/TERMINAL or {INSTALLATION}.")
]
UsageOption: TypeAlias = Annotated[str, typer.Option(help="What the key is for, as zone-master.")]
OfficerOption: TypeAlias = Annotated[str, typer.Option(help="Who acts.")]
PassphraseOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Where the passphrase stands; asked for if there is none."),
]
AlgorithmOption: TypeAlias = Annotated[str, typer.Option(help="des, tdes, aes, sm4 or hmac.")]
LengthOption: TypeAlias = Annotated[int, typer.Option("--length", help="Bytes of the key.")]
ModeOption: TypeAlias = Annotated[str, typer.Option(help="Mode of use (X9.143); by default the usage's.")]
ExportOption: TypeAlias = Annotated[
    str, typer.Option("--exportability", help="none, trusted (in key blocks) or sensitive (also bare).")
]
CheckValueOption: TypeAlias = Annotated[
    str, typer.Option("--check-value", help="Check value that was agreed, in hexadecimal.")
]


def in_custody(config: Path | None, work: Callable[[Custody], Awaitable[T]]) -> T:
    """Open custody with the settings and do a command's work; what is refused is told in one line."""
    settings = settings_of(config)

    async def main(dsn: str) -> T:
        async with open_custody(settings, dsn) as custody:
            return await work(custody)

    with trouble_told(), database_of(settings) as dsn:
        try:
            return run_async(lambda: main(dsn))
        except (*CustodyRefused, RewrapFailed, AuditRefused) as refused:
            raise fail(str(refused)) from None


def passphrase_of(officer: str, file: Path | None, *, new: bool = False) -> str:
    """An officer's passphrase; a new one is typed twice."""
    if file is not None:
        return line_of(file)
    passphrase = _typed(f"passphrase of {officer}")
    if new and _typed("the same again") != passphrase:
        raise fail("the two are not the same")
    return passphrase


def component_of(file: Path | None) -> bytes:
    """A component, in hexadecimal with spaces wherever they help."""
    text = _typed("component") if file is None else line_of(file)
    return hexadecimal(text, "the component")


def table_of(file: Path | None) -> str:
    """A decimalisation table, with spaces wherever they help."""
    text = _typed("decimalisation table") if file is None else line_of(file)
    return text.replace(" ", "")


def hexadecimal(text: str, what: str) -> bytes:
    """Bytes from hexadecimal digits; the error names what they are, and none of them."""
    with suppress(ValueError):
        return bytes.fromhex(text)
    raise fail(f"{what} is not in hexadecimal", EXIT_USAGE)


def line_of(file: Path) -> str:
    """A file's only line."""
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(_FILE_CHARACTERS_MAX).strip()
    except (OSError, UnicodeDecodeError):
        raise fail(f"{file} can't be read", EXIT_USAGE) from None


def owner_of(text: str) -> str:
    """An owner, if it is one."""
    if _OWNER.fullmatch(text):
        return text
    raise fail(f"an owner is link:NAME, terminal:MERCHANT/TERMINAL or {INSTALLATION}", EXIT_USAGE)


def officer_of(text: str) -> str:
    """An officer's name, if it is one."""
    if _OFFICER.fullmatch(text):
        return text
    raise fail("an officer's name is a short word in lower case", EXIT_USAGE)


def usage_of(text: str) -> KeyUsage:
    """A usage by its name."""
    try:
        return KeyUsage.titled(text)
    except KeyBlockRefused:
        names = ", ".join(usage.title for usage in KeyUsage)
        raise fail(f"a usage is one of {names}", EXIT_USAGE) from None


def spec_of(owner: str, usage: str, algorithm: str, length: int, mode: str, exportability: str) -> KeySpec:
    """What a key is to be."""
    try:
        return KeySpec(
            owner_of(owner),
            usage_of(usage),
            Algorithm[algorithm.upper()],
            length,
            mode,
            Exportability[exportability.upper()],
        )
    except KeyError:
        raise fail("no such algorithm or exportability", EXIT_USAGE) from None


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _typed(prompt: str) -> str:
    if not _at_terminal():
        raise fail(f"the {prompt} is typed on a terminal or read from a file", EXIT_USAGE)
    return getpass(f"{prompt}: ")
