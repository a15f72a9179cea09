"""What isn't there is remembered for a moment, and never much of it."""

from directory.absent import MOMENT_SECONDS, Absent


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.seconds


def test_absent_name_is_remembered_for_a_moment() -> None:
    """Until the moment is over the name is known to be nobody's."""
    clock = Clock()
    absent: Absent[str] = Absent(clock)
    absent.add("a")

    assert "a" in absent
    assert "b" not in absent
    clock.seconds = MOMENT_SECONDS
    assert "a" not in absent


def test_a_moment_is_shorter_than_the_second_in_which_changes_are_seen() -> None:
    """A card that was asked for and then created is found within a second, without any note."""
    assert MOMENT_SECONDS < 1


def test_flood_takes_limited_room() -> None:
    """Beyond the limit the oldest names go."""
    absent: Absent[int] = Absent(Clock(), limit=3)
    for name in range(5):
        absent.add(name)

    assert len(absent) == 3
    assert [name in absent for name in range(5)] == [False, False, True, True, True]


def test_name_added_again_is_as_new() -> None:
    """Its moment begins anew, takes no second place, and isn't the next to go."""
    absent: Absent[int] = Absent(Clock(), limit=2)
    for name in (1, 2, 1, 3):
        absent.add(name)

    assert [name in absent for name in (1, 2, 3)] == [True, False, True]


def test_all_can_be_forgotten() -> None:
    """Afterwards nothing is remembered."""
    absent: Absent[int] = Absent(Clock())
    absent.add(1)
    absent.clear()

    assert 1 not in absent
