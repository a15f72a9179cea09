"""`cardswitch card batch`: cards opened in batches, released by two, and handed to the printing house.

Opening draws the numbers and then makes the cards, a thousand at a time. If that is interrupted, whoever may
open cards goes on with `resume`, anywhere and as often as needed. A batch that needed approval is made with
`resume` too.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import orjson
import typer

from directory.card_batches import (
    Batch,
    BatchOrder,
    batch,
    batch_files,
    batches,
    deliver_batch,
    finish_batch,
    make_part,
    missing_parts,
    order_batch,
    release_batch,
)
from directory.work import Work
from switch.back_office import office_on
from switch.card_ports import card_ports
from switch.commands.desk import Desk, OperatorOption, WhyOption, at_desk, in_work
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.operator import party_named
from switch.commands.printing import PrinterOption, write_files
from switch.language import local

_LANES: Final = 2

BatchArgument: TypeAlias = Annotated[int, typer.Argument(help="The batch's number.")]


def add(card: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Cards opened in batches.", no_args_is_help=True)
    card.add_typer(group, name="batch")
    _add_open(group)
    _add_resume(group)
    _add_release(group)
    _add_views(group)


def _add_open(group: typer.Typer) -> None:
    @group.command("open")
    def open_command(
        *,
        party: Annotated[str, typer.Option(help="Who issues them: issuer:CODE or agent:CODE.")],
        product: Annotated[str, typer.Option(help="Code of the product.")],
        first: Annotated[str, typer.Option("--range", help="Leading digits of the range's lowest number.")],
        last: Annotated[str, typer.Option("--range-end", help="And of its highest, if it is another.")] = "",
        cards: Annotated[int, typer.Option(help="How many.")] = 1,
        printer: PrinterOption,
        initial_minor: Annotated[
            int, typer.Option(help="What each holds from the start; needs a second operator.")
        ] = 0,
        recycle: Annotated[bool, typer.Option(help="Use numbers again that have rested.")] = False,
        expiry: Annotated[str | None, typer.Option(help="YYMM; by default as the product says.")] = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Open cards: draw their numbers, make them with their wallets."""

        async def opened(desk: Desk) -> Batch:
            async def ordered(work: Work) -> Batch:
                holder = await party_named(work, party)
                order = BatchOrder(
                    *(holder, product, first, last or first, cards, printer, initial_minor, recycle, expiry)
                )
                return await order_batch(work, order, desk.bench.clock.today().date())

            made = await desk.run(ordered)
            typer.echo(local("batch {batch}", batch=made.id), err=True)
            return await _make(desk, made.id, quiet=json)

        _tell([at_desk(config, operator, opened, why=why, as_json=json)], json=json)


def _add_resume(group: typer.Typer) -> None:
    @group.command()
    def resume(
        number: BatchArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make what is missing of a batch."""

        async def resumed(desk: Desk) -> Batch:
            return await _make(desk, number, quiet=json)

        _tell([at_desk(config, operator, resumed, why=why)], json=json)


def _add_release(group: typer.Typer) -> None:
    @group.command()
    def release(
        number: BatchArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Propose to let the files go to the printing house, which a second operator approves."""
        done = in_work(config, operator, lambda work: release_batch(work, number), why=why, as_json=json)
        _tell([done], json=json)

    @group.command()
    def deliver(
        number: BatchArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Note that the printing house has the files of a released batch; they are erased here."""
        _tell([in_work(config, operator, lambda work: deliver_batch(work, number), why=why)], json=json)

    @group.command()
    def export(
        number: BatchArgument,
        *,
        out: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Write the files of a released batch: cards, PINs and PIN mailers of each part, and a manifest."""

        async def exported(desk: Desk) -> Batch:
            found = await desk.run(lambda work: batch(work, number))
            for part in range(found.parts):
                files = await desk.run(_files_of(number, part))
                write_files(out, files)
            write_files(out, {"manifest.json": orjson.dumps(_as_json(found), option=orjson.OPT_INDENT_2)})
            return found

        _tell([at_desk(config, operator, exported)], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *, operator: OperatorOption, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """List batches in reach."""
        _tell(in_work(config, operator, batches), json=json)

    @group.command()
    def show(
        number: BatchArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show a batch."""
        _tell([in_work(config, operator, lambda work: batch(work, number))], json=json)


async def _make(desk: Desk, number: int, *, quiet: bool) -> Batch:
    """Make what is missing in two lanes: while the database takes in one part, the HSM makes another."""
    missing = deque(await desk.run(lambda work: missing_parts(work, number)))
    parts = len(missing)

    def told() -> None:
        if not quiet:
            typer.echo(local("{done} of {parts} parts", done=parts - len(missing), parts=parts), err=True)

    lanes = [asyncio.create_task(_make_parts(desk, number, missing, told)) for _ in range(_LANES)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
    return await desk.run(lambda work: finish_batch(work, number))


async def _make_parts(desk: Desk, number: int, missing: "deque[int]", told: Callable[[], None]) -> None:
    if not missing:
        return
    async with card_ports(desk.bench) as ports, desk.bench.connection() as connection:
        office = office_on(desk.bench, connection)
        while missing:
            part = missing.popleft()

            async def made(work: Work, part: int = part) -> bool:
                return await make_part(work, ports, number, part)

            await office.run(desk.operator, made, desk.why)
            told()


def _files_of(number: int, part: int) -> Callable[[Work], Awaitable[dict[str, bytes]]]:
    async def files(work: Work) -> dict[str, bytes]:
        cards, pins, mailers = await batch_files(work, number, part)
        name = f"{number}-{part + 1:05}"
        return {f"{name}.cards": cards, f"{name}.pins": pins, f"{name}.mailers": mailers.encode("ascii")}

    return files


def _tell(found: Sequence[Batch], *, json: bool) -> None:
    if json:
        print_json({"batches": [_as_json(each) for each in found]})
        return
    for each in found:
        typer.echo(f"{each.id:>6} {local(each.state):<10} {each.cards:>10,} {each.expiry} {each.printer}")


def _as_json(found: Batch) -> dict[str, object]:
    return {
        "id": found.id,
        "state": found.state,
        "cards": found.cards,
        "recycled": found.recycled,
        "parts": found.parts,
        "expiry": found.expiry,
        "service_code": found.service_code,
        "initial_minor": found.initial_minor,
        "printer": found.printer,
        "party_id": found.party_id,
        "product_id": found.product_id,
        "range_id": found.range_id,
    }
