"""The ring of data keys: the newest seals, every known one opens, and only learning moves it."""

import pytest

from hsm_soft.data_keys import DATA_KEY_USAGES, DataKeyRing, NoDataKey, UnknownDataKey
from hsm_soft.key_block import KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.primitives import Random

_WALLET, _PAN, _PERSONAL = DATA_KEY_USAGES
_WRAPPING_KEY = bytes(range(32))


@pytest.fixture
def ring(random: Random) -> DataKeyRing:
    """A ring without keys."""
    return DataKeyRing(_WRAPPING_KEY, random)


def test_the_newest_key_seals_and_older_ones_open(ring: DataKeyRing) -> None:
    """A key is current from the moment it is known; what was sealed before it opens as ever."""
    ring.load([ring.make(_WALLET, 1)])
    old = ring.wallet_seal()
    ring.load([ring.make(_WALLET, 4)])
    new = ring.wallet_seal()

    assert (old.key_id, new.key_id) == (1, 4)
    assert ring.wallet_seal_of(1) is old
    assert ring.wallet_seal_of(2) is None


def test_a_list_that_misses_the_newest_key_brings_nothing_back(ring: DataKeyRing) -> None:
    """A node that hasn't seen a rotation doesn't undo it where an HSM is shared."""
    first, second = ring.make(_PAN, 2), ring.make(_PAN, 5)
    ring.load([second])
    ring.load([first])

    assert ring.field_seal(_PAN).key_id == 5


def test_a_destroyed_key_is_forgotten(ring: DataKeyRing) -> None:
    """What it sealed is of an unknown key from then on."""
    key = ring.make(_PERSONAL, 3)
    ring.load([key])
    sealed = ring.field_seal(_PERSONAL).seal(b"x")
    ring.load([key._replace(key_block=None)] * 2)

    with pytest.raises(UnknownDataKey):
        ring.field_seal_of(_PERSONAL, sealed)
    with pytest.raises(NoDataKey):
        ring.field_seal(_PERSONAL)


def test_without_keys_nothing_is_sealed(ring: DataKeyRing) -> None:
    """A ring that was given nothing says so."""
    with pytest.raises(NoDataKey):
        ring.wallet_seal()
    with pytest.raises(NoDataKey):
        ring.field_seal(_PAN)


def test_keys_are_wrapped_for_their_use_under_their_wrapping_key(ring: DataKeyRing, random: Random) -> None:
    """Another wrapping key doesn't open them, and one use's key doesn't serve another."""
    key = ring.make(_WALLET, 1)
    other = DataKeyRing(bytes(32), random)

    assert key.key_block is not None
    assert len(key.check_value) == 10
    for load, reason in (
        (lambda: other.load([key]), Refusal.FORGED),
        (lambda: ring.load([key._replace(usage=_PAN)]), Refusal.PURPOSE),
    ):
        with pytest.raises(KeyBlockRefused) as refused:
            load()
        assert refused.value.reason is reason


def test_a_ring_tells_how_many_keys_it_has(ring: DataKeyRing) -> None:
    """And nothing of them."""
    ring.load([ring.make(usage, number) for number, usage in enumerate(DATA_KEY_USAGES, 1)])

    assert repr(ring) == "<DataKeyRing, 3 data keys>"


def test_only_the_uses_that_are_named_have_data_keys(ring: DataKeyRing) -> None:
    """A data key for anything else is a defect of the program."""
    with pytest.raises(AssertionError):
        ring.make(KeyUsage.FINGERPRINT, 1)
