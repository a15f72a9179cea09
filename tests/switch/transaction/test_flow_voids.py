"""Voids and their reversals, from bytes to bytes: what they need, what is checked of them, and who waits.

What happens to the money in each order of events is in the ledger's own tables; here it is whether messages
lead there.
"""

import asyncio

import pytest

from iso8583_specs.message import Message
from tests.switch.shop import BALANCE_MINOR, WITHOUT_PIN, Node
from tests.switch.small_terminal import Card, Changes, Terminal

WRONG_PIN = "999999"


async def sold(
    node: Node, terminal: Terminal, card: Card, amount_minor: int = 100
) -> tuple[Message, Message]:
    """A purchase and its approval."""
    purchase = terminal.purchase(card, amount_minor)
    answer = await node.ask(terminal, purchase)
    assert answer.fields[39] == "00"
    return purchase, answer


async def codes(node: Node, terminal: Terminal, *requests: Message) -> list[str]:
    """The response codes of requests, one after the other."""
    return [await node.code(terminal, request) for request in requests]


async def test_void_gives_the_money_back(node: Node) -> None:
    """A void is approved with a reference of its own, code and MAC; the journal says what it took back."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    void = terminal.void(purchase, sale)

    answer = await node.ask(terminal, void)

    assert (answer.mti, answer.fields[39]) == ("0210", "00")
    assert {3, 4, 11, 12, 13, 25, 37, 38, 39, 41, 42, 49, 60, 64} == answer.fields.keys()
    assert answer.fields[37] != sale.fields[37]
    assert BALANCE_MINOR == await node.balance_of(card)
    [bought], [voided] = await node.rows_of(terminal, purchase), await node.rows_of(terminal, void)
    assert (bought.row.id, voided.row.id) == (voided.row.original_id, bought.voided_by)
    assert {100, -100} == {leg.amount_minor for leg in voided.legs}


@pytest.mark.parametrize(
    "changes",
    [
        {22: "021", 38: "123456"},
        {14: "2001", 23: "001", 53: "2600000000000000"},
        {61: "{batch}{stan}1122"},
        {61: "{batch}{stan}" + "9" * 17},
    ],
)
async def test_void_may_say_more(node: Node, changes: Changes) -> None:
    """Entry mode, approval code, an expiry that is wrong, and more of field 61 are no matter."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    told = {
        number: str(value).format(batch=terminal.batch, stan=purchase.fields[11])
        for number, value in changes.items()
    }

    assert await node.code(terminal, terminal.void(purchase, sale, told)) == "00"
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("25", {37: "0" * 12}),
        ("25", {37: "ZZZZZZZZZZZZ"}),
        ("25", {37: "\xff" * 12}),
        ("25", {61: "{batch}999999"}),
        ("12", {61: "999999{stan}"}),
        ("12", {61: "999999{stan}", 37: "0" * 12, 4: "000000000099"}),
        ("64", {4: "000000000099"}),
        ("64", {49: "840"}),
        ("14", {2: "9900019999999999999"}),
        ("14", {2: "6222020000000000005"}),
        ("64", {4: "000000000099", 2: "9900019999999999999"}),
        ("77", {60: "23999999"}),
        ("30", {61: None}),
        ("30", {37: None}),
        ("30", {61: "{batch}"}),
    ],
)
async def test_void_that_does_not_fit_is_refused(node: Node, code: str, changes: Changes) -> None:
    """Batch, STAN, reference, amount and card must be those of one purchase; the right void still works."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    told = {
        number: None if value is None else str(value).format(batch=terminal.batch, stan=purchase.fields[11])
        for number, value in changes.items()
    }

    assert code == await node.code(terminal, terminal.void(purchase, sale, told))
    assert BALANCE_MINOR - 100 == await node.balance_of(card)
    assert await node.code(terminal, terminal.void(purchase, sale)) == "00"


async def test_final_refusal_of_a_void_is_journalled(node: Node) -> None:
    """A void that found no purchase, or one of another batch, is one row, answered again from it."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    voids = [
        terminal.void(purchase, sale, {61: "999999000001"}),
        terminal.void(purchase, sale, {37: "0" * 12}),
    ]

    for void in voids:
        first, second = [(await node.ask(terminal, void)).fields for _ in range(2)]

        [record] = await node.rows_of(terminal, void)
        assert (first[39], first[37]) == (second[39], second[37])
        assert not record.legs


async def test_void_names_purchases_of_its_own_terminal_only(node: Node) -> None:
    """Another terminal's purchase can't be voided, though batch, STAN and reference are right."""
    terminal, other, card = await node.terminal(), await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    assert terminal.batch == other.batch

    assert await node.code(other, other.void(purchase, sale)) == "25"
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory.card SET state = 'stolen' WHERE wallet_id = $1",
        "UPDATE directory.card SET expiry = '2001' WHERE wallet_id = $1",
    ],
)
@pytest.mark.parametrize("states_card", [False, True])
async def test_void_looks_at_no_state_of_the_card(
    node: Node, other_node: Node, statement: str, *, states_card: bool
) -> None:
    """What became of the card since does not keep its money from coming back."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    await node.execute(statement, card.wallet_id)
    void = terminal.void(purchase, sale, {2: card.pan} if states_card else {})

    assert await other_node.code(terminal, void) == "00"
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("03", "UPDATE directory.merchant SET state = 'suspended' WHERE merchant_id = $1"),
        ("58", "UPDATE directory.terminal SET state = 'suspended' WHERE merchant_id = $1"),
        ("77", "UPDATE directory.terminal SET batch = '000002' WHERE merchant_id = $1"),
    ],
)
async def test_void_is_a_new_request_of_its_merchant(node: Node, code: str, statement: str) -> None:
    """Who may not trade may not void, but the reversal of a void that was done gets through."""
    terminal, card = await node.terminal(), await node.card()
    first, second = [await sold(node, terminal, card) for _ in range(2)]
    voided = terminal.void(*first)
    assert await node.code(terminal, voided) == "00"
    await node.execute(statement, terminal.merchant_id)
    await node.look_again_at(terminal)

    assert [code, "00"] == await codes(node, terminal, terminal.void(*second), terminal.reversal(voided))
    assert BALANCE_MINOR - 200 == await node.balance_of(card)


async def test_void_needs_its_mac(node: Node) -> None:
    """A0 moves nothing and uses nothing up."""
    terminal, card = await node.terminal(), await node.card()
    void = terminal.void(*await sold(node, terminal, card))

    assert await codes(node, terminal, Message("0200", {**void.fields, 64: b"00000000"}), void) == [
        "A0",
        "00",
    ]


async def test_void_with_two_cards_is_refused(node: Node) -> None:
    """Field 2 and track 2 must be one card, before it is asked whose purchase it was."""
    terminal, card, other = await node.terminal(), await node.card(), await node.card()
    purchase, sale = await sold(node, terminal, card)

    assert await node.code(terminal, terminal.void(purchase, sale, {2: card.pan, 35: other.track_2})) == "14"
    assert await node.code(terminal, terminal.void(purchase, sale, {2: other.pan})) == "14"
    assert await node.code(terminal, terminal.void(purchase, sale, {2: card.pan, 35: card.track_2})) == "00"


async def test_pin_of_a_void_is_counted_like_any(node: Node) -> None:
    """55 for a wrong one until 75, 99 for what is none, which is not counted; without one it is no matter."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)

    def void(pin: str) -> Message:
        return terminal.void(purchase, sale, {2: card.pan, **terminal.pin_fields(pin, card.pan)})

    unreadable = terminal.void(
        purchase, sale, {2: card.pan, **terminal.pin_fields("1", card.pan), 52: bytes(8)}
    )
    wrong = [void(WRONG_PIN) for _ in range(3)]
    requests = [unreadable, *wrong, void(card.pin), terminal.balance(card), terminal.void(purchase, sale)]

    assert await codes(node, terminal, *requests) == ["99", "55", "55", "55", "75", "75", "00"]
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_right_pin_of_a_void_forgets_wrong_ones(node: Node) -> None:
    """A void is as good as a purchase to prove that the holder knows the PIN."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    wrong = [terminal.purchase(card, 100, terminal.pin_fields(WRONG_PIN, card.pan)) for _ in range(4)]
    void = terminal.void(purchase, sale, {2: card.pan, **terminal.pin_fields(card.pin, card.pan)})
    requests = [*wrong[:2], void, *wrong[2:], terminal.purchase(card)]

    assert await codes(node, terminal, *requests) == ["55", "55", "00", "55", "55", "00"]


async def test_pin_without_a_card_is_malformed(node: Node) -> None:
    """A PIN block can't be read without the card's number."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    void = terminal.void(purchase, sale, terminal.pin_fields(card.pin, card.pan))

    assert await node.code(terminal, void) == "30"


async def test_void_of_a_card_without_pin(node: Node) -> None:
    """A PIN is never missed."""
    terminal, card = await node.terminal(), await node.card(WITHOUT_PIN)
    purchase, sale = await sold(node, terminal, card)

    assert await node.code(terminal, terminal.void(purchase, sale, {2: card.pan})) == "00"


async def test_reversal_of_a_void_puts_the_purchase_in_force_again(node: Node) -> None:
    """Approved with code and MAC; then the purchase's repeats get its first answer, the void's get 22."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    void = terminal.void(purchase, sale)
    reversal = terminal.reversal(void)

    assert await codes(node, terminal, void, purchase) == ["00", "22"]
    answer = await node.ask(terminal, reversal)
    assert (answer.mti, answer.fields[39]) == ("0410", "00")
    assert {38, 64} <= answer.fields.keys()
    assert await codes(node, terminal, reversal, void) == ["00", "22"]
    assert sale.fields[37] == (await node.ask(terminal, purchase)).fields[37]
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


@pytest.mark.parametrize("changes", [{2: None}, {22: None, 39: None}, {37: "0" * 12, 38: "123456"}])
async def test_reversal_of_a_void_needs_little(node: Node, changes: Changes) -> None:
    """Neither card, reason, entry mode nor reference is needed, or looked at where it comes."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    void = terminal.void(purchase, sale, {2: card.pan})

    assert await codes(node, terminal, void, terminal.reversal(void, changes)) == ["00", "00"]
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("64", {4: "000000000099"}),
        ("14", {2: "9900019999999999999"}),
        ("25", {61: "000001999999"}),
        ("25", {60: "23999999"}),
        ("30", {61: None}),
    ],
)
async def test_reversal_of_a_void_must_fit(node: Node, code: str, changes: Changes) -> None:
    """Amount, card, batch and purchase must be the void's; the right reversal still gets through."""
    terminal, card = await node.terminal(), await node.card()
    void = terminal.void(*await sold(node, terminal, card))

    requests = (void, terminal.reversal(void, changes), terminal.reversal(void))
    assert ["00", code, "00"] == await codes(node, terminal, *requests)
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_reversal_of_a_void_that_never_came(node: Node) -> None:
    """25, and the late void is 22; the purchase stands and another void takes it back."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    void = terminal.void(purchase, sale)

    assert await codes(node, terminal, terminal.reversal(void), void, terminal.void(purchase, sale)) == [
        "25",
        "22",
        "00",
    ]


async def test_void_waits_for_its_purchase_and_its_reversal_for_the_void(node: Node) -> None:
    """Sent in one piece, void, reversal and the next void are taken in the order in which they came."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    await node.ask(terminal, terminal.balance(card))
    first, second = terminal.void(purchase, sale), terminal.void(purchase, sale)
    requests = [purchase, first, purchase, terminal.reversal(first), purchase, second, purchase]

    answers = await asyncio.gather(*(node.ask(terminal, request) for request in requests))

    assert [answer.fields[39] for answer in answers] == ["00", "00", "22", "00", "00", "00", "22"]
    assert BALANCE_MINOR == await node.balance_of(card)
    assert len(node.parts.turns) == 0


async def test_voids_at_two_nodes_take_back_once(node: Node, other_node: Node) -> None:
    """Of many voids of one purchase, at both nodes at once, one is approved."""
    terminal, card = await node.terminal(), await node.card()
    purchase, sale = await sold(node, terminal, card)
    voids = [terminal.void(purchase, sale) for _ in range(10)]

    answers = await asyncio.gather(
        *(each.ask(terminal, void) for void, each in zip(voids, (node, other_node) * 5, strict=True))
    )

    assert sorted(str(answer.fields[39]) for answer in answers) == ["00", *["22"] * 9]
    assert BALANCE_MINOR == await node.balance_of(card)
