"""`cardswitch keys audit`: is the log of key operations what it was, and how that is proven elsewhere.

`head` prints a signed head; keep it where nobody who writes the database can reach. `verify` reads every
record and holds them against kept heads: a changed record is named, and records cut off or written anew are
found.
`export` writes records and a head for whoever wants to check them without this database: `verify --file`.
"""

import json as json_format
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from hsm_soft.audit.head import HeadUnreadable, SignedHead, TreeHead, parse_head, print_head, signed_head
from hsm_soft.audit.log import StoredRecord, stored_records
from hsm_soft.audit.merkle import inclusion_proof
from hsm_soft.audit.verification import AuditWalk
from hsm_soft.hsm import SoftHsm
from hsm_soft.signing import PUBLIC_KEY_BYTES
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

__all__ = ["add"]

HeadOption = Annotated[
    list[Path] | None, typer.Option("--head", help="Signed heads that were kept, one a line.")
]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="An export to check instead of the database.")
]
PublicKeyOption = Annotated[
    str | None, typer.Option("--public-key", help="The audit's public key, if kept apart (hexadecimal).")
]


def add(keys: typer.Typer) -> None:
    """Register the commands."""
    audit = typer.Typer(help="The log of key operations.", no_args_is_help=True)
    keys.add_typer(audit, name="audit")
    _add_verify(audit)
    _add_export(audit)


def _add_verify(audit: typer.Typer) -> None:
    @audit.command()
    def verify(
        *,
        head: HeadOption = None,
        file: FileOption = None,
        public_key: PublicKeyOption = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Check every record, and the log against kept heads. Exit code 1 names the first that is wrong."""
        heads = [each for path in head or [] for each in _heads_in(path)]
        key = _public_key(public_key)
        walk = at_workbench(config, lambda bench: _walked(bench, heads, key)) if file is None else None
        checked = walk or _walked_file(file or Path(), heads, key or b"")
        findings = [str(finding) for finding in checked.findings]
        if json:
            print_json({"records": checked.tree.size, "root": checked.tree.root.hex(), "findings": findings})
        else:
            typer.echo("\n".join([*findings, _verdict(checked, len(heads))]))
        if findings:
            raise typer.Exit(EXIT_FAILED)


def _add_export(audit: typer.Typer) -> None:
    @audit.command("head")
    def head_command(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Print the signed head of the log as it is now, one line of JSON; keep it elsewhere."""
        del json
        typer.echo(print_head(at_workbench(config, _signed_head)))

    @audit.command()
    def export(*, config: ConfigOption = None, json: JsonOption = False) -> None:
        """Write every record and the signed head to stdout, a line of JSON each."""
        del json
        at_workbench(config, _exported)

    @audit.command()
    def prove(
        record: Annotated[int, typer.Argument(min=1, help="Number of the record.")],
        *,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Print a record with the proof that it is under the signed head (RFC 6962, 2.1.1)."""
        del json
        proof = at_workbench(config, lambda bench: _proof(bench, record))
        if proof is None:
            raise fail("the log has no such record")
        print_json(proof)


async def _walked(bench: Workbench, heads: list[SignedHead], public_key: bytes | None) -> AuditWalk:
    own_key: bytes = await bench.hsm.ask(SoftHsm.audit_public_key)
    walk = AuditWalk(heads, public_key or own_key)
    async for record in _records(bench):
        walk.step(record)
    walk.end(0)
    return walk


async def _records(bench: Workbench) -> AsyncIterator[StoredRecord]:
    async with bench.connection() as connection:
        async for record in stored_records(connection):
            yield record


async def _signed_head(bench: Workbench) -> SignedHead:
    walk = AuditWalk()
    async for record in _records(bench):
        walk.step(record)
    return await _signed(bench, walk)


async def _signed(bench: Workbench, walk: AuditWalk) -> SignedHead:
    async def sign(head: TreeHead) -> bytes:
        return await bench.hsm.ask(SoftHsm.sign_audit_head, head)

    return await signed_head(
        walk.end(bench.clock.now_us()), await bench.hsm.ask(SoftHsm.audit_public_key), sign
    )


async def _exported(bench: Workbench) -> None:
    walk = AuditWalk()
    async for record in _records(bench):
        walk.step(record)
        line = {"seq": record.seq, "record": record.record, "hash": record.hash.hex()}
        sys.stdout.write(json_format.dumps(line) + "\n")
    sys.stdout.write(print_head(await _signed(bench, walk)) + "\n")


async def _proof(bench: Workbench, number: int) -> dict[str, object] | None:
    walk, found = AuditWalk(keep_leaves=True), None
    async for record in _records(bench):
        walk.step(record)
        found = record if record.seq == number else found
    if found is None:
        return None
    proof = inclusion_proof(walk.leaves, number - 1)
    return {
        "record": found.record,
        "index": number - 1,
        "proof": [each.hex() for each in proof],
        "head": json_format.loads(print_head(await _signed(bench, walk))),
    }


def _heads_in(path: Path) -> list[SignedHead]:
    try:
        return [parse_head(line) for line in _text(path).splitlines() or [""]]
    except HeadUnreadable as unreadable:
        raise fail(f"{path}: {unreadable}", EXIT_USAGE) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise fail(f"{path} can't be read", EXIT_USAGE) from None


def _public_key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != PUBLIC_KEY_BYTES:
        raise fail("the public key is 32 bytes in hexadecimal", EXIT_USAGE)
    return key


def _walked_file(file: Path, heads: list[SignedHead], public_key: bytes) -> AuditWalk:
    """Walk over an export; its last line is a head that counts like the kept ones."""
    if not public_key:
        raise fail("an export is checked with --public-key, as it was kept apart from it", EXIT_USAGE)
    *lines, last = _text(file).splitlines() or [""]
    try:
        walk = AuditWalk([*heads, parse_head(last)], public_key)
        for line in lines:
            content = json_format.loads(line)
            walk.step(StoredRecord(content["seq"], content["record"], bytes.fromhex(content["hash"])))
    except (HeadUnreadable, ValueError, KeyError, TypeError, AttributeError):
        raise fail(f"{file} is not an export of the audit", EXIT_USAGE) from None
    walk.end(0)
    return walk


def _verdict(walk: AuditWalk, heads: int) -> str:
    checked = f"{walk.tree.size:,} records, {heads} kept heads"
    return f"{checked}: {'WRONG' if walk.findings else 'as they were written'}"
