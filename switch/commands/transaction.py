"""`cardswitch transaction find`: what became of a transaction, by the names people have for it."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from directory.inquiry import terminals_named, wallet_of_card
from directory.records import PanIndex
from hsm_soft.hsm import SoftHsm
from ledger.chart import Asset
from ledger.identity import approval_code, retrieval_reference, transaction_of_reference
from ledger.postgres import inquiry
from ledger.postgres.inquiry import TransactionRecord
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
from switch.vocabulary.unionpay_pos import RESPONSE_CODES

_DATE = re.compile(r"(\d{4}-)?\d{2}-?\d{2}", re.ASCII)
_PAN = re.compile(r"\d{1,19}", re.ASCII)
_ASSET_NAMES = {asset.value: asset.name for asset in Asset}

TerminalOption = Annotated[str | None, typer.Option("--terminal", help="Field 41, with --batch and --stan.")]
BatchOption = Annotated[str | None, typer.Option("--batch", help="The terminal's batch (60.2).")]
StanOption = Annotated[str | None, typer.Option("--stan", help="Field 11.")]
RrnOption = Annotated[str | None, typer.Option("--rrn", help="Field 37.")]
DateOption = Annotated[str | None, typer.Option("--date", help="Day of the RRN: YYYY-MM-DD or MMDD.")]
PanOption = Annotated[str | None, typer.Option("--pan", help="A card's number, or - to read it from stdin.")]


def add(app: typer.Typer) -> None:
    """Register the command."""
    transaction = typer.Typer(help="Single transactions.", no_args_is_help=True)
    app.add_typer(transaction, name="transaction")

    @transaction.callback()
    def group() -> None:
        """Keep `find` a command of its own group."""

    @transaction.command("find")
    def find(
        *,
        terminal: TerminalOption = None,
        batch: BatchOption = None,
        stan: StanOption = None,
        rrn: RrnOption = None,
        day: DateOption = None,
        pan: PanOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Find transactions by terminal, batch and STAN, by RRN, or by card. Exit code 1 if there is none."""
        by_terminal = [bool(option) for option in (terminal, batch, stan)]
        ways = [any(by_terminal), bool(rrn), bool(pan)]
        if sum(ways) != 1 or any(by_terminal) != all(by_terminal):
            raise fail("give --terminal, --batch and --stan, or --rrn, or --pan", EXIT_USAGE)
        if day is not None and not _DATE.fullmatch(day):
            raise fail("--date is YYYY-MM-DD or MMDD", EXIT_USAGE)
        card = typer.get_text_stream("stdin").readline().strip() if pan == "-" else pan
        if card is not None and not _PAN.fullmatch(card):
            raise fail("--pan is a card number", EXIT_USAGE)

        async def work(bench: Workbench) -> list[dict[str, object]]:
            async with bench.connection() as connection:
                if terminal and batch and stan:
                    names = await terminals_named(connection, terminal)
                    found = await inquiry.find_by_terminal(connection, names, batch.zfill(6), stan.zfill(6))
                elif card:
                    pan_index = PanIndex(await bench.hsm.ask(SoftHsm.pan_index, card))
                    wallet = await wallet_of_card(connection, pan_index)
                    found = [] if wallet is None else await inquiry.find_by_wallet(connection, wallet)
                else:
                    number = transaction_of_reference((rrn or "").upper())
                    found = [] if number is None else await inquiry.find_by_number(connection, [number])
            return [_shown(bench, record) for record in found if _is_of(bench, record, day)]

        _print(at_workbench(config, work), as_json=json)


def _is_of(bench: Workbench, record: TransactionRecord, day: str | None) -> bool:
    """Whether a record is of this day, by the ledger's date or by the date that was told in field 13."""
    if day is None:
        return True
    zone = ZoneInfo(bench.settings.clock.time_zone)
    told = datetime.fromtimestamp(record.row.received_at_us // 1_000_000, zone)
    wanted = day.replace("-", "")
    return any(f"{each:%Y%m%d}".endswith(wanted) for each in (told, record.business_date))


def _shown(bench: Workbench, record: TransactionRecord) -> dict[str, object]:
    row = record.row
    at = bench.clock.local(row.received_at_us)
    return {
        "rrn": retrieval_reference(row.id),
        "kind": record.kind.name.lower(),
        "outcome": record.outcome.name.lower(),
        "response_code": RESPONSE_CODES[record.outcome],
        "approval_code": approval_code(retrieval_reference(row.id)),
        "business_date": record.business_date,
        "received_at": datetime.fromtimestamp(row.received_at_us / 1e6, UTC),
        "local_time": at.time,
        "local_date": at.date,
        "merchant_id": row.merchant_id,
        "terminal_id": row.terminal_id,
        "batch": row.batch,
        "stan": row.stan,
        "amount_minor": row.amount_minor,
        "currency": f"{row.asset:03d}",
        "wallet_id": row.wallet_id,
        "wallet_version": row.wallet_version,
        "original_rrn": _reference(row.original_id),
        "reversed_by_rrn": _reference(record.reversed_by),
        "voided_by_rrn": _reference(record.voided_by),
        "followed_by_rrns": [retrieval_reference(number) for number in record.followed_by],
        "other_wallet_id": row.other_wallet_id,
        "issuer": row.issuer,
        "proposer": row.proposer,
        "approver": row.approver,
        "entries": [
            {
                "account": leg.account_kind.name,
                "account_id": leg.account_id,
                "asset": _asset_name(leg.asset),
                "amount_minor": leg.amount_minor,
                "purse": leg.purse,
                "good_until": date.fromordinal(leg.expires) if leg.expires else None,
            }
            for leg in record.legs
        ],
    }


def _asset_name(asset: int) -> str:
    """A currency's letters, or the number of a points programme."""
    return _ASSET_NAMES.get(asset, str(asset))


def _reference(number: int | None) -> str | None:
    return None if number is None else retrieval_reference(number)


def _print(found: Sequence[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print_json({"transactions": found})
    for shown in () if as_json else found:
        typer.echo(
            "{rrn}  {kind} {outcome} ({response_code})  {amount_minor} {currency}  terminal {terminal_id} "
            "batch {batch} STAN {stan}  {business_date} {local_time}".format(**shown)
        )
        for event in ("voided", "reversed"):
            if shown[f"{event}_by_rrn"]:
                typer.echo(f"              {event} by {shown[f'{event}_by_rrn']}")
    if not found:
        if not as_json:
            typer.echo("no such transaction", err=True)
        raise typer.Exit(EXIT_FAILED)
