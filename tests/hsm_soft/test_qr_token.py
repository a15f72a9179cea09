"""QR codes: bound to what they name, short-lived where they are worth money, and opened without surprises."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.primitives import Random
from hsm_soft.qr_token import CardCode, CardCodes, PaymentCode, PaymentCodes, TokenRefusal, TokenRefused

_KEY, _OTHER_KEY = bytes(range(32)), bytes(32)
_NOW = 1_800_000_000
_CARDS, _PAYMENTS = CardCodes(_KEY), PaymentCodes(_KEY)


def _payment(random: Random, lifetime_s: int = 60) -> str:
    return _PAYMENTS.make(77, 156, 20_000, _NOW, lifetime_s, random)


def _refusal(codes: CardCodes | PaymentCodes, text: str, *allowing: int) -> TokenRefusal:
    with pytest.raises(TokenRefused) as refused:
        codes.open(text, *allowing)
    return refused.value.reason


@given(
    wallet_id=st.integers(-(2**63), 2**63 - 1),
    issue=st.integers(0, 2**32 - 1),
    nonce=st.binary(min_size=12, max_size=12),
)
def test_a_card_code_names_its_wallet(wallet_id: int, issue: int, nonce: bytes) -> None:
    """Every wallet and issue comes back, from upper case letters and digits."""
    text = _CARDS.make(wallet_id, issue, lambda _: nonce)

    assert CardCode(wallet_id, issue) == _CARDS.open(text)
    assert text.isalnum()
    assert text.isupper()


def test_a_payment_code_allows_its_ceiling_until_it_ends(random: Random) -> None:
    """Amounts up to the ceiling, in its asset, up to the last second; its identity is its own."""
    first, second = (_PAYMENTS.open(_payment(random), 156, 20_000, _NOW + 59) for _ in range(2))

    assert PaymentCode(first.code_id, 77, 156, 20_000, _NOW + 60) == first
    assert first.code_id != second.code_id
    assert len(first.code_id) == 12


@pytest.mark.parametrize(
    ("asset", "amount_minor", "now_s", "expected"),
    [
        (156, 1, _NOW + 60, TokenRefusal.EXPIRED),
        (840, 1, _NOW, TokenRefusal.ASSET),
        (156, 20_001, _NOW, TokenRefusal.CEILING),
    ],
)
def test_a_payment_code_allows_nothing_more(
    random: Random, asset: int, amount_minor: int, now_s: int, expected: TokenRefusal
) -> None:
    """Later, in another asset, or above the ceiling it is refused."""
    assert expected is _refusal(_PAYMENTS, _payment(random), asset, amount_minor, now_s)


@pytest.mark.parametrize("lifetime_s", [0, -1, 301])
def test_a_payment_code_is_short_lived(random: Random, lifetime_s: int) -> None:
    """None lives longer than five minutes."""
    with pytest.raises(TokenRefused) as refused:
        _payment(random, lifetime_s)

    assert refused.value.reason is TokenRefusal.LIFETIME


def test_one_kind_is_not_the_other(random: Random) -> None:
    """A card code is no payment code, even under the same key and at the same length."""
    card, payment = _CARDS.make(77, 1, random), _payment(random)

    assert _refusal(_PAYMENTS, card, 156, 1, _NOW) is TokenRefusal.MALFORMED
    assert _refusal(_CARDS, payment) is TokenRefusal.MALFORMED


def test_another_key_opens_nothing(random: Random) -> None:
    """Codes of another installation, or of the other kind's key, are forged here."""
    assert _refusal(CardCodes(_OTHER_KEY), _CARDS.make(77, 1, random)) is TokenRefusal.FORGED
    assert _refusal(PaymentCodes(_OTHER_KEY), _payment(random), 156, 1, _NOW) is TokenRefusal.FORGED


@given(position=st.integers(0, 1000), bit=st.integers(0, 7))
def test_every_bit_counts(position: int, bit: int) -> None:
    """A code with one bit changed opens nothing."""
    text = _CARDS.make(77, 1, bytes)
    binary = bytearray(base64.b32decode(text + "=" * (-len(text) % 8)))
    binary[position % len(binary)] ^= 1 << bit
    changed = base64.b32encode(bytes(binary)).rstrip(b"=").decode()

    assert _refusal(_CARDS, changed) in (TokenRefusal.FORGED, TokenRefusal.MALFORMED)


@given(
    text=st.text(max_size=200)
    | st.just("A" * 129)
    | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=", max_size=200)
)
def test_anything_else_is_malformed(text: str) -> None:
    """Random text is refused, with the one error there is."""
    assert _refusal(_CARDS, text) in (TokenRefusal.MALFORMED, TokenRefusal.FORGED)
    assert _refusal(_PAYMENTS, text, 156, 1, _NOW) in (TokenRefusal.MALFORMED, TokenRefusal.FORGED)


def test_nothing_is_shown(random: Random) -> None:
    """Neither makers nor refusals show keys or contents."""
    assert [repr(_CARDS), repr(_PAYMENTS)] == ["<CardCodes>", "<PaymentCodes>"]
    with pytest.raises(TokenRefused, match=r"^code refused: it was not made here, or was changed$"):
        CardCodes(_OTHER_KEY).open(_CARDS.make(77, 1, random))
