"""`cardswitch keys audit`: heads, exports and proofs that hold, and tampering that is named."""

import asyncio
import json
from pathlib import Path

import pytest

from hsm_soft.audit.head import SignedHead, parse_head
from hsm_soft.audit.log import AuditLog
from hsm_soft.audit.merkle import inclusion_holds, leaf_hash
from hsm_soft.audit.record import AuditEntry
from storage.database import connect
from tests.switch.shop import World

from .conftest import Cardswitch


@pytest.fixture
def records(world: World) -> int:
    """How many records the log has: some more at each test."""
    return asyncio.run(_append(world.dsn))


async def _append(dsn: str) -> int:
    connection = await connect(dsn)
    audit = AuditLog(lambda: 1_700_000_000_000_000)
    numbers = [
        await audit.append(connection, AuditEntry("key.show", ("alice",), f"key:{number}"))
        for number in range(3)
    ]
    await connection.close()
    return numbers[-1]


async def _execute(dsn: str, *statements: str) -> None:
    connection = await connect(dsn)
    await connection.execute("BEGIN; SET LOCAL session_replication_role = replica; " + "; ".join(statements))
    await connection.execute("COMMIT")
    await connection.close()


def _kept(cardswitch: Cardswitch, folder: Path) -> tuple[Path, SignedHead]:
    printed = cardswitch("keys", "audit", "head").out
    file = folder / "head.json"
    file.write_text(printed)
    return file, parse_head(printed)


def test_a_log_is_as_it_was_written(cardswitch: Cardswitch, records: int, tmp_path: Path) -> None:
    """Verification walks over every record and holds them against a kept head."""
    head, signed = _kept(cardswitch, tmp_path)

    plain = cardswitch("keys", "audit", "verify")
    told = cardswitch("keys", "audit", "verify", "--head", str(head), "--json").json

    assert (plain.status, plain.out) == (0, f"{records:,} records, 0 kept heads: as they were written\n")
    assert told == {"records": records, "root": signed.head.root.hex(), "findings": []}


def test_a_changed_record_is_named(cardswitch: Cardswitch, records: int, world: World) -> None:
    """Exit code 1, and the number of the first that is wrong."""
    change = "UPDATE hsm.audit SET record = replace(record, '{}', '{}') WHERE seq = {}"
    there, back = ("alice", "mally"), ("mally", "alice")
    asyncio.run(_execute(world.dsn, change.format(*there, records - 1)))
    ran = cardswitch("keys", "audit", "verify")
    as_json = cardswitch("keys", "audit", "verify", "--json")
    asyncio.run(_execute(world.dsn, change.format(*back, records - 1)))

    assert (ran.status, as_json.status) == (1, 1)
    assert ran.out.startswith(f"record {records - 1}: changed, or put in")
    assert len(as_json.json["findings"]) == 1


def test_a_tail_cut_off_is_found_with_a_kept_head(
    cardswitch: Cardswitch, records: int, world: World, tmp_path: Path
) -> None:
    """The records that are left look whole; the head says how many there were."""
    head, _ = _kept(cardswitch, tmp_path)
    asyncio.run(
        _execute(
            world.dsn,
            f"CREATE TEMPORARY TABLE cut AS SELECT * FROM hsm.audit WHERE seq = {records}",
            f"DELETE FROM hsm.audit WHERE seq = {records}",
        )
    )
    ran = cardswitch("keys", "audit", "verify")
    with_head = cardswitch("keys", "audit", "verify", "--head", str(head))
    asyncio.run(
        _execute(
            world.dsn,
            "UPDATE hsm.audit_end SET (size, hash) = "
            f"(SELECT seq, hash FROM hsm.audit WHERE seq = {records - 1})",
        )
    )

    assert (ran.status, with_head.status) == (0, 1)
    assert with_head.out.startswith(f"record {records}: missing; a signed head says there were {records}")


def test_an_export_is_checked_without_the_database(
    cardswitch: Cardswitch, records: int, tmp_path: Path
) -> None:
    """Records and head in a file, checked with the public key that was kept apart."""
    _, signed = _kept(cardswitch, tmp_path)
    export = tmp_path / "audit.jsonl"
    lines = cardswitch("keys", "audit", "export").out.splitlines()
    verify = ("keys", "audit", "verify", "--file", str(export), "--public-key", signed.public_key.hex())

    export.write_text("\n".join(lines))
    whole = cardswitch(*verify)
    export.write_text("\n".join([*lines[:-2], lines[-1]]))
    cut = cardswitch(*verify)
    export.write_text("\n".join([lines[0].replace("done", "gone"), *lines[1:]]))
    changed = cardswitch(*verify)

    assert (whole.status, cut.status, changed.status) == (0, 1, 1)
    assert whole.out.startswith(f"{records:,} records")
    assert cut.out.startswith(f"record {records}: missing")
    assert changed.out.startswith("record 1: changed")


@pytest.mark.parametrize("content", ["", "{}", "nonsense\n{}", None])
def test_what_is_no_export_is_told(cardswitch: Cardswitch, tmp_path: Path, content: str | None) -> None:
    """Exit code 2, and one line."""
    export = tmp_path / "audit.jsonl"
    if content is not None:
        export.write_text(content)

    ran = cardswitch("keys", "audit", "verify", "--file", str(export), "--public-key", "00" * 32)

    assert ran.status == 2
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--file", "/nonexistent"),
        ("--public-key", "zz"),
        ("--public-key", "00"),
        ("--head", "/nonexistent"),
    ],
)
def test_wrong_use_is_told(cardswitch: Cardswitch, arguments: tuple[str, ...]) -> None:
    """Exit code 2 before anything is opened."""
    assert cardswitch("keys", "audit", "verify", *arguments).status == 2


def test_a_head_that_is_none_is_told(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """Exit code 2, and what is missing in it."""
    head = tmp_path / "head.json"
    head.write_text("{}")
    ran = cardswitch("keys", "audit", "verify", "--head", str(head))

    assert ran.status == 2
    assert "the head's size is not a number" in ran.err


def test_a_record_is_proven_to_be_in_the_log(cardswitch: Cardswitch, records: int) -> None:
    """The proof leads from the record to the root of the signed head it comes with."""
    told = cardswitch("keys", "audit", "prove", str(records - 1)).json
    signed = parse_head(json.dumps(told["head"]))
    proof = [bytes.fromhex(each) for each in told["proof"]]

    assert signed.is_signed_by(signed.public_key)
    assert inclusion_holds(
        leaf_hash(told["record"].encode()), told["index"], signed.head.size, proof, signed.head.root
    )
    assert cardswitch("keys", "audit", "prove", str(records + 1)).status == 1
