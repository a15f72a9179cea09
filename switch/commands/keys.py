"""`cardswitch keys`: what keys there are, and every change of them.

Nothing here shows a key. `list` and `show` give names, states and check values; `export` gives what is meant
for a partner, encrypted under a key that partner has. Every change takes a ceremony that two officers opened
and approved (`cardswitch keys ceremony`), and leaves a record in the audit.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from hsm_soft import key_ring
from hsm_soft.key_exchange import Cryptogram
from hsm_soft.key_life import ManagedKey
from switch.commands import keys_audit, keys_ceremony, keys_data, keys_master
from switch.commands.frame import EXIT_USAGE, ConfigOption, JsonOption, fail, print_json
from switch.commands.keys_input import (
    AlgorithmOption,
    CeremonyOption,
    CheckValueOption,
    ExportOption,
    LengthOption,
    ModeOption,
    OwnerOption,
    UsageOption,
    hexadecimal,
    in_custody,
    owner_of,
    spec_of,
    table_of,
    usage_of,
)
from switch.custody import Custody

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW_SECONDS: Final = 600
KeyArgument = Annotated[int, typer.Argument(help="Number of the key.")]
UnderOption = Annotated[int, typer.Option(help="Number of the zone, block or terminal master key on top.")]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    keys = typer.Typer(help="Keys, ceremonies and the master key.", no_args_is_help=True)
    app.add_typer(keys, name="keys")
    _add_views(keys)
    _add_making(keys)
    _add_exchange(keys)
    _add_tables(keys)
    _add_life(keys)
    keys_ceremony.add(keys)
    keys_master.add(keys)
    keys_data.add(keys)
    keys_audit.add(keys)


def _add_views(keys: typer.Typer) -> None:
    @keys.command("list")
    def list_command(
        *,
        owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List keys: number, owner, usage, state, slot, check value."""
        found = in_custody(config, lambda custody: key_ring.all_keys(custody.connection))
        _tell([key for key in found if owner in (None, key.owner)], as_json=json)

    @keys.command()
    def show(key: KeyArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show one key: the same, never more."""
        found = in_custody(config, lambda custody: key_ring.find(custody.connection, key))
        _tell([found], as_json=json)


def _add_making(keys: typer.Typer) -> None:
    @keys.command()
    def generate(
        *,
        ceremony: CeremonyOption,
        owner: OwnerOption,
        usage: UsageOption,
        algorithm: AlgorithmOption = "tdes",
        length: LengthOption = 16,
        mode: ModeOption = "",
        exportability: ExportOption = "none",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make a key."""
        spec = spec_of(owner, usage, algorithm, length, mode, exportability)
        made = in_custody(config, lambda custody: custody.keys.generate(ceremony, spec))
        _tell([made], as_json=json)


def _add_exchange(keys: typer.Typer) -> None:
    @keys.command("import")
    def import_command(
        *,
        ceremony: CeremonyOption,
        owner: OwnerOption,
        usage: UsageOption,
        under: UnderOption,
        block: Annotated[str, typer.Option(help="The partner's key block, or - to read it.")] = "",
        cryptogram: Annotated[str, typer.Option(help="The encrypted key in hexadecimal.")] = "",
        check_value: CheckValueOption = "",
        mode: ModeOption = "",
        variants: Annotated[bool, typer.Option(help="Take versions A and C too.")] = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take a key in: a key block, or a cryptogram with its check value. Neither is a secret."""
        of, wanted = owner_of(owner), usage_of(usage)
        if bool(block) == bool(cryptogram):
            raise fail("give either a block or a cryptogram", EXIT_USAGE)
        bare = Cryptogram(
            hexadecimal(cryptogram, "the cryptogram"), hexadecimal(check_value, "the check value")
        )
        text = _standard_input() if block == "-" else block

        async def work(custody: Custody) -> ManagedKey:
            if text:
                return await custody.keys.import_block(ceremony, of, wanted, under, text, variants=variants)
            return await custody.keys.import_cryptogram(ceremony, of, wanted, under, bare, mode)

        _tell([in_custody(config, work)], as_json=json)

    @keys.command()
    def export(
        key: KeyArgument,
        *,
        ceremony: CeremonyOption,
        under: UnderOption,
        form: Annotated[str, typer.Option(help="block or cryptogram.")] = "block",
        version: Annotated[str, typer.Option(help="Version of the block; by default the best.")] = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Send a key out, encrypted under a key the partner has."""
        if form not in ("block", "cryptogram"):
            raise fail("the form is block or cryptogram", EXIT_USAGE)

        async def work(custody: Custody) -> dict[str, str]:
            if form == "block":
                return {"block": await custody.keys.export_block(ceremony, key, under, version)}
            bare = await custody.keys.export_cryptogram(ceremony, key, under)
            return {"cryptogram": bare.encrypted.hex().upper(), "check_value": bare.check_value.hex().upper()}

        sent = in_custody(config, work)
        if json:
            print_json(sent)
        else:
            typer.echo("\n".join(sent.values()))


def _add_tables(keys: typer.Typer) -> None:
    @keys.command("import-table")
    def import_table_command(
        *,
        ceremony: CeremonyOption,
        owner: OwnerOption,
        table_file: Annotated[
            Path | None, typer.Option(help="Where its 16 digits stand; typed if there is none.")
        ] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take in a decimalisation table, the digits for 0 to F as the issuer gives them."""
        of, digits = owner_of(owner), table_of(table_file)
        _tell(
            [in_custody(config, lambda custody: custody.keys.import_table(ceremony, of, digits))],
            as_json=json,
        )


def _add_life(keys: typer.Typer) -> None:
    @keys.command()
    def rotate(
        *,
        ceremony: CeremonyOption,
        owner: OwnerOption,
        usage: UsageOption,
        window_seconds: Annotated[
            int, typer.Option(min=0, help="How long the old key still verifies.")
        ] = _WINDOW_SECONDS,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make the next key current; the current one becomes previous."""
        of, wanted, window_us = owner_of(owner), usage_of(usage), window_seconds * 1_000_000
        changed = in_custody(config, lambda custody: custody.keys.rotate(ceremony, of, wanted, window_us))
        _tell(changed, as_json=json)

    @keys.command()
    def retire(
        key: KeyArgument,
        *,
        ceremony: CeremonyOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take a key out of use at once."""
        _tell([in_custody(config, lambda custody: custody.keys.retire(ceremony, key))], as_json=json)

    @keys.command()
    def destroy(
        key: KeyArgument,
        *,
        ceremony: CeremonyOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Erase a key that is not in use any more."""
        _tell([in_custody(config, lambda custody: custody.keys.destroy(ceremony, key))], as_json=json)


def _standard_input() -> str:
    return typer.get_text_stream("stdin").read().strip()


def _tell(keys: Sequence[ManagedKey], *, as_json: bool) -> None:
    if as_json:
        print_json({"keys": [_as_json(key) for key in keys]})
        return
    for key in keys:
        life = f"{key.state:<12} {key.slot or '':<9}"
        typer.echo(f"{key.id:>5} {life} {key.check_value:<11} {key.usage:<20} {key.owner}")


def _as_json(key: ManagedKey) -> dict[str, object]:
    until = key.usable_until_us
    return {
        "id": key.id,
        "owner": key.owner,
        "usage": key.usage,
        "state": key.state,
        "slot": key.slot,
        "check_value": key.check_value,
        "usable_until": None if until is None else _EPOCH + timedelta(microseconds=until),
    }
