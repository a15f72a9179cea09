"""`cardswitch keys master-key`: making a master key, and moving everything from one to another.

`create` needs no database: it writes component files, or a token's file, and nothing else ever holds the key.
`rewrap` is the move. It may be killed and started again, and says at the end whether the old key may go.
"""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from hsm_soft.audit.record import AuditEntry
from hsm_soft.ceremony import Activity
from hsm_soft.check_values import shown
from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKeyError
from hsm_soft.master_key_parts import new_master_key_parts
from hsm_soft.passphrase import PassphraseRefused
from hsm_soft.rewrap import Left, rewrap, verify
from switch.commands.frame import EXIT_FAILED, ConfigOption, JsonOption, fail, print_json, settings_of
from switch.commands.keys_input import CeremonyOption, in_custody, officer_of, passphrase_of
from switch.custody import KEY_BLOCKS, Custody
from switch.master_keys import COMPONENT_FILES, ask_for, token_support

_OWNER_ONLY: Final = 0o600


def add(keys: typer.Typer) -> None:
    """Register the commands."""
    master = typer.Typer(help="The master key.", no_args_is_help=True)
    keys.add_typer(master, name="master-key")
    _add_create(master)
    _add_change(master)


def _add_create(master: typer.Typer) -> None:
    @master.command()
    def create(
        folder: Annotated[Path, typer.Argument(help="A new folder for the component files.")],
        *,
        officer: Annotated[list[str], typer.Option(help="Two to nine; each types a passphrase.")],
        passphrase_folder: Annotated[
            Path | None, typer.Option(help="A file for each officer, instead of typing.")
        ] = None,
        json: JsonOption = False,
    ) -> None:
        """Make a master key in parts, one file for each officer."""
        names = [officer_of(name) for name in officer]
        passphrases = {
            name: passphrase_of(name, passphrase_folder and passphrase_folder / name, new=True)
            for name in names
        }
        if len(passphrases) < len(officer):
            raise fail("each component has an officer of its own")
        try:
            check, texts = new_master_key_parts(passphrases, os.urandom)
        except (PassphraseRefused, MasterKeyError) as refused:
            raise fail(str(refused)) from None
        files = [folder / COMPONENT_FILES.replace("*", name) for name in names]
        for file, text in zip(files, texts, strict=True):
            _write_new(file, text)
        _tell_made(check, files, as_json=json)

    @master.command("create-in-token")
    def create_in_token(
        file: Annotated[Path, typer.Argument(help="A new file for the encrypted master key.")],
        *,
        token: Annotated[str, typer.Option(help="Label of the token.")],
        key: Annotated[str, typer.Option(help="Label of the AES key in it; made if missing.")] = "LMK-01",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make a master key that only a PKCS#11 token can open (hsm.token_module)."""
        settings = settings_of(config)
        if settings.hsm.token_module is None:
            raise fail("hsm.token_module has to name the token's library")
        try:
            support = token_support()
            place = support.Token(settings.hsm.token_module, token, key, ask_for(settings)(token))
            check, text = support.new_token_master_key(place, os.urandom)
        except MasterKeyError as refused:
            raise fail(str(refused)) from None
        _write_new(file, text)
        _tell_made(check, [file], as_json=json)


def _add_change(master: typer.Typer) -> None:
    @master.command()
    def show(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show the check value of the master key, and of the previous one."""
        current, previous = in_custody(config, _checks)
        if json:
            print_json({"check_value": current, "previous": previous})
        else:
            typer.echo(current if previous is None else f"{current}, previous {previous}")

    @master.command("rewrap")
    def rewrap_command(
        *, ceremony: CeremonyOption, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """Move every key from the previous master key to the current one; may be repeated."""
        moved, left = in_custody(config, lambda custody: _rewrap(custody, ceremony))
        if json:
            print_json({"moved": moved, "left": {each.column: each.blocks for each in left}})
        else:
            typer.echo(f"{moved} key blocks moved")
            for each in left:
                typer.echo(f"{each.blocks} left in {each.column}")
            typer.echo("not done: run it again" if left else "the previous master key may go")
        if left:
            raise typer.Exit(EXIT_FAILED)


async def _checks(custody: Custody) -> tuple[str, str | None]:
    previous = custody.master_key.previous
    current = shown(Algorithm.AES, custody.master_key.key)
    return current, None if previous is None else shown(Algorithm.AES, previous)


async def _rewrap(custody: Custody, ceremony_id: int) -> tuple[int, list[Left]]:
    """What was moved by this call, and what is left. Every call leaves a record."""
    officers = await custody.ceremonies.use(ceremony_id, Activity.MASTER_KEY)
    current, previous = await _checks(custody)
    if custody.master_key.previous is None:
        raise fail("hsm.previous_master_key_file has to name the master key that goes")
    new = KeyBlockProtection(custody.master_key.key)
    old = KeyBlockProtection(custody.master_key.previous)
    moved = await rewrap(custody.connection, old, new, KEY_BLOCKS, os.urandom)
    left = await verify(custody.connection, new, KEY_BLOCKS)
    details = {"from": previous or "", "to": current, "moved": str(moved), "left": str(len(left))}
    entry = AuditEntry("master-key.rewrap", officers, "master-key", details=details)
    await custody.audit.append(custody.connection, entry)
    return moved, left


def _write_new(file: Path, text: str) -> None:
    """A file that only its owner reads; one that exists is never overwritten."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text + "\n")
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise fail(f"{file} can't be made: {error.strerror}") from None


def _tell_made(check: str, files: list[Path], *, as_json: bool) -> None:
    if as_json:
        print_json({"check_value": check, "files": [str(file) for file in files]})
        return
    typer.echo(f"check value {check}")
    for file in files:
        typer.echo(str(file))
