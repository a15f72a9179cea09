"""The node's gate: who finds it full waits, and is told in turn when there is room again."""

from dataclasses import dataclass, field

from switch.shell.gate import Gate


@dataclass(eq=False)
class Guest:
    """Enters with some requests when the gate opens, and waits again if it wanted more."""

    gate: Gate
    wanted: int
    entered: list[int] = field(default_factory=list)

    def gate_opened(self) -> None:
        """Take what there is room for."""
        taken = min(self.wanted, self.gate.room)
        self.gate.enter(taken)
        self.entered.append(taken)
        self.wanted -= taken
        if self.wanted:
            self.gate.wait(self)


def test_room_is_what_the_limit_leaves() -> None:
    """Room shrinks with each request and is never below zero."""
    gate = Gate(3)

    rooms = []
    for count in (1, 1, 1, 2):
        gate.enter(count)
        rooms.append(gate.room)

    assert rooms == [2, 1, 0, 0]


def test_who_waits_is_told_when_a_tenth_is_free() -> None:
    """A full gate opens again when nine tenths are left, so that it doesn't flutter."""
    gate = Gate(20)
    guest = Guest(gate, wanted=5)
    gate.enter(20)
    gate.wait(guest)

    gate.leave()
    assert guest.entered == []

    gate.leave()
    assert guest.entered == [2]


def test_who_waits_is_told_in_turn_as_far_as_the_room_goes() -> None:
    """The first in line goes first; who gets no room, or not enough, keeps waiting behind the others."""
    gate = Gate(10)
    guests = [Guest(gate, wanted=2), Guest(gate, wanted=1), Guest(gate, wanted=1)]
    gate.enter(10)
    for guest in guests:
        gate.wait(guest)

    for _ in range(4):
        gate.leave()

    assert [guest.entered for guest in guests] == [[1, 1], [1], [1]]
    assert gate.in_flight == 10


def test_who_has_gone_is_not_told() -> None:
    """A connection that ended while it waited is forgotten; forgetting one that never waited is no matter."""
    gate = Gate(1)
    gone, never = Guest(gate, wanted=1), Guest(gate, wanted=1)
    gate.enter(1)
    gate.wait(gone)

    gate.forget(gone)
    gate.forget(never)
    gate.leave()

    assert gone.entered == never.entered == []


def test_limit_of_one_opens_when_empty() -> None:
    """The smallest gate lets one request after the other through."""
    gate = Gate(1)
    guest = Guest(gate, wanted=2)
    gate.enter(1)
    gate.wait(guest)

    gate.leave()
    gate.leave()

    assert guest.entered == [1, 1]
