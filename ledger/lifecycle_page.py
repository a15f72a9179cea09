"""Writes docs/ledger-lifecycle.md from the table in `ledger.lifecycle`.

    python -m ledger.lifecycle_page > docs/ledger-lifecycle.md

A test compares the page with what this module writes, so the page can't fall behind the code.
"""

import sys
from collections.abc import Iterator, Mapping

from ledger.lifecycle import LEADS_TO, LIFECYCLE, Action, Event, OriginalState, Step

_INTRODUCTION = """\
# What may happen to a transaction

<!-- Written by `python -m ledger.lifecycle_page` from ledger/lifecycle.py. -->

A transaction is known by its duplicate key, so it has a state even before it arrives. What may come is the
request itself, for the first time or again; its reversal, because its answer was lost; its void, which is a
request under a STAN of its own; and the reversal of that void. Reversals and voids have keys not used before.

A void is a transaction with this same life: it may be repeated and reversed. Its reversal is first looked up
as the reversal of the void. If there is something to undo, since the void is posted, the rows "reversal of
its void" say what becomes of the purchase that it took back. A void finds its original only if it quotes its
number, too.
"""

_IN_WORDS: Mapping[Action, str] = {
    Action.DECIDE: "decides on the wallet",
    Action.RECALL: "answers what it answered the first time",
    Action.UNDO: "takes the original's legs back, if amount, asset and card are the original's",
    Action.RESTORE: "puts the original in force again; what the wallet lacks the cardholder owes",
    Action.UPHOLD: "moves nothing; the original stays taken back, even if its void is reversed",
    Action.BURY: "leaves a tombstone at the original's key",
    Action.NOTE: "records it; nothing moves",
    Action.REFUSE: "refuses; there is nothing new to record",
}


def page() -> str:
    """The whole page."""
    return "\n".join((_INTRODUCTION, *_diagram(), "", *_table(), ""))


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {OriginalState.ABSENT.value}"
    for (state, event), step in LIFECYCLE.items():
        for target in LEADS_TO.get((event, step.action), (state,)):
            yield f"    {state.value} --> {target.value}: {event.value} / {step.action.value}"
    yield "```"


def _table() -> Iterator[str]:
    yield "| the original is | then comes | the ledger | outcome |"
    yield "|---|---|---|---|"
    for row in LIFECYCLE.items():
        yield _row(*row)


def _row(row: tuple[OriginalState, Event], step: Step) -> str:
    state, event = row
    outcome = f"`{step.outcome.name}`" if step.outcome is not None else ""
    return f"| {state.value} | {event.value} | {_IN_WORDS[step.action]} | {outcome} |"


if __name__ == "__main__":
    sys.stdout.write(page())
