"""The clock: the only place of the front that asks what time it is.

Everything else is told. Local times (fields 12 and 13) change once a second, so the text of a second is made
once.
"""

import time
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class LocalTime(NamedTuple):
    """A moment as messages state it: hhmmss, MMDD, and the month as YYMM."""

    time: str
    date: str
    year_month: str


class Clock:
    """Tells time, and how the switch's time zone writes it.

    Args:
        time_zone: an IANA name, such as Asia/Shanghai.
    """

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._written = lru_cache(maxsize=1024)(self._write)

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def local(self, at_us: int) -> LocalTime:
        """How messages state this moment."""
        return self._written(at_us // 1_000_000)

    def today(self) -> datetime:
        """Now, in the switch's time zone."""
        return datetime.now(self._zone)

    def _write(self, at_seconds: int) -> LocalTime:
        moment = datetime.fromtimestamp(at_seconds, self._zone)
        return LocalTime(f"{moment:%H%M%S}", f"{moment:%m%d}", f"{moment:%y%m}")
