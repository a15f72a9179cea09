"""`cardswitch card`: cards one by one, and many from a file. Batches are in `card_batch`.

A card is named by its serial number, by `id:NUMBER`, or by `-`: then its number is read from standard input,
behind the operator's password if that comes from there too. A card number never stands on a command line.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias

import typer

from directory.card_life import CardEvent
from directory.card_reading import (
    CardFilter,
    CardName,
    CardRecord,
    ShownCard,
    count_cards,
    list_cards,
    show_card,
)
from directory.card_service import (
    SIMPLE,
    Replacement,
    expire_cards,
    extend_card,
    happen,
    replace_card,
    reset_pin,
    set_holder,
)
from directory.csv_exchange import Column, Table, write_csv
from directory.ports import CardSecrets, MadePins
from directory.records import CardState
from directory.work import Work
from switch.card_ports import card_ports
from switch.commands import card_batch
from switch.commands.desk import (
    CsvOption,
    Desk,
    DryRunOption,
    FileArgument,
    OperatorOption,
    WhyOption,
    at_desk,
    content_of,
    moment,
    print_csv,
)
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.printing import OutOption, PrinterOption, write_files
from switch.language import local
from switch.own_ledger import clear_tries

CardArgument: TypeAlias = Annotated[
    str, typer.Argument(help="Serial number, id:NUMBER, or - to read the card number.")
]
_COMMANDS: Final[Mapping[str, tuple[CardEvent, str]]] = {
    "issue": (CardEvent.ISSUE, "Hand a card out of stock; it is inactive until it is activated."),
    "activate": (CardEvent.ACTIVATE, "Activate a card that was handed out."),
    "freeze": (CardEvent.FREEZE, "Freeze a card."),
    "unfreeze": (CardEvent.UNFREEZE, "Unfreeze a card."),
    "lost": (CardEvent.REPORT_LOST, "Note that a card is lost."),
    "stolen": (CardEvent.REPORT_STOLEN, "Note that a card is stolen."),
    "recover": (CardEvent.RECOVER, "Note that a lost card was found; it is again what it was."),
    "close": (CardEvent.CLOSE, "Close a card for good."),
}
_ID: Final = re.compile(r"id:(\d{1,19})", re.ASCII)
_COLUMNS: Final = ("serial", "card", "state", "expiry", "product", "customer", "relation")
_PAGE: Final = 1_000


class _Row(NamedTuple):
    serial: str
    event: CardEvent


def _simple_event(text: str) -> CardEvent:
    return _COMMANDS[text][0] if text in _COMMANDS else CardEvent(text)


_TABLE: Final = Table(
    columns=(Column("serial"), Column("event", _simple_event)), build=_Row, key=("serial", "event")
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Cards.", no_args_is_help=True)
    app.add_typer(group, name="card")
    assert {event for event, _ in _COMMANDS.values()} == SIMPLE
    for name, (event, text) in _COMMANDS.items():
        _add_event(group, name, event, text)
    _add_views(group)
    _add_holder(group)
    _add_extension(group)
    _add_replacement(group)
    _add_pin(group)
    _add_import(group)
    card_batch.add(group)


async def card_named(secrets: CardSecrets, text: str) -> CardName:
    """The card that a command line names."""
    if text == "-":
        return CardName(pan_index=await secrets.index(sys.stdin.readline().strip()))
    by_id = _ID.fullmatch(text)
    return CardName(id=int(by_id[1])) if by_id else CardName(serial=text)


def _add_event(group: typer.Typer, name: str, event: CardEvent, text: str) -> None:
    @group.command(name, help=text)
    def command(
        card: CardArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        async def done(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)
                after = await desk.run(lambda work: happen(work, event, named))
                return ShownCard(after, (await ports.secrets.masked([after.pan_sealed]))[0])

        _tell([at_desk(config, operator, done, why=why, as_json=json)], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command()
    def show(
        card: CardArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show a card, its number masked."""

        async def shown(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)
                return await desk.run(lambda work: show_card(work, ports.secrets, named))

        _tell([at_desk(config, operator, shown)], json=json)

    @group.command("list")
    def list_command(
        *,
        state: Annotated[CardState | None, typer.Option(help="Only these.")] = None,
        product: Annotated[str | None, typer.Option(help="Only of this product.")] = None,
        customer: Annotated[int | None, typer.Option(help="Only of this holder.")] = None,
        batch: Annotated[int | None, typer.Option(help="Only of this batch.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List cards in reach, their numbers masked."""
        which = CardFilter(state, product, customer, batch)

        async def listed(desk: Desk) -> list[ShownCard]:
            async with card_ports(desk.bench) as ports:
                return await desk.run(lambda work: _pages(work, ports.secrets, which, limit))

        found = at_desk(config, operator, listed)
        if csv:
            print_csv(write_csv(_COLUMNS, [_cells(each) for each in found]))
            return
        _tell(found, json=json)

    @group.command()
    def count(
        *,
        product: Annotated[str | None, typer.Option(help="Only of this product.")] = None,
        batch: Annotated[int | None, typer.Option(help="Only of this batch.")] = None,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Count cards in reach by their states."""
        which = CardFilter(product=product, batch_id=batch)

        async def counted(desk: Desk) -> dict[CardState, int]:
            return await desk.run(lambda work: count_cards(work, which))

        counts = at_desk(config, operator, counted)
        if json:
            print_json({"cards": {state.value: counts.get(state, 0) for state in CardState}})
            return
        for state, cards in counts.items():
            typer.echo(f"{local(state):<12} {cards:>12,}")


def _add_holder(group: typer.Typer) -> None:
    @group.command()
    def holder(
        card: CardArgument,
        customer: Annotated[int, typer.Argument(help="The customer's number.")],
        *,
        main: Annotated[
            str | None, typer.Option(help="Serial number of the main card, if this is a supplementary one.")
        ] = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Say who holds a card."""

        async def done(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)
                of = None if main is None else await card_named(ports.secrets, main)
                after = await desk.run(lambda work: set_holder(work, named, customer, of))
                return ShownCard(after, (await ports.secrets.masked([after.pan_sealed]))[0])

        _tell([at_desk(config, operator, done, why=why)], json=json)


def _add_extension(group: typer.Typer) -> None:
    @group.command()
    def extend(
        card: CardArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Let a card be good for longer, as its product grants."""

        async def done(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)
                today = desk.bench.clock.today().date()
                after = await desk.run(lambda work: extend_card(work, named, today))
                return ShownCard(after, (await ports.secrets.masked([after.pan_sealed]))[0])

        _tell([at_desk(config, operator, done, why=why)], json=json)

    @group.command()
    def expire(
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Note of every card whose last month has passed that it is expired."""

        async def done(desk: Desk) -> int:
            today, expired = desk.bench.clock.today().date(), 0
            while some := await desk.run(lambda work: expire_cards(work, today)):
                expired += some
            return expired

        expired = at_desk(config, operator, done, why=why)
        if json:
            print_json({"expired": expired})
        else:
            typer.echo(local("{expired} cards expired", expired=expired))


def _add_replacement(group: typer.Typer) -> None:
    @group.command()
    def replace(
        card: CardArgument,
        *,
        printer: PrinterOption,
        out: OutOption,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Replace a card by one with another number and PIN on the same wallet."""

        async def done(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)
                today = desk.bench.clock.today().date()

                async def replaced(work: Work) -> Replacement:
                    made = await replace_card(work, ports, named, printer, today)
                    write_files(
                        out, {f"{made.serial}.cards": made.cards_file, **_pins(made.serial, made.pins)}
                    )
                    return made

                made = await desk.run(replaced)
                by_serial = CardName(serial=made.serial)
                shown = await desk.run(lambda work: show_card(work, ports.secrets, by_serial))
                await clear_tries(desk.bench, shown.card.wallet_id, shown.card.party_id, operator)
                return shown

        _tell([at_desk(config, operator, done, why=why)], json=json)


def _add_pin(group: typer.Typer) -> None:
    pin = typer.Typer(help="PINs of cards.", no_args_is_help=True)
    group.add_typer(pin, name="pin")

    @pin.callback()
    def commands() -> None:
        """Keep `reset` a command of its own group."""

    @pin.command()
    def reset(
        card: CardArgument,
        *,
        printer: PrinterOption,
        out: OutOption,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Give a card a new PIN, which its holder gets by the printing house."""

        async def done(desk: Desk) -> ShownCard:
            async with card_ports(desk.bench) as ports:
                named = await card_named(ports.secrets, card)

                async def renewed(work: Work) -> ShownCard:
                    made = await reset_pin(work, ports, named, printer)
                    shown = await show_card(work, ports.secrets, named)
                    write_files(out, _pins(shown.card.serial or str(shown.card.id), made))
                    return shown

                shown = await desk.run(renewed)
                await clear_tries(desk.bench, shown.card.wallet_id, shown.card.party_id, operator)
                return shown

        _tell([at_desk(config, operator, done, why=why)], json=json)


def _add_import(group: typer.Typer) -> None:
    @group.command("import")
    def import_command(
        file: FileArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        dry: DryRunOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Let something happen to all cards of a CSV file (serial, event), or to none of them.

        Events: issue, activate, freeze, unfreeze, lost, stolen, recover, close.
        """
        content = content_of(file)

        async def done(desk: Desk) -> list[CardRecord]:
            async def changed(work: Work) -> list[CardRecord]:
                return await _TABLE.import_rows(
                    content, lambda row: happen(work, row.event, CardName(serial=row.serial))
                )

            return await desk.run(changed)

        changed = at_desk(config, operator, done, why=why, dry=dry)
        if json:
            print_json({"changed": len(changed)})
        else:
            typer.echo(local("{cards} cards changed", cards=len(changed)))


async def _pages(work: Work, secrets: CardSecrets, which: CardFilter, limit: int) -> list[ShownCard]:
    found: list[ShownCard] = []
    while len(found) < limit:
        after_id = found[-1].card.id if found else -1
        page = await list_cards(work, secrets, which, after_id, min(_PAGE, limit - len(found)))
        found += page
        if len(page) < _PAGE:
            break
    return found


def _pins(serial: str, made: MadePins) -> dict[str, bytes]:
    return {f"{serial}.pins": made.file, f"{serial}.mailers": made.mailers.encode("ascii")}


def _cells(shown: ShownCard) -> Sequence[object]:
    card = shown.card
    return (
        *(card.serial, shown.masked_pan, card.standing.state, card.expiry, card.product),
        *(card.customer_id, card.relation),
    )


def _tell(found: Sequence[ShownCard], *, json: bool) -> None:
    if json:
        print_json({"cards": [_as_json(each) for each in found]})
        return
    for each in found:
        serial, masked, state, expiry, product, *_ = _cells(each)
        typer.echo(f"{serial or each.card.id:<18} {masked:<19} {local(str(state)):<10} {expiry} {product}")


def _as_json(shown: ShownCard) -> dict[str, object]:
    card = shown.card
    return {
        "id": card.id,
        "serial": card.serial,
        "card": shown.masked_pan,
        "state": card.standing.state,
        "expiry": card.expiry,
        "printed_expiry": card.printed_expiry,
        "product": card.product,
        "party_id": card.party_id,
        "wallet_id": card.wallet_id,
        "batch": card.batch_id,
        "customer": card.customer_id,
        "relation": card.relation,
        "main_card_id": card.main_card_id,
        "replaces_id": card.replaces_id,
        "closed_at": moment(card.closed_us),
    }
