"""The flow of a request: what each service answers and leaves in the ledger, and every refusal on the way.

Real HSM, directory and ledger on PostgreSQL; the terminal makes its own keys, MACs and PIN blocks. What
happens to repeats and reversals, when parts fail, and with messages nobody would send stands in modules
beside this.
"""

from collections.abc import Callable

import pytest

from directory.records import CardState
from hsm_soft.pin import PinResult
from iso8583_specs.message import Message
from ledger.identity import REVERSED_KIND, VOIDED_KIND, retrieval_reference
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from switch.transaction.flow import KINDS, OF_THE_TERMINAL, PIN_VERDICTS
from switch.vocabulary.model import Service
from switch.vocabulary.unionpay_pos import FINANCIAL, RESPONSE_CODES
from tests.switch.shop import BALANCE_MINOR, LIMITED, WITHOUT_PIN, Node
from tests.switch.small_terminal import CODEC, DOUBLE, SINGLE, Card, Changes, Terminal

Request = Callable[[Terminal, Card], Message]

FOREIGN_PAN = "6222020000000000005"
UNISSUED_PAN = "9900019999999999999"
WRONG_PIN = "999999"


# The tables


def test_each_financial_service_has_its_kind() -> None:
    """Every service that moves or shows money reaches the ledger as a kind of its own."""
    assert set(FINANCIAL.values()) == set(KINDS)
    assert len(set(KINDS.values())) == len(KINDS)
    assert {kind: REVERSED_KIND[kind] for kind in KINDS.values() if kind in REVERSED_KIND} == {
        KINDS[Service.PURCHASE_REVERSAL]: KINDS[Service.PURCHASE],
        KINDS[Service.PURCHASE_VOID_REVERSAL]: KINDS[Service.PURCHASE_VOID],
    }
    assert {kind: VOIDED_KIND[kind] for kind in KINDS.values() if kind in VOIDED_KIND} == {
        KINDS[Service.PURCHASE_VOID]: KINDS[Service.PURCHASE]
    }


def test_each_result_of_the_hsm_is_a_verdict() -> None:
    """What the HSM says of a PIN is a verdict for the ledger; only an unreadable block has none."""
    assert set(PinResult) == set(PIN_VERDICTS)
    assert {*PinVerdict, None} == set(PIN_VERDICTS.values())


# Approvals


async def test_purchase_moves_money_once_its_answer_leaves(node: Node) -> None:
    """A purchase is approved with reference, code and MAC, and the journal has it with both its legs."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card, 2_500, {2: card.pan, 14: "3112"})

    fields = (await node.ask(terminal, purchase)).fields

    [record] = await node.rows_of(terminal, purchase)
    rrn = retrieval_reference(record.row.id)
    echoed = (2, 3, 4, 11, 14, 25, 41, 42, 49, 60)
    assert {*echoed, 12, 13, 37, 38, 39, 64} == fields.keys()
    assert {number: purchase.fields[number] for number in echoed}.items() <= fields.items()
    assert (rrn, rrn[6:], "00") == (fields[37], fields[38], fields[39])
    assert {-2_500, 2_500} == {leg.amount_minor for leg in record.legs}
    assert BALANCE_MINOR - 2_500 == await node.balance_of(card)


async def test_answer_tells_the_local_time_of_the_decision(node: Node) -> None:
    """F12 and F13 are the moment at which the ledger has the transaction, in the switch's time zone."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    fields = (await node.ask(terminal, purchase)).fields

    [record] = await node.rows_of(terminal, purchase)
    at = node.parts.clock.local(record.row.received_at_us)
    assert (at.time, at.date) == (fields[12], fields[13])


async def test_balance_is_told_and_journalled(node: Node) -> None:
    """A balance inquiry answers field 54 and leaves a row without legs."""
    terminal, card = await node.terminal(), await node.card()
    inquiry = terminal.balance(card)

    fields = (await node.ask(terminal, inquiry)).fields

    [record] = await node.rows_of(terminal, inquiry)
    assert ("00", f"1002156C{BALANCE_MINOR:012}") == (fields[39], fields[54])
    assert {38, 64} <= fields.keys()
    assert not record.legs


@pytest.mark.parametrize(("layout", "size"), [(SINGLE, 24), (DOUBLE, 40)])
async def test_sign_on_hands_out_keys_and_the_open_batch(node: Node, layout: str, size: int) -> None:
    """A sign-on is answered without a MAC; its keys open under the master key and are good at once."""
    terminal, card = await node.terminal(signed_on=False), await node.card()
    await node.execute(
        "UPDATE directory.terminal SET batch = '000042' WHERE terminal_id = $1", terminal.terminal_id
    )

    fields = (await node.sign_on(terminal, layout)).fields

    assert {11, 12, 13, 37, 39, 41, 42, 60, 62} == fields.keys()
    assert (size, f"00000042{layout}") == (len(fields[62]), fields[60])
    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_keys_differ_at_each_sign_on(node: Node) -> None:
    """No two sign-ons hand out the same keys."""
    terminal = await node.terminal(signed_on=False)

    handed_out = set()
    for _ in range(3):
        await node.sign_on(terminal)
        handed_out |= {terminal.pin_key, terminal.mac_key}

    assert len(handed_out) == 6


@pytest.mark.parametrize("request_of", [Terminal.sign_off, Terminal.echo])
async def test_leaving_and_echo_are_approved(node: Node, request_of: Callable[[Terminal], Message]) -> None:
    """Sign-off and echo need no keys and are answered 00 without a MAC; the keys stay good after them."""
    terminal, card = await node.terminal(), await node.card()

    answer = await node.ask(terminal, request_of(terminal))

    assert ("0830", "00") == (answer.mti, answer.fields[39])
    assert not {38, 62, 64} & answer.fields.keys()
    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_card_without_pin_pays_without(node: Node) -> None:
    """Where the product wants no PIN none is missed, and none need be on the message."""
    terminal, card = await node.terminal(), await node.card(WITHOUT_PIN)
    without = {26: None, 52: None, 53: None}

    assert await node.code(terminal, terminal.purchase(card, 100, without)) == "00"
    assert await node.code(terminal, terminal.balance(card, without)) == "00"


async def test_typed_card_pays(node: Node) -> None:
    """A card by its number alone, without a track, pays like a swiped one."""
    terminal, card = await node.terminal(), await node.card()

    assert await node.code(terminal, terminal.purchase(card, 100, {2: card.pan, 22: "011", 35: None})) == "00"


# Who speaks


async def test_unknown_terminal_is_told_so_before_all_else(node: Node) -> None:
    """97 comes before a broken format and a wrong MAC, without a MAC, and leaves nothing behind."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card, 100, {41: "T9999999", 53: None, 64: b"00000000"})

    answer = await node.ask(terminal, purchase)

    assert answer.fields[39] == "97"
    assert {11, 12, 13, 37, 41, 42, 60} <= answer.fields.keys()
    assert not {38, 64} & answer.fields.keys()


async def test_terminal_belongs_to_its_merchant(node: Node) -> None:
    """A terminal's number under another merchant is another terminal."""
    terminal, other = await node.terminal(), await node.terminal()

    assert (
        await node.code(terminal, Message("0820", {**terminal.echo().fields, 42: other.merchant_id})) == "97"
    )


@pytest.mark.parametrize("name", ["\0" * 8, "T000000\xff", "T\r\n00000", "        ", "T%s' OR 1"])
async def test_name_no_terminal_can_have_is_unknown(node: Node, name: str) -> None:
    """What can't be asked of the database, or only to break it, is 97 like any unknown name."""
    terminal, card = await node.terminal(), await node.card()

    assert await node.code(terminal, terminal.purchase(card, 100, {41: name[:8].ljust(8)})) == "97"
    assert await node.code(terminal, Message("0820", {**terminal.echo().fields, 42: name.ljust(15)})) == "97"


async def test_broken_format_comes_before_the_mac(node: Node) -> None:
    """30 is answered whatever the MAC, and uses nothing up."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    broken = Message("0200", {number: value for number, value in purchase.fields.items() if number != 53})

    spoilt = Message("0200", {**broken.fields, 64: b"00000000"})

    assert ["30", "30", "00"] == [await node.code(terminal, each) for each in (spoilt, broken, purchase)]


async def test_wrong_mac_is_refused_and_uses_nothing_up(node: Node) -> None:
    """A0 has no MAC of its own and leaves no row; the same request with the right MAC is approved."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    answer = await node.ask(terminal, Message("0200", {**purchase.fields, 64: b"00000000"}))

    assert answer.fields[39] == "A0"
    assert not {38, 64} & answer.fields.keys()
    assert not await node.rows_of(terminal, purchase)
    assert await node.code(terminal, purchase) == "00"


async def test_terminal_that_never_signed_on_has_no_mac(node: Node) -> None:
    """Without keys no MAC can be right."""
    terminal, card = await node.terminal(signed_on=False), await node.card()
    terminal.pin_key, terminal.mac_key = bytes(range(16)), bytes(range(8))

    assert await node.code(terminal, terminal.purchase(card)) == "A0"


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("03", "UPDATE directory.merchant SET state = 'suspended' WHERE merchant_id = $1"),
        ("58", "UPDATE directory.terminal SET state = 'suspended' WHERE merchant_id = $1"),
    ],
)
async def test_who_may_not_trade_is_refused_and_journalled(node: Node, code: str, statement: str) -> None:
    """03 and 58 are final: they leave a row, and a repeat is answered as the first time."""
    terminal, card = await node.terminal(), await node.card()
    await node.execute(statement, terminal.merchant_id)
    await node.look_again_at(terminal)
    purchase = terminal.purchase(card)

    first, second = [(await node.ask(terminal, purchase)).fields for _ in range(2)]

    assert (code, first[37], first[12]) == (second[39], second[37], second[12])
    [record] = await node.rows_of(terminal, purchase)
    assert code == RESPONSE_CODES[record.outcome]
    assert first.keys() >= {64}


# More than one thing wrong

UNKNOWN_RANGE = {2: FOREIGN_PAN, 35: None}


@pytest.mark.parametrize(
    ("code", "request_of"),
    [
        ("77", lambda t, c: t.purchase(c, 100, {**UNKNOWN_RANGE, 60: "22999999"})),
        ("15", lambda t, c: t.purchase(c, 100, {**UNKNOWN_RANGE, 52: bytes(8)})),
        ("15", lambda t, c: t.purchase(c, 100, {2: FOREIGN_PAN})),
        ("14", lambda t, c: t.purchase(c, 100, {2: UNISSUED_PAN})),
        ("14", lambda t, c: t.purchase(c, 100, {2: UNISSUED_PAN, 35: None, 49: "840"})),
        ("54", lambda t, c: t.purchase(c, 100, {14: "2001", 49: "840"})),
        ("57", lambda t, c: t.purchase(c, 100, {49: "840", 52: bytes(8)})),
        ("57", lambda t, c: t.purchase(c, 100, {49: "999", 26: None, 52: None, 53: None})),
        ("99", lambda t, c: t.purchase(c, 0, {52: bytes(8)})),
        ("55", lambda t, c: t.purchase(c, 0, {26: None, 52: None, 53: None})),
        ("55", lambda t, c: t.purchase(c, 0, t.pin_fields(WRONG_PIN, c.pan))),
        ("13", lambda t, c: t.purchase(c, 0)),
        ("51", lambda t, c: t.purchase(c, BALANCE_MINOR + 1)),
        ("51", lambda t, c: t.purchase(c, 999_999_999_999)),
    ],
)
async def test_first_thing_wrong_is_answered_with_a_mac(node: Node, code: str, request_of: Request) -> None:
    """Of several things wrong the first in the order of checks is answered; no money moves."""
    terminal, card = await node.terminal(), await node.card()

    answer = await node.ask(terminal, request_of(terminal, card))

    assert code == answer.fields[39]
    assert 64 in answer.fields
    assert 38 not in answer.fields
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    ("outcome", "request_of"),
    [
        (Outcome.CARD_RANGE_UNKNOWN, lambda t, c: t.purchase(c, 100, UNKNOWN_RANGE)),
        (Outcome.CARD_UNKNOWN, lambda t, c: t.balance(c, {2: UNISSUED_PAN, 35: None})),
        (Outcome.CARD_DIFFERS, lambda t, c: t.purchase(c, 100, {2: UNISSUED_PAN})),
        (Outcome.CARD_EXPIRED, lambda t, c: t.purchase(c, 100, {14: "3111"})),
        (Outcome.SERVICE_NOT_ALLOWED, lambda t, c: t.balance(c, {49: "840"})),
        (Outcome.PIN_MISSING, lambda t, c: t.balance(c, {26: None, 52: None, 53: None})),
        (Outcome.PIN_WRONG, lambda t, c: t.balance(c, t.pin_fields(WRONG_PIN, c.pan))),
        (Outcome.AMOUNT_INVALID, lambda t, c: t.purchase(c, 0)),
        (Outcome.INSUFFICIENT_FUNDS, lambda t, c: t.purchase(c, BALANCE_MINOR + 1)),
    ],
)
async def test_final_refusal_is_journalled(node: Node, outcome: Outcome, request_of: Request) -> None:
    """Each refusal with a final outcome is one row, and its repeat is answered from it."""
    terminal, card = await node.terminal(), await node.card()
    request = request_of(terminal, card)

    first, second = [(await node.ask(terminal, request)).fields for _ in range(2)]

    [record] = await node.rows_of(terminal, request)
    assert (outcome, RESPONSE_CODES[outcome]) == (record.outcome, first[39])
    assert (retrieval_reference(record.row.id),) * 2 == (first[37], second[37])
    assert not record.legs


# Card


@pytest.mark.parametrize(
    ("state", "expiry", "code"),
    [
        (CardState.STOCK, "3112", "14"),
        (CardState.INACTIVE, "3112", "21"),
        (CardState.FROZEN, "3112", "62"),
        (CardState.LOST, "3112", "41"),
        (CardState.STOLEN, "3112", "43"),
        (CardState.REPLACED, "3112", "14"),
        (CardState.EXPIRED, "3112", "54"),
        (CardState.CLOSED, "3112", "14"),
        (CardState.ACTIVE, "2001", "54"),
    ],
)
async def test_card_that_is_no_good_buys_nothing(
    node: Node, state: CardState, expiry: str, code: str
) -> None:
    """Each state of a card has its answer, to purchase and inquiry, and a wrong PIN isn't counted then."""
    terminal, card = await node.terminal(), await node.card(state=state, expiry=expiry)
    wrong = terminal.pin_fields(WRONG_PIN, card.pan)
    requests = [terminal.purchase(card), terminal.balance(card), *[terminal.purchase(card, 100, wrong)] * 4]

    assert {code} == {await node.code(terminal, request) for request in requests}


# PIN


async def test_wrong_pins_are_counted_and_block(node: Node) -> None:
    """Three wrong PINs in a row block the card's PIN: the right one gets 75 then, whatever is asked."""
    terminal, card = await node.terminal(), await node.card()
    wrong = [terminal.purchase(card, 100, terminal.pin_fields(WRONG_PIN, card.pan)) for _ in range(3)]
    requests = [*wrong, terminal.purchase(card), terminal.balance(card)]

    assert ["55", "55", "55", "75", "75"] == [await node.code(terminal, request) for request in requests]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("55", {26: None, 52: None, 53: None}),
        ("99", {52: bytes(8)}),
        ("99", {53: "2300000000000000"}),
        ("99", {53: "0000000000000000"}),
    ],
)
async def test_what_is_no_pin_is_not_counted(node: Node, code: str, changes: Changes) -> None:
    """A missing PIN or an unreadable block is refused as often as it comes and counts as no try."""
    terminal, card = await node.terminal(), await node.card()
    requests = [terminal.purchase(card, 100, changes) for _ in range(4)]

    assert [code] * 4 == [await node.code(terminal, request) for request in requests]
    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_sign_on_of_who_may_not_trade_is_refused(node: Node) -> None:
    """A suspended merchant's terminal gets no keys, until the merchant is active again anywhere."""
    terminal = await node.terminal()
    change = "UPDATE directory.merchant SET state = $2 WHERE merchant_id = $1"
    await node.execute(change, terminal.merchant_id, "suspended")
    await node.look_again_at(terminal)
    refused = await node.code(terminal, terminal.sign_on())
    await node.execute(change, terminal.merchant_id, "active")

    assert [refused, await node.code(terminal, terminal.sign_on())] == ["03", "00"]


async def test_unreadable_block_uses_nothing_up(node: Node) -> None:
    """99 leaves no row: the terminal may send the same request with a block that can be read."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    spoilt = Message("0200", {**purchase.fields, 52: bytes(8)})

    assert ["99", "00"] == [await node.code(terminal, each) for each in (spoilt, purchase)]


async def test_pin_is_read_under_the_keys_whose_mac_fits(node: Node) -> None:
    """A block under another set's PIN key than the MAC's is unreadable or wrong, never tried with both."""
    terminal, card = await node.terminal(), await node.card()
    assert await node.code(terminal, terminal.purchase(card)) == "00"
    old_block = terminal.pin_fields(card.pin, card.pan)
    await node.sign_on(terminal)

    code = await node.code(terminal, terminal.purchase(card, 100, old_block))

    assert code in {"99", "55"}


@pytest.mark.parametrize("layout", [SINGLE, DOUBLE])
async def test_pins_of_every_length_match(node: Node, layout: str) -> None:
    """PINs are read under single and double length keys alike."""
    terminal, card = await node.terminal(signed_on=False), await node.card()
    await node.sign_on(terminal, layout)

    assert await node.code(terminal, terminal.balance(card)) == "00"


# Limits


async def test_limits_of_the_product(node: Node) -> None:
    """Single amount and day's amount are 61, the day's count is 65, and what was refused isn't counted."""
    terminal, card = await node.terminal(), await node.card(LIMITED)
    amounts = [5_001, 5_000, 1_001, 500, 500, 1]

    codes = [await node.code(terminal, terminal.purchase(card, amount)) for amount in amounts]

    assert codes == ["61", "00", "61", "00", "00", "61"]


async def test_count_of_the_day(node: Node) -> None:
    """The fourth purchase of a day is 65 where three are allowed; inquiries don't count."""
    terminal, card = await node.terminal(), await node.card(LIMITED)
    purchases = [terminal.purchase(card, 10) for _ in range(4)]

    codes = [await node.code(terminal, each) for each in (terminal.balance(card), *purchases)]

    assert codes == ["00", "00", "00", "00", "65"]


# What isn't offered, and what is no request


@pytest.mark.parametrize(
    ("mti", "changes"),
    [
        ("0200", {3: "200000", 25: "65", 60: "23000001"}),
        ("0100", {3: "030000", 25: "06", 60: "10000001"}),
        ("0220", {}),
        ("0500", {}),
        ("0200", {3: "200000", 35: "9" * 37}),
    ],
)
async def test_what_is_not_offered_is_40(node: Node, mti: str, changes: dict[int, str]) -> None:
    """A known terminal is told that a function isn't offered, without a MAC and without a row."""
    terminal, card = await node.terminal(), await node.card()
    request = Message(mti, {**terminal.purchase(card).fields, **changes})

    answer = await node.ask(terminal, request)

    assert ("40", {41, 42, 60, 11}) == (answer.fields[39], answer.fields.keys() & {41, 42, 60, 11})
    assert not {38, 64} & answer.fields.keys()


@pytest.mark.parametrize("mti", ["0210", "0810", "0410", "0230", "0202", "0240", "9999", "0000", "1200"])
async def test_what_is_no_request_is_counted_and_not_answered(node: Node, mti: str) -> None:
    """An answer or nonsense that arrives gets no answer: that would only go round in circles."""
    terminal, card = await node.terminal(), await node.card()
    body = bytes.fromhex(mti) + terminal.sealed(terminal.purchase(card))[2:]

    assert await node.answer(body) is None

    assert node.counted("switch_malformed_messages_total", listener="pos", reason="not_a_request") == 1
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_malformed_message_is_answered_with_what_could_be_read(node: Node) -> None:
    """A bitmap that names fields which aren't there gets 30, and the fields before the gap come back."""
    terminal, card = await node.terminal(), await node.card()
    body = terminal.sealed(terminal.purchase(card))

    for size in range(10, len(body)):
        answer = await node.answer(body[:size])
        assert answer is not None
        fields = CODEC.decode(answer).fields
        assert "30" == fields[39]
        readable = CODEC.decode_readable(body[:size])
        assert readable is not None
        assert readable.fields.keys() & {3, 4, 11, 25, 41, 42, 49, 60} == fields.keys() - {12, 13, 37, 39}

    assert node.counted("switch_transactions_total", kind="purchase", outcome="malformed") >= 1
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize("size", range(10))
async def test_message_without_mti_and_bitmap_is_counted_only(node: Node, size: int) -> None:
    """Of what has no whole bitmap nothing could be echoed, so it is not answered."""
    body = (bytes.fromhex("0200") + bytes(8))[:size]

    assert await node.answer(body) is None

    reason = "the message ends too early"
    assert node.counted("switch_malformed_messages_total", listener="pos", reason=reason) == 1


async def test_bytes_behind_the_last_field_are_malformed(node: Node) -> None:
    """A message with something behind it is 30, whatever its MAC would say, and uses nothing up."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    answer = await node.answer(terminal.sealed(purchase) + b"\0")

    assert answer is not None
    assert terminal.opened(answer).fields[39] == "30"
    assert await node.code(terminal, purchase) == "00"


# What is counted


async def test_requests_are_counted_by_kind_and_outcome(node: Node) -> None:
    """Each answered request moves one counter, and none is left under way."""
    terminal, card = await node.terminal(), await node.card()

    for request in (terminal.purchase(card), terminal.purchase(card, 0), terminal.echo()):
        await node.ask(terminal, request)

    expected = [("sign_on", "approved"), ("echo", "approved"), ("purchase", "approved")]
    for kind, outcome in [*expected, ("purchase", "amount_invalid")]:
        assert node.counted("switch_transactions_total", kind=kind, outcome=outcome) == 1
    assert node.counted("switch_transactions_in_flight") == 0


async def test_fields_beyond_a_service_are_counted(node: Node) -> None:
    """Known fields that a service doesn't need are accepted and counted."""
    terminal, card = await node.terminal(), await node.card()

    assert await node.code(terminal, terminal.purchase(card, 100, {7: "1122090000", 48: "1"})) == "00"

    assert node.counted("switch_unexpected_fields_total", listener="pos") == 2


async def test_what_the_hsm_does_is_counted(node: Node) -> None:
    """MACs, PINs and new keys are counted with their results, each time the HSM is asked.

    It is asked again where the terminal had to be looked up anew: for the first use of keys, for a wrong MAC.
    """
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    await node.ask(terminal, purchase)
    await node.ask(terminal, Message("0200", {**purchase.fields, 64: b"00000000"}))

    counted = {
        ("new_session_keys", "made"): 1,
        ("verify_pos_mac", "match"): 2,
        ("verify_pos_mac", "mismatch"): 3,
        ("verify_pin", "match"): 1,
        ("pos_mac", "made"): 1,
    }
    for (operation, result), count in counted.items():
        assert count == node.counted("hsm_operations_total", operation=operation, result=result)


def test_refusals_that_are_looked_at_again_are_the_lines_own() -> None:
    """What is read anew before it refuses are the outcomes of a terminal's own record."""
    assert {"03", "58", "77"} == {RESPONSE_CODES[outcome] for outcome in OF_THE_TERMINAL}
