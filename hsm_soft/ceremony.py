"""Dual control: what two officers allow, and for how long. Pure.

    open by one officer ──▶ approved by another ──▶ used for its one activity ──▶ closed
            └───────────── after its time it is over, whatever state it is in ─────────┘

A ceremony names one activity and its subject, so nobody approves more than what is written there. It lasts at
most an hour. Every operation on keys asks `refuse_use` before it does anything. Components are entered while
the ceremony is open or approved, each by a different officer; the two who open and approve may be among them.

Times are microseconds since 1970 (UTC).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hsm_soft.components import COMPONENTS_MAX

__all__ = [
    "MINUTES_MAX",
    "SUBJECTS",
    "Activity",
    "Ceremony",
    "CeremonyRefused",
    "CeremonyState",
    "refuse_approval",
    "refuse_entry",
    "refuse_subject",
    "refuse_use",
]

MINUTES_MAX: Final = 60


class Activity(StrEnum):
    """What a ceremony may be for; it is good for nothing else."""

    OFFICERS = "officers"
    COMPONENTS = "components"
    GENERATE = "generate"
    IMPORT = "import"
    IMPORT_TABLE = "import-table"
    EXPORT = "export"
    ROTATE = "rotate"
    RETIRE = "retire"
    DESTROY = "destroy"
    MASTER_KEY = "master-key"


_KEY: Final = frozenset({"owner", "usage"})
_PARTS: Final = _KEY | {"algorithm", "length", "mode", "exportability"}

SUBJECTS: Final[Mapping[Activity, frozenset[str]]] = MappingProxyType(
    {
        Activity.OFFICERS: frozenset({"officer"}),
        Activity.COMPONENTS: _PARTS,
        Activity.GENERATE: _PARTS,
        Activity.IMPORT: _KEY | {"under"},
        Activity.IMPORT_TABLE: frozenset({"owner"}),
        Activity.EXPORT: frozenset({"key", "under"}),
        Activity.ROTATE: _KEY,
        Activity.RETIRE: frozenset({"key"}),
        Activity.DESTROY: frozenset({"key"}),
        Activity.MASTER_KEY: frozenset(),
    }
)
"""What a ceremony of an activity has to name, so that whoever approves it reads all there is to know."""


class CeremonyState(StrEnum):
    """Where a ceremony is."""

    OPEN = "open"
    APPROVED = "approved"
    CLOSED = "closed"
    EXPIRED = "expired"


class CeremonyRefused(Exception):
    """Dual control does not allow this; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What was opened, by whom, and until when.

    Attributes:
        id: Its number.
        activity: The one thing it is for.
        subject: What it is about, in words and names; nothing secret.
        opened_by: An officer.
        expires_at_us: When it is over.
        approved_by: Another officer; None until then.
        closed: Whether it was ended before its time.
    """

    id: int
    activity: Activity
    opened_by: str
    expires_at_us: int
    subject: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    approved_by: str | None = None
    closed: bool = False

    def state(self, now_us: int) -> CeremonyState:
        """Where it is now."""
        if self.closed:
            return CeremonyState.CLOSED
        if now_us >= self.expires_at_us:
            return CeremonyState.EXPIRED
        return CeremonyState.OPEN if self.approved_by is None else CeremonyState.APPROVED

    @property
    def officers(self) -> tuple[str, ...]:
        """Who opened it, and who approved it."""
        return (self.opened_by,) if self.approved_by is None else (self.opened_by, self.approved_by)


def refuse_subject(activity: Activity, subject: Mapping[str, str]) -> None:
    """Returns only if a subject names what a ceremony of this activity has to name.

    Raises:
        CeremonyRefused: something is missing, or too much.
    """
    needed = SUBJECTS[activity]
    if subject.keys() != needed:
        raise CeremonyRefused(f"a ceremony to {activity} names {', '.join(sorted(needed)) or 'nothing'}")


def refuse_approval(ceremony: Ceremony, officer: str, now_us: int) -> None:
    """Returns only if this officer may approve it now.

    Raises:
        CeremonyRefused: he opened it, or it is not open any more.
    """
    _require_state(ceremony, now_us, CeremonyState.OPEN)
    if officer == ceremony.opened_by:
        raise CeremonyRefused("another officer than the one who opened the ceremony has to approve it")


def refuse_entry(ceremony: Ceremony, entered: Mapping[str, int], officer: str, now_us: int) -> None:
    """Returns only if this officer may enter a component now.

    Args:
        ceremony: of activity `COMPONENTS`.
        entered: officer → number of the component.
        officer: who is about to enter one.
        now_us: the time.

    Raises:
        CeremonyRefused: another activity, not open any more, nine entered, or one by this officer already.
    """
    _require_activity(ceremony, Activity.COMPONENTS)
    _require_state(ceremony, now_us, CeremonyState.OPEN, CeremonyState.APPROVED)
    if officer in entered:
        raise CeremonyRefused("each component is entered by a different officer")
    if len(entered) >= COMPONENTS_MAX:
        raise CeremonyRefused(f"a key has at most {COMPONENTS_MAX} components")


def refuse_use(ceremony: Ceremony, activity: Activity, subject: Mapping[str, str], now_us: int) -> None:
    """Returns only if a ceremony allows this now: approved, in time, for this activity on this subject.

    Args:
        ceremony: the one that is referred to.
        activity: what is about to be done.
        subject: what it is done to, in the ceremony's words.
        now_us: the time.

    Raises:
        CeremonyRefused: it doesn't.
    """
    _require_activity(ceremony, activity)
    _require_state(ceremony, now_us, CeremonyState.APPROVED)
    other = sorted(name for name in SUBJECTS[activity] if subject.get(name) != ceremony.subject.get(name))
    if other:
        raise CeremonyRefused(f"ceremony {ceremony.id} was approved for another {' and '.join(other)}")


def _require_activity(ceremony: Ceremony, activity: Activity) -> None:
    if ceremony.activity is not activity:
        raise CeremonyRefused(f"ceremony {ceremony.id} is for {ceremony.activity}, not for {activity}")


def _require_state(ceremony: Ceremony, now_us: int, *allowed: CeremonyState) -> None:
    state = ceremony.state(now_us)
    if state not in allowed:
        needed = " or ".join(allowed)
        raise CeremonyRefused(f"ceremony {ceremony.id} is {state}; it has to be {needed}")
