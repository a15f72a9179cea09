"""Card numbers are digits before they reach a cipher."""

import pytest

from hsm_soft.pan import NotAPan, pan_digits


@pytest.mark.parametrize("pan", ["9", "9900010000000000", "9" * 19])
def test_digits_pass(pan: str) -> None:
    """One to nineteen digits become ASCII."""
    assert pan.encode() == pan_digits(pan)


@pytest.mark.parametrize("pan", ["", "9" * 20, "990001 000", "99000A", "9\uff199", "\xb2"])
def test_anything_else_is_refused(pan: str) -> None:
    """Other characters, also digits of other scripts, are refused without being quoted."""
    with pytest.raises(NotAPan, match=r"^a card number has 1 to 19 digits$"):
        pan_digits(pan)
