"""Goal: every dialect and profile is found by name, and its table is whole."""

from types import SimpleNamespace

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.dialects import DIALECTS, DialectExists, UnknownDialect, add, spec_for
from iso8583_specs.framing import FRAMINGS, parse_frame
from iso8583_specs.spec import BCD_LENGTH
from iso8583_specs.table_check import Table, spec_of

BASES = (
    "unionpay_pos",
    "iso1987_ascii",
    "iso1987_ascii_binary_bitmap",
    "iso1987_binary",
    "iso1987_ebcdic",
    "iso1993_ascii",
    "iso1993_binary",
    "iso1993_ebcdic",
)
PROFILES = (
    "unionpay_pos.cmbc",
    "unionpay_pos.hex_62",
    "unionpay_pos.nac_points",
    "unionpay_pos.vfwz",
    "iso1987_ascii_binary_bitmap.postilion",
    "iso1987_ebcdic.hex_bitmap",
    "iso1993_ebcdic.routed",
)


def test_profiles_stand_beside_their_dialect() -> None:
    """The names that configuration may use."""
    assert set(BASES + PROFILES) <= set(DIALECTS)


@pytest.mark.parametrize("dialect", BASES + PROFILES)
def test_table_is_whole(dialect: str) -> None:
    """Every field has a row, and no maximum is beyond what its length indicator can say."""
    spec = spec_for(dialect)
    head = {"h", "t", "p"}
    fields = set(range(2, 65)) if dialect.startswith("unionpay_pos") else set(range(1, 129)) - {65}
    checked = Table("", as_it_is=False)

    assert head | set(map(str, fields)) == set(spec)
    assert spec == checked.spec(spec)
    assert not checked.problems
    assert spec == spec_of(spec)


@pytest.mark.parametrize("dialect", BASES + PROFILES)
def test_dialect_is_one_family_throughout(dialect: str) -> None:
    """All lengths of a table are written in the same way."""
    lengths = {row["len_enc"] for row in spec_for(dialect).values() if row["len_type"]}

    assert len(lengths) == 1
    assert (lengths == {BCD_LENGTH}) == (dialect.startswith("unionpay_pos") or dialect.endswith("binary"))


def test_sample_is_read_and_written_by_a_dialect(sample: SimpleNamespace) -> None:
    """Each captured message decodes and re-encodes to its bytes."""
    body = parse_frame(FRAMINGS[sample.framing], bytes.fromhex(sample.hex)).body

    codec = codec_for(sample.profile)

    assert body == codec.encode(codec.decode(body))


@pytest.mark.parametrize("name", ["unionpay", "unionpay_pos.nobody", ""])
def test_unknown_dialect_is_refused_with_the_known_names(name: str) -> None:
    """A wrong name in configuration is answered with the right ones."""
    with pytest.raises(UnknownDialect, match=r"there are unionpay_pos, iso1987_ascii, "):
        spec_for(name)


def test_dialect_of_a_user_is_known_by_its_name(own_dialects: None) -> None:
    """It may be added again as it is, and never changes its meaning."""
    spec = spec_for("unionpay_pos")

    add("unionpay_pos.mine", spec)
    add("unionpay_pos.mine", spec)

    assert spec_for("unionpay_pos.mine") == DIALECTS["unionpay_pos.mine"] == spec
    with pytest.raises(DialectExists, match=r"there is another dialect 'unionpay_pos\.mine'"):
        add("unionpay_pos.mine", spec_for("iso1987_ascii"))
