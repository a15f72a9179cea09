"""`cardswitch approval`: what one operator proposed and another decides."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from directory import proposals
from directory.proposals import Proposal, ProposalState
from directory.work import ProposalId
from switch.commands.desk import OperatorOption, WhyOption, at_desk, in_work, moment
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.language import local

NumberArgument: TypeAlias = Annotated[int, typer.Argument(help="The proposal's number.")]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    approval = typer.Typer(help="Four eyes: proposals and their approval.", no_args_is_help=True)
    app.add_typer(approval, name="approval")
    _add_views(approval)
    _add_decisions(approval)


def _add_views(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *,
        state: Annotated[ProposalState | None, typer.Option(help="Only these.")] = ProposalState.WAITING,
        every: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
        limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 100,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List proposals: number, state, action, subject, who proposed it."""
        wanted = None if every else state
        found = in_work(config, operator, lambda work: proposals.proposals(work, wanted, limit))
        _tell(found, json=json)

    @group.command()
    def show(
        number: NumberArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show a proposal with what it would do."""
        found = in_work(config, operator, lambda work: proposals.proposal(work, ProposalId(number)))
        _tell([found], json=json, contents=True)


def _add_decisions(group: typer.Typer) -> None:
    @group.command()
    def approve(
        number: NumberArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Carry out what somebody else has proposed."""
        at_desk(config, operator, lambda desk: desk.office.approve(desk.operator, ProposalId(number), why))
        _decided(number, ProposalState.APPROVED, json=json)

    @group.command()
    def reject(
        number: NumberArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Decide against a proposal, or withdraw your own."""
        in_work(config, operator, lambda work: proposals.reject(work, ProposalId(number)), why=why)
        _decided(number, ProposalState.REJECTED, json=json)


def _decided(number: int, state: ProposalState, *, json: bool) -> None:
    if json:
        print_json({"proposal": number, "state": state})
    else:
        typer.echo(local("proposal {proposal} is {state}", proposal=number, state=state))


def _tell(found: Sequence[Proposal], *, json: bool, contents: bool = False) -> None:
    if json:
        print_json({"proposals": [_as_json(each) for each in found]})
        return
    for each in found:
        what = f"{local(each.state):<10} {each.action:<24} {local(each.subject.kind)} {each.subject.id}"
        typer.echo(f"{each.id:>6} {what}  {each.proposer}: {each.why}")
        if contents:
            for name, value in each.shown_content.items():
                typer.echo(f"       {name}: {value}")


def _as_json(each: Proposal) -> dict[str, object]:
    return {
        "id": each.id,
        "state": each.state,
        "action": each.action,
        "kind": each.subject.kind,
        "subject": each.subject.id,
        "party_id": each.subject.party_id,
        "content": each.shown_content,
        "why": each.why,
        "proposer": each.proposer,
        "proposed": moment(each.proposed_us),
        "decider": each.decider,
        "decided": moment(each.decided_us),
    }
