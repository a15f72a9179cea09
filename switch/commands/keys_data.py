"""`cardswitch keys data`: the epochs of the keys that seal wallets, card numbers and personal data.

`rotate` begins an epoch; running nodes follow within seconds and move what is sealed under older ones by
themselves, and `reseal` does the same at once. `retire` takes an epoch out of use that no row needs.
`destroy` ends what only old backups still have under it, so it takes a ceremony of two officers
(`keys ceremony open destroy --data-key NUMBER`).
"""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import asyncpg
import typer

from hsm_soft import ceremony_store
from hsm_soft.audit.log import AuditLog
from hsm_soft.ceremony import Activity, CeremonyRefused, refuse_use
from hsm_soft.data_key_store import (
    DataKeyRefused,
    StoredDataKey,
    current_ids,
    destroy_data_key,
    retire_data_key,
    rotate_data_key,
    stored_data_keys,
)
from hsm_soft.data_keys import DATA_KEY_USAGES, DataKey
from switch.bootstrap import Workbench
from switch.commands.frame import EXIT_USAGE, ConfigOption, JsonOption, at_workbench, fail, print_json
from switch.shell.resealer import reseal, rows_under

__all__ = ["add"]

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
KeyArgument = Annotated[int, typer.Argument(min=1, help="Number of the data key.")]
UsageArgument = Annotated[str, typer.Argument(help="wallet-sealing, pan-encryption or personal-data.")]
_BY_TITLE = {usage.title: usage for usage in DATA_KEY_USAGES}


def add(keys: typer.Typer) -> None:
    """Register the commands."""
    data = typer.Typer(help="Data keys, by epoch.", no_args_is_help=True)
    keys.add_typer(data, name="data")
    _add_views(data)
    _add_life(data)


def _add_views(data: typer.Typer) -> None:
    @data.command("list")
    def list_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """List data keys: number, usage, state, check value, rows sealed under each."""
        found = _with_connection(config, _listed)
        if json:
            print_json({"data_keys": found})
            return
        for row in found:
            typer.echo("{id:>6} {usage:<15} {state:<10} {check_value:<10} {rows:>12,} rows".format(**row))

    @data.command("reseal")
    def reseal_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Move every row that is under an older key under the newest, in small batches."""

        async def work(bench: Workbench, connection: Connection) -> dict[str, dict[str, int]]:
            moved = await reseal(connection, bench.hsm, await stored_data_keys(connection))
            return {usage.title: each._asdict() for usage, each in moved.items()}

        done = _with_connection(config, work)
        if json:
            print_json(done)
            return
        for usage, each in done.items():
            typer.echo(f"{usage}: {each['moved']:,} rows moved, {each['broken']:,} don't open")


def _add_life(data: typer.Typer) -> None:
    @data.command()
    def rotate(usage: UsageArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Begin a new epoch."""
        wanted = _BY_TITLE.get(usage)
        if wanted is None:
            raise fail(f"the usage is one of {', '.join(_BY_TITLE)}", EXIT_USAGE)

        async def work(bench: Workbench, connection: Connection) -> None:
            await rotate_data_key(connection, bench.hsm, _audit(bench), wanted, _actors())

        _changed(config, work, as_json=json)

    @data.command()
    def retire(key: KeyArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Take an epoch out of use that no row needs; it still opens old backups."""

        async def work(bench: Workbench, connection: Connection) -> None:
            await retire_data_key(connection, _audit(bench), key, _actors(), _rows(connection))

        _changed(config, work, as_json=json)

    @data.command()
    def destroy(
        key: KeyArgument,
        *,
        ceremony: Annotated[int, typer.Option(help="Number of the ceremony that allows it.")],
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Erase a retired epoch, a day after it was retired: what only it opens is lost."""

        async def work(bench: Workbench, connection: Connection) -> None:
            async def officers() -> tuple[str, ...]:
                allowed = await ceremony_store.locked(connection, ceremony)
                refuse_use(allowed, Activity.DESTROY, {"key": f"data-key:{key}"}, bench.clock.now_us())
                return tuple(filter(None, (allowed.opened_by, allowed.approved_by)))

            await destroy_data_key(connection, bench.hsm, _audit(bench), key, officers, _rows(connection))

        _changed(config, work, as_json=json)


def _with_connection(config: Path | None, work: Callable[[Workbench, Connection], Awaitable[T]]) -> T:
    async def main(bench: Workbench) -> T:
        async with bench.connection() as connection:
            return await work(bench, connection)

    try:
        return at_workbench(config, main)
    except (DataKeyRefused, CeremonyRefused) as refused:
        raise fail(str(refused)) from None


def _changed(
    config: Path | None, work: Callable[[Workbench, Connection], Awaitable[None]], *, as_json: bool
) -> None:
    """Do it, and show the keys as they are now."""

    async def then_list(bench: Workbench, connection: Connection) -> list[dict[str, object]]:
        await work(bench, connection)
        return await _listed(bench, connection)

    found = _with_connection(config, then_list)
    if as_json:
        print_json({"data_keys": found})
        return
    for row in found:
        typer.echo("{id:>6} {usage:<15} {state:<10} {check_value}".format(**row))


async def _listed(_: Workbench, connection: Connection) -> list[dict[str, object]]:
    stored = await stored_data_keys(connection)
    current = current_ids(stored)
    return [await _row(connection, each, current[each.key.usage]) for each in stored]


async def _row(connection: Connection, each: StoredDataKey, current_id: int) -> dict[str, object]:
    return {
        "id": each.key.id,
        "usage": each.key.usage.title,
        "state": each.state(current_id),
        "check_value": each.key.check_value,
        "rows": await rows_under(connection, each.key),
    }


def _rows(connection: Connection) -> Callable[[DataKey], Awaitable[int]]:
    return lambda key: rows_under(connection, key)


def _audit(bench: Workbench) -> AuditLog:
    return AuditLog(bench.clock.now_us)


def _actors() -> tuple[str, ...]:
    """Whoever the system says is at the keyboard."""
    return (f"user:{getpass.getuser()}",)
