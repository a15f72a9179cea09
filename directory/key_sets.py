"""Which session keys of a terminal are good: the rolling of key sets, decided purely.

Each sign-on hands out a new set, but neither the request nor its answer is authenticated: anybody on the
line can ask, and the answer can get lost. So a new set does not replace the old one; it waits beside it
until the terminal proves, by a MAC that verifies, that it has the new keys. Only then are the older sets
dropped.

    sign-on      the new set is appended; beyond `KEY_SETS_MAX` the oldest set that never verified goes, so
                 that a flood of forged sign-ons cannot push out the keys in use
    verified     the set is marked, all older sets go; newer ones, handed out meanwhile, stay
    time         a set is no longer good once a newer one is older than the limit: the terminal had its chance

A terminal left without a good set fails its MAC check (A0) and signs on again. Sets are ordered oldest
first, and a verified one can only be the first: what was older went when it verified. Times are
microseconds since 1970 (UTC).
"""

from dataclasses import replace
from typing import Final

from directory.records import KeySet

KEY_SETS_MAX: Final = 4
OLD_SET_SECONDS: Final = 600
"""How long an old set stays good after a newer one was handed out."""


def candidates(
    key_sets: tuple[KeySet, ...], now_us: int, old_set_us: int = OLD_SET_SECONDS * 1_000_000
) -> tuple[KeySet, ...]:
    """The sets to verify a message's MAC with, in the order to try: the verified one, then newest first."""
    if len(key_sets) < 2:
        return key_sets
    good = _still_good(key_sets, now_us - old_set_us)
    if good[0].verified:
        return good[:1] + good[:0:-1]
    return good[::-1]


def after_sign_on(key_sets: tuple[KeySet, ...], new: KeySet) -> tuple[KeySet, ...]:
    """The sets once a sign-on has handed out `new`, which is younger than all of them."""
    kept = (*key_sets, new)
    if len(kept) <= KEY_SETS_MAX:
        return kept
    verified = kept[:1] if kept[0].verified else ()
    return verified + kept[len(verified) - KEY_SETS_MAX :]


def after_verified(key_sets: tuple[KeySet, ...], used: KeySet) -> tuple[KeySet, ...]:
    """The sets once a message has verified with `used`: the same object when that changes nothing.

    Nor does a set that was dropped meanwhile, by another node on whose line a newer one verified.
    """
    for place, each in enumerate(key_sets):
        if each.created_at_us == used.created_at_us:
            return key_sets if each.verified else (replace(each, verified=True), *key_sets[place + 1 :])
    return key_sets


def _still_good(key_sets: tuple[KeySet, ...], old_before_us: int) -> tuple[KeySet, ...]:
    """From the youngest set that is past the time limit on: it is the one whose age ended those before it."""
    for place in range(len(key_sets) - 1, 0, -1):
        if key_sets[place].created_at_us < old_before_us:
            return key_sets[place:]
    return key_sets
