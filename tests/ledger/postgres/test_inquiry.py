"""Reading the ledger, for people."""

from dataclasses import astuple

import pytest

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.postgres import inquiry
from ledger.postgres.days import close_day
from ledger.postgres.inquiry import AccountTotal
from ledger.postgres.opening import Opening
from ledger.product import ProductRules
from ledger.sealer import SealBroken
from ledger.wallet import CASH
from tests.ledger.contract.stores import ask
from tests.ledger.intents import MERCHANT_ACCOUNT

from .nodes import FIRST_DATE, Connection, Node, StartNode, session


async def test_transactions_of_a_wallet(node: Node, connection: Connection) -> None:
    """Oldest first, with legs, and with the reversal that took one back."""
    wallet, other = await node.open(1000, 1000)
    purchase, reversal = node.till.purchase(wallet, 300, stan="1"), node.till.reversal("1", 300)
    decline = node.till.purchase(wallet, 5000)
    await node.post_all([purchase, node.till.purchase(other, 1)])
    await node.post(reversal)
    await node.post(decline)

    records = await inquiry.find_by_wallet(connection, wallet)

    assert [(r.kind, r.outcome, r.row.id, r.reversed_by) for r in records] == [
        (TransactionKind.PURCHASE, Outcome.APPROVED, purchase.transaction_id, reversal.transaction_id),
        (TransactionKind.PURCHASE_REVERSAL, Outcome.APPROVED, reversal.transaction_id, None),
        (TransactionKind.PURCHASE, Outcome.INSUFFICIENT_FUNDS, decline.transaction_id, None),
    ]
    assert records[0].legs == (
        Leg(AccountKind.WALLET_CASH, wallet, 156, -300, CASH),
        Leg(AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT, 156, 300),
    )
    assert records[1].row.original_id == purchase.transaction_id
    assert {record.business_date for record in records} == {FIRST_DATE}


async def test_transactions_of_a_terminal(node: Node, connection: Connection) -> None:
    """All that terminals did under a batch and STAN: purchase, inquiry and reversal."""
    (wallet,) = await node.open(1000)
    await node.post(node.till.purchase(wallet, 300, stan="000007"))
    await node.post(node.till.inquiry(wallet, stan="000007"))
    await node.post(node.till.reversal("000007", 300))
    origin = node.till.purchase(wallet, 1).origin
    terminals = [(origin.merchant_id, origin.terminal_id), (origin.merchant_id, "T9999999")]

    records = await inquiry.find_by_terminal(connection, terminals, origin.batch, "000007")
    none = await inquiry.find_by_terminal(connection, terminals, origin.batch, "000008")

    assert [record.kind for record in records] == [
        TransactionKind.PURCHASE,
        TransactionKind.BALANCE_INQUIRY,
        TransactionKind.PURCHASE_REVERSAL,
    ]
    assert none == []


async def test_transactions_by_number(node: Node, connection: Connection) -> None:
    """Numbers find their transactions in order, unknown numbers none."""
    (wallet,) = await node.open(1000)
    intents = [node.till.purchase(wallet, 1) for _ in range(3)]
    await node.post_all(intents)
    numbers = [intent.transaction_id for intent in intents]

    records = await inquiry.find_by_number(connection, [*reversed(numbers), 1])

    assert [record.row.id for record in records] == numbers
    assert await inquiry.find_by_number(connection, []) == []


async def test_newest_transactions_only(
    node: Node, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long history the newest are told, still oldest first."""
    monkeypatch.setattr(inquiry, "_NEWEST_FIRST", 2)
    (wallet,) = await node.open(1000)
    intents = [node.till.purchase(wallet, 1) for _ in range(4)]
    await node.post_all(intents)

    records = await inquiry.find_by_wallet(connection, wallet)

    assert [record.row.id for record in records] == [intent.transaction_id for intent in intents[2:]]


async def test_totals(database_dsn: str, start_node: StartNode) -> None:
    """Every account's sum, all wallets as one; the books sum to zero."""
    node = await start_node(database_dsn)
    wallet, _ = await node.open(1000, 500)
    await node.post(node.till.purchase(wallet, 300))
    async with session(database_dsn) as connection:
        totals = await inquiry.account_totals(connection)

    assert totals == [
        AccountTotal("MERCHANT_PAYABLE", MERCHANT_ACCOUNT, "CNY", 300, 1),
        AccountTotal("PROGRAMME_FUNDING", 0, "CNY", -1500, 1),
        AccountTotal("WALLET_CASH", None, "CNY", 1200, 3),
    ]
    assert sum(total.balance_minor for total in totals) == 0


async def test_open_date(database_dsn: str, node: Node, connection: Connection) -> None:
    """There is none before the first node started."""
    async with session(database_dsn) as new:
        assert await inquiry.open_date(new) is None
    assert await inquiry.open_date(connection) == FIRST_DATE


async def test_balance_of_a_damaged_wallet(database_dsn: str, start_node: StartNode) -> None:
    """A balance whose seal is broken is not told."""
    node = await start_node(database_dsn)
    (wallet,) = await node.open(1000)
    async with session(database_dsn) as connection:
        await connection.execute("UPDATE ledger.wallet SET sealed = sealed || '\\x00'")

        with pytest.raises(SealBroken):
            await inquiry.balances(connection, node.sealer, [wallet])


async def test_what_followed_a_transaction(node: Node, connection: Connection) -> None:
    """Refunds in part are listed in order; more changes than are asked for at once are found, too."""
    (wallet,) = await node.open(1000)
    purchase = node.till.purchase(wallet, 400)
    refunds = [ask(node.till, TransactionKind.REFUND, wallet, 10, of=purchase) for _ in range(20)]
    for intent in (purchase, *refunds):
        assert await node.post(intent) is Outcome.APPROVED

    (record,) = await inquiry.find_by_number(connection, [purchase.transaction_id])

    assert record.followed_by == tuple(refund.transaction_id for refund in refunds)
    assert (record.reversed_by, record.voided_by) == (None, None)


async def test_trial_balance_by_issuer(database_dsn: str, start_node: StartNode) -> None:
    """Each issuer has a chart of its own, in each layer and asset, now and at the end of a day."""
    node = await start_node(database_dsn)
    (wallet,) = await node.open(1000)
    (other,) = await node.open_lots([Opening(0, 500)], ProductRules(issuer=2))
    async with session(database_dsn) as connection:
        await close_day(connection)
        await node.post(node.till.purchase(wallet, 300))
        await node.post(ask(node.till, TransactionKind.PREAUTH, other, 200, rules=ProductRules(issuer=2)))
        now = await inquiry.trial_balance(connection)
        then = await inquiry.trial_balance(connection, FIRST_DATE, 2)

    assert [astuple(line) for line in now] == [
        (0, "POSTED", "WALLET_CASH", "CNY", 0, 700, 1),
        (0, "POSTED", "MERCHANT_PAYABLE", "CNY", 0, 300, 1),
        (0, "POSTED", "PROGRAMME_FUNDING", "CNY", 1000, 0, 1),
        (2, "POSTED", "WALLET_CASH", "CNY", 0, 500, 1),
        (2, "POSTED", "PROGRAMME_FUNDING", "CNY", 500, 0, 1),
        (2, "HELD", "HELD_WALLET", "CNY", 200, 0, 1),
        (2, "HELD", "HELD_MERCHANT", "CNY", 0, 200, 1),
    ]
    assert [(line.kind, line.credit_minor - line.debit_minor) for line in then] == [
        ("WALLET_CASH", 500), ("PROGRAMME_FUNDING", -500),
    ]  # fmt: skip
