"""Goal: our codec and pyiso8583 read and write the same dialect, since both go by the same table.

Method: messages made from each table, whole and damaged, given to both. We may be stricter about content
(digits, tracks, the MTI) and accept fillers that the reference refuses; everything else must agree, the place
of a defect too.
"""

from collections.abc import Callable
from typing import Any

import iso8583
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iso8583_specs.codec import codec_for
from iso8583_specs.defects import Defect
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.message import Message

from .conftest import refusal

Strategy = Callable[..., st.SearchStrategy[Any]]
STRICTER = {Defect.BAD_MTI, Defect.NOT_DIGITS, Defect.NOT_TRACK}


def as_reference(message: Message) -> dict[str, str]:
    """The message in the form that pyiso8583 gives and takes."""
    fields = {
        str(number): value.hex().upper() if isinstance(value, bytes) else value
        for number, value in message.fields.items()
    }
    for track in {"35", "36"} & set(fields):
        fields[track] = fields[track].replace("=", "D")
    return fields | {"t": message.mti}


def reference_refusal(dialect: str, body: bytes) -> tuple[str, int] | None:
    """The field and the offset where the reference gives up; None if it doesn't."""
    try:
        iso8583.decode(body, spec_for(dialect))
    except iso8583.DecodeError as error:
        return error.field, error.pos
    except KeyError:  # how it says that bit 1 has no row
        return "1", 2
    return None


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_both_write_the_same_bytes(dialect: str, messages: Strategy, data: st.DataObject) -> None:
    """A message with the dialect's own fillers has one wire form."""
    message = data.draw(messages(dialect, with_fillers=False))
    reference, _ = iso8583.encode(as_reference(message), spec_for(dialect))

    assert bytes(reference) == codec_for(dialect).encode(message)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_both_refuse_at_the_same_place(
    dialect: str, messages: Strategy, damaged: Strategy, data: st.DataObject
) -> None:
    """What one refuses the other refuses, for the same field and offset, but for content and fillers."""
    codec = codec_for(dialect)
    body = data.draw(damaged(codec.encode(data.draw(messages(dialect, with_fillers=False)))))
    error, theirs = refusal(codec, body), reference_refusal(dialect, body)

    readable = codec.decode_readable(body)
    if readable is not None and readable.fillers:
        assert theirs is not None
    elif error is None:
        assert theirs is None
    elif error.reason not in STRICTER:
        assert theirs is not None
        assert error.position == theirs[1]
        assert error.field is None or str(error.field) == theirs[0]


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_both_read_the_same_fields(
    dialect: str, messages: Strategy, damaged: Strategy, data: st.DataObject
) -> None:
    """What both accept says the same to both."""
    codec = codec_for(dialect)
    body = data.draw(damaged(codec.encode(data.draw(messages(dialect, with_fillers=False)))))
    assume(refusal(codec, body) is None and reference_refusal(dialect, body) is None)

    decoded, _ = iso8583.decode(body, spec_for(dialect))

    assert as_reference(codec.decode(body)) == {key: value for key, value in decoded.items() if key != "p"}
