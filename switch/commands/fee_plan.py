"""`cardswitch fee-plan`: what merchants are charged."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import orjson
import typer

from directory import fee_plans as service
from directory.fee_plans import FeePlan, fee_plan_terms_of
from directory.parties import PartyKind
from directory.work import Work
from switch.commands.desk import OperatorOption, WhyOption, content_of, in_work, moment, refusals_told
from switch.commands.frame import EXIT_USAGE, ConfigOption, JsonOption, fail, print_json
from switch.commands.operator import party_named
from switch.language import local

__all__ = ["add"]

CodeArgument: TypeAlias = Annotated[str, typer.Argument(help="A short word that names it.")]
TermsArgument: TypeAlias = Annotated[Path, typer.Argument(help="Its terms as JSON; - is standard input.")]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    plan = typer.Typer(help="Fee plans: what merchants are charged.", no_args_is_help=True)
    app.add_typer(plan, name="fee-plan")
    _add_changes(plan)
    _add_views(plan)


def _add_changes(group: typer.Typer) -> None:
    @group.command("add")
    def add_command(
        code: CodeArgument,
        name: Annotated[str, typer.Argument(help="Its name, for people.")],
        terms: TermsArgument,
        *,
        under: Annotated[
            str, typer.Option(help="Whose it is: platform, or issuer:CODE.")
        ] = PartyKind.PLATFORM,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add one, in force at once."""
        with refusals_told(as_json=json):
            wanted = fee_plan_terms_of(content_of(terms))

        async def added(work: Work) -> FeePlan:
            return await service.add_fee_plan(work, code, name, wanted, await party_named(work, under))

        _tell([in_work(config, operator, added, why=why, as_json=json)], json=json)

    @group.command()
    def change(
        code: CodeArgument,
        terms: TermsArgument,
        *,
        effective_from: Annotated[
            str, typer.Option("--from", help="When it comes into force, as 2027-01-01T00:00:00+08:00.")
        ],
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add a version that comes into force later; a second operator has to agree."""
        from_us = _microseconds(effective_from)
        with refusals_told(as_json=json):
            wanted = fee_plan_terms_of(content_of(terms))

        async def changed(work: Work) -> FeePlan:
            return await service.change_fee_plan(work, code, wanted, from_us)

        _tell([in_work(config, operator, changed, why=why, as_json=json)], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command()
    def show(
        code: CodeArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one with all its versions."""
        _tell([in_work(config, operator, lambda work: service.fee_plan(work, code))], json=json)

    @group.command("list")
    def list_command(
        *, operator: OperatorOption, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """List those within reach."""
        _tell(in_work(config, operator, service.fee_plans), json=json)


def _microseconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise fail(local("--from is a date and time with its offset from UTC"), EXIT_USAGE)
    return round(at.timestamp() * 1_000_000)


def _tell(found: Sequence[FeePlan], *, json: bool) -> None:
    if json:
        print_json({"fee_plans": [_shown(each) for each in found]})
        return
    for plan in found:
        typer.echo(f"{plan.code:<16} {plan.name}")
        for version in plan.versions:
            terms = version.terms.model_dump_json()
            typer.echo(f"  {version.number:>3}  {moment(version.effective_from_us)}  {terms}")


def _shown(plan: FeePlan) -> dict[str, object]:
    return {
        "code": plan.code,
        "name": plan.name,
        "party_id": plan.party_id,
        "versions": [
            {
                "version": version.number,
                "effective_from": moment(version.effective_from_us),
                "terms": orjson.loads(version.terms.model_dump_json()),
            }
            for version in plan.versions
        ],
    }
