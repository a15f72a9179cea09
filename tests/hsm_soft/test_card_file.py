"""What the printing house makes cards from."""

from dataclasses import replace

import pytest

from hsm_soft.card_file import CARDS_PURPOSE, CardData, cards_file, track2
from hsm_soft.card_issue import PINS_PURPOSE, BadSerial
from hsm_soft.card_values import BadCardData, CardValueKey
from hsm_soft.pan import NotAPan
from hsm_soft.primitives import Random
from hsm_soft.secret_file import SecretFileBroken, read_secret_file

_FILE_KEY = bytes(range(32))
_STRIPE_KEY = CardValueKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
_CARD = CardData("B1-1", "4111111111111111", "2512", "201")


def test_file_has_a_line_for_each_card(random: Random) -> None:
    """Whoever has the key reads serial, number, expiry, service code and track 2; nobody else reads any."""
    file = cards_file(_FILE_KEY, None, [_CARD, replace(_CARD, serial="B1-2")], random)

    expected = ["4111111111111111", "2512", "201", "4111111111111111=251220100000000"]
    assert [["B1-1", *expected], ["B1-2", *expected]] == read_secret_file(_FILE_KEY, CARDS_PURPOSE, file)
    assert _CARD.pan.encode() not in file
    with pytest.raises(SecretFileBroken):
        read_secret_file(_FILE_KEY, PINS_PURPOSE, file)


def test_stripe_carries_the_verification_value() -> None:
    """With a key for it, the card verification value ends track 2."""
    assert track2(_STRIPE_KEY, _CARD) == "4111111111111111=251220100000139"


def test_track_2_of_the_longest_number_fits() -> None:
    """ISO/IEC 7813 has room for 37 characters without sentinels and check character."""
    assert len(track2(None, replace(_CARD, pan="9" * 19))) == 35


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"serial": "a,b"}, BadSerial),
        ({"pan": "4111x"}, NotAPan),
        ({"expiry": "251"}, BadCardData),
        ({"service_code": "20"}, BadCardData),
        ({"service_code": "2x1"}, BadCardData),
    ],
)
def test_what_is_no_card_is_refused(change: dict[str, str], refusal: type[Exception]) -> None:
    """Each part must have its form, and none is quoted in the refusal."""
    with pytest.raises(refusal) as refused:
        track2(None, replace(_CARD, **change))

    assert _CARD.pan not in str(refused.value)
    assert _CARD.pan not in repr(_CARD)
