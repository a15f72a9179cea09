"""Seals of wallets and card numbers: whole, in place, under the right key, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.primitives import AESGCMSIV, hmac_sha256
from hsm_soft.sealing import FieldSeal, SealBroken, WalletSeal, keyed_digest

_KEY = bytes(range(32))
_IDS = st.integers(-(2**63), 2**63 - 1)


def _nonce(count: int) -> bytes:
    return b"n" * count


_SEAL = WalletSeal(1, _KEY, _nonce)
_PAN_SEAL = FieldSeal(2, _KEY, _nonce)


@given(wallet_id=_IDS, version=_IDS, state=st.binary(max_size=400))
def test_a_sealed_state_opens(wallet_id: int, version: int, state: bytes) -> None:
    """Every state of every wallet and version comes back, 28 bytes longer while sealed."""
    sealed = _SEAL.seal(wallet_id, version, state)

    assert len(state) + 28 == len(sealed)
    assert state == _SEAL.open(wallet_id, version, sealed)


def test_the_seal_is_the_documented_one() -> None:
    """Nonce, then AES-256-GCM-SIV with wallet id 8, version 8 and key id 4 bytes as additional data."""
    binding = (7).to_bytes(8, "big") + (3).to_bytes(8, "big") + (1).to_bytes(4, "big")

    assert b"n" * 12 + AESGCMSIV(_KEY).encrypt(b"n" * 12, b"state", binding) == _SEAL.seal(7, 3, b"state")


@given(position=st.integers(0, 32), bit=st.integers(0, 7))
def test_one_changed_bit_breaks_the_seal(position: int, bit: int) -> None:
    """Nonce, text and tag are all covered."""
    sealed = bytearray(_SEAL.seal(7, 3, b"state"))
    sealed[position] ^= 1 << bit

    with pytest.raises(SealBroken):
        _SEAL.open(7, 3, bytes(sealed))


@pytest.mark.parametrize(("wallet_id", "version"), [(8, 3), (7, 4), (3, 7)])
def test_a_seal_belongs_to_its_wallet_and_version(wallet_id: int, version: int) -> None:
    """A state moved to another wallet or version does not open."""
    with pytest.raises(SealBroken):
        _SEAL.open(wallet_id, version, _SEAL.seal(7, 3, b"state"))


def test_a_seal_belongs_to_its_key() -> None:
    """Another key, or the same one under another id, does not open it."""
    sealed = _SEAL.seal(7, 3, b"state")

    for other in (WalletSeal(1, bytes(32), _nonce), WalletSeal(6, _KEY, _nonce)):
        with pytest.raises(SealBroken, match=r"^the seal is broken$"):
            other.open(7, 3, sealed)


@given(length=st.integers(0, 32))
def test_a_shortened_seal_is_broken(length: int) -> None:
    """Any cut is noticed, also below the size of nonce and tag."""
    with pytest.raises(SealBroken):
        _SEAL.open(7, 3, _SEAL.seal(7, 3, b"state")[:length])


@given(data=st.binary(max_size=100), field=st.binary(max_size=10))
def test_a_sealed_field_opens(data: bytes, field: bytes) -> None:
    """Every value comes back, for the field it was sealed for and no other."""
    sealed = _PAN_SEAL.seal(data, field)

    assert data == _PAN_SEAL.open(sealed, field)
    assert FieldSeal.key_id_in(sealed) == 2
    with pytest.raises(SealBroken):
        _PAN_SEAL.open(sealed, field + b"x")


@pytest.mark.parametrize("position", [0, 1, 2, 20, -1])
def test_a_changed_field_seal_is_broken(position: int) -> None:
    """Key id, nonce, text and tag are all covered."""
    sealed = bytearray(_PAN_SEAL.seal(b"9900010000000003"))
    sealed[position] ^= 1

    with pytest.raises(SealBroken):
        _PAN_SEAL.open(bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x00", b"\x00\x02", b"\x00\x02" + bytes(27)])
def test_a_field_seal_that_is_too_short_is_broken(sealed: bytes) -> None:
    """Nothing shorter than key id, nonce and tag reaches the cipher."""
    with pytest.raises(SealBroken):
        _PAN_SEAL.open(sealed)


def test_a_keyed_digest_is_half_an_hmac() -> None:
    """Sixteen bytes of HMAC-SHA256."""
    authenticate = hmac_sha256(_KEY)

    assert authenticate(b"data")[:16] == keyed_digest(authenticate, b"data")
