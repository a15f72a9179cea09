"""Goal: an error says where and why, survives a trip between processes, and knows no data."""

import pickle

import pytest

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            MalformedMessage("unionpay_pos", 35, 61, Defect.NOT_TRACK),
            "unionpay_pos: field 35 at byte 61: not only digits and separators",
        ),
        (
            MalformedMessage("unionpay_pos", None, 90, Defect.TRAILING_BYTES),
            "unionpay_pos: message at byte 90: bytes after the last field",
        ),
        (
            UnencodableField("unionpay_pos", 39, Defect.WRONG_LENGTH),
            "unionpay_pos: field 39: not the field's fixed length",
        ),
        (
            UnencodableField("unionpay_pos", None, Defect.BAD_MTI),
            "unionpay_pos: message: the message type is not four digits",
        ),
    ],
)
def test_error_says_where_and_why(error: Exception, text: str) -> None:
    """The text has dialect, place and reason, and pickling keeps it."""
    assert text == str(error) == str(pickle.loads(pickle.dumps(error)))
