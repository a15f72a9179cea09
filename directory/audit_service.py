"""What operators may do with the audit: read the rows about records in their reach, and have it verified.

Verifying reads everybody's rows, so it is for operators of the platform.
"""

from collections.abc import Mapping, Sequence

from directory import audit_log
from directory.audit_chain import AuditRow
from directory.audit_log import AuditFilter, AuditReport
from directory.parties import PLATFORM_ID
from directory.rights import Action
from directory.subjects import Kind
from directory.work import Work


async def audit_rows(work: Work, wanted: AuditFilter) -> Sequence[AuditRow]:
    """The newest rows about records within reach, newest first.

    Raises:
        NotAllowed: The role sees no audit.
    """
    return await audit_log.newest(work.connection, work.scope(Action.AUDIT_SEE).prefix, wanted)


async def verify_audit(work: Work, kept: Mapping[int, bytes]) -> AuditReport:
    """Read the whole audit and name what is wrong in it.

    Args:
        work: Of an operator of the platform.
        kept: Hashes that were kept elsewhere, by the numbers of their rows.

    Raises:
        NotAllowed: The role verifies nothing.
        NoSuchRecord: The operator is not one of the platform's.
    """
    await work.require(Action.AUDIT_VERIFY, PLATFORM_ID, Kind.PARTY)
    return await audit_log.verify(work.connection, kept)
