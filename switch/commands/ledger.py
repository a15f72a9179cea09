"""`cardswitch ledger`: totals of the books, and the check that every row is what it should be."""

from dataclasses import asdict
from datetime import date

import typer

from ledger.postgres import inquiry
from ledger.postgres.inquiry import AccountTotal
from ledger.postgres.verify import Report, verify
from switch.bootstrap import Workbench
from switch.commands.frame import EXIT_FAILED, ConfigOption, JsonOption, at_workbench, print_json


def add(app: typer.Typer) -> None:
    """Register the commands."""
    ledger = typer.Typer(help="The ledger's books.", no_args_is_help=True)
    app.add_typer(ledger, name="ledger")

    @ledger.command("show")
    def show(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Show the open business date and the balance of every account."""
        business_date, totals = at_workbench(config, _totals)
        if json:
            print_json({"business_date": business_date, "accounts": [asdict(total) for total in totals]})
            return
        typer.echo(f"business date {business_date or 'not opened yet'}")
        for total in totals:
            name = f"{total.kind} {'(all)' if total.account_id is None else total.account_id}"
            typer.echo(f"{name:<30} {total.asset} {total.balance_minor:>20,} {total.entries:>12,} entries")

    @ledger.command("verify")
    def verify_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Check every row: sums, events, seals, versions, hash chain. Exit code 1 if one is wrong."""
        report = at_workbench(config, _verify)
        _print_report(report, as_json=json)
        if not report.is_clean:
            raise typer.Exit(EXIT_FAILED)


async def _totals(bench: Workbench) -> tuple[date | None, list[AccountTotal]]:
    async with bench.connection() as connection:
        return await inquiry.open_date(connection), await inquiry.account_totals(connection)


async def _verify(bench: Workbench) -> Report:
    async with bench.connection() as connection:
        return await verify(connection, bench.sealer)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "clean": report.is_clean,
                "wallets": report.wallets,
                "transactions": report.transactions,
                "checks": report.checks,
                "offences": [{"check": each.check, "row": each.row} for each in report.offences],
            }
        )
        return
    wrong = {offence.check for offence in report.offences}
    for check in report.checks:
        typer.echo(f"{'WRONG' if check in wrong else 'ok':<6} {check}")
    for offence in report.offences:
        typer.echo(f"       {offence.check}: {offence.row}")
    verdict = "clean" if report.is_clean else f"{len(report.offences)} rows are wrong"
    typer.echo(f"{report.wallets:,} wallets, {report.transactions:,} transactions: {verdict}")
