"""`cardswitch operator`: who works on the directory."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from directory import operators
from directory.csv_exchange import write_csv
from directory.operators import OperatorRecord
from directory.parties import PLATFORM_ID, PartyId, PartyKind
from directory.party_service import find_party
from directory.rights import Role
from directory.work import Work
from switch.commands.desk import (
    CsvOption,
    Desk,
    OperatorOption,
    WhyOption,
    at_desk,
    at_reception,
    in_work,
    moment,
    new_password,
    password_of,
    print_csv,
)
from switch.commands.frame import EXIT_USAGE, ConfigOption, JsonOption, fail, print_json
from switch.language import local

NameArgument: TypeAlias = Annotated[str, typer.Argument(help="The operator's name.")]
PartyOption: TypeAlias = Annotated[
    str, typer.Option("--party", help="Whose people they are: platform, issuer:CODE, merchant:CODE …")
]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    operator = typer.Typer(help="Operators: who may work on the directory.", no_args_is_help=True)
    app.add_typer(operator, name="operator")
    _add_passwords(operator)
    _add_list(operator)
    _add_adding(operator)
    _add_states(operator)


def _add_passwords(group: typer.Typer) -> None:
    @group.command()
    def first(name: NameArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Add the first operator of all, an administrator of the platform."""
        password = new_password(name)
        at_reception(config, lambda reception: reception.add_first(name, password))
        _tell_done(local("{name} is the first operator", name=name), json=json)

    @group.command()
    def password(*, operator: OperatorOption, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Choose another password for yourself."""
        present, new = password_of(operator), new_password(operator)
        at_reception(config, lambda reception: reception.change_password(operator, present, new))
        _tell_done(local("the password is changed"), json=json)

    @group.command()
    def reset(
        name: NameArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Give somebody else a password, good for choosing one."""

        async def work(desk: Desk) -> None:
            proof = await desk.reception.proof(name, given)
            await desk.run(lambda work: operators.reset_password(work, name, proof))

        given = new_password(name)
        at_desk(config, operator, work, why=why, as_json=json)
        _tell_done(local("done"), json=json)


def _add_list(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List operators: name, role, party, state, end of the password."""
        found = in_work(config, operator, operators.operators)
        if csv:
            rows = [_as_json(each) for each in found]
            print_csv(write_csv([*rows[0]], (list(row.values()) for row in rows)))
        else:
            _tell(found, json=json)


def _add_adding(group: typer.Typer) -> None:
    @group.command("add")
    def add_command(
        name: NameArgument,
        *,
        role: Annotated[Role, typer.Option(help="What they are employed as.")],
        party: PartyOption = PartyKind.PLATFORM,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add an operator, with a password that is good for choosing another."""

        async def work(desk: Desk) -> OperatorRecord:
            proof = await desk.reception.proof(name, given)

            async def added(work: Work) -> OperatorRecord:
                return await operators.add(work, name, role, await party_named(work, party), proof)

            return await desk.run(added)

        given = new_password(name)
        _tell([at_desk(config, operator, work, why=why, as_json=json)], json=json)


def _add_states(group: typer.Typer) -> None:
    @group.command()
    def lock(
        name: NameArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Keep somebody out until they are unlocked."""
        in_work(config, operator, lambda work: operators.lock(work, name), why=why)
        _tell_done(local("done"), json=json)

    @group.command()
    def unlock(
        name: NameArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Let somebody in again, whoever or whatever locked them."""
        in_work(config, operator, lambda work: operators.unlock(work, name), why=why)
        _tell_done(local("done"), json=json)

    @group.command()
    def disable(
        name: NameArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Keep somebody out for good."""
        in_work(config, operator, lambda work: operators.disable(work, name), why=why)
        _tell_done(local("done"), json=json)


async def party_named(work: Work, name: str) -> PartyId:
    """The party that `KIND:CODE` names, or `platform`.

    Raises:
        NoSuchRecord: There is none within reach.
    """
    kind, _, code = name.partition(":")
    if kind == PartyKind.PLATFORM:
        return PLATFORM_ID
    if kind not in list(PartyKind) or not code:
        raise fail(local("a party is platform, or KIND:CODE as in issuer:CODE"), EXIT_USAGE)
    return (await find_party(work, PartyKind(kind), code)).id


def _tell_done(text: str, *, json: bool) -> None:
    if json:
        print_json({"done": True})
    else:
        typer.echo(text)


def _tell(found: Sequence[OperatorRecord], *, json: bool) -> None:
    if json:
        print_json({"operators": [_as_json(each) for each in found]})
        return
    for each in found:
        place = f"{local(each.role):<18} {each.party_code:<16} {local(each.state):<10}"
        due = moment(each.password_expires_us)
        until = f"{due:%Y-%m-%d}" if each.password_expires_us else local("a new password is due")
        typer.echo(f"{each.name:<24} {place} {until}")


def _as_json(each: OperatorRecord) -> dict[str, object]:
    told = asdict(each)
    for name in ("locked_until", "password_expires", "signed_in"):
        at = moment(told.pop(f"{name}_us") or None)
        told[name] = at.isoformat() if at else None
    return told
