"""Dual control: who may do what when, state by state."""

from dataclasses import replace

import pytest

from hsm_soft.ceremony import (
    SUBJECTS,
    Activity,
    Ceremony,
    CeremonyRefused,
    CeremonyState,
    refuse_approval,
    refuse_entry,
    refuse_subject,
    refuse_use,
)

_END_US = 900_000_000
_SUBJECT = {"owner": "link:bank", "usage": "zone-master"}
_OPEN = Ceremony(4, Activity.ROTATE, "alice", _END_US, _SUBJECT)
_APPROVED = replace(_OPEN, approved_by="bob")
_IN_STATE = {
    CeremonyState.OPEN: (_OPEN, 0),
    CeremonyState.APPROVED: (_APPROVED, _END_US - 1),
    CeremonyState.CLOSED: (replace(_APPROVED, closed=True), 0),
    CeremonyState.EXPIRED: (_APPROVED, _END_US),
}


@pytest.mark.parametrize("state", CeremonyState)
def test_the_states(state: CeremonyState) -> None:
    """Open, approved until its time ends, closed before."""
    ceremony, now_us = _IN_STATE[state]

    assert state is ceremony.state(now_us)


def test_an_unapproved_ceremony_expires_too() -> None:
    """Its time runs from the opening."""
    assert CeremonyState.EXPIRED is _OPEN.state(_END_US)
    assert (_OPEN.officers, _APPROVED.officers) == (("alice",), ("alice", "bob"))


@pytest.mark.parametrize("state", CeremonyState)
def test_only_an_approved_ceremony_is_used(state: CeremonyState) -> None:
    """In every other state the use is refused with the state in words."""
    ceremony, now_us = _IN_STATE[state]

    if state is CeremonyState.APPROVED:
        refuse_use(ceremony, Activity.ROTATE, _SUBJECT, now_us)
    else:
        with pytest.raises(CeremonyRefused, match=f"ceremony 4 is {state}; it has to be approved"):
            refuse_use(ceremony, Activity.ROTATE, _SUBJECT, now_us)


@pytest.mark.parametrize("activity", Activity)
def test_a_ceremony_is_for_one_activity(activity: Activity) -> None:
    """What was approved for one thing is good for no other."""
    if activity is not Activity.ROTATE:
        with pytest.raises(CeremonyRefused, match=f"is for rotate, not for {activity}"):
            refuse_use(_APPROVED, activity, _SUBJECT, 0)


@pytest.mark.parametrize(
    "subject", [{}, {"owner": "link:bank"}, _SUBJECT | {"usage": "cmac"}, _SUBJECT | {"owner": "link:other"}]
)
def test_a_ceremony_is_for_one_subject(subject: dict[str, str]) -> None:
    """Another owner or usage than was approved is refused, and so is one that names neither."""
    with pytest.raises(CeremonyRefused, match="was approved for another"):
        refuse_use(_APPROVED, Activity.ROTATE, subject, 0)


@pytest.mark.parametrize("activity", Activity)
def test_a_ceremony_names_all_there_is_to_approve(activity: Activity) -> None:
    """Each activity names its parts, no fewer and no more."""
    subject = dict.fromkeys(SUBJECTS[activity], "x")

    refuse_subject(activity, subject)
    with pytest.raises(CeremonyRefused, match=f"a ceremony to {activity} names"):
        refuse_subject(activity, subject | {"more": "x"})


@pytest.mark.parametrize("state", CeremonyState)
def test_only_an_open_ceremony_is_approved(state: CeremonyState) -> None:
    """Once, and in time."""
    ceremony, now_us = _IN_STATE[state]

    if state is CeremonyState.OPEN:
        refuse_approval(ceremony, "bob", now_us)
    else:
        with pytest.raises(CeremonyRefused, match="it has to be open"):
            refuse_approval(ceremony, "bob", now_us)


def test_nobody_approves_what_the_same_officer_opened() -> None:
    """Two people are needed."""
    with pytest.raises(CeremonyRefused, match="another officer"):
        refuse_approval(_OPEN, "alice", 0)


@pytest.mark.parametrize("state", CeremonyState)
def test_components_are_entered_while_a_ceremony_lasts(state: CeremonyState) -> None:
    """Before and after its approval, not after its end."""
    ceremony, now_us = _IN_STATE[state]
    entry = replace(ceremony, activity=Activity.COMPONENTS)

    if state in {CeremonyState.OPEN, CeremonyState.APPROVED}:
        refuse_entry(entry, {"alice": 1}, "bob", now_us)
    else:
        with pytest.raises(CeremonyRefused, match="it has to be open or approved"):
            refuse_entry(entry, {}, "bob", now_us)


def test_each_component_is_another_officers() -> None:
    """No officer enters two, there are at most nine, and other ceremonies take none."""
    entry = replace(_OPEN, activity=Activity.COMPONENTS)

    with pytest.raises(CeremonyRefused, match="different officer"):
        refuse_entry(entry, {"alice": 1}, "alice", 0)
    with pytest.raises(CeremonyRefused, match="at most 9"):
        refuse_entry(entry, {str(number): number for number in range(1, 10)}, "bob", 0)
    with pytest.raises(CeremonyRefused, match="is for rotate"):
        refuse_entry(_OPEN, {}, "bob", 0)
