"""The batches of terminals, as their people see and close them.

A batch closes by settlement, or by rule (`batch_rules`): `close_due_batches` does that for all terminals
within reach, a page at a time, and is to be run by the clock and after each cutover. Whoever may close a
batch by hand may do so at any time; a terminal that doesn't know is answered 77, and signs on.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from directory.batch_rules import BatchEnd, batch_end
from directory.records import TerminalState
from directory.refusals import Refused, message
from directory.rights import Action
from directory.terminals import TERMINALS, Terminal, close_open_batch, required, terminal, terminal_of
from directory.work import Scope, Work


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of a terminal: open, if nothing has closed it. Moments are microseconds since 1970 (UTC)."""

    batch: str
    opened_us: int
    closed_us: int | None = None
    closed_by: BatchEnd | None = None


class Closed(NamedTuple):
    """A batch that was closed by rule."""

    merchant_id: str
    terminal_id: str
    batch: str
    closed_by: BatchEnd


class TerminalClosed(Refused):
    """A closed terminal's batch stays as it is."""

    text = message("the terminal is closed")


_DUE: Final = (
    f"{TERMINALS} WHERE {Scope('').where('merchant.party_id', 1)} AND terminal.state <> 'closed'"
    " AND ((batch_rule = 'cutover' AND batch_opened_us < $2)"
    "      OR batch_opened_us <= $3 - batch_hours_max * 3600000000::bigint)"
    " ORDER BY terminal.merchant_id, terminal_id LIMIT $4 FOR UPDATE OF terminal SKIP LOCKED"
)
_BATCHES: Final = """
SELECT batch, opened_us, closed_us, closed_by FROM directory.terminal_batch
WHERE merchant_id = $1 AND terminal_id = $2 ORDER BY closed_us DESC LIMIT $3
"""


async def close_batch(work: Work, merchant_id: str, terminal_id: str) -> Terminal:
    """Close the open batch by hand; the next one is open then.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such terminal within reach.
        TerminalClosed: The terminal is closed.
    """
    known = await required(work, Action.BATCH_CLOSE, merchant_id, terminal_id)
    if known.state is TerminalState.CLOSED:
        raise TerminalClosed
    await close_open_batch(work, known, BatchEnd.OPERATOR)
    closed = await required(work, Action.BATCH_CLOSE, merchant_id, terminal_id)
    work.record(
        Action.BATCH_CLOSE, known.subject, before={"batch": known.batch}, after={"batch": closed.batch}
    )
    return closed


async def close_due_batches(work: Work, cutover_us: int | None, limit: int = 500) -> list[Closed]:
    """Close batches whose rule says so now, at most `limit`; call again until there are none.

    Args:
        work: Of an operator who may.
        cutover_us: When the business day began that is open now; None to go by age alone.
        limit: How many at most.

    Raises:
        NotAllowed: The role may not.
    """
    scope = work.scope(Action.BATCH_CLOSE)
    rows = await work.connection.fetch(_DUE, scope.prefix, cutover_us, work.at_us, limit)
    closed = []
    for known in map(terminal_of, rows):
        end = batch_end(known.rule, known.batch_opened_us, work.at_us, cutover_us)
        assert end is not None
        await close_open_batch(work, known, end)
        work.record(Action.BATCH_CLOSE, known.subject, before={"batch": known.batch}, after={"by": end})
        closed.append(Closed(known.merchant_id, known.terminal_id, known.batch, end))
    return closed


async def batches(work: Work, merchant_id: str, terminal_id: str, limit: int = 100) -> list[Batch]:
    """A terminal's batches, the open one first, then the closed from the latest on.

    Raises:
        NotAllowed: The role sees no terminals.
        NoSuchRecord: There is no such terminal within reach.
    """
    known = await terminal(work, merchant_id, terminal_id)
    rows = await work.connection.fetch(_BATCHES, merchant_id, terminal_id, limit)
    closed = [Batch(row[0], row[1], row[2], BatchEnd(row[3])) for row in rows]
    return [Batch(known.batch, known.batch_opened_us), *closed]
