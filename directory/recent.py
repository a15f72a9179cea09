"""A bounded mapping that forgets what was looked at longest ago.

The hot path reads it several times for each request, so a hit is one look-up in a C mapping, and one move
once it is half full: before, nothing will have to go soon, and a move touches five places in memory.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At most `limit` values, the least recently used of which make room."""

    __slots__ = ("_limit", "_ordered_from", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ordered_from = limit // 2
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """The value, which counts as a use; None if it is not here."""
        value = self._values.get(key)
        if value is not None and len(self._values) > self._ordered_from:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember a value, as the most recently used."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget a value, if it is here."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

    def remembered(self) -> list[Key]:
        """What is remembered now, the least recently used first."""
        return list(self._values)

    def look(self, key: Key) -> Value | None:
        """The value, without counting that as a use; None if it is not here."""
        return self._values.get(key)
