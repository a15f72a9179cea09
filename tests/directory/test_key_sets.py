"""Session keys roll: a new set waits beside the old one until a MAC proves it, within a time limit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.key_sets import KEY_SETS_MAX, after_sign_on, after_verified, candidates
from directory.records import KeySet

OLD_SET_US = 600_000_000


def key_set(created_at_us: int, *, verified: bool = False) -> KeySet:
    """A set handed out at a time."""
    return KeySet(created_at_us, verified, f"pin key {created_at_us}", f"MAC key {created_at_us}")


def sets(text: str) -> tuple[KeySet, ...]:
    """Sets from their times in seconds, oldest first; `v` marks a verified one: `10v 20 30`."""
    return tuple(
        key_set(int(each.rstrip("v")) * 1_000_000, verified=each.endswith("v")) for each in text.split()
    )


def shown(key_sets: tuple[KeySet, ...]) -> str:
    """The inverse of `sets`."""
    return " ".join(f"{each.created_at_us // 1_000_000}{'v' * each.verified}" for each in key_sets)


@pytest.mark.parametrize(
    ("key_sets", "now", "expected"),
    [
        ("", 0, ""),
        ("10", 10_000, "10"),
        ("10v", 10_000, "10v"),
        ("10v 20", 30, "10v 20"),
        ("10v 20 30", 40, "10v 30 20"),
        ("10 20 30", 40, "30 20 10"),
        ("10v 20", 620, "10v 20"),
        ("10v 20", 621, "20"),
        ("10v 20 30", 621, "30 20"),
        ("10v 20 30", 631, "30"),
        ("10 20 30 40", 621, "40 30 20"),
    ],
)
def test_candidates(key_sets: str, now: int, expected: str) -> None:
    """The verified set is tried first, then the newest; sets older than one past the limit are not tried."""
    assert expected == shown(candidates(sets(key_sets), now * 1_000_000, OLD_SET_US))


def test_time_limit_is_ten_minutes_unless_told() -> None:
    """An old set is good for ten minutes after a newer one came."""
    old, new = sets("10v 20")

    assert (old, new) == candidates((old, new), 620_000_000)
    assert (new,) == candidates((old, new), 620_000_001)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", "99"),
        ("10v", "10v 99"),
        ("10v 20 30", "10v 20 30 99"),
        ("10v 20 30 40", "10v 30 40 99"),
        ("10 20 30 40", "20 30 40 99"),
    ],
)
def test_after_sign_on(before: str, expected: str) -> None:
    """A sign-on adds a set; of too many the oldest that never verified goes."""
    assert expected == shown(after_sign_on(sets(before), key_set(99_000_000)))


@pytest.mark.parametrize(
    ("before", "used", "expected"),
    [
        ("10", "10", "10v"),
        ("10v 20", "20", "20v"),
        ("10v 20 30", "20", "20v 30"),
        ("10v 20 30", "10", "10v 20 30"),
        ("20v 30", "10", "20v 30"),
        ("", "10", ""),
    ],
)
def test_after_verified(before: str, used: str, expected: str) -> None:
    """The set that verified is marked and ends the older ones; one that is gone changes nothing."""
    assert expected == shown(after_verified(sets(before), sets(used)[0]))


def test_verified_again_is_the_same_object() -> None:
    """A caller can tell by identity that there is nothing to write."""
    key_sets = sets("10v 20")

    assert key_sets is after_verified(key_sets, key_sets[0])
    assert key_sets is after_verified(key_sets, key_set(7))


EVENTS = st.lists(st.one_of(st.just("sign-on"), st.integers(0, KEY_SETS_MAX - 1)), max_size=30)


@given(EVENTS)
def test_rolling_keeps_its_rules(events: list[str | int]) -> None:
    """After any sign-ons and proofs: few sets, in order, only the first verified, the proven one there."""
    key_sets: tuple[KeySet, ...] = ()
    proven: KeySet | None = None
    for now, event in enumerate(events):
        if event == "sign-on":
            key_sets = after_sign_on(key_sets, key_set(now))
        elif isinstance(event, int) and event < len(key_sets):
            proven = replace(key_sets[event], verified=True)
            key_sets = after_verified(key_sets, key_sets[event])

        assert len(key_sets) <= KEY_SETS_MAX
        assert list(key_sets) == sorted(key_sets, key=lambda each: each.created_at_us)
        assert not any(each.verified for each in key_sets[1:])
        assert proven is None or proven == key_sets[0]
        assert set(key_sets) == set(candidates(key_sets, now, OLD_SET_US))
