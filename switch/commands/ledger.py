"""`cardswitch ledger`: the books, their business days, and the check that every row is what it should be.

`close-day`, `expire` and `adjust` work beside a running switch or without one: what they post goes through
lanes of their own, as from another node.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, NamedTuple

import asyncpg
import typer

from directory.inquiry import product_of_wallet, wallet_of_card
from directory.records import PanIndex
from hsm_soft.hsm import SoftHsm
from ledger.identity import TransactionKind, duplicate_key, retrieval_reference
from ledger.intent import Intent, Origin
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from ledger.postgres.days import DayClose, DayRefused, close_day
from ledger.postgres.dedup import Result
from ledger.postgres.expiry import Lapsed, expire
from ledger.postgres.inquiry import AccountTotal, TrialBalance
from ledger.postgres.verify import NotSealed, Report, verify
from ledger.product import ProductRules
from ledger.wallet import CASH
from switch.bootstrap import Workbench
from switch.commands.frame import (
    EXIT_FAILED,
    EXIT_USAGE,
    ConfigOption,
    JsonOption,
    at_workbench,
    fail,
    print_json,
)
from switch.own_ledger import own_ledger
from switch.product_rules import product_rules

_FINGERPRINT_BYTES = 16

_DATES = ["%Y-%m-%d"]

SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=_DATES, help="Only what came after this sealed day."),
]
DateOption = Annotated[
    datetime | None, typer.Option("--date", formats=_DATES, help="At the end of this business date.")
]
DayOption = Annotated[
    datetime | None,
    typer.Option("--date", formats=_DATES, help="The day to close; it may be closed already."),
]
IssuerOption = Annotated[int | None, typer.Option("--issuer", help="Of this issuer only.")]
PanOption = Annotated[
    str | None, typer.Option("--pan", help="The card's number, or - to read it from stdin.")
]
WalletOption = Annotated[int | None, typer.Option("--wallet", help="The wallet's number, instead of --pan.")]
AmountOption = Annotated[int, typer.Option("--amount-minor", help="What to give; below zero, to take.")]
PurseOption = Annotated[int, typer.Option("--purse", help="The purse's number.")]
UntilOption = Annotated[
    datetime | None, typer.Option("--until", formats=_DATES, help="The last good day of the value.")
]
ReferenceOption = Annotated[
    str, typer.Option("--reference", help="What the adjustment is called: the same one is done once.")
]
ProposerOption = Annotated[str, typer.Option("--proposer", help="The operator who wants it.")]
ApproverOption = Annotated[str, typer.Option("--approver", help="The operator who agreed: another one.")]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    ledger = typer.Typer(help="The ledger's books.", no_args_is_help=True)
    app.add_typer(ledger, name="ledger")
    _add_reading(ledger)
    _add_working(ledger)
    _add_adjust(ledger)


def _add_reading(ledger: typer.Typer) -> None:
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

    @ledger.command("trial-balance")
    def trial_balance(
        *,
        day: DateOption = None,
        issuer: IssuerOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show debits and credits of each kind of account. Exit code 1 if they are not equal."""

        async def work(bench: Workbench) -> list[TrialBalance]:
            async with bench.connection() as connection:
                return await inquiry.trial_balance(connection, _date(day), issuer)

        _print_trial_balance(at_workbench(config, work), as_json=json)

    @ledger.command("verify")
    def verify_command(
        *, since: SinceOption = None, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """Check every row: sums, events, seals, balances, hash chain. Exit code 1 if one is wrong."""

        async def work(bench: Workbench) -> Report:
            async with bench.connection() as connection:
                return await verify(connection, bench.sealer, _date(since))

        try:
            report = at_workbench(config, work)
        except NotSealed as refused:
            raise fail(str(refused), EXIT_USAGE) from None
        _print_report(report, as_json=json)
        if not report.is_clean:
            raise typer.Exit(EXIT_FAILED)


def _add_working(ledger: typer.Typer) -> None:
    @ledger.command("close-day")
    def close_day_command(
        *, day: DayOption = None, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """Close the open business day, open the next, and seal what is closed."""

        async def work(bench: Workbench) -> DayClose:
            async with bench.connection() as connection:
                return await close_day(connection, _date(day))

        try:
            closed = at_workbench(config, work)
        except DayRefused as refused:
            raise fail(str(refused)) from None
        _print_close(closed, as_json=json)

    @ledger.command("expire")
    def expire_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Let holds and lots lapse that were good until before the open business date."""
        lapsed = at_workbench(config, _expire)
        if json:
            print_json(lapsed._asdict())
        else:
            typer.echo(f"{lapsed.holds} holds and {lapsed.lots} lots lapsed, {lapsed.refused} left for later")
        if lapsed.refused:
            raise typer.Exit(EXIT_FAILED)


def _add_adjust(ledger: typer.Typer) -> None:
    @ledger.command("adjust")
    def adjust(
        *,
        amount_minor: AmountOption,
        reference: ReferenceOption,
        proposer: ProposerOption,
        approver: ApproverOption,
        pan: PanOption = None,
        wallet: WalletOption = None,
        purse: PurseOption = CASH,
        until: UntilOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Give or take value by hand: two operators, one to propose and another to approve."""
        if (pan is None) == (wallet is None):
            raise fail("give --pan or --wallet", EXIT_USAGE)
        card = typer.get_text_stream("stdin").readline().strip() if pan == "-" else pan
        expires = 0 if until is None else until.toordinal()

        what = Adjustment(amount_minor, purse, expires, reference, proposer, approver)

        async def work(bench: Workbench) -> Result | None:
            async with bench.connection() as connection:
                found = await _wallet_and_rules(bench, connection, card, wallet)
            if found is None:
                return None
            async with own_ledger(bench) as running:
                return await running.post(_intent(running.numbers.next(), bench.clock.now_us(), found, what))

        _print_adjustment(at_workbench(config, work), as_json=json)


class Adjustment(NamedTuple):
    """What two operators want of a wallet."""

    amount_minor: int
    purse: int
    expires: int
    reference: str
    proposer: str
    approver: str


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


async def _totals(bench: Workbench) -> tuple[date | None, list[AccountTotal]]:
    async with bench.connection() as connection:
        return await inquiry.open_date(connection), await inquiry.account_totals(connection)


async def _expire(bench: Workbench) -> Lapsed:
    async with bench.connection() as connection, own_ledger(bench) as ledger:
        return await expire(connection, ledger, bench.clock.now_us())


async def _wallet_and_rules(
    bench: Workbench,
    connection: "asyncpg.Connection[asyncpg.Record]",
    card: str | None,
    wallet: int | None,
) -> tuple[int, ProductRules] | None:
    """The wallet that is meant and its product's rules, None if there is no such card, or no terms yet."""
    if card is not None:
        wallet = await wallet_of_card(connection, PanIndex(await bench.hsm.ask(SoftHsm.pan_index, card)))
    product = None if wallet is None else await product_of_wallet(connection, wallet)
    terms = None if product is None else product.at(bench.clock.now_us())
    if wallet is None or product is None or terms is None:
        return None
    return wallet, product_rules(terms, product.party_id)


def _intent(number: int, now_us: int, found: tuple[int, ProductRules], what: Adjustment) -> Intent:
    """An adjustment whose key is its reference, so that it is done once."""
    wallet_id, rules = found
    kind, origin = TransactionKind.ADJUSTMENT, Origin(0, "", "", "", what.reference)
    purse = rules.purse_rule(what.purse)
    told = blake2b(repr((wallet_id, what)).encode(), digest_size=_FINGERPRINT_BYTES).digest()
    return Intent(
        number, kind, duplicate_key("", "", "", what.reference, kind), told, now_us,
        rules.asset if purse is None else purse.asset, what.amount_minor, origin, wallet_id, rules,
        purse=what.purse, expires=what.expires, proposer=what.proposer, approver=what.approver,
    )  # fmt: skip


def _print_trial_balance(lines: Sequence[TrialBalance], *, as_json: bool) -> None:
    differences: dict[tuple[int, str, str], int] = {}
    for line in lines:
        key = line.issuer, line.layer, line.asset
        differences[key] = differences.get(key, 0) + line.credit_minor - line.debit_minor
    is_balanced = not any(differences.values())
    if as_json:
        print_json({"balanced": is_balanced, "lines": [asdict(line) for line in lines]})
    for line in () if as_json else lines:
        typer.echo(
            f"issuer {line.issuer:<6} {line.layer:<7} {line.kind:<22} {line.asset:<6} "
            f"{line.debit_minor:>20,} {line.credit_minor:>20,} {line.accounts:>10,} accounts"
        )
    if not is_balanced:
        raise fail("debits and credits are not equal")


def _print_close(closed: DayClose, *, as_json: bool) -> None:
    if as_json:
        sealed = [each._asdict() | {"seal": each.seal.hex()} for each in closed.sealed]
        print_json({"business_date": closed.opened, "sealed": sealed})
        return
    for each in closed.sealed:
        typer.echo(
            f"{each.business_date} sealed: {each.groups:,} groups, {each.transactions:,} transactions, "
            f"{each.entries:,} entries, seal {each.seal.hex()}"
        )
    typer.echo(f"business date {closed.opened}")


def _print_adjustment(result: Result | None, *, as_json: bool) -> None:
    if result is None:
        raise fail("no such card")
    reference = retrieval_reference(result.transaction_id)
    if as_json:
        print_json({"outcome": result.outcome.name.lower(), "rrn": reference})
    else:
        typer.echo(f"{result.outcome.name.lower()} {reference}")
    if result.outcome is not Outcome.APPROVED:
        raise typer.Exit(EXIT_FAILED)


def _print_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "clean": report.is_clean,
                "since": report.since,
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
