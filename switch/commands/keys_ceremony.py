"""`cardswitch keys officer` and `cardswitch keys ceremony`: who decides about keys, two at a time.

A component that is made here is shown once, to the officer who asked for it: on a terminal, or in the JSON of
that one command. It can't be shown again.
"""

from pathlib import Path
from typing import Annotated

import typer

from hsm_soft import ceremony_store
from hsm_soft.ceremony import MINUTES_MAX, Activity, Ceremony
from hsm_soft.ceremony_store import StoredComponent
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.keys_input import (
    AlgorithmOption,
    CheckValueOption,
    ExportOption,
    LengthOption,
    ModeOption,
    OfficerOption,
    PassphraseOption,
    component_of,
    hexadecimal,
    in_custody,
    officer_of,
    owner_of,
    passphrase_of,
    spec_of,
    usage_of,
)
from switch.custody import Custody

_MINUTES = 15
_SPEC_ACTIVITIES = (Activity.COMPONENTS, Activity.GENERATE)
NumberArgument = Annotated[int, typer.Argument(help="Number of the ceremony.")]
CeremonyOrNone = Annotated[int | None, typer.Option("--ceremony", help="Needed once there are two.")]


def add(keys: typer.Typer) -> None:
    """Register the commands."""
    officer = typer.Typer(help="Officers.", no_args_is_help=True)
    keys.add_typer(officer, name="officer")
    _add_officers(officer)
    ceremony = typer.Typer(help="Dual control.", no_args_is_help=True)
    keys.add_typer(ceremony, name="ceremony")
    _add_open(ceremony)
    _add_course(ceremony)
    _add_components(ceremony)


def _add_officers(officer: typer.Typer) -> None:
    @officer.command("add")
    def add_command(
        name: str,
        *,
        ceremony: CeremonyOrNone = None,
        passphrase_file: PassphraseOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add an officer, who chooses a passphrase."""
        who = officer_of(name)
        passphrase = passphrase_of(who, passphrase_file, new=True)
        in_custody(config, lambda custody: custody.ceremonies.add_officer(who, passphrase, ceremony))
        _tell_done(f"{who} is an officer", as_json=json)

    @officer.command("remove")
    def remove_command(
        name: str,
        *,
        ceremony: Annotated[int, typer.Option(help="Number of the ceremony.")],
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take an officer's part away."""
        who = officer_of(name)
        in_custody(config, lambda custody: custody.ceremonies.remove_officer(who, ceremony))
        _tell_done(f"{who} is no officer any more", as_json=json)

    @officer.command("list")
    def list_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """List the officers."""
        names = in_custody(config, lambda custody: ceremony_store.officers(custody.connection))
        if json:
            print_json({"officers": list(names)})
        else:
            typer.echo("\n".join(names) or "there are no officers yet")


def _add_open(ceremony: typer.Typer) -> None:
    @ceremony.command("open")
    def open_command(
        activity: Annotated[Activity, typer.Argument(help="The one thing it is for.")],
        *,
        officer: OfficerOption,
        owner: Annotated[str, typer.Option(help="Whose key.")] = "",
        usage: Annotated[str, typer.Option(help="What the key is for.")] = "",
        algorithm: AlgorithmOption = "tdes",
        length: LengthOption = 16,
        mode: ModeOption = "",
        exportability: ExportOption = "none",
        key: Annotated[int | None, typer.Option(help="Which key.")] = None,
        data_key: Annotated[int | None, typer.Option(help="Which data key, to destroy it.")] = None,
        under: Annotated[int | None, typer.Option(help="Which key is on top.")] = None,
        name: Annotated[str, typer.Option(help="Which officer comes or goes.")] = "",
        minutes: Annotated[int, typer.Option(min=1, max=MINUTES_MAX, help="How long it lasts.")] = _MINUTES,
        passphrase_file: PassphraseOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Open a ceremony; another officer has to approve it."""
        who = officer_of(officer)
        if activity in _SPEC_ACTIVITIES:
            subject = dict(spec_of(owner, usage, algorithm, length, mode, exportability).subject)
        else:
            of_data = None if data_key is None else f"data-key:{data_key}"
            named = {"key": of_data or key, "under": under, "officer": name, "owner": owner, "usage": usage}
            subject = {each: str(value) for each, value in named.items() if value not in (None, "")}
        _refuse_misnamed(subject)
        passphrase = passphrase_of(who, passphrase_file)
        opened = in_custody(
            config, lambda custody: custody.ceremonies.open(activity, subject, who, passphrase, minutes)
        )
        _tell(opened, (), as_json=json)


def _add_course(ceremony: typer.Typer) -> None:
    @ceremony.command()
    def approve(
        number: NumberArgument,
        *,
        officer: OfficerOption,
        passphrase_file: PassphraseOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Approve what another officer opened; `show` tells what it is."""
        who = officer_of(officer)
        passphrase = passphrase_of(who, passphrase_file)
        approved = in_custody(config, lambda custody: custody.ceremonies.approve(number, who, passphrase))
        _tell(approved, (), as_json=json)

    @ceremony.command()
    def show(number: NumberArgument, *, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show a ceremony, and who entered which component."""
        found, components = in_custody(config, lambda custody: custody.ceremonies.show(number))
        _tell(found, components, as_json=json)

    @ceremony.command()
    def close(
        number: NumberArgument,
        *,
        officer: OfficerOption,
        passphrase_file: PassphraseOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """End a ceremony before its time, and forget its components."""
        who = officer_of(officer)
        passphrase = passphrase_of(who, passphrase_file)
        in_custody(config, lambda custody: custody.ceremonies.close(number, who, passphrase))
        _tell_done(f"ceremony {number} is closed", as_json=json)


def _add_components(ceremony: typer.Typer) -> None:
    @ceremony.command()
    def component(
        number: NumberArgument,
        *,
        officer: OfficerOption,
        new: Annotated[bool, typer.Option("--new", help="Make one, and show it once.")] = False,
        component_file: Annotated[
            Path | None, typer.Option(help="Where the component stands; typed if there is none.")
        ] = None,
        check_value: CheckValueOption = "",
        passphrase_file: PassphraseOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Enter a component from its officer's sheet, or make one."""
        who = officer_of(officer)
        passphrase = passphrase_of(who, passphrase_file)
        entered = b"" if new else component_of(component_file)
        said = hexadecimal(check_value, "the check value") or None

        async def work(custody: Custody) -> dict[str, str]:
            if not new:
                ceremonies = custody.ceremonies
                return {
                    "check_value": await ceremonies.enter_component(number, who, passphrase, entered, said)
                }
            made = await custody.ceremonies.new_component(number, who, passphrase)
            return {"component": made.component.hex().upper(), "check_value": made.check_value}

        _tell_component(in_custody(config, work), as_json=json)

    @ceremony.command()
    def combine(
        number: NumberArgument,
        *,
        check_value: CheckValueOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make the key of the components, and end the ceremony."""
        said = hexadecimal(check_value, "the check value") or None
        key = in_custody(config, lambda custody: custody.keys.combine(number, said))
        if json:
            print_json({"key": key.id, "check_value": key.check_value})
        else:
            typer.echo(f"key {key.id}, check value {key.check_value}")


def _refuse_misnamed(subject: dict[str, str]) -> None:
    """End a command that names an owner, usage or officer as none can be named."""
    if "owner" in subject:
        owner_of(subject["owner"])
    if "usage" in subject:
        usage_of(subject["usage"])
    if "officer" in subject:
        officer_of(subject["officer"])


def _tell_component(told: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    if "component" in told:
        groups = [told["component"][start : start + 4] for start in range(0, len(told["component"]), 4)]
        typer.echo("write this down; it is not shown again")
        typer.echo(" ".join(groups))
    typer.echo(f"check value {told['check_value']}")


def _tell(ceremony: Ceremony, components: tuple[StoredComponent, ...], *, as_json: bool) -> None:
    told = {
        "ceremony": ceremony.id,
        "activity": ceremony.activity,
        "subject": dict(ceremony.subject),
        "opened_by": ceremony.opened_by,
        "approved_by": ceremony.approved_by,
        "components": [{"officer": each.officer, "check_value": each.check_value} for each in components],
    }
    if as_json:
        print_json(told)
        return
    names = ", ".join(f"{name} {value}" for name, value in ceremony.subject.items() if value)
    typer.echo(f"ceremony {ceremony.id}: {ceremony.activity} {names}")
    typer.echo(f"opened by {ceremony.opened_by}, approved by {ceremony.approved_by or 'nobody yet'}")
    for each in components:
        typer.echo(f"component {each.number} of {each.officer}, check value {each.check_value}")


def _tell_done(text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"done": text})
    else:
        typer.echo(text)
