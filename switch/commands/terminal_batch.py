"""`cardswitch terminal batch`: what terminals and the switch settle together."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo

import typer

from directory import terminal_batches as service
from directory.terminal_batches import Batch, Closed
from directory.work import Work
from switch.commands.desk import Desk, OperatorOption, WhyOption, at_desk, in_work, moment
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.language import local

__all__ = ["MerchantArgument", "TerminalArgument", "add"]

_PAGE: Final = 500

MerchantArgument: TypeAlias = Annotated[str, typer.Argument(help="The merchant's identifier (field 42).")]
TerminalArgument: TypeAlias = Annotated[str, typer.Argument(help="The terminal's identifier (field 41).")]


def add(terminal: typer.Typer) -> None:
    """Register the commands under `cardswitch terminal`."""
    batch = typer.Typer(help="What terminals and the switch settle together.", no_args_is_help=True)
    terminal.add_typer(batch, name="batch")

    @batch.command()
    def show(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many closed ones.")] = 20,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show the open batch and the latest closed ones."""
        found = in_work(config, operator, lambda work: service.batches(work, merchant, terminal, limit))
        _tell_batches(found, json=json)

    @batch.command()
    def close(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Close the open batch, as if the terminal had settled; the next one is open then."""

        async def closed(work: Work) -> list[Batch]:
            await service.close_batch(work, merchant, terminal)
            return await service.batches(work, merchant, terminal, 1)

        _tell_batches(in_work(config, operator, closed, why=why), json=json)

    @batch.command("close-due")
    def close_due(
        *,
        cutover: Annotated[bool, typer.Option("--cutover", help="The day has changed.")] = False,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Close every batch that its terminal's rule ends: too old, or opened before today's cutover."""

        async def task(desk: Desk) -> list[Closed]:
            cutover_us = _midnight_us(desk) if cutover else None
            done: list[Closed] = []
            while page := await desk.run(lambda work: service.close_due_batches(work, cutover_us, _PAGE)):
                done += page
            return done

        done = at_desk(config, operator, task, why=why)
        if json:
            print_json({"closed": [each._asdict() for each in done]})
        else:
            for each in done:
                typer.echo(f"{each.merchant_id}  {each.terminal_id}  {each.batch}  {local(each.closed_by)}")


def _midnight_us(desk: Desk) -> int:
    """When today began, in the switch's time zone."""
    zone = ZoneInfo(desk.bench.settings.clock.time_zone)
    today = datetime.fromtimestamp(desk.bench.clock.now_us() / 1_000_000, zone).date()
    return round(datetime.combine(today, time(), zone).timestamp() * 1_000_000)


def _tell_batches(found: Sequence[Batch], *, json: bool) -> None:
    if json:
        print_json(
            {
                "batches": [
                    {
                        "batch": each.batch,
                        "opened_at": moment(each.opened_us),
                        "closed_at": moment(each.closed_us),
                        "closed_by": each.closed_by,
                    }
                    for each in found
                ]
            }
        )
        return
    for each in found:
        closed = f"{moment(each.closed_us)}  {local(each.closed_by)}" if each.closed_by else local("open")
        typer.echo(f"{each.batch}  {moment(each.opened_us)}  {closed}")
