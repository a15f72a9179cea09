"""Goal: every structure reads what it writes and writes what it read, and what it hides stays hidden."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.subfields.structure import LONGEST, MalformedSubField, Part, Place, SubField
from iso8583_specs.subfields.tlv import AsciiTlv, BerTlv
from iso8583_specs.subfields.tracks import Track2
from iso8583_specs.subfields.transaction import TransactionDetails
from iso8583_specs.values import Pan

PLACE = Place("made_up", 60)
Contents = Mapping[type[SubField], tuple[str | bytes, ...]]
# What structures look for, and what they don't.
LETTERS = "0123456789" * 3 + "=D^CB/ Sequenc\x00\x7f\x81\x9f\xff中"


def test_content_builds_to_what_it_was_parsed_from_holds(
    structure: type[SubField], content: str | bytes
) -> None:
    """Parsing and building give the content again, whether it was text or bytes."""
    as_bytes = content if isinstance(content, bytes) else content.encode("latin-1")

    assert content == structure.parse(content).build()
    assert structure.parse(as_bytes) == structure.parse(as_bytes.decode("latin-1"))


def test_structure_shows_no_secret_of_its_own_holds(structure: type[SubField], content: str | bytes) -> None:
    """The repr has no card number and no hidden part, and the parts know what they hide."""
    parsed = structure.parse(content)

    secrets = {
        part.shown(clear=True) for part in parsed.parts() if part.hidden or isinstance(part.value, Pan)
    }

    assert repr(parsed).startswith(structure.__name__ + "(")
    assert not [secret for secret in secrets if len(secret) > 2 and secret in repr(parsed)]


def test_every_structure_shows_itself_by_its_parts(contents: Contents) -> None:
    """No structure has a repr of its own, and each is among the contents of these tests."""
    known = {structure for structure in _below(SubField) if structure.__module__.startswith("iso8583_specs.")}

    assert known == contents.keys()
    assert {SubField.__repr__} == {structure.__repr__ for structure in known}


def test_every_structure_is_in_the_reference(contents: Contents) -> None:
    """docs/sub-fields.md names each structure."""
    reference = (Path(__file__).parents[3] / "docs" / "sub-fields.md").read_text(encoding="utf-8")

    assert not [structure.__name__ for structure in contents if f"`{structure.__name__}`" not in reference]


def _below(structure: type[SubField]) -> set[type[SubField]]:
    # A class with slots is made twice; only the second one has the name.
    return {
        found for found in structure.__subclasses__() if "__slots__" in vars(found) and found.__match_args__
    }


@given(st.data())
def test_damaged_content_parses_exactly_or_is_refused(contents: Contents, data: st.DataObject) -> None:
    """Whatever a valid content is changed into, it builds again to itself or raises the one error."""
    structure = data.draw(st.sampled_from(sorted(contents, key=lambda one: one.__name__)))
    content = data.draw(st.sampled_from(contents[structure]))
    text = content if isinstance(content, str) else content.decode("latin-1")
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.text(LETTERS, max_size=4)) + text[at + data.draw(st.integers(0, 3)) :]

    _parses_exactly_or_is_refused(structure, damaged)


@given(st.data())
def test_any_content_parses_exactly_or_is_refused(contents: Contents, data: st.DataObject) -> None:
    """Arbitrary text and bytes build again to themselves or raise the one error."""
    structure = data.draw(st.sampled_from(sorted(contents, key=lambda one: one.__name__)))

    _parses_exactly_or_is_refused(
        structure, data.draw(st.text(LETTERS, max_size=60) | st.binary(max_size=60))
    )


def _parses_exactly_or_is_refused(structure: type[SubField], content: str | bytes) -> None:
    parsed = _parsed(structure, content)
    if isinstance(parsed, MalformedSubField):
        assert 0 <= parsed.position <= len(content)
        assert (None, None) == (parsed.__cause__, parsed.__context__)
        return
    built = parsed.build()
    other = built.encode("latin-1") if isinstance(built, str) else built.decode("latin-1")
    assert content in {built, other}
    assert parsed == structure.parse(built)
    assert repr(parsed)


def _parsed(structure: type[SubField], content: str | bytes) -> SubField | MalformedSubField:
    try:
        return structure.parse(content)
    except MalformedSubField as error:
        return error


@pytest.mark.parametrize("structure", [TransactionDetails, BerTlv, AsciiTlv, Track2])
def test_more_than_any_field_can_hold_is_refused(
    structure: type[SubField], refuses: Callable[[type[SubField], str | bytes, int, Defect], None]
) -> None:
    """Time is bounded by size, and size by what a length indicator can say."""
    refuses(structure, "0" * (LONGEST + 1), LONGEST, Defect.TOO_LONG)


def test_errors_say_where_and_why() -> None:
    """The text names structure, field, position and reason, and pickling keeps them."""
    error = PLACE.malformed(3, Defect.NOT_DIGITS)

    assert "made_up: inside field 60 at 3: not only decimal digits" == str(error)
    assert isinstance(error, MalformedMessage)
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


def test_reader_takes_parts_and_knows_where_it_is() -> None:
    """Each verb takes from the front; nothing is left at the end."""
    reader = PLACE.reader("ab12034")

    assert ("ab", "ab", "12", 3, 6) == (
        reader.ahead(2),
        reader.text(2),
        reader.digits(2),
        reader.number(2),
        reader.position,
    )
    with pytest.raises(MalformedSubField) as caught:
        reader.end()
    assert (6, Defect.TRAILING_BYTES) == (caught.value.position, caught.value.reason)
    assert ("4", "", "", True) == (
        reader.optional_digits(1),
        reader.optional_digits(3),
        reader.rest(),
        reader.at_end,
    )
    reader.end()


@pytest.mark.parametrize(
    ("content", "position", "reason"),
    [("1", 0, Defect.TRUNCATED), ("1a", 1, Defect.NOT_DIGITS), ("²1", 0, Defect.NOT_DIGITS)],
)
def test_reader_refuses_what_is_no_digits(content: str, position: int, reason: Defect) -> None:
    """Digits are ASCII, and as many as asked for; the position is that of the first wrong one."""
    with pytest.raises(MalformedSubField) as caught:
        PLACE.reader(content).digits(2)

    assert (position, reason) == (caught.value.position, caught.value.reason)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda: PLACE.digits("1a", 2), Defect.NOT_DIGITS),
        (lambda: PLACE.digits("123", 2), Defect.WRONG_LENGTH),
        (lambda: PLACE.number(-1, 2), Defect.NOT_DIGITS),
        (lambda: PLACE.number(100, 2), Defect.TOO_LONG),
        (lambda: PLACE.text("", 1), Defect.WRONG_LENGTH),
        (lambda: PLACE.optional_digits([("", 2), ("1", 1)]), Defect.WRONG_LENGTH),
    ],
)
def test_value_without_a_place_is_refused(write: Callable[[], str], reason: Defect) -> None:
    """Wrong widths, wrong characters and gaps raise the error of encoding."""
    with pytest.raises(UnencodableField) as caught:
        write()

    assert ("made_up", 60, reason) == caught.value.args


def test_octets_are_latin_1() -> None:
    """Text is one byte a character; one that has none is where the defect is."""
    assert b"\xff" == PLACE.octets("\xff") == PLACE.octets(b"\xff")
    with pytest.raises(MalformedSubField) as caught:
        PLACE.octets("ab中")
    assert (2, Defect.NOT_LATIN_1) == (caught.value.position, caught.value.reason)


@pytest.mark.parametrize(
    ("part", "masked", "clear"),
    [
        (Part("1", "open", "text"), "text", "text"),
        (Part("1", "open", b"\xab"), "AB", "AB"),
        (Part("1", "hidden", "text", hidden=True), "<4 characters>", "text"),
        (Part("1", "hidden", b"\xab", hidden=True), "<1 bytes>", "AB"),
        (Part("1", "card", Pan("9900010123456781234")), "99000101*******1234", "9900010123456781234"),
    ],
)
def test_part_shows_what_may_be_seen(part: Part, masked: str, clear: str) -> None:
    """Hidden parts show their size, cards their ends, and all of it who asks for clear."""
    assert (masked, clear) == (part.shown(bin_digits=8), part.shown(clear=True))
