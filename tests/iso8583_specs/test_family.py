"""Goal: a dialect's name says which vocabulary its fields have."""

import pytest

from iso8583_specs.dialects import DIALECTS
from iso8583_specs.family import Family, family_of


@pytest.mark.parametrize(
    ("dialect", "family"),
    [
        ("unionpay_pos", Family.UNIONPAY_POS),
        ("unionpay_pos.vfwz", Family.UNIONPAY_POS),
        ("iso1987_ebcdic", Family.ISO1987),
        ("iso1993_ascii", Family.ISO1993),
        ("my_bank", None),
    ],
)
def test_family_is_the_beginning_of_the_name(dialect: str, family: Family | None) -> None:
    """Profiles belong to the family of their dialect; another name says nothing."""
    assert family == family_of(dialect)


def test_every_dialect_of_ours_has_a_family() -> None:
    """None of them is left to what is harmless everywhere."""
    assert not [dialect for dialect in DIALECTS if family_of(dialect) is None]
