"""`cardswitch approval`."""

import pytest

from tests.switch.commands.people import GIVEN, People


@pytest.fixture
def proposal(people: People) -> str:
    """The number of a proposal of root's."""
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)
    ran = people.by(
        "root", "operator", "add", "otto", "--role", "auditor", "--why", "for the audit", "--json"
    )
    assert 3 == ran.status
    return str(ran.json["proposal"])


def test_proposals_are_shown(people: People, proposal: str) -> None:
    """A waiting proposal is listed, and shown with its content but no secret."""
    listed = people.by("rosa", "approval", "list").out
    shown = people.by("rosa", "approval", "show", proposal).out

    assert listed.startswith(f"{proposal:>6} waiting    operator.add             operator otto  root: ")
    assert "       role: auditor\n" in shown
    assert "password_proof: ***" in shown
    assert ["waiting"] == [each["state"] for each in people.told("rosa", "approval", "list")["proposals"]]


def test_nobody_approves_their_own(people: People, proposal: str) -> None:
    """The proposer is refused; nothing was done."""
    ran = people.by("root", "approval", "approve", proposal)

    assert (1, f"cardswitch: proposal {proposal} is your own: somebody else has to approve it\n") == (
        ran.status,
        ran.err,
    )
    assert 2 == len(people.told("root", "operator", "list")["operators"])


def test_approved_proposal_is_done(people: People, proposal: str) -> None:
    """Approval carries it out; the proposal is listed among all from then on, not among the waiting."""
    assert f"proposal {proposal} is approved\n" == people.by("rosa", "approval", "approve", proposal).out

    assert [] == people.told("root", "approval", "list")["proposals"]
    (decided,) = people.told("root", "approval", "list", "--all")["proposals"]
    assert ("approved", "root", "rosa") == (decided["state"], decided["proposer"], decided["decider"])
    assert ["otto", "root", "rosa"] == [
        each["name"] for each in people.told("root", "operator", "list")["operators"]
    ]


def test_rejected_proposal_is_not_done(people: People, proposal: str) -> None:
    """A rejected proposal stays rejected."""
    assert {"proposal": int(proposal), "state": "rejected"} == people.told(
        "rosa", "approval", "reject", proposal, "--why", "not needed"
    )

    again = people.by("rosa", "approval", "approve", proposal)
    assert (1, f"cardswitch: proposal {proposal} is rejected already\n") == (again.status, again.err)
    assert ["rejected"] == [
        each["state"] for each in people.told("root", "approval", "list", "--state", "rejected")["proposals"]
    ]
