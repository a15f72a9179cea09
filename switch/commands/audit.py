"""`cardswitch audit`: what was done to the directory, and whether the log of it is whole."""

import json as json_text
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from directory.audit_chain import AuditRow
from directory.audit_log import AuditFilter, AuditReport
from directory.audit_service import audit_rows, verify_audit
from directory.csv_exchange import write_csv
from switch.commands.desk import CsvOption, OperatorOption, in_work, moment, print_csv
from switch.commands.frame import EXIT_FAILED, EXIT_USAGE, ConfigOption, JsonOption, fail, print_json
from switch.language import local

_HASH_BYTES: Final = 32


def add(app: typer.Typer) -> None:
    """Register the commands."""
    audit = typer.Typer(help="The audit of the directory.", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.command("list")
    def list_command(
        *,
        by: Annotated[str, typer.Option(help="Only what this operator did.")] = "",
        action: Annotated[str, typer.Option(help="Only this action, or beginning of one: card.")] = "",
        kind: Annotated[str, typer.Option(help="Only about such records: card, terminal …")] = "",
        subject: Annotated[str, typer.Option(help="Only about this record.")] = "",
        below: Annotated[int, typer.Option(help="Only rows before this number.")] = 2**62,
        limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List what was done, the newest first."""
        wanted = AuditFilter(by, kind, subject, action, below, limit)
        rows = in_work(config, operator, lambda work: audit_rows(work, wanted))
        if json:
            print_json({"rows": [_as_json(row) for row in rows]})
        elif csv:
            cells = [list(_as_cells(row).values()) for row in rows]
            print_csv(write_csv(_CELLS, cells))
        else:
            _tell_rows(rows)

    @audit.command()
    def verify(
        *,
        head: Annotated[
            list[str] | None, typer.Option(help="A head kept elsewhere, as NUMBER:HASH; may be repeated.")
        ] = None,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Read the whole log and name the rows that were changed, removed or inserted."""
        kept = dict(_head(each) for each in head or [])
        report = in_work(config, operator, lambda work: verify_audit(work, kept))
        _tell_report(report, json=json)
        if report.findings:
            raise typer.Exit(EXIT_FAILED)


_CELLS: Final = (
    "seq",
    "at",
    "operator",
    "action",
    "kind",
    "subject",
    "party_id",
    "before",
    "after",
    "why",
    "proposal",
)


def _as_cells(row: AuditRow) -> dict[str, object]:
    at = moment(row.at_us)
    values = (row.seq, at and at.isoformat(), row.operator, row.action, row.kind, row.subject, row.party_id)
    return dict(zip(_CELLS, (*values, row.before, row.after, row.why, row.proposal_id), strict=True))


def _as_json(row: AuditRow) -> dict[str, object]:
    contents = {"before": json_text.loads(row.before), "after": json_text.loads(row.after)}
    return _as_cells(row) | contents | {"hash": row.hash.hex()}


def _tell_rows(rows: Sequence[AuditRow]) -> None:
    for row in rows:
        at = moment(row.at_us)
        change = f"{row.before} → {row.after}"
        what = f"{at:%Y-%m-%d %H:%M:%SZ} {row.operator:<16} {row.action:<22} {row.kind} {row.subject}"
        typer.echo(f"{row.seq:>8} {what}  {change}  {row.why}".rstrip())


def _tell_report(report: AuditReport, *, json: bool) -> None:
    findings = [{"row": each.seq, "flaw": each.flaw} for each in report.findings]
    if json:
        head = {"seq": report.head.seq, "hash": report.head.hash.hex()}
        print_json({"clean": not findings, "rows": report.rows, "head": head, "findings": findings})
        return
    for each in report.findings:
        typer.echo(local("row {row}: {flaw}", row=each.seq, flaw=each.flaw))
    verdict = local("clean") if not findings else local("{count} rows are wrong", count=len(findings))
    typer.echo(local("{rows} rows: {verdict}", rows=report.rows, verdict=verdict))
    typer.echo(f"{report.head.seq}:{report.head.hash.hex()}")


def _head(text: str) -> tuple[int, bytes]:
    number, _, digest = text.partition(":")
    try:
        seq, kept = int(number), bytes.fromhex(digest)
    except ValueError:
        seq, kept = 0, b""
    if seq < 1 or len(kept) != _HASH_BYTES:
        raise fail(local("a head is NUMBER:HASH, as verify prints it"), EXIT_USAGE)
    return seq, kept
