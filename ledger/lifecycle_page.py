"""Writes docs/ledger-lifecycle.md from the tables in `ledger.lifecycle`.

    python -m ledger.lifecycle_page > docs/ledger-lifecycle.md

A test compares the page with what this module writes, so the page can't fall behind the code.
"""

import sys
from collections.abc import Iterator, Mapping

from ledger.identity import TransactionKind
from ledger.lifecycle import (
    EVENTS,
    LEADS_TO,
    LIFECYCLE,
    PARENT_EVENTS,
    ROOT_EVENTS,
    Action,
    Event,
    OriginalState,
    Step,
)

_INTRODUCTION = """\
# What may happen to a transaction

<!-- Written by `python -m ledger.lifecycle_page` from ledger/lifecycle.py. -->

A transaction is known by its duplicate key, so it has a state even before it arrives. What may come is the
request itself, for the first time or again; its reversal, because its answer was lost; its void, which is a
request under a STAN of its own; refunds in parts; and so on. All of these have keys not used before.

Voids, completions and increments are transactions with this same life: they may be repeated and reversed.
What takes them back is first looked up as an event of theirs. If there is something to undo, it is looked up
once more as the event of what they had changed: the rows "reversal of its void", "completion taken back" and
"reversal of its increment" say what becomes of that. The reversal of a completion's void is looked up a third
time, for the pre-authorisation. What isn't a reversal finds its original only if it quotes the number that
the original has, or none.

What the page says is done is done if nothing else stands against it: an amount or a card that isn't the
original's, a PIN, a product that doesn't allow it, funds. The money is on the page about
[movements](movements.md).
"""

IN_WORDS: Mapping[Action, str] = {
    Action.DECIDE: "decides on the wallet",
    Action.RECALL: "answers what it answered the first time",
    Action.ECHO: "answers what the original was answered, if the amount is the same",
    Action.UNDO: "takes back what stands of it",
    Action.RESTORE: "puts it in force again; what the wallet lacks the cardholder owes",
    Action.REFUND: "gives a part back, never more than is left",
    Action.ADD: "adds to it; what the wallet lacks the cardholder owes",
    Action.EXTEND: "holds more",
    Action.SHORTEN: "takes the increment out of the hold",
    Action.COMPLETE: "posts it, and lets the rest of the hold go",
    Action.FORCE: "posts it without a hold; what the wallet lacks the cardholder owes",
    Action.RELEASE: "lets the hold go, but not before its last good day is over",
    Action.UPHOLD: "moves nothing of it; it stays taken back or let go",
    Action.BURY: "leaves a tombstone at its key",
    Action.NOTE: "records it; nothing moves",
    Action.REFUSE: "refuses; nothing is recorded",
}

_BEFORE = (OriginalState.ABSENT, OriginalState.TOMBSTONE, OriginalState.DECLINED)
_GONE = (OriginalState.VOIDED, OriginalState.REVERSED)
DIAGRAMS: Mapping[str, frozenset[OriginalState]] = {
    "Sales, top-ups, transfers, points, and what took something back": frozenset(
        {*_BEFORE, OriginalState.POSTED, OriginalState.PARTLY_REFUNDED, OriginalState.REFUNDED, *_GONE}
    ),
    "Pre-authorisations": frozenset(
        {*_BEFORE, OriginalState.HELD, OriginalState.COMPLETED, OriginalState.RELEASED, *_GONE}
    ),
}
"""The states that are drawn together."""


def page() -> str:
    """The whole page."""
    lines = [_INTRODUCTION]
    for title, states in DIAGRAMS.items():
        lines += ["## " + title, "", "```mermaid", "stateDiagram-v2", *arrows(states), "```", ""]
    for state in OriginalState:
        lines += [f"## When the original is {in_words(state)}", "", *_table(state), ""]
    return "\n".join((*lines, "## Which movement is which event", "", *_kinds(), ""))


def in_words(state: OriginalState) -> str:
    """The name of a state as the page writes it."""
    return state.value.replace("_", " ")


def arrows(states: frozenset[OriginalState]) -> Iterator[str]:
    """An arrow for each way from one of these states to another."""
    yield f"    [*] --> {OriginalState.ABSENT.value}"
    for (state, event), step in LIFECYCLE.items():
        for target in LEADS_TO.get((event, step.action), ()):
            if state is not target and {state, target} <= states:
                yield f"    {state.value} --> {target.value}: {event.value}"


def _table(state: OriginalState) -> Iterator[str]:
    yield "| then comes | the ledger | outcome |"
    yield "|---|---|---|"
    for event in Event:
        yield _row(event, LIFECYCLE[state, event])


def _row(event: Event, step: Step) -> str:
    outcome = f"`{step.outcome.name}`" if step.outcome is not None else ""
    return f"| {event.value} | {IN_WORDS[step.action]} | {outcome} |"


def _kinds() -> Iterator[str]:
    yield "| movement | event of the original | of what that changed | of what that changed |"
    yield "|---|---|---|---|"
    for kind in TransactionKind:
        if kind in EVENTS:
            events = (table.get(kind) for table in (EVENTS, PARENT_EVENTS, ROOT_EVENTS))
            cells = " | ".join("" if event is None else event.value for event in events)
            yield f"| `{kind.name}` | {cells} |"


if __name__ == "__main__":
    sys.stdout.write(page())
