"""Response codes, field 39: what a code means to whom reads it, by family of dialects.

ISO 8583:1987 has two characters, UnionPay's terminals the same with meanings and letters of their own, 1993
an action code of three digits and 2003 one of four, whose first digit is the class. A code that a table lacks
still has a class in 1993, and no meaning elsewhere. Which code a switch answers is its vocabulary's; where a
person must be told in short what to do, the caller has words of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from iso8583_specs.family import Family


class Action(Enum):
    """What who asked should make of a code."""

    APPROVED = "approved"
    RETRY = "may be tried again"
    DECLINED = "declined"
    CAPTURE = "declined, keep the card"
    NO_ANSWER = "nobody answered"
    TERMINAL = "the terminal has something to do first"
    UNKNOWN = "not known"


class _Row(NamedTuple):
    """A code of 1987, and what UnionPay's terminals take it for where that is something else."""

    action: Action
    iso1987: str
    unionpay: str = ""


_A, _B, _C, _D = Action.APPROVED, Action.RETRY, Action.DECLINED, Action.CAPTURE
_E, _T = Action.NO_ANSWER, Action.TERMINAL

# ISO 8583:1987, annex A. An empty first meaning: the standard reserves the code.
_TWO_CHARACTERS: Final[Mapping[str, _Row]] = MappingProxyType(
    {
        "00": _Row(_A, "approved"),
        "01": _Row(_C, "refer to issuer"),
        "02": _Row(_C, "refer to issuer, special condition"),
        "03": _Row(_C, "invalid merchant"),
        "04": _Row(_D, "pick up card"),
        "05": _Row(_C, "do not honour", "cardholder authentication failed"),
        "06": _Row(_C, "error"),
        "07": _Row(_D, "pick up card, special condition"),
        "09": _Row(_B, "request in progress"),
        "10": _Row(_A, "approved in part"),
        "11": _Row(_A, "approved, VIP"),
        "12": _Row(_C, "invalid transaction", "invalid or invalid related transaction"),
        "13": _Row(_C, "invalid amount"),
        "14": _Row(_C, "invalid card number"),
        "15": _Row(_C, "no such issuer"),
        "16": _Row(_A, "approved, update track 3"),
        "17": _Row(_C, "customer cancellation"),
        "19": _Row(_B, "enter the transaction again"),
        "20": _Row(_C, "invalid response"),
        "21": _Row(_C, "no action taken", "card not initialised or dormant"),
        "22": _Row(_C, "suspected malfunction", "related transaction wrong"),
        "23": _Row(_C, "unacceptable fee"),
        "25": _Row(_C, "unable to locate the record", "original not found"),
        "30": _Row(_C, "format error"),
        "31": _Row(_C, "bank not supported by the switch"),
        "33": _Row(_D, "expired card"),
        "34": _Row(_D, "suspected fraud"),
        "35": _Row(_D, "contact the acquirer"),
        "36": _Row(_D, "restricted card"),
        "37": _Row(_D, "call the acquirer's security"),
        "38": _Row(_D, "PIN tries exceeded"),
        "40": _Row(_C, "function not supported"),
        "41": _Row(_D, "lost card"),
        "42": _Row(_C, "no universal account"),
        "43": _Row(_D, "stolen card"),
        "44": _Row(_C, "no investment account"),
        "45": _Row(_C, "", "fallback not allowed, use the chip"),
        "51": _Row(_C, "insufficient funds"),
        "52": _Row(_C, "no cheque account"),
        "53": _Row(_C, "no savings account"),
        "54": _Row(_C, "expired card"),
        "55": _Row(_C, "incorrect PIN"),
        "56": _Row(_C, "no card record"),
        "57": _Row(_C, "not permitted to the cardholder"),
        "58": _Row(_C, "not permitted to the terminal"),
        "59": _Row(_C, "suspected fraud", "card verification number wrong"),
        "60": _Row(_C, "contact the acquirer"),
        "61": _Row(_C, "over the amount limit"),
        "62": _Row(_C, "restricted card"),
        "63": _Row(_C, "security violation"),
        "64": _Row(_C, "original amount incorrect"),
        "65": _Row(_C, "over the count limit"),
        "66": _Row(_C, "call the acquirer's security"),
        "67": _Row(_D, "hard capture"),
        "68": _Row(_E, "response received too late"),
        "75": _Row(_C, "PIN tries exceeded"),
        "77": _Row(_T, "", "another batch is open: sign on"),
        "78": _Row(_T, "", "download data from the centre"),
        "79": _Row(_T, "", "offline upload out of balance: upload again"),
        "90": _Row(_B, "cut-off in progress"),
        "91": _Row(_B, "issuer or switch inoperative"),
        "92": _Row(_C, "no route"),
        "93": _Row(_C, "violation of law"),
        "94": _Row(_C, "duplicate transmission"),
        "95": _Row(_T, "reconciliation error", "totals out of balance: upload the batch"),
        "96": _Row(_B, "system malfunction"),
        "97": _Row(_C, "", "terminal not registered"),
        "98": _Row(_E, "", "no answer from the issuer"),
        "99": _Row(_T, "", "PIN block wrong: sign on"),
        "A0": _Row(_T, "", "MAC wrong: sign on"),
        "A1": _Row(_C, "", "currency of the transfer differs"),
        "A2": _Row(_A, "", "approved with a defect"),
        "A3": _Row(_C, "", "no such account at the destination"),
        "A4": _Row(_A, "", "approved with a defect"),
        "A5": _Row(_A, "", "approved with a defect"),
        "A6": _Row(_A, "", "approved with a defect"),
        "A7": _Row(_C, "", "security processing failed"),
    }
)

# ISO 8583:1993, annex A.
_THREE_DIGITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "000": "approved",
        "001": "honour with identification",
        "002": "approved in part",
        "003": "approved, VIP",
        "004": "approved, update track 3",
        "100": "do not honour",
        "101": "expired card",
        "102": "suspected fraud",
        "103": "contact the acquirer",
        "104": "restricted card",
        "105": "call the acquirer's security",
        "106": "PIN tries exceeded",
        "107": "refer to issuer",
        "108": "refer to issuer, special condition",
        "109": "invalid merchant",
        "110": "invalid amount",
        "111": "invalid card number",
        "112": "PIN required",
        "113": "unacceptable fee",
        "114": "no account of that type",
        "115": "function not supported",
        "116": "insufficient funds",
        "117": "incorrect PIN",
        "118": "no card record",
        "119": "not permitted to the cardholder",
        "120": "not permitted to the terminal",
        "121": "over the amount limit",
        "122": "security violation",
        "123": "over the count limit",
        "124": "violation of law",
        "125": "card not effective",
        "126": "invalid PIN block",
        "127": "PIN length error",
        "128": "PIN key out of step",
        "129": "suspected counterfeit card",
        "200": "do not honour",
        "201": "expired card",
        "202": "suspected fraud",
        "203": "contact the acquirer",
        "204": "restricted card",
        "205": "call the acquirer's security",
        "206": "PIN tries exceeded",
        "207": "special condition",
        "208": "lost card",
        "209": "stolen card",
        "210": "suspected counterfeit card",
        "300": "successful",
        "302": "unable to locate the record",
        "306": "not successful",
        "400": "accepted",
        "500": "reconciled, in balance",
        "501": "reconciled, out of balance",
        "600": "accepted",
        "700": "accepted",
        "800": "accepted",
        "900": "advice acknowledged, no liability accepted",
        "901": "advice acknowledged, liability accepted",
        "902": "invalid transaction",
        "903": "enter the transaction again",
        "904": "format error",
        "905": "acquirer not supported by the switch",
        "906": "cut-off in progress",
        "907": "issuer or switch inoperative",
        "908": "no route",
        "909": "system malfunction",
        "910": "issuer signed off",
        "911": "issuer timed out",
        "912": "issuer unavailable",
        "913": "duplicate transmission",
        "914": "original not found",
        "915": "reconciliation cut-off or checkpoint error",
        "916": "MAC incorrect",
        "917": "MAC key out of step",
        "918": "no communication keys",
        "919": "encryption key out of step",
        "922": "message number out of sequence",
        "923": "request in progress",
    }
)

_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0": "approved",
        "1": "denied",
        "2": "denied, keep the card",
        "3": "result of a file action",
        "4": "result of a reversal",
        "5": "result of a reconciliation",
        "6": "result of an administrative message",
        "7": "result of a fee collection",
        "8": "result of network management",
        "9": "error",
    }
)

_ACTION_BY_CLASS: Final = MappingProxyType({"0": _A, "1": _C, "2": _D, "9": _C})
_ACTIONS_OF_1993: Final = MappingProxyType(
    dict.fromkeys(("300", "400", "500", "600", "700", "800", "900", "901"), _A)
    | dict.fromkeys(("903", "906", "907", "909", "910", "912", "923"), _B)
    | {"911": _E}
)

REVERSAL_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "06": "answer unusable",
        "96": "terminal could not keep the transaction",
        "98": "no answer in time",
        "A0": "MAC of the answer wrong",
    }
)
"""Field 39 of a reversal's request, where UnionPay's terminals say why they reverse."""


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A response code as one family reads it.

    Attributes:
        text: Two characters (1987, UnionPay), three digits (1993) or four (2003).
        family: Who reads it.
    """

    text: str
    family: Family

    @property
    def meaning(self) -> str:
        """In words; empty for a code that nobody knows."""
        if self.family is Family.ISO1993:
            return _THREE_DIGITS.get(self.text) or (_CLASSES[self.text[0]] if self._has_class else "")
        row = _TWO_CHARACTERS.get(self.text)
        if row is None:
            return ""
        return (row.unionpay or row.iso1987) if self.family is Family.UNIONPAY_POS else row.iso1987

    @property
    def action(self) -> Action:
        """What to make of it."""
        if self.family is not Family.ISO1993:
            return _TWO_CHARACTERS[self.text].action if self.meaning else Action.UNKNOWN
        if not self._has_class:
            return Action.UNKNOWN
        by_class = _ACTION_BY_CLASS.get(self.text[0], Action.UNKNOWN)
        return _ACTIONS_OF_1993.get(self.text, by_class)

    @property
    def is_approval(self) -> bool:
        """Whether what was asked for was done."""
        return self.action is Action.APPROVED

    @property
    def _has_class(self) -> bool:
        return len(self.text) in {3, 4} and self.text.isascii() and self.text.isdecimal()

    def __str__(self) -> str:
        return self.text
