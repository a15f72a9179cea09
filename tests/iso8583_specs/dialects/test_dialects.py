"""Goal: every dialect and profile is found by name, and its table is whole."""

import pytest

from iso8583_specs.dialects import DIALECTS, UnknownDialect, spec_for

MOST_BY_INDICATOR = {1: 99, 2: 999}


def test_profiles_stand_beside_their_dialect() -> None:
    """The names that configuration may use."""
    profiles = ("cmbc", "hex_62", "nac_points", "vfwz")

    assert {"unionpay_pos", *(f"unionpay_pos.{profile}" for profile in profiles)} == set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_table_is_whole(dialect: str) -> None:
    """Every field from 2 to 64 has a row, and no maximum is beyond what its length indicator can say."""
    spec = spec_for(dialect)

    assert {"h", "t", "p", *map(str, range(2, 65))} == set(spec)
    assert not [
        key for key, row in spec.items() if row["max_len"] > MOST_BY_INDICATOR.get(row["len_type"], 99)
    ]


@pytest.mark.parametrize("name", ["unionpay", "unionpay_pos.nobody", ""])
def test_unknown_dialect_is_refused_with_the_known_names(name: str) -> None:
    """A wrong name in configuration is answered with the right ones."""
    with pytest.raises(UnknownDialect, match=r"there are unionpay_pos, unionpay_pos\.cmbc"):
        spec_for(name)
