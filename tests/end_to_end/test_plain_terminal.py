"""The test terminal itself, checked against published messages, keys and check values.

What the black-box tests prove is worth only what this terminal is, so it is held to vectors that others
published; a socket pair stands in for the host where its own refusals are the subject. Account numbers of
published messages were replaced by dummies of the same length, and their MACs recomputed for them.
"""

import ast
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from . import plain_dialect, plain_line, plain_terminal
from .plain_dialect import (
    Message,
    WorkingKeys,
    WrongAnswer,
    check_value,
    decode,
    decrypt,
    encode,
    encrypt,
    mac_of,
    pin_block,
)
from .plain_line import Answer, Line, LineClosed
from .plain_terminal import (
    DOUBLE_LENGTH,
    SINGLE_LENGTH,
    Card,
    Identity,
    Terminal,
    in_batch,
    keyed_in,
    reversal_of,
    without,
)

MASTER_KEY = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
PIN_KEY = bytes.fromhex("D931648F3DE313A4A22C15DCA4F4299E")
MAC_KEY = bytes.fromhex("C24A8FB57AA20123")
CARD = Card("9900010000000000008", "3012", "9900010000000000008=30122010000", "123456")
IDENTITY = Identity(
    "99999906", "001430170119999", bytes.fromhex("6005010000"), bytes.fromhex("613100311108"), MASTER_KEY
)

# Both published, with the dump of each field and the clear keys, by the author of the library Easy8583.
SIGN_ON_REQUEST = bytes.fromhex(
    "0057600501000061310031110808000020000000C00016000001393939393939303630303134333031373031313939393900"
    "11000000000030002553657175656E6365204E6F31323330363039393939393930360003303031"
)
SIGN_ON_ANSWER = bytes.fromhex(
    "007960000001386131003111080810003800010AC00014500211221301072008000855003232313330313439313332393030"
    "39393939393930363030313433303137303131393939390011000005190030004046F161A743497B32EAC760DF5EA57DF590"
    "0ECCE3977731A7EA402DDF0000000000000000CFF1592A"
)
# A swiped sale published with its master key, MAC key and MAC.
SALE = bytes.fromhex(
    "0200302004C020C0981100000000000000005100183402100006324392260000000008D13121010000000031363638383031"
    "34303030303030303030303030303030313536ACF46E73838A82F926000000000000000008220000013033393635423435"
)
# The block whose MAC the same source states as 8A9E91B8; its account number is a published test value.
SALE_BLOCK = bytes.fromhex(
    "0200302004C020C0981100000000000000005100183402100006324392260009942820D13121011200843931363638383031"
    "34303030303030303030303030303031313536ACF46E73838A82F92600000000000000000822000001"
)
REVERSAL = bytes.fromhex(
    "04003020048002C0801300000000000100200030020302100039383130343331323538383734343430333435313132353130"
    "31353600082200070500033031203342463735343838"
)


class Bench(NamedTuple):
    """A signed-on terminal and the far end of its line."""

    terminal: Terminal
    host: socket.socket


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A terminal on a socket pair, with the published keys taken as its session keys."""
    near, host = socket.socketpair()
    with near, host:
        terminal = Terminal(IDENTITY, Line(near, timeout_seconds=0.2))
        terminal.batch = "000001"
        terminal.keys = WorkingKeys(PIN_KEY, MAC_KEY)
        yield Bench(terminal, host)


def answered(terminal: Terminal, request: Message, code: str, **changes: str) -> bytes:
    """What a host sends that answers a request: swapped addresses, F39 and a MAC."""
    fields = without(request, "26", "35", "52", "53", "64") | {"t": "0210", "39": code} | changes
    tpdu = IDENTITY.tpdu
    swapped = replace(IDENTITY, tpdu=tpdu[:1] + tpdu[3:] + tpdu[1:3])
    sender = Terminal(swapped, terminal.line)
    sender.keys = terminal.keys
    return sender.frame(fields)


def imported_by(module: ModuleType) -> set[str]:
    """The packages that a module's source imports; a relative import shows as its first dot."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    named = {
        "." * node.level + str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    return {name if name.startswith(".") else name.split(".")[0] for name in plain | named}


def test_terminal_stands_on_two_libraries_alone() -> None:
    """The terminal's modules import the standard library, pyiso8583, cryptography and each other."""
    imported = set().union(*map(imported_by, (plain_dialect, plain_line, plain_terminal)))

    assert {"iso8583", "cryptography", ".plain_dialect", ".plain_line"} == imported - sys.stdlib_module_names


def test_sign_on_request_is_the_published_one() -> None:
    """The published sign-on is made byte for byte, length, TPDU and header included."""
    licence = b"Sequence No12306099999906".hex()
    fields = {
        "t": "0800",
        "11": "000001",
        "41": "99999906",
        "42": "001430170119999",
        "60": "00000000003",
        "62": licence,
        "63": "001",
    }
    near, far = socket.socketpair()

    with near, far:
        assert Terminal(IDENTITY, Line(near)).frame(fields) == SIGN_ON_REQUEST


def test_sign_on_answer_is_read() -> None:
    """The published sign-on answer gives its addresses, fields and key field."""
    answer = Answer.parsed(SIGN_ON_ANSWER[2:])

    assert (answer.tpdu.hex(), answer.header.hex()) == ("6000000138", "613100311108")
    assert tuple(answer[number] for number in ("t", "11", "12", "13", "37", "39")) == (
        "0810",
        "500211",
        "221301",
        "0720",
        "221301491329",
        "00",
    )
    assert answer["60"] == "00000519003"
    assert answer["62"][:40] == "46F161A743497B32EAC760DF5EA57DF5900ECCE3"


@pytest.mark.parametrize("body", [SALE, REVERSAL], ids=["sale", "reversal"])
def test_published_messages_survive_a_round_trip(body: bytes) -> None:
    """A published message is read and written again without a changed byte."""
    fields = decode(body)

    assert body == encode(without(fields, "p"))


def test_sale_fields_are_read() -> None:
    """Odd digit counts, the track's separator and the MAC characters come out as they were published."""
    fields = decode(SALE)

    assert fields["22"] == "021"
    assert fields["35"] == "4392260000000008D131210100000000"
    assert fields["52"] == "ACF46E73838A82F9"
    assert fields["60"] == "22000001"
    assert fields["64"] == "03965B45"


def test_mac_key_is_unwrapped_under_the_master_key() -> None:
    """The published wrapped key opens to the published clear key."""
    assert decrypt(MASTER_KEY, bytes.fromhex("96D605EA176B7E9E")) == MAC_KEY


def test_mac_is_the_published_one() -> None:
    """Single and double length keys give the published MACs."""
    assert mac_of(MAC_KEY, SALE_BLOCK) == "8A9E91B8"
    assert mac_of(MAC_KEY, SALE[:-8]) == "03965B45"


def test_check_values_are_the_published_ones() -> None:
    """A 16-byte PIN key and an 8-byte MAC key have the published check values."""
    assert check_value(PIN_KEY).hex().upper() == "900ECCE3"
    assert check_value(bytes.fromhex("AB7C577CC7A18045")).hex().upper() == "CFF1592A"


@pytest.mark.parametrize(
    ("pin", "pan", "block"),
    [
        ("1234", "4012345678909", "041274EDCBA9876F"),
        ("1234", "5432101234567891", "041215FEDCBA9876"),
        ("123456789012", "5555555551234567", "0C1261032D8226A9"),
    ],
)
def test_pin_block_is_the_published_one(pin: str, pan: str, block: str) -> None:
    """ISO 9564-1 format 0 blocks are those of ANSI X9.24 and of two other implementations."""
    assert block == pin_block(pin, pan).hex().upper()


def wrapped(layout: str, pin_key: bytes, mac_key: bytes) -> bytes:
    """F62 of a sign-on answer for clear keys."""
    blank = bytes(8) if layout == DOUBLE_LENGTH else b""
    pin_half = encrypt(MASTER_KEY, pin_key) + check_value(pin_key)
    return pin_half + encrypt(MASTER_KEY, mac_key) + blank + check_value(mac_key)


@pytest.mark.parametrize(
    ("layout", "pin_key", "size"), [(SINGLE_LENGTH, PIN_KEY[:8], 24), (DOUBLE_LENGTH, PIN_KEY, 40)]
)
def test_session_keys_are_taken_from_both_layouts(layout: str, pin_key: bytes, size: int) -> None:
    """The 24-byte and the 40-byte key fields give back the keys that were wrapped."""
    field_62 = wrapped(layout, pin_key, MAC_KEY)

    assert size == len(field_62)
    assert WorkingKeys(pin_key, MAC_KEY) == WorkingKeys.unwrapped(MASTER_KEY, field_62)


@pytest.mark.parametrize("position", [0, 18, 24, 30, 39])
def test_spoilt_session_keys_are_refused(position: int) -> None:
    """A changed byte of a key, of its check value or of the zero half is noticed."""
    spoilt = bytearray(wrapped(DOUBLE_LENGTH, PIN_KEY, MAC_KEY))
    spoilt[position] ^= 0x10

    with pytest.raises(WrongAnswer):
        WorkingKeys.unwrapped(MASTER_KEY, bytes(spoilt))


def test_session_keys_of_another_length_are_refused() -> None:
    """A key field of a length that the dialect does not know is refused."""
    with pytest.raises(WrongAnswer, match="39 bytes"):
        WorkingKeys.unwrapped(MASTER_KEY, bytes(39))


def test_purchase_carries_pin_track_and_mac(bench: Bench) -> None:
    """A purchase has the PIN under the session's PIN key and a MAC that covers all before it."""
    message = bench.terminal.purchase(CARD, 1250)
    body = bench.terminal.frame(message)[13:]
    fields = decode(body)

    assert (fields["3"], fields["4"], fields["60"]) == ("000000", "000000001250", "2200000100050")
    assert fields["35"] == "9900010000000000008D30122010000"
    assert (fields["26"], fields["53"]) == ("12", "2600000000000000")
    assert pin_block(CARD.pin, CARD.pan) == decrypt(PIN_KEY, bytes.fromhex(fields["52"]))
    assert fields["64"] == mac_of(MAC_KEY, body[:-8])


def test_single_length_pin_key_is_named_in_the_security_field(bench: Bench) -> None:
    """F53 says single DES where the sign-on gave an 8-byte PIN key."""
    bench.terminal.keys = WorkingKeys(PIN_KEY[:8], MAC_KEY)

    assert bench.terminal.encrypted_pin(CARD)["53"] == "2000000000000000"


def test_reversal_repeats_the_trace_and_leaves_the_pin_out(bench: Bench) -> None:
    """A reversal has its original's trace, amount and batch, the reason, and neither PIN nor track."""
    sale = bench.terminal.purchase(CARD, 700)
    reversal = reversal_of(sale)

    assert {number: sale[number] for number in ("3", "4", "11", "22", "25", "41", "42", "49", "60")} | {
        "t": "0400",
        "2": CARD.pan,
        "39": "98",
    } == reversal


def test_void_names_its_sale(bench: Bench) -> None:
    """A void has a trace of its own, batch and trace of its sale in F61 and the quoted reference in F37."""
    sale = bench.terminal.purchase(CARD, 700)
    void = bench.terminal.void(sale, "0000HJDW1K3R")

    assert {
        "t": "0200",
        "2": CARD.pan,
        "3": "200000",
        "4": "000000000700",
        "22": "012",
        "25": "00",
        "37": "0000HJDW1K3R",
        "49": "156",
        "60": "2300000100050",
        "61": "000001" + sale["11"],
    } == without(void, "11", "41", "42")
    assert int(sale["11"]) + 1 == int(void["11"])
    assert reversal_of(void).items() >= {"t": "0400", "11": void["11"], "61": void["61"]}.items()


def test_traces_count_up_for_each_message(bench: Bench) -> None:
    """Each new message of a device has the next trace."""
    first, second = (int(bench.terminal.balance_inquiry(CARD)["11"]) for _ in range(2))

    assert first + 1 == second


def test_message_changes_leave_the_original_alone(bench: Bench) -> None:
    """Typed cards and other batches are copies."""
    sale = bench.terminal.purchase(CARD, 700)

    assert in_batch(sale, "000009")["60"] == "2200000900050"
    assert ("011", CARD.pan, CARD.expiry) == tuple(
        keyed_in(sale, CARD)[number] for number in ("22", "2", "14")
    )
    assert "35" not in keyed_in(sale, CARD)
    assert (sale["60"], sale["22"]) == ("2200000100050", "021")


def test_answers_are_matched_in_any_order_and_any_slices(bench: Bench) -> None:
    """Two answers that arrive swapped and cut in odd places reach the request each belongs to."""
    first, second = (bench.terminal.purchase(CARD, amount) for amount in (100, 200))
    stream = answered(bench.terminal, second, "51") + answered(bench.terminal, first, "55")
    bench.host.sendall(stream[:17])
    bench.host.sendall(stream[17:])

    assert [answer.code for answer in bench.terminal.exchange_all([first, second])] == ["55", "51"]


def test_equal_requests_take_one_answer_each(bench: Bench) -> None:
    """Two answers with the same trace are handed out one after the other."""
    sale = bench.terminal.purchase(CARD, 100)
    bench.host.sendall(answered(bench.terminal, sale, "00") + answered(bench.terminal, sale, "94"))

    assert [answer.code for answer in bench.terminal.exchange_all([sale, sale])] == ["00", "94"]


def test_approval_with_a_wrong_mac_is_refused(bench: Bench) -> None:
    """An answer whose MAC does not verify is refused."""
    sale = bench.terminal.purchase(CARD, 100)
    bench.host.sendall(answered(bench.terminal, sale, "00", **{"64": "00000000"}))

    with pytest.raises(WrongAnswer, match="MAC"):
        bench.terminal.exchange(sale)


@pytest.mark.parametrize(("code", "refused"), [("00", True), ("97", False)])
def test_only_declines_may_lack_a_mac(bench: Bench, code: str, *, refused: bool) -> None:
    """An approval without MAC is refused, a decline without MAC is taken."""
    sale = bench.terminal.purchase(CARD, 100)
    frame = answered(bench.terminal, sale, code)
    bare = encode(without(decode(frame[13:]), "p", "64"))
    bench.host.sendall(len(frame[2:13] + bare).to_bytes(2) + frame[2:13] + bare)

    if refused:
        with pytest.raises(WrongAnswer, match="no MAC"):
            bench.terminal.exchange(sale)
    else:
        assert code == bench.terminal.exchange(sale).code


def test_answer_to_another_address_is_refused(bench: Bench) -> None:
    """An answer with the request's own TPDU was not swapped, and another header was not echoed."""
    first, second = (bench.terminal.purchase(CARD, amount) for amount in (100, 200))
    unswapped = bytearray(answered(bench.terminal, first, "51"))
    unswapped[2:7] = IDENTITY.tpdu
    other_header = bytearray(answered(bench.terminal, second, "51"))
    other_header[7] = 0x62
    bench.host.sendall(unswapped + other_header)

    with pytest.raises(WrongAnswer, match="TPDU"):
        bench.terminal.exchange(first)
    with pytest.raises(WrongAnswer, match="header"):
        bench.terminal.exchange(second)


def test_silence_is_told_apart_from_a_closed_line(bench: Bench) -> None:
    """No answer in time and a line that was hung up are different errors."""
    sale = bench.terminal.purchase(CARD, 100)

    with pytest.raises(WrongAnswer, match="no answer"):
        bench.terminal.exchange(sale)
    bench.host.close()
    with pytest.raises(LineClosed):
        bench.terminal.answer_to(sale)


def test_what_came_before_the_end_is_kept(bench: Bench) -> None:
    """Answers nobody asked for and half an answer in front of the end: the whole ones are given out."""
    sales = [bench.terminal.purchase(CARD, amount) for amount in (100, 200, 300)]
    frames = [answered(bench.terminal, sale, "00") for sale in sales]
    bench.host.sendall(frames[0] + frames[1] + frames[2][:20])
    bench.terminal.send(*sales)
    bench.terminal.answer_to(sales[1])
    bench.host.close()

    assert [sales[0]["11"]] == [answer["11"] for answer in bench.terminal.line.answers_until_closed()]


def test_an_open_line_is_not_taken_for_a_closed_one(bench: Bench) -> None:
    """Waiting for the end of an open line runs out of time; a closed line ends the wait."""
    with pytest.raises(TimeoutError):
        bench.terminal.line.wait_until_closed(within_seconds=0.05)
    bench.host.close()

    bench.terminal.line.wait_until_closed(within_seconds=0.05)


def test_silence_is_what_it_says(bench: Bench) -> None:
    """A silent line passes, a byte or an end does not."""
    bench.terminal.line.expect_silence(seconds=0.05)
    bench.host.sendall(b"x")
    with pytest.raises(WrongAnswer, match="nobody asked"):
        bench.terminal.line.expect_silence(seconds=0.05)
    bench.host.close()
    with pytest.raises(LineClosed):
        bench.terminal.line.expect_silence(seconds=0.05)


def test_secrets_stay_out_of_representations() -> None:
    """Neither cards nor keys show in what a failing test prints of these values."""
    shown = repr((CARD, IDENTITY, WorkingKeys(PIN_KEY, MAC_KEY)))

    assert CARD.pan not in shown
    assert CARD.pin not in shown
    assert repr(MASTER_KEY) not in shown
    assert repr(PIN_KEY) not in shown


def test_card_changes_keep_the_rest() -> None:
    """Another number and another PIN change nothing else of a card."""
    other = CARD.numbered("9900010000000000016")

    assert (other.pan, other.track2) == ("9900010000000000016", "9900010000000000016=30122010000")
    assert (CARD.pin, CARD.expiry) == (other.pin, other.expiry)
    assert CARD.with_wrong_pin().pin == "123457"
    assert replace(CARD, pin="999999").with_wrong_pin().pin == "000000"
