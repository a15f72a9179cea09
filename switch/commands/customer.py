"""`cardswitch customer`: who holds cards, with what is bound to them.

What is personal never stands on a command line: it comes as a JSON document or a CSV file, or is read from
standard input, behind the operator's password if that comes from there too.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeAlias

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from directory.csv_exchange import Column, Table
from directory.customer_service import (
    Binding,
    BindingKind,
    Customer,
    DocumentKind,
    Person,
    add_customer,
    bind,
    bindings,
    change_customer,
    close_customer,
    count_customers,
    customer,
    customers,
    find_by_document,
    find_by_phone,
    see_person,
    unbind,
    verify_customer,
)
from directory.parties import PartyId
from directory.refusals import InvalidValue, message
from directory.work import Work
from switch.card_ports import HsmPersonalData
from switch.commands.desk import (
    Desk,
    DryRunOption,
    FileArgument,
    OperatorOption,
    WhyOption,
    at_desk,
    content_of,
    in_work,
    moment,
    print_csv,
)
from switch.commands.frame import EXIT_USAGE, ConfigOption, JsonOption, fail, print_json
from switch.commands.operator import party_named
from switch.commands.product import party_names
from switch.language import local

NumberArgument: TypeAlias = Annotated[int, typer.Argument(help="The customer's number.")]
PersonOption: TypeAlias = Annotated[
    Path,
    typer.Option("--person", help="JSON: name, document_kind, document_number, phone; - is standard input."),
]


class _PersonDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    document_kind: DocumentKind = DocumentKind.NONE
    document_number: str | None = None
    phone: str | None = None


class _Row(NamedTuple):
    party: str
    name: str
    document_kind: DocumentKind
    document_number: str | None
    phone: str | None


_TABLE: Final = Table(
    columns=(
        *(Column("party"), Column("name")),
        Column("document_kind", DocumentKind, required=False, absent=DocumentKind.NONE),
        *(Column("document_number", required=False), Column("phone", required=False)),
    ),
    build=_Row,
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Customers.", no_args_is_help=True)
    app.add_typer(group, name="customer")
    _add_people(group)
    _add_life(group)
    _add_views(group)
    _add_lists(group)
    _add_bindings(group)
    _add_exchange(group)


def _add_people(group: typer.Typer) -> None:
    @group.command("add")
    def add_command(
        *,
        party: Annotated[str, typer.Option(help="Whose customer: issuer:CODE or agent:CODE.")],
        person: PersonOption,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add a customer."""

        async def added(desk: Desk) -> Customer:
            who = _person_in(person)

            async def service(work: Work) -> Customer:
                return await add_customer(work, _personal(desk), await party_named(work, party), who)

            return await desk.run(service)

        _tell([at_desk(config, operator, added, why=why)], json=json)

    @group.command()
    def change(
        number: NumberArgument,
        *,
        person: PersonOption,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Replace what is known of a customer."""

        async def changed(desk: Desk) -> Customer:
            who = _person_in(person)
            return await desk.run(lambda work: change_customer(work, _personal(desk), number, who))

        _tell([at_desk(config, operator, changed, why=why)], json=json)


def _add_life(group: typer.Typer) -> None:
    @group.command()
    def verify(
        number: NumberArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Note that you have checked a customer's identity with the document."""
        done = in_work(config, operator, lambda work: verify_customer(work, number), why=why)
        _tell([done], json=json)

    @group.command()
    def close(
        number: NumberArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Close a customer who holds no card any more."""
        done = in_work(config, operator, lambda work: close_customer(work, number), why=why)
        _tell([done], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command()
    def show(
        number: NumberArgument,
        *,
        personal: Annotated[bool, typer.Option(help="What is personal too; it is noted.")] = False,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show a customer with what is bound."""

        async def shown(desk: Desk) -> tuple[Customer, list[Binding], Person | None]:
            async def service(work: Work) -> tuple[Customer, list[Binding], Person | None]:
                found = await customer(work, number)
                bound = await bindings(work, _personal(desk), number)
                who = await see_person(work, _personal(desk), number) if personal else None
                return found, bound, who

            return await desk.run(service)

        found, bound, who = at_desk(config, operator, shown, why=why)
        if json:
            whole = {**_as_json(found), "bindings": [_binding_json(each) for each in bound]}
            print_json({"customers": [whole | ({"person": _clear(who)} if who else {})]})
            return
        _tell([found], json=False)
        for value in () if who is None else (who.name, who.document_number, who.phone):
            typer.echo(f"      {value or '-'}")
        for each in bound:
            ended = local("ended") if each.unbound_us else ""
            typer.echo(f"{each.id:>6} {local(each.kind):<10} {each.name:<20} …{each.number_end} {ended}")

    @group.command()
    def find(
        *,
        document: Annotated[
            DocumentKind | None, typer.Option(help="By a document of this kind; its number is read.")
        ] = None,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Find customers by a document, or else by a telephone number, read from standard input."""

        async def found(desk: Desk) -> list[Customer]:
            number = sys.stdin.readline().strip()
            if document is None:
                return await desk.run(lambda work: find_by_phone(work, _personal(desk), number))
            return await desk.run(lambda work: find_by_document(work, _personal(desk), document, number))

        _tell(at_desk(config, operator, found), json=json)


def _add_lists(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *,
        after: Annotated[int, typer.Option(help="Only with higher numbers.")] = 0,
        limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List customers in reach, without what is personal."""
        _tell(in_work(config, operator, lambda work: customers(work, after, limit)), json=json)

    @group.command()
    def count(*, operator: OperatorOption, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Count customers in reach."""
        counted = in_work(config, operator, count_customers)
        if json:
            print_json({"customers": counted})
        else:
            typer.echo(f"{counted:,}")


def _add_bindings(group: typer.Typer) -> None:
    @group.command("bind")
    def bind_command(
        number: NumberArgument,
        kind: Annotated[BindingKind, typer.Argument(help="An outside account, or a service.")],
        name: Annotated[str, typer.Argument(help="Of the institution or the service.")],
        *,
        attribute: Annotated[list[str] | None, typer.Option(help="NAME=TEXT, as often as needed.")] = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Bind an account or service number, read from standard input, to a customer."""
        attributes = dict(_attribute(each) for each in attribute or ())

        async def bound(desk: Desk) -> int:
            account = sys.stdin.readline().strip()
            return await desk.run(
                lambda work: bind(work, _personal(desk), number, kind, name, account, attributes)
            )

        binding = at_desk(config, operator, bound, why=why)
        if json:
            print_json({"binding": binding})
        else:
            typer.echo(local("binding {binding}", binding=binding))

    @group.command("unbind")
    def unbind_command(
        number: NumberArgument,
        binding: Annotated[int, typer.Argument(help="The binding's number.")],
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """End a binding."""
        in_work(config, operator, lambda work: unbind(work, number, binding), why=why)
        if json:
            print_json({"binding": binding})
        else:
            typer.echo(local("done"))


def _add_exchange(group: typer.Typer) -> None:
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
        """Add all customers of a CSV file, or none of them.

        Columns: party, name, document_kind, document_number, phone.
        """
        content = content_of(file)

        async def imported(desk: Desk) -> list[Customer]:
            async def service(work: Work) -> list[Customer]:
                async def add_row(row: _Row) -> Customer:
                    return await add_customer(
                        work, _personal(desk), await party_named(work, row.party), Person(*row[1:])
                    )

                return await _TABLE.import_rows(content, add_row)

            return await desk.run(service)

        _tell(at_desk(config, operator, imported, why=why, dry=dry), json=json)

    @group.command("export")
    def export(
        *,
        after: Annotated[int, typer.Option(help="Only with higher numbers.")] = 0,
        limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 1_000,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
    ) -> None:
        """Write customers with what is personal as CSV, which can be imported; each is noted as looked at."""

        async def exported(desk: Desk) -> list[dict[str, object]]:
            async def service(work: Work) -> list[dict[str, object]]:
                names = await party_names(work)
                return [
                    await _exported(work, _personal(desk), each, names)
                    for each in await customers(work, after, limit)
                ]

            return await desk.run(service)

        print_csv(_TABLE.write(at_desk(config, operator, exported, why=why)))


async def _exported(
    work: Work, personal: HsmPersonalData, each: Customer, names: dict[int, str]
) -> dict[str, object]:
    return {"party": names[PartyId(each.party_id)], **_clear(await see_person(work, personal, each.id))}


def _personal(desk: Desk) -> HsmPersonalData:
    return HsmPersonalData(desk.bench.hsm)


def _person_in(file: Path) -> Person:
    """The person in a JSON document; what is wrong with it is told without quoting it."""
    try:
        document = _PersonDocument.model_validate_json(content_of(file))
    except ValidationError:
        raise InvalidValue(
            field="person",
            reason=message("a JSON object of name, document_kind, document_number and phone"),
        ) from None
    return Person(document.name, document.document_kind, document.document_number, document.phone)


def _attribute(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise fail(local("an attribute is NAME=TEXT"), EXIT_USAGE)
    return name, value


def _clear(person: Person) -> dict[str, object]:
    return {
        "name": person.name,
        "document_kind": person.document_kind,
        "document_number": person.document_number,
        "phone": person.phone,
    }


def _tell(found: Sequence[Customer], *, json: bool) -> None:
    if json:
        print_json({"customers": [_as_json(each) for each in found]})
        return
    for each in found:
        state = local("open") if each.is_open else local("closed")
        checked = local("identity checked") if each.verified_us else ""
        typer.echo(f"{each.id:>9} {state:<8} {local(each.document_kind):<18} {checked}")


def _as_json(found: Customer) -> dict[str, object]:
    return {
        "id": found.id,
        "party_id": found.party_id,
        "state": "open" if found.is_open else "closed",
        "document_kind": found.document_kind,
        "has_phone": found.has_phone,
        "verified_at": moment(found.verified_us),
    }


def _binding_json(binding: Binding) -> dict[str, object]:
    return {
        "id": binding.id,
        "kind": binding.kind,
        "name": binding.name,
        "number_end": binding.number_end,
        "attributes": dict(binding.attributes),
        "bound_at": moment(binding.bound_us),
        "unbound_at": moment(binding.unbound_us),
    }
