"""An exchange between terminal and switch in words, for somebody who never saw ISO 8583, and as JSON.

Card data is masked by the wire package's rules. The meaning of a response code is what the UnionPay dialect
says, shortened to what a cashier needs.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypedDict

from iso8583_specs.describe import shown_fields
from iso8583_specs.message import Message
from iso8583_specs.values import masked
from tools.pos_script import Step, Verb
from tools.terminal import Answer, MacState, Request
from tools.till import Exchange

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "approved",
        "03": "the merchant is not registered",
        "12": "the related transaction can't be voided",
        "13": "the amount is not valid",
        "14": "the card does not exist",
        "15": "no issuer for this card number",
        "21": "the card is not in use yet",
        "22": "the related transaction was taken back already",
        "25": "the original transaction was not found",
        "30": "the message is malformed",
        "40": "this function is not offered",
        "41": "the card is reported lost",
        "43": "the card is reported stolen",
        "51": "not enough money",
        "54": "the card has expired",
        "55": "wrong PIN",
        "57": "this card may not do that",
        "58": "this terminal may not do that",
        "61": "over the amount limit",
        "62": "the card is restricted",
        "64": "the amount is not the original one",
        "65": "over the count limit",
        "75": "too many wrong PINs",
        "77": "another batch is open: sign on again",
        "90": "the day is being closed, try again",
        "91": "the issuer can't be reached",
        "92": "no route to the issuer",
        "94": "the trace number was used for something else",
        "96": "the switch has a problem, try again",
        "97": "the terminal is not registered",
        "98": "the issuer did not answer",
        "99": "the PIN can't be read: sign on again",
        "A0": "the MAC is wrong: sign on again",
    }
)


class MessageJson(TypedDict):
    """One message; values masked."""

    mti: str
    fields: dict[str, str]


class ExchangeJson(TypedDict):
    """One exchange. `answer`, `code`, `meaning` and `mac` are null for a lost answer."""

    line: int
    step: str
    terminal: str
    request: MessageJson
    answer: MessageJson | None
    code: str | None
    meaning: str | None
    mac: str | None
    same_as_before: bool | None
    expected: str | None
    as_expected: bool


def meaning(code: str) -> str:
    """A response code in words."""
    return MEANINGS.get(code, "no meaning known")


def money(amount_minor: int) -> str:
    """An amount as people write it: 1,234.50."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100:,}.{abs(amount_minor) % 100:02}"


def title(exchange: Exchange) -> str:
    """What the terminal wants."""
    return _TITLES[exchange.step.verb].format(
        original="void" if exchange.request.message.fields.get(3) == _VOID_CODE else "purchase",
        amount=money(int(exchange.request.message.fields.get(4, "0"))),
        card=masked(exchange.request.pan or ""),
    )


def told(exchange: Exchange) -> Iterator[str]:
    """An exchange, line by line."""
    yield title(exchange) + _choices(exchange.step)
    yield f"    sent    {_sent(exchange.request)}"
    if exchange.answer is None:
        yield "    answer  lost on its way, as the script wants"
    else:
        yield f"    answer  {_answered(exchange.answer, exchange.same_as_before)}"
    if not exchange.as_expected:
        yield f"    !!      {_complaint(exchange)}"


def as_json(exchange: Exchange) -> ExchangeJson:
    """An exchange for another program."""
    answer = exchange.answer
    return {
        "line": exchange.step.line,
        "step": exchange.step.verb,
        "terminal": exchange.terminal.terminal_id,
        "request": _message_json(exchange.request.message),
        "answer": _message_json(answer.message) if answer else None,
        "code": answer.code if answer else None,
        "meaning": meaning(answer.code) if answer else None,
        "mac": answer.mac if answer else None,
        "same_as_before": exchange.same_as_before,
        "expected": exchange.step.expect,
        "as_expected": exchange.as_expected,
    }


_TITLES: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.SIGN_ON: "sign-on: asks for new session keys and the open batch",
        Verb.SIGN_OFF: "sign-off: says that the terminal leaves",
        Verb.ECHO: "echo: asks whether the switch is there",
        Verb.BALANCE: "balance of card {card}",
        Verb.PURCHASE: "purchase of {amount} with card {card}",
        Verb.VOID: "void: takes the purchase of {amount} with card {card} back",
        Verb.REVERSE: "reversal: takes the {original} of {amount} with card {card} back",
        Verb.REPEAT: "repeat: sends the same bytes again",
    }
)
_VOID_CODE: Final = "200000"
# What of a message is worth a word, in this order.
_SAID_OF_REQUEST: Final = ((11, "trace {}"), (37, "reference {}"))
_SAID_OF_ANSWER: Final = ((37, "reference {}"), (38, "authorisation {}"))


def _choices(step: Step) -> str:
    wrong = [name for name, chosen in (("PIN", step.pin == "wrong"), ("MAC", step.wrong_mac)) if chosen]
    return f", with a wrong {' and a wrong '.join(wrong)}" if wrong else ""


def _sent(request: Request) -> str:
    fields = request.message.fields
    carried = [name for number, name in ((52, "PIN block"), (64, "MAC")) if number in fields]
    batch = f"batch {str(fields[60])[2:8]}"
    return " · ".join([request.message.mti, *_said(request.message, _SAID_OF_REQUEST), batch, *carried])


def _answered(answer: Answer, same_as_before: bool | None) -> str:
    verdict = f"{answer.code} {meaning(answer.code)}"
    parts = [answer.message.mti, verdict, *_said(answer.message, _SAID_OF_ANSWER)]
    if answer.balance_minor is not None:
        parts.append(f"balance {money(answer.balance_minor)}")
    if answer.mac is not MacState.ABSENT:
        parts.append(f"MAC {answer.mac}")
    if same_as_before:
        parts.append("the same answer as before")
    return " · ".join(parts)


def _complaint(exchange: Exchange) -> str:
    answer, step = exchange.answer, exchange.step
    if answer is not None and not answer.believed:
        return f"the terminal does not believe it: its MAC is {answer.mac}"
    if exchange.same_as_before is False:
        return "this is not the answer of before"
    return f"expected {step.expect} {meaning(step.expect or '')}"


def _said(message: Message, said: tuple[tuple[int, str], ...]) -> list[str]:
    return [words.format(message.fields[number]) for number, words in said if number in message.fields]


def _message_json(message: Message) -> MessageJson:
    return {"mti": message.mti, "fields": shown_fields("unionpay_pos", message)}
