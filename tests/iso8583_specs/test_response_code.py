"""Goal: a response code means what its family takes it for."""

import pytest

from iso8583_specs.family import Family
from iso8583_specs.response_code import Action, ResponseCode

UNIONPAY, ISO1987, ISO1993 = Family.UNIONPAY_POS, Family.ISO1987, Family.ISO1993


@pytest.mark.parametrize(
    ("text", "family", "meaning", "action"),
    [
        ("00", UNIONPAY, "approved", Action.APPROVED),
        ("00", ISO1987, "approved", Action.APPROVED),
        ("11", UNIONPAY, "approved, VIP", Action.APPROVED),
        ("A6", UNIONPAY, "approved with a defect", Action.APPROVED),
        ("A6", ISO1987, "", Action.UNKNOWN),
        ("25", UNIONPAY, "original not found", Action.DECLINED),
        ("25", ISO1987, "unable to locate the record", Action.DECLINED),
        ("41", UNIONPAY, "lost card", Action.CAPTURE),
        ("68", ISO1987, "response received too late", Action.NO_ANSWER),
        ("77", UNIONPAY, "another batch is open: sign on", Action.TERMINAL),
        ("77", ISO1987, "", Action.UNKNOWN),
        ("91", UNIONPAY, "issuer or switch inoperative", Action.RETRY),
        ("ZZ", UNIONPAY, "", Action.UNKNOWN),
        ("000", ISO1993, "approved", Action.APPROVED),
        ("116", ISO1993, "insufficient funds", Action.DECLINED),
        ("199", ISO1993, "denied", Action.DECLINED),
        ("208", ISO1993, "lost card", Action.CAPTURE),
        ("400", ISO1993, "accepted", Action.APPROVED),
        ("499", ISO1993, "result of a reversal", Action.UNKNOWN),
        ("907", ISO1993, "issuer or switch inoperative", Action.RETRY),
        ("911", ISO1993, "issuer timed out", Action.NO_ANSWER),
        ("904", ISO1993, "format error", Action.DECLINED),
        ("0000", ISO1993, "approved", Action.APPROVED),
        ("1804", ISO1993, "denied", Action.DECLINED),
        ("00", ISO1993, "", Action.UNKNOWN),
        ("9x4", ISO1993, "", Action.UNKNOWN),
    ],
)
def test_code_has_a_meaning_and_an_action(text: str, family: Family, meaning: str, action: Action) -> None:
    """Two characters, three digits and four; unknown codes have no meaning, or that of their class."""
    code = ResponseCode(text, family)

    assert (meaning, action, action is Action.APPROVED) == (code.meaning, code.action, code.is_approval)
    assert text == str(code)
