"""What commands write for a printing house: files that only it can open."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from switch.commands.frame import EXIT_USAGE, fail
from switch.language import local

PrinterOption: TypeAlias = Annotated[
    str, typer.Option("--printer", help="The printing house: NAME of the keys' owner link:NAME.")
]
OutOption: TypeAlias = Annotated[Path, typer.Option("--out", help="Folder for the printing house's files.")]


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each whole or not at all, for their owner only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            _write(folder / name, content)
    except OSError as error:
        reason = error.strerror or "?"
        text = local("{file} can't be written: {reason}", file=folder, reason=reason)
        raise fail(text, EXIT_USAGE) from None


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
