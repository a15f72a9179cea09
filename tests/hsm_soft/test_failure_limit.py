"""The brake: failures only, by card and by key, for a time."""

from hsm_soft.failure_limit import CARD_LIMIT, KEY_LIMIT, FailureLimit


class _Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_card_is_refused_when_it_has_failed_too_often() -> None:
    """At the limit the card is refused under every key, and other cards are not."""
    limit = FailureLimit(_Clock())
    for number in range(CARD_LIMIT.failures):
        assert not limit.refuses(f"key {number}", "99")
        limit.failed(f"key {number}", "99")

    assert limit.refuses("another key", "99")
    assert not limit.refuses("another key", "98")


def test_a_key_is_refused_when_it_has_failed_too_often() -> None:
    """At the limit the key is refused for every card, and other keys are not."""
    limit = FailureLimit(_Clock())
    for number in range(KEY_LIMIT.failures):
        limit.failed("key", str(number))

    assert limit.refuses("key", "99")
    assert not limit.refuses("another key", "99")


def test_a_window_ends() -> None:
    """After its time a card starts anew, at its first failure."""
    clock = _Clock()
    limit = FailureLimit(clock)
    for _ in range(CARD_LIMIT.failures):
        limit.failed("key", "99")
    clock.now_s += CARD_LIMIT.window_s - 1
    before = limit.refuses("key", "99")
    clock.now_s += 1
    after = limit.refuses("key", "99")
    limit.failed("key", "99")

    assert [True, False, False] == [before, after, limit.refuses("key", "99")]


def test_what_is_remembered_is_bounded() -> None:
    """The least recently failed is forgotten first, and nothing is shown but the number."""
    limit = FailureLimit(_Clock(), subjects_max=4)
    for _ in range(CARD_LIMIT.failures):
        limit.failed("key", "99")
    kept = limit.refuses("another key", "99")
    for number in range(4):
        limit.failed("key", str(number))

    assert [True, False] == [kept, limit.refuses("another key", "99")]
    assert repr(limit) == "<FailureLimit, 4 cards and keys>"
