"""Goal: a message type says what it is, and which one answers it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.mti import Mti


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("0200", "1987 financial request, acquirer"),
        ("0421", "1987 reversal advice, acquirer, repeat"),
        ("1810", "1993 network management response, acquirer"),
        ("2102", "2003 authorisation request, issuer"),
        ("9995", "private reserved reserved, other, repeat"),
        ("3006", "reserved reserved request, reserved"),
    ],
)
def test_digits_have_meanings(text: str, meaning: str) -> None:
    """Version, class, function and origin are said in words."""
    assert meaning == Mti(text).meaning
    assert text == str(Mti(text))


@pytest.mark.parametrize(
    ("request_text", "response"),
    [
        ("0200", "0210"),
        ("0201", "0210"),
        ("0420", "0430"),
        ("0421", "0430"),
        ("0102", "0112"),
        ("0103", "0112"),
        ("1644", "1654"),
        ("0644", None),
        ("0210", None),
        ("0260", None),
    ],
)
def test_request_has_one_response(request_text: str, response: str | None) -> None:
    """A repeat is answered as its first sending; responses, and notifications of 1987, have no answer."""
    expected = None if response is None else Mti(response)

    assert expected == Mti(request_text).response
    assert expected is None or expected.is_response_to(Mti(request_text))


@given(st.text("0123456789", min_size=4, max_size=4).map(Mti))
def test_repeat_and_first_sending_belong_together(mti: Mti) -> None:
    """Repeating twice is repeating once, and the first sending is no repeat."""
    assert mti.repeat == mti.repeat.repeat
    assert mti.first == mti.repeat.first == mti.first.first
    assert not mti.first.is_repeat
    assert mti.repeat.is_repeat is (mti.text[3] in "012345")
    assert mti.response == mti.repeat.response


@pytest.mark.parametrize("text", ["", "020", "02000", "02O0", "²²²²"])
def test_what_is_no_message_type_is_refused(text: str) -> None:
    """Only four ASCII digits are one."""
    with pytest.raises(ValueError, match=r"^an MTI has four digits$"):
        Mti(text)
