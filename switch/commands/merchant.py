"""`cardswitch merchant`: merchants from the application to the closing, their stores and what they sell."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import typer

from directory import merchants as service
from directory.csv_exchange import Column, Table
from directory.merchant_life import MerchantEvent
from directory.merchants import Cycle, Merchant, MerchantDetails, Method, Settlement
from directory.offers import product_codes
from directory.parties import PartyId, PartyKind
from directory.records import MerchantState
from directory.work import Work
from hsm_soft.hsm import SoftHsm
from switch.commands import store
from switch.commands.desk import (
    Desk,
    DryRunOption,
    FileArgument,
    OperatorOption,
    WhyOption,
    at_desk,
    content_of,
    in_work,
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
from switch.commands.operator import party_named
from switch.language import local

__all__ = ["add"]

_TAIL_LENGTH: Final = 4

MerchantArgument: TypeAlias = Annotated[str, typer.Argument(help="The merchant's identifier (field 42).")]
CategoryOption: TypeAlias = Annotated[str, typer.Option(help="Merchant category code, four digits.")]
UnderOption: TypeAlias = Annotated[str, typer.Option(help="Who brings it: platform, or issuer:CODE.")]
CsvOption: TypeAlias = Annotated[bool, typer.Option("--csv", help="Print CSV.")]

_EVENTS: Final[Mapping[MerchantEvent, str]] = {
    MerchantEvent.APPROVE: "Approve an application; a second operator has to.",
    MerchantEvent.REJECT: "Reject an application.",
    MerchantEvent.GO_LIVE: "Let an approved merchant trade.",
    MerchantEvent.SUSPEND: "Let a merchant trade no more for a while.",
    MerchantEvent.RESUME: "Let a suspended merchant trade again.",
    MerchantEvent.CLOSE: "Close a merchant for good.",
}


class _Row(NamedTuple):
    """A merchant in a CSV file."""

    merchant_id: str
    name: str
    category: str
    under: str
    services: str
    accepts: str


_TABLE: Final = Table(
    columns=(
        Column("merchant_id"),
        Column("name"),
        Column("category"),
        Column("under", required=False, absent=PartyKind.PLATFORM.value),
        *OFFER_COLUMNS,
    ),
    build=_Row,
    key=("merchant_id",),
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    merchant = typer.Typer(help="Merchants, their stores and what they sell.", no_args_is_help=True)
    app.add_typer(merchant, name="merchant")
    _add_applying(merchant)
    _add_changing(merchant)
    _add_settling(merchant)
    for event, text in _EVENTS.items():
        _add_event(merchant, event, text)
    _add_views(merchant)
    _add_import(merchant)
    store.add(merchant)


def _add_applying(group: typer.Typer) -> None:
    @group.command()
    def apply(
        merchant: MerchantArgument,
        name: Annotated[str, typer.Argument(help="Its name, for people.")],
        *,
        category: CategoryOption,
        under: UnderOption = PartyKind.PLATFORM,
        services: ServicesOption = ALL,
        accepts: AcceptsOption = ALL,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take a merchant's application."""
        row = _Row(merchant, name, category, under, services, accepts)
        _do(config, operator, lambda work: _applied(work, row), why, json=json)


def _add_changing(group: typer.Typer) -> None:
    @group.command()
    def change(
        merchant: MerchantArgument,
        *,
        name: Annotated[str | None, typer.Option(help="Its name, for people.")] = None,
        category: Annotated[str | None, typer.Option(help="Merchant category code.")] = None,
        services: NewServicesOption = None,
        accepts: NewAcceptsOption = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Change what is given, and leave the rest as it is."""

        async def changed(work: Work) -> Merchant:
            known = (await service.merchant(work, merchant)).details
            codes = await product_codes(work, [known.offer])
            before = offer_cells(known.offer, codes)
            offer = await offer_told(work, services or before["services"], accepts or before["accepts"])
            details = MerchantDetails(name or known.name, category or known.category, offer)
            return await service.change(work, merchant, details)

        _do(config, operator, changed, why, json=json)


def _add_settling(group: typer.Typer) -> None:
    @group.command()
    def settle(
        merchant: MerchantArgument,
        *,
        fee_plan: Annotated[str, typer.Option(help="The code of the fee plan.")],
        cycle: Annotated[Cycle, typer.Option(help="The period.")] = Cycle.DAILY,
        days: Annotated[int, typer.Option(help="Days from its end until it is paid.")] = 1,
        method: Annotated[Method, typer.Option(help="Fees kept back (net) or billed (gross).")] = Method.NET,
        account_name: Annotated[str, typer.Option(help="Whose the bank account is.")],
        bank: Annotated[str, typer.Option(help="The bank's code.")],
        account: Annotated[str, typer.Option(help="The account's number.")],
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Say how a merchant is paid and charged; once it is approved, a second operator has to agree."""

        async def task(desk: Desk) -> tuple[list[Merchant], Mapping[int, str]]:
            sealed = await desk.bench.hsm.ask(SoftHsm.seal_personal, service.ACCOUNT_FIELD, account)
            settlement = Settlement(
                *(cycle, days, method, account_name, bank, sealed, account[-_TAIL_LENGTH:])
            )
            return await desk.run(
                _with_codes(lambda work: service.settle(work, merchant, settlement, fee_plan))
            )

        _tell(*at_desk(config, operator, task, why=why, as_json=json), json=json)


def _add_event(group: typer.Typer, event: MerchantEvent, text: str) -> None:
    @group.command(event.value, help=text)
    def command(
        merchant: MerchantArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        _do(config, operator, lambda work: service.move(work, merchant, event), why, json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command()
    def show(
        merchant: MerchantArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one."""
        _do(config, operator, lambda work: service.merchant(work, merchant), json=json)

    @group.command("list")
    def list_command(
        *,
        state: Annotated[MerchantState | None, typer.Option(help="Only those in this state.")] = None,
        after: Annotated[str, typer.Option(help="Go on behind this merchant.")] = "",
        limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 1_000,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List those within reach; as CSV, they can be imported elsewhere."""

        async def found(work: Work) -> tuple[list[Merchant], dict[int, str], dict[PartyId, str]]:
            known = await service.merchants(work, state=state, after=after, limit=limit)
            codes = await product_codes(work, [each.details.offer for each in known])
            return known, codes, await service.parents(work, known)

        known, codes, parents = in_work(config, operator, found)
        if not csv:
            _tell(known, codes, json=json)
            return
        rows = [
            {
                "merchant_id": each.merchant_id,
                "name": each.details.name,
                "category": each.details.category,
                "under": parents[each.party_id],
                **offer_cells(each.details.offer, codes),
            }
            for each in known
        ]
        print_csv(_TABLE.write(rows))


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
        """Take the applications of a CSV file: merchant_id, name, category, under, services, accepts."""
        content = content_of(file)

        async def added(work: Work) -> tuple[list[Merchant], Mapping[int, str]]:
            made = await _TABLE.import_rows(content, lambda row: _applied(work, row))
            return made, await product_codes(work, [each.details.offer for each in made])

        _tell(*in_work(config, operator, added, why=why, dry=dry, as_json=json), json=json)


async def _applied(work: Work, row: _Row) -> Merchant:
    offer = await offer_told(work, row.services, row.accepts)
    details = MerchantDetails(row.name, row.category, offer)
    return await service.apply(work, row.merchant_id, details, parent_id=await party_named(work, row.under))


def _with_codes(
    one: Callable[[Work], Awaitable[Merchant]],
) -> Callable[[Work], Awaitable[tuple[list[Merchant], Mapping[int, str]]]]:
    async def both(work: Work) -> tuple[list[Merchant], Mapping[int, str]]:
        made = await one(work)
        return [made], await product_codes(work, [made.details.offer])

    return both


def _do(
    config: Any, operator: str, one: Callable[[Work], Awaitable[Merchant]], why: str = "", *, json: bool
) -> None:
    """Do what concerns one merchant, and show it as it is then."""
    _tell(*in_work(config, operator, _with_codes(one), why=why, as_json=json), json=json)


def _tell(found: Sequence[Merchant], codes: Mapping[int, str], *, json: bool) -> None:
    if json:
        print_json({"merchants": [_shown(each, codes) for each in found]})
        return
    for each in found:
        details = each.details
        cells = offer_cells(details.offer, codes)
        typer.echo(
            f"{each.merchant_id}  {local(each.state):<10} {details.category}  {cells['services']}"
            f"  {cells['accepts']}  {each.fee_plan or '-'}  {details.name}"
        )


def _shown(each: Merchant, codes: Mapping[int, str]) -> dict[str, object]:
    settlement = each.settlement
    return {
        "id": each.id,
        "merchant_id": each.merchant_id,
        "party_id": each.party_id,
        "state": each.state,
        "name": each.details.name,
        "category": each.details.category,
        **offer_json(each.details.offer, codes),
        "fee_plan": each.fee_plan,
        "settlement": settlement
        and {
            "cycle": settlement.cycle,
            "days": settlement.days,
            "method": settlement.method,
            "account_name": settlement.account_name,
            "bank": settlement.account_bank,
            "account": f"…{settlement.account_tail}",
        },
    }
