"""The life of keys: every state with every event, and the slots through rotations."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.key_block import KeyBlock
from hsm_soft.key_life import (
    LIFE,
    KeyEvent,
    KeyState,
    LifeRefused,
    ManagedKey,
    Slot,
    candidates,
    deactivated,
    destroyed,
    placed,
    rotated,
    usable,
)
from hsm_soft.key_usage import Action

_NOW_US = 1_000_000
_WINDOW_US = 600_000_000


def _key(number: int, state: KeyState = KeyState.PRE_ACTIVE, slot: Slot | None = None) -> ManagedKey:
    return ManagedKey(number, "link:bank", "retail-mac", state, slot, "ABCDEF", None, KeyBlock("D"))


def _slots(*keys: ManagedKey) -> dict[Slot, ManagedKey]:
    return {key.slot: key for key in keys if key.slot is not None}


@pytest.mark.parametrize("event", KeyEvent)
@pytest.mark.parametrize("state", KeyState)
def test_the_table_of_lives(state: KeyState, event: KeyEvent) -> None:
    """Only these four steps exist; every other pair of state and event is refused."""
    expected = {
        (KeyState.PRE_ACTIVE, KeyEvent.ACTIVATE): KeyState.ACTIVE,
        (KeyState.PRE_ACTIVE, KeyEvent.DESTROY): KeyState.DESTROYED,
        (KeyState.ACTIVE, KeyEvent.DEACTIVATE): KeyState.DEACTIVATED,
        (KeyState.DEACTIVATED, KeyEvent.DESTROY): KeyState.DESTROYED,
    }

    assert expected.get((state, event)) == LIFE.get((state, event))


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.DESTROYED])
def test_what_is_in_use_or_gone_is_not_destroyed(state: KeyState) -> None:
    """An active key's data would be lost; a destroyed key is gone already."""
    with pytest.raises(LifeRefused, match=rf"key 7 is {state}: destroy is not possible"):
        destroyed(_key(7, state))


@pytest.mark.parametrize("state", [KeyState.PRE_ACTIVE, KeyState.DEACTIVATED])
def test_a_destroyed_key_has_no_block(state: KeyState) -> None:
    """It keeps number and check value, and leaves its slot."""
    key = destroyed(_key(7, state, Slot.NEXT))

    assert (key.id, key.check_value, key.state) == (7, "ABCDEF", KeyState.DESTROYED)
    assert (key.block, key.slot) == (None, None)


def test_the_first_key_is_current_and_the_second_next() -> None:
    """A third has to wait until one of them moves."""
    first = placed(_key(1), {})
    second = placed(_key(2), _slots(first))

    assert (first.state, first.slot) == (KeyState.ACTIVE, Slot.CURRENT)
    assert (second.state, second.slot) == (KeyState.PRE_ACTIVE, Slot.NEXT)
    with pytest.raises(LifeRefused, match="a next key already"):
        placed(_key(3), _slots(first, second))


def test_a_rotation_moves_every_slot_on() -> None:
    """Next becomes current, current previous with a window, previous leaves."""
    keys = _slots(
        _key(1, KeyState.DEACTIVATED, Slot.PREVIOUS),
        _key(2, KeyState.ACTIVE, Slot.CURRENT),
        _key(3, KeyState.PRE_ACTIVE, Slot.NEXT),
    )

    left, previous, current = rotated(keys, _NOW_US, _WINDOW_US)

    assert (left.id, left.slot, left.state) == (1, None, KeyState.DEACTIVATED)
    assert (previous.id, previous.slot, previous.state) == (2, Slot.PREVIOUS, KeyState.DEACTIVATED)
    assert previous.usable_until_us == _NOW_US + _WINDOW_US
    assert (current.id, current.slot, current.state) == (3, Slot.CURRENT, KeyState.ACTIVE)


def test_a_rotation_needs_a_next_key() -> None:
    """Without one nothing moves; with nothing else there it becomes current."""
    with pytest.raises(LifeRefused, match="no next key"):
        rotated(_slots(_key(2, KeyState.ACTIVE, Slot.CURRENT)), _NOW_US, _WINDOW_US)

    [current] = rotated(_slots(_key(3, KeyState.PRE_ACTIVE, Slot.NEXT)), _NOW_US, _WINDOW_US)
    assert (current.id, current.slot) == (3, Slot.CURRENT)


def test_a_retired_key_has_no_window() -> None:
    """It goes at once, and one in its window loses what is left of it."""
    retired = deactivated(_key(2, KeyState.ACTIVE, Slot.CURRENT), _NOW_US)
    in_window = replace(_key(1, KeyState.DEACTIVATED, Slot.PREVIOUS), usable_until_us=_NOW_US + 1)

    assert (retired.state, retired.slot) == (KeyState.DEACTIVATED, None)
    assert not usable(retired, Action.VERIFY, _NOW_US)
    assert not usable(deactivated(in_window, _NOW_US), Action.VERIFY, _NOW_US)
    with pytest.raises(LifeRefused):
        deactivated(_key(3), _NOW_US)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("state", KeyState)
def test_what_a_key_may_do_in_its_state(state: KeyState, action: Action) -> None:
    """Active: everything. Deactivated, in its window: verify and decrypt. Else nothing."""
    in_window = replace(_key(1, state), usable_until_us=_NOW_US + 1)
    expected = state is KeyState.ACTIVE or (
        state is KeyState.DEACTIVATED and action in {Action.VERIFY, Action.DECRYPT}
    )

    assert expected == usable(in_window, action, _NOW_US)
    assert (state is KeyState.ACTIVE) == usable(in_window, action, _NOW_US + 1)


@pytest.mark.parametrize("action", Action)
def test_only_verification_tries_two_keys(action: Action) -> None:
    """In the window a MAC is verified with both; decryption never goes by trial."""
    keys = rotated(
        _slots(_key(2, KeyState.ACTIVE, Slot.CURRENT), _key(3, KeyState.PRE_ACTIVE, Slot.NEXT)),
        _NOW_US,
        _WINDOW_US,
    )
    expected = [3, 2] if action is Action.VERIFY else [3]

    assert expected == [key.id for key in candidates(keys, action, _NOW_US)]
    assert [3] == [key.id for key in candidates(keys, action, _NOW_US + _WINDOW_US)]


@given(steps=st.lists(st.sampled_from(["add", "rotate"]), max_size=20))
def test_slots_and_states_always_agree(steps: list[str]) -> None:
    """Whatever is done in whichever order: current is active, next not yet, previous not any more."""
    expected = {
        Slot.NEXT: KeyState.PRE_ACTIVE,
        Slot.CURRENT: KeyState.ACTIVE,
        Slot.PREVIOUS: KeyState.DEACTIVATED,
    }
    keys: dict[int, ManagedKey] = {}
    for number, step in enumerate(steps):
        slots = _slots(*keys.values())
        if step == "add" and not {Slot.NEXT, Slot.CURRENT} <= slots.keys():
            keys[number] = placed(_key(number), slots)
        elif step == "rotate" and Slot.NEXT in slots:
            keys |= {key.id: key for key in rotated(slots, number, 1)}
        in_slots = [key for key in keys.values() if key.slot is not None]

        assert len(in_slots) == len({key.slot for key in in_slots})
        assert [expected[key.slot] for key in in_slots if key.slot] == [key.state for key in in_slots]


def test_a_key_shows_nothing_of_its_block() -> None:
    """The repr has number, owner and check value only."""
    assert "block" not in repr(_key(1))
