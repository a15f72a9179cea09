"""A bounded mapping forgets what was used longest ago."""

from directory.recent import Recent


def test_value_is_found_until_it_makes_room() -> None:
    """Beyond the limit the oldest value goes."""
    recent: Recent[str, int] = Recent(2)
    for key, value in (("a", 1), ("b", 2), ("c", 3)):
        recent.put(key, value)

    assert [recent.get(key) for key in "abc"] == [None, 2, 3]
    assert len(recent) == 2


def test_looking_at_a_value_keeps_it() -> None:
    """A value that was just looked at is not the next to go."""
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)

    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_replacing_a_value_keeps_it() -> None:
    """A value put again counts as used, and takes no second place."""
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.put("a", 3)
    recent.put("c", 4)

    assert [recent.get(key) for key in "abc"] == [3, None, 4]
