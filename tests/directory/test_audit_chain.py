"""The audit's chain: what was done to it is named."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.audit_chain import GENESIS, AuditRow, Examiner, Finding, Flaw, Head

Rows = list[AuditRow]


def _row(seq: int, why: str = "") -> AuditRow:
    return AuditRow(seq, 17, 3, "alice", "card.freeze", "card", f"c{seq}", 2, "null", "{}", why, None)


def _log(count: int) -> Rows:
    rows: Rows = []
    for seq in range(1, count + 1):
        rows.append(_row(seq).chained(rows[-1].hash if rows else GENESIS))
    return rows


def _end(rows: Sequence[AuditRow]) -> Head:
    return Head(rows[-1].seq, rows[-1].hash) if rows else Head(0, GENESIS)


def _examined(
    rows: Sequence[AuditRow], end: Head, kept: Mapping[int, bytes] | None = None
) -> list[tuple[int, Flaw]]:
    examiner = Examiner(kept or {})
    for row in rows:
        examiner.see(row)
    assert len(rows) == examiner.count
    return [tuple(finding) for finding in examiner.finish(end)]


def _rewritten(rows: Rows, seq: int) -> None:
    """A row changed and hashed anew; its neighbours don't know."""
    old = rows[seq - 1]
    rows[seq - 1] = old._replace(why="another").chained(old.previous)


def _uprooted(rows: Rows, seq: int) -> None:
    """A row written wholly anew, with neighbours of its own invention."""
    rows[seq - 1] = rows[seq - 1]._replace(why="another").chained(bytes(range(32)))


def _renumbered(rows: Sequence[AuditRow], by: int) -> Rows:
    return [row._replace(seq=row.seq + by) for row in rows]


@given(st.integers(min_value=0, max_value=12))
def test_whole_log_is_clean(count: int) -> None:
    """Nothing is wrong with a log that nobody touched, however long."""
    rows = _log(count)

    assert [] == _examined(rows, _end(rows))


@given(st.data())
def test_any_changed_column_is_named(data: st.DataObject) -> None:
    """Whichever column of whichever row is changed, that row is named and no other."""
    rows = _log(data.draw(st.integers(min_value=1, max_value=8)))
    place = data.draw(st.integers(min_value=0, max_value=len(rows) - 1))
    column = data.draw(st.sampled_from(AuditRow._fields[1:]))
    end = _end(rows)
    other = {bytes: bytes(range(32)), str: "other", int: 99, type(None): 5}
    rows[place] = rows[place]._replace(**{column: other[type(getattr(rows[place], column))]})

    assert [(place + 1, Flaw.CHANGED)] == _examined(rows, end)


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize("change", [_rewritten, _uprooted])
def test_row_hashed_anew_is_named(change: Callable[[Rows, int], None], seq: int) -> None:
    """A row with a hash of its own making is named by its neighbours, or by the end."""
    rows = _log(5)
    end = _end(rows)
    change(rows, seq)

    assert [(seq, Flaw.CHANGED)] == _examined(rows, end)


@pytest.mark.parametrize("gone", [{1}, {3}, {5}, {2, 3}, {1, 2, 3, 4, 5}])
def test_missing_rows_are_named(gone: set[int]) -> None:
    """Rows that were deleted are named, the last ones too."""
    rows = _log(5)

    assert [(seq, Flaw.MISSING) for seq in sorted(gone)] == _examined(
        [row for row in rows if row.seq not in gone], _end(rows)
    )


def test_deleted_and_renumbered_row_is_named() -> None:
    """Numbers closed up behind a deleted row don't hide it, whether the end was set back or not."""
    rows = _log(5)
    closed_up = [*rows[:2], *_renumbered(rows[3:], -1)]

    assert [(3, Flaw.MISSING)] == _examined(closed_up, _end(rows))


def test_row_behind_the_end_is_named() -> None:
    """A row that was put in behind the end is none of the log, even with a right hash."""
    rows = _log(3)

    assert [(4, Flaw.INSERTED)] == _examined([*rows, _row(4).chained(rows[-1].hash)], _end(rows))


@pytest.mark.parametrize("hashed", [True, False])
def test_row_between_others_is_named(hashed: bool) -> None:
    """A row pushed in between others is named, whether it was hashed well or not."""
    rows = _log(4)
    pushed = _row(3, "pushed in")
    pushed = pushed.chained(rows[1].hash) if hashed else pushed

    assert [(3, Flaw.INSERTED)] == _examined([*rows[:2], pushed, *_renumbered(rows[2:], 1)], _end(rows))


def test_copy_of_a_row_is_named() -> None:
    """Of two equal rows with two numbers the second is the one too many, at the end and in between."""
    rows = _log(4)

    assert [(5, Flaw.INSERTED)] == _examined([*rows, *_renumbered(rows[3:], 1)], _end(rows))
    assert [(3, Flaw.INSERTED)] == _examined([*rows[:2], *_renumbered(rows[1:], 1)], _end(rows))


def test_two_changes_are_both_named() -> None:
    """Rows that are wrong in different ways are each named."""
    rows = _log(9)
    end = _end(rows)
    _rewritten(rows, 2)
    rows[5] = rows[5]._replace(subject="other")
    del rows[7]

    assert [(2, Flaw.CHANGED), (6, Flaw.CHANGED), (8, Flaw.MISSING)] == _examined(rows, end)


def test_log_written_anew_is_named_by_a_kept_head() -> None:
    """A chain that was written anew as a whole holds by itself, but not against a head kept elsewhere."""
    kept = {2: _log(5)[1].hash}
    rows: Rows = []
    for seq in range(1, 6):
        rows.append(_row(seq, "anew").chained(rows[-1].hash if rows else GENESIS))

    assert [] == _examined(rows, _end(rows))
    assert [(2, Flaw.CHANGED)] == _examined(rows, _end(rows), kept)


def test_log_cut_off_is_named_by_a_kept_head() -> None:
    """Rows that were cut off together with the end are missing for whoever kept a later head."""
    rows = _log(5)
    kept = {5: rows[4].hash}

    assert [(4, Flaw.MISSING), (5, Flaw.MISSING)] == _examined(rows[:3], _end(rows[:3]), kept)


def test_wrong_end_is_blamed_on_the_last_row() -> None:
    """An end that knows another hash than the last row has says that this row was written anew."""
    rows = _log(2)

    assert [Finding(2, Flaw.CHANGED)] == _examined(rows, Head(2, bytes(32)))
