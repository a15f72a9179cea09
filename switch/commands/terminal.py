"""`cardswitch terminal`: terminals from the setting up to the closing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeAlias

import typer

from directory import terminals as service
from directory.batch_rules import BatchClosing, BatchRule
from directory.csv_exchange import Column, Table
from directory.merchant_life import TerminalEvent
from directory.offers import product_codes
from directory.records import TerminalState
from directory.refusals import InvalidValue, message
from directory.terminals import Capability, Device, OfflineLimits, Terminal
from directory.work import Work
from switch.commands import terminal_batch
from switch.commands.desk import (
    DryRunOption,
    FileArgument,
    OperatorOption,
    WhyOption,
    content_of,
    in_work,
    moment,
    print_csv,
)
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.offer import (
    ALL,
    OFFER_COLUMNS,
    AcceptsOption,
    NewAcceptsOption,
    NewServicesOption,
    ServicesOption,
    offer_cells,
    offer_json,
    offer_told,
)
from switch.commands.terminal_batch import MerchantArgument, TerminalArgument
from switch.language import local

__all__ = ["add"]

_MERCHANT_LENGTH: Final = 15

StoreOption: TypeAlias = Annotated[str | None, typer.Option(help="The code of its store.")]
_MODEL: Final = typer.Option(help="The maker's model.")
ModelOption: TypeAlias = Annotated[str, _MODEL]
NewModelOption: TypeAlias = Annotated[str | None, _MODEL]
_SERIAL: Final = typer.Option(help="The maker's serial number.")
SerialOption: TypeAlias = Annotated[str, _SERIAL]
NewSerialOption: TypeAlias = Annotated[str | None, _SERIAL]
_CAPABILITIES: Final = typer.Option(help=f"What it can do, with commas between: {', '.join(Capability)}.")
CapabilitiesOption: TypeAlias = Annotated[str, _CAPABILITIES]
NewCapabilitiesOption: TypeAlias = Annotated[str | None, _CAPABILITIES]
_SLOT: Final = typer.Option(help="The slot of its master key, 0 to 9.")
SlotOption: TypeAlias = Annotated[int, _SLOT]
NewSlotOption: TypeAlias = Annotated[int | None, _SLOT]
_CLOSING: Final = typer.Option("--batch-rule", help="Whether a cutover closes its batch, too.")
ClosingOption: TypeAlias = Annotated[BatchClosing, _CLOSING]
NewClosingOption: TypeAlias = Annotated[BatchClosing | None, _CLOSING]
HoursOption: TypeAlias = Annotated[
    int | None, typer.Option("--batch-hours", help="How old its batch may become.")
]

_EVENTS: Final[Mapping[TerminalEvent, str]] = {
    TerminalEvent.ACTIVATE: "Put a terminal that has its key into use.",
    TerminalEvent.SUSPEND: "Let a terminal be used no more for a while.",
    TerminalEvent.RESUME: "Let a suspended terminal be used again.",
    TerminalEvent.CLOSE: "Close a terminal for good.",
}


class _Row(NamedTuple):
    """A terminal in a CSV file."""

    merchant_id: str
    terminal_id: str
    store: str | None
    model: str
    serial: str
    capabilities: str
    key_slot: int
    batch_rule: str
    batch_hours: int | None
    services: str
    accepts: str


_TABLE: Final = Table(
    columns=(
        Column("merchant_id"),
        Column("terminal_id"),
        Column("store", required=False),
        Column("model", required=False, absent=""),
        Column("serial", required=False, absent=""),
        Column("capabilities", required=False, absent=""),
        Column("key_slot", int, required=False, absent=0),
        Column("batch_rule", required=False, absent=BatchClosing.SETTLEMENT.value),
        Column("batch_hours", int, required=False),
        *OFFER_COLUMNS,
    ),
    build=_Row,
    key=("merchant_id", "terminal_id"),
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    terminal = typer.Typer(help="Terminals and their batches.", no_args_is_help=True)
    app.add_typer(terminal, name="terminal")
    _add_adding(terminal)
    _add_changing(terminal)
    _add_limits(terminal)
    _add_replacing(terminal)
    for event, text in _EVENTS.items():
        _add_event(terminal, event, text)
    _add_views(terminal)
    _add_import(terminal)
    terminal_batch.add(terminal)


def _add_adding(group: typer.Typer) -> None:
    @group.command("add")
    def add_command(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        store: StoreOption = None,
        model: ModelOption = "",
        serial: SerialOption = "",
        capabilities: CapabilitiesOption = "",
        slot: SlotOption = 0,
        closing: ClosingOption = BatchClosing.SETTLEMENT,
        hours: HoursOption = None,
        services: ServicesOption = ALL,
        accepts: AcceptsOption = ALL,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add a terminal to a merchant; its master key comes by `cardswitch keys`."""
        row = _Row(
            *(merchant, terminal, store, model, serial, capabilities, slot, closing, hours),
            *(services, accepts),
        )
        _do(config, operator, lambda work: _added(work, row), why, json=json)


def _add_changing(group: typer.Typer) -> None:
    @group.command()
    def change(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        store: StoreOption = None,
        model: NewModelOption = None,
        serial: NewSerialOption = None,
        capabilities: NewCapabilitiesOption = None,
        slot: NewSlotOption = None,
        closing: NewClosingOption = None,
        hours: HoursOption = None,
        services: NewServicesOption = None,
        accepts: NewAcceptsOption = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Change what is given, and leave the rest as it is."""

        async def changed(work: Work) -> Terminal:
            known = await service.terminal(work, merchant, terminal)
            before = _row_of(known, await product_codes(work, [known.offer]))
            row = _Row(
                *(merchant, terminal, store or before.store, model or before.model, serial or before.serial),
                *(capabilities or before.capabilities, before.key_slot if slot is None else slot),
                *(closing or before.batch_rule, hours or before.batch_hours),
                *(services or before.services, accepts or before.accepts),
            )
            return await service.change(
                *(work, merchant, terminal),
                store=row.store,
                device=_device(row),
                offer=await offer_told(work, row.services, row.accepts),
                rule=_rule(row),
            )

        _do(config, operator, changed, why, json=json)


def _add_limits(group: typer.Typer) -> None:
    @group.command("limit")
    def limit_command(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        floor_minor: Annotated[int, typer.Option(help="The highest amount of one sale offline.")],
        total_minor: Annotated[int, typer.Option(help="All it may take offline in a row.")],
        sales: Annotated[int, typer.Option(help="How many sales offline in a row.")],
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Say what a terminal may take offline; to raise it, a second operator has to agree."""
        limits = OfflineLimits(floor_minor, total_minor, sales)
        _do(config, operator, lambda work: service.limit(work, merchant, terminal, limits), why, json=json)


def _add_replacing(group: typer.Typer) -> None:
    @group.command()
    def replace(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        model: ModelOption = "",
        serial: SerialOption,
        capabilities: CapabilitiesOption = "",
        slot: SlotOption = 0,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Put another device in a broken one's place: its batch closes, its keys end, it needs a new key."""

        async def replaced(work: Work) -> Terminal:
            device = Device(model, serial, _capabilities(capabilities), slot)
            return await service.replace_device(work, merchant, terminal, device)

        _do(config, operator, replaced, why, json=json)


def _add_event(group: typer.Typer, event: TerminalEvent, text: str) -> None:
    @group.command(event.value, help=text)
    def command(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        _do(config, operator, lambda work: service.move(work, merchant, terminal, event), why, json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command()
    def show(
        merchant: MerchantArgument,
        terminal: TerminalArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one."""
        _do(config, operator, lambda work: service.terminal(work, merchant, terminal), json=json)

    @group.command("list")
    def list_command(
        *,
        merchant: Annotated[str, typer.Option(help="Only this merchant's.")] = "",
        state: Annotated[TerminalState | None, typer.Option(help="Only those in this state.")] = None,
        after: Annotated[str, typer.Option(help="Go on behind MERCHANT/TERMINAL.")] = "",
        limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 1_000,
        csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List those within reach; as CSV, they can be imported elsewhere."""

        async def found(work: Work) -> tuple[list[Terminal], Mapping[int, str]]:
            behind = (after[:_MERCHANT_LENGTH], after[_MERCHANT_LENGTH + 1 :])
            known = await service.terminals(
                work, merchant_id=merchant, state=state, after=behind, limit=limit
            )
            return known, await product_codes(work, [each.offer for each in known])

        known, codes = in_work(config, operator, found)
        if csv:
            print_csv(_TABLE.write(_row_of(each, codes)._asdict() for each in known))
        else:
            _tell(known, codes, json=json)


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
        """Add all terminals of a CSV file, or none; `list --csv` shows the columns."""
        content = content_of(file)

        async def added(work: Work) -> tuple[list[Terminal], Mapping[int, str]]:
            made = await _TABLE.import_rows(content, lambda row: _added(work, row))
            return made, await product_codes(work, [each.offer for each in made])

        _tell(*in_work(config, operator, added, why=why, dry=dry, as_json=json), json=json)


async def _added(work: Work, row: _Row) -> Terminal:
    return await service.add(
        *(work, row.merchant_id, row.terminal_id),
        store=row.store,
        device=_device(row),
        offer=await offer_told(work, row.services, row.accepts),
        rule=_rule(row),
    )


def _device(row: _Row) -> Device:
    return Device(row.model, row.serial, _capabilities(row.capabilities), row.key_slot)


def _capabilities(text: str) -> frozenset[Capability]:
    try:
        return frozenset(Capability(word.strip()) for word in text.split(",") if word.strip())
    except ValueError:
        raise InvalidValue(field="capabilities", reason=message("there is no such capability")) from None


def _rule(row: _Row) -> BatchRule:
    try:
        return BatchRule(BatchClosing(row.batch_rule), row.batch_hours)
    except ValueError:
        raise InvalidValue(field="batch_rule", reason=message("settlement or cutover is wanted")) from None


def _row_of(known: Terminal, codes: Mapping[int, str]) -> _Row:
    device, cells = known.device, offer_cells(known.offer, codes)
    return _Row(
        *(known.merchant_id, known.terminal_id, known.store, device.model, device.serial),
        *(",".join(sorted(device.capabilities)), device.key_slot, known.rule.closing, known.rule.hours_max),
        *(cells["services"], cells["accepts"]),
    )


def _do(
    config: Path | None,
    operator: str,
    one: Callable[[Work], Awaitable[Terminal]],
    why: str = "",
    *,
    json: bool,
) -> None:
    """Do what concerns one terminal, and show it as it is then."""

    async def both(work: Work) -> tuple[list[Terminal], Mapping[int, str]]:
        made = await one(work)
        return [made], await product_codes(work, [made.offer])

    _tell(*in_work(config, operator, both, why=why, as_json=json), json=json)


def _tell(found: Sequence[Terminal], codes: Mapping[int, str], *, json: bool) -> None:
    if json:
        print_json({"terminals": [_shown(each, codes) for each in found]})
        return
    for each in found:
        typer.echo(
            f"{each.merchant_id}  {each.terminal_id}  {local(each.state):<10} {each.batch}"
            f"  {each.store or '-'}  {each.device.model or '-'}  {each.device.serial or '-'}"
        )


def _shown(each: Terminal, codes: Mapping[int, str]) -> dict[str, object]:
    device = each.device
    return {
        "merchant_id": each.merchant_id,
        "terminal_id": each.terminal_id,
        "state": each.state,
        "store": each.store,
        "model": device.model,
        "serial": device.serial,
        "capabilities": sorted(device.capabilities),
        "key_slot": device.key_slot,
        "has_key": each.has_key,
        **offer_json(each.offer, codes),
        "offline": each.limits._asdict(),
        "batch": each.batch,
        "batch_opened_at": moment(each.batch_opened_us),
        "batch_rule": each.rule.closing,
        "batch_hours_max": each.rule.hours_max,
    }
