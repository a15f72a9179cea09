"""What every answer carries, approved or not: addresses, echoes, times, references and MAC.

The terminal itself checks swapped addresses, the echoed header and the MAC of each answer it reads.
"""

import re
from collections.abc import Callable

import pytest

from .plain_dialect import Message
from .plain_terminal import Card, Terminal, in_batch, reversal_of, without
from .switch_process import BALANCE_MINOR

Request = Callable[[Terminal, Card], Message]
ALWAYS_ECHOED = ("11", "41", "42", "60")
ECHOED_WHERE_PRESENT = ("2", "3", "4", "14", "25", "49")


def sale(terminal: Terminal, card: Card, amount_minor: int = 100) -> Message:
    """A swiped sale that names the card's number and expiry too."""
    return terminal.purchase(card, amount_minor) | {"2": card.pan, "14": card.expiry}


OTHER = dict(zip("0123456789", "1234567890", strict=True))
# One request for each way out of the switch that leaves the message readable.
REQUESTS: dict[str, Request] = {
    "00": sale,
    "14": lambda terminal, card: sale(terminal, card.numbered(card.pan[:-1] + OTHER[card.pan[-1]])),
    "15": lambda terminal, card: sale(terminal, card.numbered("6225880000000001")),
    "30": lambda terminal, card: without(sale(terminal, card), "53"),
    "51": lambda terminal, card: sale(terminal, card, BALANCE_MINOR + 1),
    "55": lambda terminal, card: without(sale(terminal, card), "26", "52", "53"),
    "77": lambda terminal, card: in_batch(sale(terminal, card), "999999"),
    "97": lambda terminal, card: sale(terminal, card) | {"41": "99999999"},
    "99": lambda terminal, card: sale(terminal, card) | {"52": terminal.encrypted(b"\xff" * 8)},
    "A0": lambda terminal, card: sale(terminal, card) | {"64": "00000000"},
}
EACH_REQUEST = pytest.mark.parametrize(("code", "request_of"), REQUESTS.items(), ids=REQUESTS)


@EACH_REQUEST
def test_answer_echoes_the_request(terminal: Terminal, card: Card, code: str, request_of: Request) -> None:
    """Trace, terminal, merchant and F60 come back always; card, amount and codes where they were sent."""
    request = request_of(terminal, card)

    answer = terminal.exchange(request)

    sent = {number: request[number] for number in ECHOED_WHERE_PRESENT + ALWAYS_ECHOED if number in request}
    assert code == answer.code
    assert answer["t"] == "0210"
    assert sent == {number: answer.fields.get(number) for number in sent}


@EACH_REQUEST
def test_answer_has_time_date_and_reference(
    terminal: Terminal, card: Card, code: str, request_of: Request
) -> None:
    """F12 is hhmmss, F13 is MMDD and F37 has twelve characters, whatever the outcome."""
    answer = terminal.exchange(request_of(terminal, card))

    assert re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", answer["12"])
    assert re.fullmatch(r"(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", answer["13"])
    assert re.fullmatch(r"[0-9A-Za-z]{12}", answer["37"])


@EACH_REQUEST
def test_connection_goes_on_after_each_answer(
    terminal: Terminal, card: Card, code: str, request_of: Request
) -> None:
    """No refusal closes the connection or keeps the next sale from being approved on it."""
    terminal.exchange(request_of(terminal, card))

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"


def test_references_are_unique(terminal: Terminal, card: Card) -> None:
    """No two requests get the same F37, refused ones and other messages included."""
    requests = [request_of(terminal, card) for request_of in REQUESTS.values() for _ in range(3)]
    requests += [terminal.balance_inquiry(card), terminal.management("0820", "301")]

    references = [answer["37"] for answer in terminal.exchange_all(requests)]

    assert len(requests) == len(set(references))


def test_approvals_carry_a_code_and_a_mac(terminal: Terminal, card: Card) -> None:
    """Purchase, balance inquiry and reversal are approved with F38, and with F64 as the terminal checked."""
    purchase = terminal.purchase(card, 100)
    requests = [purchase, terminal.balance_inquiry(card), reversal_of(purchase)]

    answers = [terminal.exchange(request) for request in requests]

    assert [answer.code for answer in answers] == ["00"] * 3
    assert all(re.fullmatch(r"[0-9A-Za-z]{6}", answer["38"]) for answer in answers)
    assert all("64" in answer.fields for answer in answers)


def test_declines_carry_no_approval_code(terminal: Terminal, card: Card) -> None:
    """F38 stands for an approval; a decline has none."""
    answer = terminal.exchange(terminal.purchase(card, BALANCE_MINOR + 1))

    assert answer.code == "51"
    assert "38" not in answer.fields


def test_malformed_message_is_answered_and_the_line_goes_on(terminal: Terminal, card: Card) -> None:
    """A bitmap that names fields which aren't there gets 30 with the readable fields echoed, and no more."""
    request = sale(terminal, card)
    frame = terminal.frame(request)
    body = bytearray(frame[13:-8])
    body[9] |= 0x02  # field 63, absent as field 64 is now
    terminal.line.send_bytes(terminal.wrap(bytes(body)))

    answer = terminal.answer_to(request)

    assert answer.code == "30"
    assert {number: request[number] for number in ALWAYS_ECHOED} == {
        number: answer[number] for number in ALWAYS_ECHOED
    }
    assert len(answer["37"]) == 12
    assert terminal.read_balance(card) == BALANCE_MINOR
