"""The clock: moments as messages state them, in the switch's own time zone."""

import time

import pytest

from switch.shell.clock import Clock, LocalTime

NEW_YEAR_UTC_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("zone", "at_us", "expected"),
    [
        ("Asia/Shanghai", NEW_YEAR_UTC_US, LocalTime("080000", "0101", "2601")),
        ("UTC", NEW_YEAR_UTC_US - 1, LocalTime("235959", "1231", "2512")),
        ("Asia/Shanghai", NEW_YEAR_UTC_US + 5_999_999, LocalTime("080005", "0101", "2601")),
        ("America/New_York", NEW_YEAR_UTC_US, LocalTime("190000", "1231", "2512")),
    ],
)
def test_local_time(zone: str, at_us: int, expected: LocalTime) -> None:
    """hhmmss, MMDD and YYMM are those of the zone; parts of a second don't round up."""
    assert expected == Clock(zone).local(at_us)


def test_now_is_now() -> None:
    """The time is microseconds since the epoch, and today is the zone's."""
    clock = Clock("Asia/Shanghai")
    before = time.time_ns() // 1000

    now_us = clock.now_us()

    assert before <= now_us <= time.time_ns() // 1000
    assert str(clock.today().tzinfo) == "Asia/Shanghai"
    assert abs(clock.today().timestamp() * 1_000_000 - now_us) < 60_000_000
