"""`cardswitch ledger close-day`, `expire`, `adjust` and `trial-balance`, on a database of the test's own."""

import asyncio

import pytest

from storage.database import connect
from tests.switch.commands.conftest import Cardswitch, Ran
from tests.switch.shop import BALANCE_MINOR, World
from tests.switch.small_terminal import Card


@pytest.fixture
def own_world(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A database with products, which the commands work on."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", database_dsn)
    return asyncio.run(World.make(database_dsn))


@pytest.fixture
def card(own_world: World) -> Card:
    """A card with money on it."""
    return asyncio.run(_card(own_world))


async def _card(world: World) -> Card:
    connection = await connect(world.dsn)
    try:
        return await world.card(connection)
    finally:
        await connection.close()


def adjust(cardswitch: Cardswitch, *more: str, reference: str = "R1", approver: str = "bob") -> Ran:
    """Give something by hand."""
    return cardswitch(
        *("ledger", "adjust", "--amount-minor", "500", "--reference", reference),
        *("--proposer", "alice", "--approver", approver, *more),
    )


def cash_of_all(cardswitch: Cardswitch) -> int:
    """The sum of all wallets."""
    accounts = cardswitch("ledger", "show", "--json").json["accounts"]
    return next(int(account["balance_minor"]) for account in accounts if account["kind"] == "WALLET_CASH")


def test_day_is_closed(cardswitch: Cardswitch, card: Card) -> None:
    """The next day is open, the closed one sealed; closing the same day again changes nothing."""
    closed = cardswitch("ledger", "close-day", "--date", "2026-01-01", "--json")
    again = cardswitch("ledger", "close-day", "--date", "2026-01-01")
    next_day = cardswitch("ledger", "close-day")

    (sealed,) = closed.json["sealed"]
    assert (closed.status, closed.json["business_date"]) == (0, "2026-01-02")
    assert (sealed["business_date"], sealed["transactions"], len(sealed["seal"])) == ("2026-01-01", 1, 64)
    assert (again.status, again.out) == (0, "business date 2026-01-02\n")
    assert next_day.out.splitlines()[0].startswith("2026-01-02 sealed: 0 groups, 0 transactions")
    assert cardswitch("ledger", "verify").status == 0
    assert cardswitch("ledger", "verify", "--since", "2026-01-01").status == 0


def test_day_that_is_not_open_yet(cardswitch: Cardswitch, own_world: World) -> None:
    """A day of the future isn't closed, and nothing stands on a day that isn't sealed."""
    closed = cardswitch("ledger", "close-day", "--date", "2026-02-01")
    verified = cardswitch("ledger", "verify", "--since", "2026-01-01")

    assert (closed.status, verified.status) == (1, 2)
    assert closed.err == "cardswitch: 2026-02-01 is not open yet: 2026-01-01 is\n"
    assert verified.err == "cardswitch: 2026-01-01 is not a sealed day\n"


def test_adjustment_takes_two_operators(cardswitch: Cardswitch, card: Card) -> None:
    """Two operators give value once; one alone is refused, and so is the reference for something else."""
    alone = adjust(cardswitch, "--pan", card.pan, "--json", approver="alice")
    given = adjust(cardswitch, "--pan", card.pan, reference="R2")
    again = adjust(cardswitch, "--wallet", str(card.wallet_id), reference="R2")

    assert (alone.status, alone.json["outcome"]) == (1, "service_not_allowed")
    assert (given.status, given.out.split()[0]) == (0, "approved")
    assert (again.status, again.out) == (0, given.out)
    assert cash_of_all(cardswitch) == BALANCE_MINOR + 500
    shown = cardswitch("transaction", "find", "--rrn", given.out.split()[1], "--json").json["transactions"][0]
    assert (shown["kind"], shown["proposer"], shown["approver"]) == ("adjustment", "alice", "bob")


def test_adjustment_reads_the_card_from_stdin(cardswitch: Cardswitch, card: Card) -> None:
    """A card's number need not stand on the command line; what is taken is negative."""
    taken = cardswitch(
        *("ledger", "adjust", "--amount-minor", "-100", "--reference", "R1", "--proposer", "alice"),
        *("--approver", "bob", "--pan", "-"),
        stdin=card.pan + "\n",
    )

    assert taken.status == 0
    assert cash_of_all(cardswitch) == BALANCE_MINOR - 100


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ([], 2, "give --pan or --wallet"),
        (["--pan", "9900010000000000001", "--wallet", "1"], 2, "give --pan or --wallet"),
        (["--pan", "9900019999999999999"], 1, "no such card"),
        (["--wallet", "77"], 1, "no such card"),
    ],
    ids=["neither", "both", "unknown card", "unknown wallet"],
)
def test_adjustment_of_nobody(
    cardswitch: Cardswitch, own_world: World, more: list[str], status: int, told: str
) -> None:
    """An adjustment is of one card that there is."""
    ran = adjust(cardswitch, *more)

    assert (ran.status, ran.err) == (status, f"cardswitch: {told}\n")


def test_nothing_to_lapse(cardswitch: Cardswitch, card: Card) -> None:
    """The run tells what lapsed."""
    people, as_json = cardswitch("ledger", "expire"), cardswitch("ledger", "expire", "--json")

    assert (people.status, people.out) == (0, "0 holds and 0 lots lapsed, 0 left for later\n")
    assert as_json.json == {"holds": 0, "lots": 0, "refused": 0}


def test_trial_balance(cardswitch: Cardswitch, card: Card) -> None:
    """Debits and credits are equal, now and at the end of a sealed day."""
    cardswitch("ledger", "close-day")
    now = cardswitch("ledger", "trial-balance", "--json")
    then = cardswitch("ledger", "trial-balance", "--date", "2026-01-01", "--issuer", "0")
    before = cardswitch("ledger", "trial-balance", "--date", "2025-12-31", "--json")

    assert now.json["balanced"]
    assert {line["kind"]: (line["debit_minor"], line["credit_minor"]) for line in now.json["lines"]} == {
        "WALLET_CASH": (0, BALANCE_MINOR),
        "PROGRAMME_FUNDING": (BALANCE_MINOR, 0),
    }
    assert [line.split()[3] for line in then.out.splitlines()] == ["WALLET_CASH", "PROGRAMME_FUNDING"]
    assert before.json == {"balanced": True, "lines": []}


def test_books_that_do_not_balance(cardswitch: Cardswitch, own_world: World, card: Card) -> None:
    """A trial balance whose sides differ ends with 1."""
    asyncio.run(_tamper(own_world.dsn))

    ran = cardswitch("ledger", "trial-balance")

    assert (ran.status, ran.err) == (1, "cardswitch: debits and credits are not equal\n")


async def _tamper(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE ledger.entry SET amount_minor = amount_minor + 1 WHERE leg = 1")
    finally:
        await connection.close()
