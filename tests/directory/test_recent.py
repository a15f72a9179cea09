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


def test_value_can_be_forgotten() -> None:
    """A value that is dropped is gone, and what isn't there can be dropped, too; `clear` drops all."""
    recent: Recent[str, int] = Recent(3)
    for key in "abc":
        recent.put(key, 1)
    recent.drop("a")
    recent.drop("x")

    assert ["b", "c"] == recent.remembered()
    recent.clear()
    assert len(recent) == 0


def test_looking_on_is_no_use() -> None:
    """Whoever goes through the values leaves their order as it was."""
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)

    assert [recent.look(key) for key in "abx"] == [1, 2, None]
    recent.put("c", 3)
    assert ["b", "c"] == recent.remembered()
