"""The audit on a real database: what an intruder does to its rows is named."""

from collections.abc import Mapping

import asyncpg
import pytest

from directory.audit_chain import Flaw
from directory.audit_log import AuditFilter, AuditReport
from directory.audit_service import audit_rows, verify_audit
from directory.parties import PLATFORM_ID, PartyId, PartyKind
from directory.refusals import NoSuchRecord, NotAllowed
from directory.rights import Action, Role
from directory.subjects import Kind
from directory.work import Operator, Subject, Work
from tests.directory.back_office import BackOffice


@pytest.fixture
async def admin(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("root")


async def _log(
    back_office: BackOffice, operator: Operator, *names: str, party: PartyId = PLATFORM_ID
) -> None:
    """A row for each name, in one piece of work."""

    async def recorded(work: Work) -> None:
        for name in names:
            work.record(Action.CARD_FREEZE, Subject(Kind.CARD, name, party), before={"state": "active"})

    await back_office.run(operator, recorded)


async def _tamper(back_office: BackOffice, *statements: str) -> None:
    """What somebody does who owns the database, and so may switch off its guards."""
    guards = "ALTER TABLE directory.audit {} TRIGGER ALL"
    for statement in (guards.format("DISABLE"), *statements, guards.format("ENABLE")):
        await back_office.execute(statement)


async def _report(
    back_office: BackOffice, operator: Operator, kept: Mapping[int, bytes] | None = None
) -> AuditReport:
    return await back_office.run(operator, lambda work: verify_audit(work, kept or {}))


async def test_untouched_log_is_clean(back_office: BackOffice, admin: Operator) -> None:
    """Rows of several pieces of work follow each other, and nothing is wrong with them."""
    assert [] == (await _report(back_office, admin)).findings

    await _log(back_office, admin, "a", "b")
    await _log(back_office, admin, "c")
    report = await _report(back_office, admin)

    assert (3, 3, []) == (report.rows, report.head.seq, report.findings)


INSERT = """
INSERT INTO directory.audit
SELECT {seq}, at_us, operator_id, operator, action, kind, 'x', party_id, before, after, why, proposal_id,
       previous, hash
FROM directory.audit WHERE seq = 3
"""
COPY_HASH = "UPDATE directory.audit SET hash = (SELECT hash FROM directory.audit WHERE seq = 1) WHERE seq = 3"


@pytest.mark.parametrize(
    ("tampering", "seq", "flaw"),
    [
        (["UPDATE directory.audit SET operator = 'somebody' WHERE seq = 3"], 3, Flaw.CHANGED),
        (["UPDATE directory.audit SET at_us = at_us + 1 WHERE seq = 1"], 1, Flaw.CHANGED),
        (["UPDATE directory.audit SET before = 'null' WHERE seq = 5"], 5, Flaw.CHANGED),
        (["UPDATE directory.audit SET proposal_id = 7 WHERE seq = 2"], 2, Flaw.CHANGED),
        ([COPY_HASH], 3, Flaw.CHANGED),
        (["DELETE FROM directory.audit WHERE seq = 3"], 3, Flaw.MISSING),
        (["DELETE FROM directory.audit WHERE seq = 1"], 1, Flaw.MISSING),
        (["DELETE FROM directory.audit WHERE seq = 5"], 5, Flaw.MISSING),
        ([INSERT.format(seq=6)], 6, Flaw.INSERTED),
        (
            [
                "UPDATE directory.audit SET seq = seq + 100 WHERE seq > 2",
                "UPDATE directory.audit SET seq = seq - 99 WHERE seq > 100",
                INSERT.format(seq=3).replace("WHERE seq = 3", "WHERE seq = 4"),
            ],
            3,
            Flaw.INSERTED,
        ),
    ],
)
async def test_tampering_is_named(
    back_office: BackOffice, admin: Operator, tampering: list[str], seq: int, flaw: Flaw
) -> None:
    """A changed, a missing and an inserted row are each named by their number."""
    await _log(back_office, admin, *"abcde")

    await _tamper(back_office, *tampering)

    assert [(seq, flaw)] == (await _report(back_office, admin)).findings


async def test_log_cut_off_with_its_end_is_named_by_a_kept_head(
    back_office: BackOffice, admin: Operator
) -> None:
    """Whoever kept a head elsewhere finds rows missing that were cut off together with the end."""
    await _log(back_office, admin, *"abc")
    head = (await _report(back_office, admin)).head
    await _tamper(
        back_office,
        "DELETE FROM directory.audit WHERE seq = 3",
        "UPDATE directory.audit_end SET seq = 2, hash = (SELECT hash FROM directory.audit WHERE seq = 2)",
    )

    assert [] == (await _report(back_office, admin)).findings
    assert [(3, Flaw.MISSING)] == (await _report(back_office, admin, {head.seq: head.hash})).findings


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory.audit SET why = 'x'",
        "DELETE FROM directory.audit",
        "TRUNCATE directory.audit",
        "DELETE FROM directory.audit_end",
        "TRUNCATE directory.audit_end",
    ],
)
async def test_database_refuses_changes(back_office: BackOffice, admin: Operator, statement: str) -> None:
    """As long as its guards stand, the database itself takes no change of the log."""
    await _log(back_office, admin, "a")

    with pytest.raises(asyncpg.RestrictViolationError):
        await back_office.execute(statement)


async def test_rows_are_seen_by_reach(back_office: BackOffice, admin: Operator) -> None:
    """An issuer's administrator sees rows about the issuer's records, and nobody else's."""
    issuer, other = await back_office.party(), await back_office.party()
    agent = await back_office.party(PartyKind.AGENT, issuer.id)
    operator = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
    for name, party in (("own", issuer), ("lower", agent), ("foreign", other)):
        await _log(back_office, admin, name, party=party.id)
    await _log(back_office, admin, "platform's")

    found = await back_office.run(operator, lambda work: audit_rows(work, AuditFilter()))

    assert ["lower", "own"] == [row.subject for row in found]


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        (AuditFilter(), ["c", "b", "a"]),
        (AuditFilter(limit=1), ["c"]),
        (AuditFilter(below=3), ["b", "a"]),
        (AuditFilter(subject="b"), ["b"]),
        (AuditFilter(operator="nobody"), []),
        (AuditFilter(operator="root", kind="card", action="card"), ["c", "b", "a"]),
        (AuditFilter(kind="terminal"), []),
        (AuditFilter(action="card.close"), []),
    ],
)
async def test_rows_are_filtered(
    back_office: BackOffice, admin: Operator, wanted: AuditFilter, subjects: list[str]
) -> None:
    """Rows come newest first, only those asked for, and no more than asked for."""
    await _log(back_office, admin, *"abc")

    found = await back_office.run(admin, lambda work: audit_rows(work, wanted))

    assert subjects == [row.subject for row in found]


async def test_verifying_is_for_the_platform(back_office: BackOffice) -> None:
    """An issuer's auditor may see the issuer's rows, but not read everybody's."""
    issuer = await back_office.party()
    auditor = await back_office.operator("otto", Role.AUDITOR, issuer.id)
    clerk = await back_office.operator("carl", Role.ISSUER_CLERK, issuer.id)

    with pytest.raises(NoSuchRecord):
        await _report(back_office, auditor)
    with pytest.raises(NotAllowed):
        await _report(back_office, clerk)
