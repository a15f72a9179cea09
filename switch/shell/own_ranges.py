"""The range table as the directory has it now.

A range table never changes, and whoever routes by it looks at it for each request. This one is looked at in
the same way; when ranges were registered, it takes the place of its own contents, between two requests.
"""

from collections.abc import Iterable

from routing.table import OWN_LEDGER, CardRange, RangeTable

__all__ = ["OwnRanges"]


class OwnRanges(RangeTable):
    """The ranges whose cards the own ledger authorises; none until the directory was read."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(())

    def take(self, ranges: Iterable[tuple[str, str]]) -> None:
        """From now on these are the ranges: first and last leading digits of each.

        Raises:
            BadCardRange: Two ranges are equal or overlap only in part; the ranges stay as they were.
        """
        # Built anew in place: what can't be built is refused before anything is assigned.
        super().__init__(CardRange(first, last, OWN_LEDGER) for first, last in ranges)
