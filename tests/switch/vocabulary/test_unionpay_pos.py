"""UnionPay POS messages: which service they ask for, what breaks the rules, and what an answer repeats."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.codec import Codec
from iso8583_specs.dialects.unionpay_pos import SPEC
from iso8583_specs.message import Message
from iso8583_specs.spec import Content, FieldSpec
from ledger.outcome import Outcome
from switch.vocabulary.model import KeyLayout, Reply, Request, Service
from switch.vocabulary.unionpay_pos import (
    FINANCIAL,
    KEY_LAYOUTS,
    MANAGEMENT,
    NAMING,
    NEEDED,
    OPTIONAL,
    RESPONSE_CODES,
    answer,
    can_read,
    is_request,
    read,
)
from tests.switch import wild_messages

MakeMessage = Callable[..., Message]
Changes = Mapping[int, str | bytes | None]

PAN = "9900010000000000019"
OTHER_PAN = "9900010000000000027"
RRN = "0000HJDW1K3R"
SERVICES = {
    "sign-on": Service.SIGN_ON,
    "sign-off": Service.SIGN_OFF,
    "echo": Service.ECHO,
    "purchase": Service.PURCHASE,
    "balance": Service.BALANCE_INQUIRY,
    "reversal": Service.PURCHASE_REVERSAL,
    "void": Service.PURCHASE_VOID,
    "void reversal": Service.PURCHASE_VOID_REVERSAL,
}


def reply(outcome: Outcome = Outcome.APPROVED, **more: Any) -> Reply:
    """A reply at a fixed moment."""
    return Reply(outcome, RRN, "123456", "0131", **more)


# The tables


@pytest.mark.parametrize(
    ("changed", "readable"),
    [
        ({}, True),
        ({"59": "b"}, True),
        ({"62": "ans"}, False),
        ({"64": "x"}, False),
        ({"61": "b"}, False),
        ({"35": "b"}, False),
    ],
)
def test_what_is_read_as_text_must_be_text(changed: dict[str, Content], readable: bool) -> None:
    """A table can be read if PIN block, keys and MAC are bytes, and each field whose text counts is text."""
    rows: dict[str, FieldSpec] = {
        number: SPEC[number] | {"content": content} for number, content in changed.items()
    }

    assert readable is can_read({**SPEC, **rows})


def test_each_outcome_has_a_response_code() -> None:
    """The table of response codes is total, and only an approval is 00."""
    assert set(Outcome) == set(RESPONSE_CODES)
    assert [outcome for outcome, code in RESPONSE_CODES.items() if code == "00"] == [Outcome.APPROVED]
    assert {2} == {len(code) for code in RESPONSE_CODES.values()}


def test_each_service_has_its_fields() -> None:
    """Needed and optional fields are told for every service, and are fields of the dialect."""
    assert set(Service) == set(NEEDED) == set(OPTIONAL)
    for service in Service:
        assert not NEEDED[service] & OPTIONAL[service] - OPTIONAL[Service.UNSUPPORTED]
        assert {str(number) for number in NEEDED[service]} <= SPEC.keys()


def test_each_service_can_be_named() -> None:
    """Every service stands under an MTI whose naming fields are told, and is named once."""
    named = [*FINANCIAL.values(), *MANAGEMENT.values()]

    assert {Service.UNSUPPORTED} == set(Service) - set(named)
    assert NAMING.keys() == {mti for mti, *_ in [*FINANCIAL, *MANAGEMENT]}
    assert KEY_LAYOUTS.keys() == {
        code for (_, code), service in MANAGEMENT.items() if service is Service.SIGN_ON
    }


@pytest.mark.parametrize(
    ("mtis", "expected"),
    [
        ("0100 0200 0201 0220 0221 0400 0401 0500 0620 0800 0801 0820 0920", True),
        ("0210 0211 0230 0410 0510 0810 0830", False),
        ("0240 0250 0260 0270 0280 0290", False),
        ("0202 0203 0204 0205 0209", False),
        ("0000 0020 1200 2200 8200 9999", False),
    ],
)
def test_requests_are_told_by_their_mti(mtis: str, expected: bool) -> None:
    """Requests and advices of the 1987 standard are requests; answers, notices and nonsense are none."""
    assert {expected} == {is_request(mti) for mti in mtis.split()}


# Reading


@pytest.mark.parametrize(("name", "service"), SERVICES.items())
def test_service_is_read(message: MakeMessage, name: str, service: Service) -> None:
    """A message as terminals send it is a sound request for its service, and so is its repeat."""
    for mti in (None, message(name).mti[:3] + "1"):
        request = read(message(name, mti=mti))

        assert (service, None, 0) == (request.service, request.defect, request.unexpected_fields)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("purchase", {3: "200000"}),
        ("purchase", {3: "000000", 25: "65"}),
        ("purchase", {60: "23000001000"}),
        ("void", {3: "000000"}),
        ("void", {25: "06"}),
        ("void", {60: "22000001000"}),
        ("void", {60: "25000001000"}),
        ("void reversal", {60: "22000001000"}),
        ("purchase", {60: "01000001000"}),
        ("balance", {60: "22000001000"}),
        ("balance", {25: "06"}),
        ("reversal", {60: "23000001000"}),
        ("sign-on", {60: "00000000011"}),
        ("sign-off", {60: "00000000001"}),
        ("points void", {}),
        ("points void", {35: "9" * 37}),
        ("points void", {35: "="}),
        ("points void", {2: ""}),
        ("points void", {49: "XYZ"}),
    ],
)
def test_what_is_not_offered_is_unsupported(message: MakeMessage, name: str, changes: Changes) -> None:
    """A combination of codes that names no service is a sound request that nobody looks into further."""
    request = read(message(name, changes))

    assert (request.service, request.defect, request.pan) == (Service.UNSUPPORTED, None, None)


@pytest.mark.parametrize("mti", ["0100", "0220", "0320", "0500", "0620", "0920"])
def test_other_mtis_are_unsupported_however_short(message: MakeMessage, mti: str) -> None:
    """Of a message type that isn't offered nothing is asked but who sends it."""
    request = read(message("purchase", {3: None, 25: None, 60: None}, mti=mti))

    assert (request.service, request.defect) == (Service.UNSUPPORTED, None)


@pytest.mark.parametrize("name", SERVICES)
def test_each_needed_field_is_missed(message: MakeMessage, name: str) -> None:
    """Without any one of its needed fields a message is malformed, and the defect names the field."""
    for number in NEEDED[SERVICES[name]]:
        assert f"field {number} is missing" == read(message(name, {number: None})).defect


@pytest.mark.parametrize(
    ("name", "changes", "defect"),
    [
        ("points void", {41: None}, "field 41 is missing"),
        ("points void", {42: None}, "field 42 is missing"),
        ("purchase", {60: "2200000"}, "field 60 is too short"),
        ("purchase", {60: ""}, "field 60 is too short"),
        ("sign-on", {60: "0000000000"}, "field 60 is too short"),
        ("sign-on", {60: "22000000003"}, "field 60 is not of management"),
        ("sign-off", {60: "01000001002"}, "field 60 is not of management"),
        ("echo", {60: "48000001301"}, "field 60 is not of management"),
        ("purchase", {49: "15\0"}, "field 49 is no currency number"),
        ("balance", {49: "CNY"}, "field 49 is no currency number"),
        ("reversal", {49: "1 6"}, "field 49 is no currency number"),
        ("purchase", {49: "15²"}, "field 49 is no currency number"),
        ("purchase", {35: None}, "field 2 or 35 is missing"),
        ("balance", {35: None}, "field 2 or 35 is missing"),
        ("purchase", {53: None}, "field 53 is missing beside field 52"),
        ("reversal", {52: bytes(8)}, "field 53 is missing beside field 52"),
        ("purchase", {35: ""}, "field 35 is no track 2"),
        ("purchase", {35: "="}, "field 35 is no track 2"),
        ("purchase", {35: PAN}, "field 35 is no track 2"),
        ("purchase", {35: f"={PAN}"}, "field 35 is no track 2"),
        ("purchase", {35: f"{PAN}0=3112"}, "field 35 is no track 2"),
        ("purchase", {2: PAN, 35: "="}, "field 35 is no track 2"),
        ("reversal", {35: "1" * 37}, "field 35 is no track 2"),
        ("purchase", {2: ""}, "field 2 is empty"),
        ("reversal", {2: ""}, "field 2 is empty"),
        ("void", {61: ""}, "field 61 is too short"),
        ("void", {61: "00000100000"}, "field 61 is too short"),
        ("void reversal", {61: "000001"}, "field 61 is too short"),
        ("void", {52: bytes(8)}, "field 53 is missing beside field 52"),
        ("void", {52: bytes(8), 53: "2600000000000000"}, "field 2 or 35 is missing beside field 52"),
        ("void", {35: "="}, "field 35 is no track 2"),
        ("void", {49: "CNY"}, "field 49 is no currency number"),
    ],
)
def test_broken_rules_are_told_without_data(
    message: MakeMessage, name: str, changes: Changes, defect: str
) -> None:
    """What breaks the dialect's rules is said in words that hold nothing of the message."""
    assert defect == read(message(name, changes)).defect


@pytest.mark.parametrize(
    ("changes", "pan", "expiry", "agree"),
    [
        ({}, PAN, "3112", True),
        ({35: f"{PAN}="}, PAN, None, True),
        ({35: f"{PAN}=31"}, PAN, "31", True),
        ({35: f"{PAN}==3112"}, PAN, "=311", True),
        ({14: "3011"}, PAN, "3011", True),
        ({2: PAN}, PAN, "3112", True),
        ({2: PAN, 35: None}, PAN, None, True),
        ({2: PAN, 14: "3112", 35: None}, PAN, "3112", True),
        ({2: OTHER_PAN}, OTHER_PAN, "3112", False),
        ({2: PAN[:-1]}, PAN[:-1], "3112", False),
        ({35: "4=3112"}, "4", "3112", True),
    ],
)
def test_card_is_read_from_field_2_and_track_2(
    message: MakeMessage, changes: Changes, pan: str, expiry: str | None, agree: bool
) -> None:
    """The card is that of field 2, else of track 2; where both are there it is told whether they agree."""
    request = read(message("purchase", changes))

    assert request.pan is not None
    assert (pan, expiry, agree) == (request.pan.clear, request.expiry, request.cards_agree)


def test_reversal_needs_no_card(message: MakeMessage) -> None:
    """A reversal without a card's number is sound and names none."""
    request = read(message("reversal", {2: None}))

    assert (request.defect, request.pan) == (None, None)


@pytest.mark.parametrize("name", ["void", "void reversal"])
def test_void_needs_no_card(message: MakeMessage, name: str) -> None:
    """A void or its reversal without a card's number is sound and names none; with one it names it."""
    without, stated = read(message(name, {2: None})), read(message(name, {2: PAN}))

    assert (without.defect, without.pan) == (None, None)
    assert stated.pan is not None
    assert (None, PAN) == (stated.defect, stated.pan.clear)


@pytest.mark.parametrize("original", ["000001000003", "0000010000031122", "000001000003" + "9" * 17])
@pytest.mark.parametrize("name", ["void", "void reversal"])
def test_original_is_read_from_field_61(message: MakeMessage, name: str, original: str) -> None:
    """Batch and STAN of the purchase stand first, whatever else follows them."""
    request = read(message(name, {61: original}))

    assert (None, "000001", "000003") == (request.defect, request.original_batch, request.original_stan)
    assert ("000001", "000005") == (request.batch, request.stan)


def test_original_is_quoted_by_field_37(message: MakeMessage) -> None:
    """A void has its purchase's reference; other services name no original."""
    assert read(message("void")).original_reference == "0000HJDW1K3R"
    purchase = read(message("purchase", {37: "0000HJDW1K3R", 61: "000001000003"}))
    assert ("", "", "") == (purchase.original_reference, purchase.original_batch, purchase.original_stan)


@pytest.mark.parametrize(
    ("security", "block_bytes", "usable"),
    [
        ("2600000000000000", 8, True),
        ("2000000000000000", 8, True),
        ("2610000000000000", 8, True),
        ("2300000000000000", 16, True),
        ("0600000000000000", 8, False),
        ("1600000000000000", 8, False),
        ("2300000000000000", 8, False),
        ("2600000000000000", 16, False),
        ("2410000000000000", 8, False),
        ("2410000000000000", 16, False),
    ],
)
def test_pin_block_must_be_of_a_kind_that_can_be_read(
    message: MakeMessage, security: str, block_bytes: int, usable: bool
) -> None:
    """Only blocks with the PAN in them, under DES, triple DES or SM4 and as long as these make them."""
    request = read(message("purchase", {52: bytes(block_bytes), 53: security}))

    assert (bytes(block_bytes), usable) == (request.pin_block, request.pin_block_usable)


def test_security_field_without_a_pin_is_accepted(message: MakeMessage) -> None:
    """Field 53 alone is no PIN and no defect."""
    request = read(message("purchase", {26: None, 52: None}))

    assert (request.defect, request.pin_block) == (None, None)


def test_amount_batch_and_trace_are_read(message: MakeMessage) -> None:
    """Amount, currency, batch, STAN, names and MAC are the fields' own values."""
    request = read(message("purchase", {4: "999999999999"}))

    assert (request.amount_minor, request.currency) == (999_999_999_999, "156")
    assert (request.batch, request.stan) == ("000001", "000003")
    assert (request.terminal_id, request.merchant_id) == ("T0000001", "990001000000001")
    assert request.mac == b"01234567"


@pytest.mark.parametrize(
    ("code", "layout"),
    [
        ("001", KeyLayout.SINGLE),
        ("003", KeyLayout.DOUBLE),
        ("004", KeyLayout.DOUBLE_TRACK),
        ("005", KeyLayout.SM4),
        ("006", KeyLayout.SM4_TRACK),
    ],
)
def test_sign_on_names_its_key_layout(message: MakeMessage, code: str, layout: KeyLayout) -> None:
    """60.3 says which keys are wanted; whatever stands in 60.2 and behind 60.3 is no matter."""
    request = read(message("sign-on", {60: f"00999999{code}60"}))

    assert (layout, None) == (request.key_layout, request.defect)


@pytest.mark.parametrize(
    ("name", "changes", "count"),
    [
        ("purchase", {2: PAN, 14: "3112", 23: "001", 36: "", 55: b"\x9f"}, 0),
        ("purchase", {7: "1122090000", 32: "1", 62: b"x"}, 3),
        ("sign-on", {62: b"Sequence No", 12: "000000"}, 1),
        ("echo", {11: "000001", 2: PAN}, 1),
        ("points void", {7: "1122090000", 32: "1", 62: b"x"}, 0),
    ],
)
def test_fields_beyond_a_service_are_accepted_and_counted(
    message: MakeMessage, name: str, changes: Changes, count: int
) -> None:
    """Known fields that don't belong to the service are no defect; how many came is told."""
    request = read(message(name, changes))

    assert (None, count) == (request.defect, request.unexpected_fields)


# Answering


@pytest.mark.parametrize("name", [*SERVICES, "points void"])
def test_answer_repeats_who_asked_for_what(message: MakeMessage, name: str) -> None:
    """Fields 2, 3, 4, 11, 14, 25, 41, 42, 49 and 60 come back as they were where present, and no others."""
    request = message(name, {2: PAN, 14: "3112"})

    fields = answer(request, reply(Outcome.MAC_WRONG)).fields

    repeated = request.fields.keys() & {2, 3, 4, 11, 14, 25, 41, 42, 49, 60}
    assert repeated | {12, 13, 37, 39} == fields.keys()
    assert {number: request.fields[number] for number in repeated}.items() <= fields.items()


def test_answer_says_when_and_which(message: MakeMessage) -> None:
    """Fields 12 and 13 are the reply's moment, 37 the transaction's number in twelve characters."""
    fields = answer(message("purchase"), reply(Outcome.INSUFFICIENT_FUNDS)).fields

    assert (fields[12], fields[13], fields[37], fields[39]) == ("123456", "0131", RRN, "51")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("0200 0201", "0210"),
        ("0220 0221", "0230"),
        ("0400 0401", "0410"),
        ("0500", "0510"),
        ("0800 0801", "0810"),
        ("0820 0821", "0830"),
    ],
)
def test_answer_mti(message: MakeMessage, asked: str, answered: str) -> None:
    """An answer's MTI has the next function digit, and no repeat digit."""
    assert {answered} == {answer(message("purchase", mti=mti), reply()).mti for mti in asked.split()}


@pytest.mark.parametrize(
    ("outcome", "has_mac", "expected"),
    [
        (Outcome.APPROVED, True, {38: RRN[6:], 64: bytes(8)}),
        (Outcome.APPROVED, False, {}),
        (Outcome.PIN_WRONG, True, {64: bytes(8)}),
        (Outcome.PIN_WRONG, False, {}),
    ],
)
def test_approval_code_stands_for_an_approval_with_a_mac(
    message: MakeMessage, outcome: Outcome, has_mac: bool, expected: Changes
) -> None:
    """Field 38 comes with an approval that will have a MAC; the MAC's place is kept where one is due."""
    fields = answer(message("purchase"), reply(outcome, has_mac=has_mac)).fields

    assert expected == {number: fields[number] for number in (38, 64) if number in fields}


@pytest.mark.parametrize(
    ("available_minor", "expected"),
    [
        (0, "1002156C000000000000"),
        (100_000, "1002156C000000100000"),
        (999_999_999_999, "1002156C999999999999"),
        (-5, "1002156D000000000005"),
    ],
)
def test_balance_is_one_block(message: MakeMessage, available_minor: int, expected: str) -> None:
    """Field 54 is one block of 20 characters: account, available, CNY, sign and amount."""
    fields = answer(message("balance"), reply(available_minor=available_minor)).fields

    assert expected == fields[54]


@pytest.mark.parametrize("stated", ["00999999003", "009999990036", "00999999003602000"])
def test_sign_on_is_told_the_open_batch(message: MakeMessage, codec: Codec, stated: str) -> None:
    """60.2 of a sign-on's answer is the open batch whatever was asked with, and 62 has the keys."""
    fields = answer(message("sign-on", {60: stated}), reply(batch="000042", session_keys=b"k" * 40)).fields

    assert (fields[60], fields[62]) == ("00000042003", b"k" * 40)


def test_echoed_fields_keep_their_fillers(message: MakeMessage) -> None:
    """The spare nibbles of repeated fields come back as they were sent; those of other fields don't."""
    request = message("purchase", {2: PAN})
    request.fillers.update({2: "F", 35: "F", 60: "F"})

    assert answer(request, reply()).fillers == {2: "F", 60: "F"}


# Whatever comes


@given(
    name=st.sampled_from([*SERVICES, "points void"]),
    changes=wild_messages.changes(fields_max=8),
    mti=st.data(),
)
def test_any_message_is_read_and_can_be_answered(
    message: MakeMessage, codec: Codec, name: str, changes: Changes, mti: st.DataObject
) -> None:
    """Whatever the fields hold, reading doesn't fail, and every kind of answer can be written."""
    first = message(name).mti
    sent = message(name, changes, mti=mti.draw(st.sampled_from([first, first[:3] + "1", "0100", "0220"])))

    request = read(codec.decode(codec.encode(sent)))

    assert isinstance(request, Request)
    for written in (
        reply(Outcome.MALFORMED),
        reply(has_mac=True, available_minor=12),
        reply(batch="000001", session_keys=bytes(24)),
    ):
        answered = answer(request.message, written)
        assert answered == codec.decode(codec.encode(answered))
