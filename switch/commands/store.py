"""`cardswitch merchant store`, `item` and `category`: where merchants sell, and what."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from directory import stores as service
from directory.parties import PartyKind
from directory.stores import Category, ServiceItem, Store
from directory.work import Work
from switch.commands.desk import OperatorOption, WhyOption, in_work
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.operator import party_named
from switch.language import local

__all__ = ["add"]

MerchantArgument: TypeAlias = Annotated[str, typer.Argument(help="The merchant's identifier (field 42).")]
CodeArgument: TypeAlias = Annotated[str, typer.Argument(help="A short word that names it.")]
NameArgument: TypeAlias = Annotated[str, typer.Argument(help="Its name, for people.")]


def add(merchant: typer.Typer) -> None:
    """Register the groups under `cardswitch merchant`."""
    _add_stores(merchant)
    _add_items(merchant)
    _add_categories(merchant)


def _add_stores(merchant: typer.Typer) -> None:
    store = typer.Typer(help="A merchant's stores.", no_args_is_help=True)
    merchant.add_typer(store, name="store")

    @store.command("add")
    def add_command(
        merchant: MerchantArgument,
        code: CodeArgument,
        name: NameArgument,
        *,
        address: Annotated[str, typer.Option(help="Where it is.")] = "",
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add one."""
        made = Store(merchant, code, name, address)
        added = in_work(config, operator, lambda work: service.add_store(work, made), why=why)
        _tell("stores", [added], json=json)

    @store.command()
    def close(
        merchant: MerchantArgument,
        code: CodeArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Close one; its terminals stay as they are."""

        async def closed(work: Work) -> list[Store]:
            await service.close_store(work, merchant, code)
            return await service.stores(work, merchant)

        _tell("stores", in_work(config, operator, closed, why=why), json=json)

    @store.command("list")
    def list_command(
        merchant: MerchantArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List a merchant's stores."""
        _tell("stores", in_work(config, operator, lambda work: service.stores(work, merchant)), json=json)


def _add_items(merchant: typer.Typer) -> None:
    item = typer.Typer(help="What a merchant sells.", no_args_is_help=True)
    merchant.add_typer(item, name="item")

    @item.command("add")
    def add_command(
        merchant: MerchantArgument,
        code: CodeArgument,
        name: NameArgument,
        *,
        category: Annotated[str, typer.Option(help="The code of its category.")],
        price_minor: Annotated[int | None, typer.Option(help="Its price, if it has a fixed one.")] = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add one."""
        made = ServiceItem(merchant, code, category, name, price_minor)
        added = in_work(config, operator, lambda work: service.add_item(work, made), why=why)
        _tell("items", [added], json=json)

    @item.command("list")
    def list_command(
        merchant: MerchantArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List what a merchant sells."""
        _tell("items", in_work(config, operator, lambda work: service.items(work, merchant)), json=json)


def _add_categories(merchant: typer.Typer) -> None:
    category = typer.Typer(help="Kinds of things that merchants sell.", no_args_is_help=True)
    merchant.add_typer(category, name="category")

    @category.command("add")
    def add_command(
        code: CodeArgument,
        name: NameArgument,
        *,
        under: Annotated[
            str, typer.Option(help="Whose it is: platform, or issuer:CODE.")
        ] = PartyKind.PLATFORM,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add one."""

        async def added(work: Work) -> Category:
            return await service.add_category(work, Category(code, name), await party_named(work, under))

        _tell("categories", [in_work(config, operator, added, why=why)], json=json)

    @category.command("list")
    def list_command(
        *, operator: OperatorOption, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """List them."""
        _tell("categories", in_work(config, operator, service.categories), json=json)


def _tell(plural: str, found: Sequence[Store | ServiceItem | Category], *, json: bool) -> None:
    if json:
        print_json({plural: [asdict(each) for each in found]})
        return
    for each in found:
        shown = [
            local(value) if name == "state" else str(value)
            for name, value in asdict(each).items()
            if value is not None
        ]
        typer.echo("  ".join(shown))
