"""Exactly once: repeats share the first result, reversals find their original, whatever changed in between.

A request is itself by merchant, terminal, batch, STAN and operation; everything else about it may differ from
one sending to the next, or must not, as the tables here say.
"""

import asyncio
from collections.abc import Callable

import pytest

from directory.commands import open_batch
from directory.records import CardState
from iso8583_specs.message import Message
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.postgres.group import Result
from routing.table import OWN_LEDGER, CardRange, RangeTable
from switch.transaction.parts import PostsIntents
from switch.vocabulary.unionpay_pos import RESPONSE_CODES
from tests.switch.shop import BALANCE_MINOR, Node
from tests.switch.small_terminal import Changes, Terminal


class SlowLedger:
    """A ledger in which nothing is decided before it is told to."""

    def __init__(self, ledger: PostsIntents) -> None:
        self._ledger = ledger
        self.numbers = ledger.numbers
        self.posted = 0
        self.may_go = asyncio.Event()
        self._reached = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, intent: Intent, told: Callable[[Result], None]) -> None:
        """Decide it, later."""
        self.posted += 1
        self._reached.set()
        task = asyncio.create_task(self._submit_later(intent, told))
        self._tasks.add(task)

    async def _submit_later(self, intent: Intent, told: Callable[[Result], None]) -> None:
        await self.may_go.wait()
        self._ledger.submit(intent, told)

    async def reached(self) -> int:
        """How many have come, once the first has and all others had the time to."""
        await self._reached.wait()
        await asyncio.sleep(0.05)
        return self.posted


def changed(message: Message, changes: Changes, mti: str | None = None) -> Message:
    """The message with fields changed, or left out by None; its MAC is made anew."""
    fields = {**message.fields, **changes}
    return Message(mti or message.mti, {n: value for n, value in fields.items() if value is not None})


def told(answer: Message) -> tuple[object, ...]:
    """What a terminal is told of the outcome: code, reference, approval, time and balance."""
    return tuple(answer.fields.get(number) for number in (39, 37, 38, 12, 13, 54))


# Repeats


@pytest.mark.parametrize(("first", "second"), [("0200", "0200"), ("0200", "0201"), ("0201", "0200")])
async def test_repeat_has_the_first_result(node: Node, first: str, second: str) -> None:
    """The same request again is answered with the first result and posts nothing, MTI x1 or x0."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    answers = [await node.ask(terminal, changed(purchase, {}, mti)) for mti in (first, second)]

    assert told(answers[0]) == told(answers[1])
    assert [answer.mti for answer in answers] == ["0210", "0210"]
    assert len(await node.rows_of(terminal, purchase)) == 1
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_repeated_inquiry_tells_the_balance_it_told_first(node: Node) -> None:
    """A repeat is no new question: the balance of the first answer comes again."""
    terminal, card = await node.terminal(), await node.card()
    inquiry = terminal.balance(card)
    first = await node.ask(terminal, inquiry)
    await node.ask(terminal, terminal.purchase(card))

    assert told(first) == told(await node.ask(terminal, inquiry))


@pytest.mark.parametrize(
    "changes",
    [
        {12: "235959", 13: "1231"},
        {22: "051"},
        {14: "3112", 23: "001"},
        {26: None, 52: None, 53: None},
        {52: bytes(8)},
        {55: b"\x9f\x26\x08"},
        {60: "22000001"},
        {60: "22000001000600000"},
        {63: b"001"},
    ],
)
async def test_repeat_may_differ_in_what_changes(node: Node, changes: Changes) -> None:
    """Time, entry mode, PIN block, chip data and the tail of field 60 are no part of what a request is."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    first, second = await node.ask(terminal, purchase), await node.ask(terminal, changed(purchase, changes))

    assert told(first) == told(second)
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_swiped_and_typed_are_the_same_card(node: Node) -> None:
    """A card is its number, by field 2 or by track 2."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    first = await node.ask(terminal, purchase)

    assert told(first) == told(await node.ask(terminal, changed(purchase, {2: card.pan, 35: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {4: "000000000101"},
        {3: "001000"},
        {49: "840"},
        {61: "000001000001"},
        {37: "0" * 12},
        {2: "9900019999999999999", 35: None},
    ],
)
async def test_another_request_under_the_same_name_is_refused(node: Node, changes: Changes) -> None:
    """Another amount, account, currency, card or reference under a used name is 94, and the first stays."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    first = await node.ask(terminal, purchase)

    other = await node.ask(terminal, changed(purchase, changes))

    assert other.fields[39] == "94"
    assert first.fields[37] != other.fields[37]
    assert 38 not in other.fields
    assert told(first) == told(await node.ask(terminal, purchase))
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_decline_is_repeated_though_it_would_be_approved_now(node: Node) -> None:
    """What was declined stays declined under its name, even if the reason is gone."""
    terminal, card = await node.terminal(), await node.card(state=CardState.LOST)
    purchase = terminal.purchase(card)
    first = await node.ask(terminal, purchase)
    await node.execute("UPDATE directory.card SET state = 'active' WHERE wallet_id = $1", card.wallet_id)

    assert first.fields[39] == "41"
    assert told(first) == told(await node.ask(terminal, purchase))


async def test_repeat_after_a_new_sign_on_has_the_first_result(node: Node) -> None:
    """New keys, a new MAC and the PIN block under the old key: the stored result all the same."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    first = await node.ask(terminal, purchase)
    await node.sign_on(terminal)

    assert told(first) == told(await node.ask(terminal, purchase))
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory.terminal SET batch = '000002' WHERE merchant_id = $1",
        "UPDATE directory.terminal SET state = 'suspended' WHERE merchant_id = $1",
        "UPDATE directory.merchant SET state = 'suspended' WHERE merchant_id = $1",
    ],
)
async def test_repeat_of_what_was_done_is_told_so(node: Node, statement: str) -> None:
    """A closed batch or a suspended merchant refuses what is new; what was done is told as it was."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    first = await node.ask(terminal, purchase)
    await node.execute(statement, terminal.merchant_id)
    await node.look_again_at(terminal)

    repeat = await node.ask(terminal, purchase)

    assert told(first) == told(repeat)
    assert await node.code(terminal, terminal.purchase(card)) in {"77", "58", "03"}
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_repeat_in_flight_waits_for_the_first(node: Node) -> None:
    """Repeats that overtake nothing reach the ledger one by one, and all get one result."""
    ledger = SlowLedger(node.parts.ledger)
    slow = node.with_parts(ledger=ledger)
    terminal, card = await node.terminal(), await node.card()
    await node.ask(terminal, terminal.balance(card))
    purchase = terminal.purchase(card)

    asked = [
        asyncio.create_task(slow.ask(terminal, changed(purchase, {}, mti)))
        for mti in ("0200", "0201", "0200")
    ]
    assert await ledger.reached() == 1
    ledger.may_go.set()
    answers = await asyncio.gather(*asked)

    assert len({told(answer) for answer in answers}) == 1
    assert BALANCE_MINOR - 100 == await node.balance_of(card)
    assert len(node.parts.turns) == 0


async def test_repeat_by_another_listener_waits_too(node: Node) -> None:
    """A terminal that dialled in anew at another address is still the same terminal."""
    ledger = SlowLedger(node.parts.ledger)
    slow = node.with_parts(ledger=ledger)
    terminal, card = await node.terminal(), await node.card()
    body = terminal.sealed(terminal.purchase(card))

    asked = [asyncio.create_task(slow.with_parts().answer(body, name)) for name in ("pos", "shop")]
    assert await ledger.reached() == 1
    ledger.may_go.set()
    first, second = await asyncio.gather(*asked)

    assert first == second


async def test_requests_of_others_do_not_wait(node: Node) -> None:
    """Another STAN, another terminal and another operation go on while one request is held up."""
    ledger = SlowLedger(node.parts.ledger)
    slow = node.with_parts(ledger=ledger)
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    requests = [
        purchase,
        terminal.purchase(card),
        changed(terminal.balance(card), {11: purchase.fields[11]}),
    ]

    asked = [asyncio.create_task(slow.ask(terminal, request)) for request in requests]
    posted = await ledger.reached()
    ledger.may_go.set()
    answers = await asyncio.gather(*asked)

    assert posted == 3
    assert {answer.fields[39] for answer in answers} == {"00"}


async def test_repeats_at_two_nodes_post_once(node: Node, other_node: Node) -> None:
    """Where two processes get the same request at once, the ledger decides who was first."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    answers = await asyncio.gather(*(each.ask(terminal, purchase) for each in (node, other_node) * 5))

    assert len({told(answer) for answer in answers}) == 1
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


# Reversals


async def test_reversal_gives_the_money_back_once(node: Node) -> None:
    """A reversal is approved with code and MAC; its repeats get the same result; the sale is then 22."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    await node.ask(terminal, purchase)
    reversal = terminal.reversal(purchase)

    answers = [await node.ask(terminal, changed(reversal, {}, mti)) for mti in ("0400", "0401", "0400")]

    assert len({told(answer) for answer in answers}) == 1
    assert (answers[0].mti, answers[0].fields[39]) == ("0410", "00")
    assert {38, 64} <= answers[0].fields.keys()
    assert await node.code(terminal, purchase) == "22"
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE directory.merchant SET state = 'closed' WHERE merchant_id = $1", "merchant_id"),
        ("UPDATE directory.terminal SET state = 'closed' WHERE merchant_id = $1", "merchant_id"),
        ("UPDATE directory.terminal SET batch = '000009' WHERE merchant_id = $1", "merchant_id"),
        ("UPDATE directory.card SET state = 'stolen' WHERE wallet_id = $1", "wallet_id"),
        ("UPDATE directory.card SET expiry = '2001' WHERE wallet_id = $1", "wallet_id"),
    ],
)
async def test_nothing_that_happened_since_stops_a_reversal(
    node: Node, other_node: Node, statement: str, value: str
) -> None:
    """Merchant, terminal, batch and card may have changed, here or at a node that has never seen the card."""
    terminal, card = await node.terminal(), await node.card()
    purchases = [terminal.purchase(card) for _ in range(2)]
    for purchase in purchases:
        await node.ask(terminal, purchase)
    await node.execute(statement, {"merchant_id": terminal.merchant_id, "wallet_id": card.wallet_id}[value])
    await node.look_again_at(terminal)

    codes = [
        await each.code(terminal, terminal.reversal(purchase))
        for each, purchase in zip((node, other_node), purchases, strict=True)
    ]

    assert codes == ["00", "00"]
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    "changes",
    [
        {2: None},
        {2: None, 22: None, 39: None},
        {14: "2001"},
        {52: bytes(8), 53: "2600000000000000"},
        {39: "A0", 38: "123456", 55: b"\x95\0"},
    ],
)
async def test_reversal_needs_little(node: Node, changes: Changes) -> None:
    """Neither card number, reason nor entry mode is needed; an expiry or PIN that is wrong is no matter."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    await node.ask(terminal, purchase)

    assert await node.code(terminal, terminal.reversal(purchase, changes)) == "00"
    assert BALANCE_MINOR == await node.balance_of(card)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("64", {4: "000000000099"}),
        ("14", {2: "9900019999999999999"}),
        ("14", {2: "6222020000000000005"}),
        ("25", {11: "999999"}),
        ("25", {60: "22000777"}),
    ],
)
async def test_reversal_that_fits_no_original_moves_nothing(node: Node, code: str, changes: Changes) -> None:
    """Another amount, another card, another name: nothing is taken back, and it is on record."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    await node.ask(terminal, purchase)
    reversal = terminal.reversal(purchase, changes)

    assert [code, code] == [await node.code(terminal, reversal) for _ in range(2)]
    [first, *_] = await node.journalled(terminal, TransactionKind.PURCHASE_REVERSAL)
    assert code == RESPONSE_CODES[first]
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


async def test_reversal_goes_where_its_original_was_posted(node: Node) -> None:
    """A card whose range is routed elsewhere since, or nowhere, still gets its money back."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    assert await node.code(terminal, purchase) == "00"
    elsewhere = node.with_parts(table=RangeTable([CardRange("400000", "400000", OWN_LEDGER)]))

    assert await elsewhere.code(terminal, terminal.purchase(card)) == "15"
    assert await elsewhere.code(terminal, terminal.reversal(purchase)) == "00"
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_reversal_that_comes_first_stops_its_original(node: Node) -> None:
    """A reversal without original is 25; the original that comes late is 22, again and again."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)
    requests = [terminal.reversal(purchase), purchase, purchase, terminal.reversal(purchase)]

    assert ["25", "22", "22", "25"] == [await node.code(terminal, request) for request in requests]
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_reversal_of_a_decline_has_nothing_to_do(node: Node) -> None:
    """A declined sale is taken back with 00 and no posting."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card, BALANCE_MINOR + 1)

    codes = [await node.code(terminal, each) for each in (purchase, terminal.reversal(purchase))]

    assert codes == ["51", "00"]
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_reversal_waits_for_its_original_in_flight(node: Node) -> None:
    """A reversal right behind its sale is decided after it, and finds it."""
    ledger = SlowLedger(node.parts.ledger)
    slow = node.with_parts(ledger=ledger)
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    asked = [
        asyncio.create_task(slow.code(terminal, each)) for each in (purchase, terminal.reversal(purchase))
    ]
    assert await ledger.reached() == 1
    ledger.may_go.set()

    assert ["00", "00"] == await asyncio.gather(*asked)
    assert BALANCE_MINOR == await node.balance_of(card)


async def test_original_waits_for_the_reversal_that_overtook_it(node: Node) -> None:
    """A sale behind its own reversal is decided after it, and is refused."""
    slow = node.with_parts(ledger=(ledger := SlowLedger(node.parts.ledger)))
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card)

    asked = [
        asyncio.create_task(slow.code(terminal, each)) for each in (terminal.reversal(purchase), purchase)
    ]
    assert await ledger.reached() == 1
    ledger.may_go.set()

    assert ["25", "22"] == await asyncio.gather(*asked)


# Batches and keys


async def test_batch_must_be_the_open_one(node: Node) -> None:
    """77 uses nothing up and is told with a MAC; in the open batch the same trace is approved."""
    terminal, card = await node.terminal(), await node.card()
    purchase = terminal.purchase(card, 100, {60: "22000007"})

    answer = await node.ask(terminal, purchase)

    assert answer.fields[39] == "77"
    assert 64 in answer.fields
    assert not await node.rows_of(terminal, purchase)
    assert await node.code(terminal, changed(purchase, {60: "22000001"})) == "00"


async def test_batch_that_another_node_opened_is_open(node: Node) -> None:
    """Before 77 the terminal's record is read again: its batch may have been opened elsewhere."""
    terminal, card = await node.terminal(), await node.card()
    await node.ask(terminal, terminal.balance(card))
    await open_batch(node.connection, terminal.merchant_id, terminal.terminal_id, closing="000001")

    codes = [
        await node.code(terminal, terminal.purchase(card, 100, {60: f"22{b}"})) for b in ("000002", "000001")
    ]

    assert codes == ["00", "77"]


async def test_keys_that_another_node_handed_out_are_good(node: Node, other_node: Node) -> None:
    """Before A0 the terminal's keys are read again: its sign-on may have been at another node."""
    terminal, card = await node.terminal(), await node.card()
    await node.ask(terminal, terminal.balance(card))
    await other_node.sign_on(terminal)

    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_old_keys_are_good_until_the_new_ones_are_proven(node: Node) -> None:
    """A sign-on whose answer got lost changes nothing; the first MAC under new keys ends the old ones."""
    terminal, card = await node.terminal(), await node.card()
    old_key = terminal.mac_key
    lost = await node.ask(terminal, terminal.sign_on())

    still_good = await node.code(terminal, terminal.purchase(card))
    terminal.take_keys(lost)
    proven = await node.code(terminal, terminal.purchase(card))
    terminal.mac_key = old_key
    ended = await node.code(terminal, terminal.purchase(card, 100, {26: None, 52: None, 53: None}))

    assert [still_good, proven, ended] == ["00", "00", "A0"]


async def test_sign_ons_of_a_stranger_do_not_push_out_the_keys_in_use(node: Node) -> None:
    """Anybody on the line can ask for keys, as often as he likes; the terminal goes on with its own."""
    terminal, card = await node.terminal(), await node.card()
    assert await node.code(terminal, terminal.purchase(card)) == "00"

    for _ in range(10):
        await node.ask(terminal, terminal.sign_on())

    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_old_keys_have_their_time(node: Node) -> None:
    """Keys that were replaced longer ago than the limit are not good any more, proven or not."""
    terminal, card = await node.terminal(), await node.card()
    assert await node.code(terminal, terminal.purchase(card)) == "00"
    await node.ask(terminal, terminal.sign_on())

    impatient = node.with_parts(old_set_us=0)

    assert await impatient.code(terminal, terminal.purchase(card)) == "A0"
    assert await node.code(terminal, terminal.purchase(card)) == "00"


async def test_many_requests_prove_new_keys_at_once(node: Node) -> None:
    """Requests pipelined right behind a sign-on are all approved, though each finds the keys unproven."""
    terminal, card = await node.terminal(), await node.card()
    purchases = [terminal.purchase(card) for _ in range(20)]

    codes = await asyncio.gather(*(node.code(terminal, purchase) for purchase in purchases))

    assert codes == ["00"] * 20
    assert BALANCE_MINOR - 2_000 == await node.balance_of(card)


async def test_terminals_with_one_trace_are_apart(node: Node) -> None:
    """Equal batch and STAN of two terminals name two requests."""
    terminals: list[Terminal] = [await node.terminal() for _ in range(2)]
    card = await node.card()
    purchases = [terminal.purchase(card, 100, {11: "000777"}) for terminal in terminals]

    answers = [await node.ask(each, purchase) for each, purchase in zip(terminals, purchases, strict=True)]

    assert ["00", "00"] == [answer.fields[39] for answer in answers]
    assert BALANCE_MINOR - 200 == await node.balance_of(card)
