"""Single use on PostgreSQL: of two that want the same exactly one gets it, whoever comes when."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import asyncpg
import pytest

from hsm_soft.dukpt import DukptRefused, KeySerialNumber, tdes_serial_number
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.primitives import Random
from hsm_soft.qr_token import PaymentCode
from hsm_soft.single_use import (
    RechargeCard,
    RechargeCardExists,
    accept_dukpt_counter,
    add_recharge_cards,
    forget_payment_codes,
    last_dukpt_counter,
    use_payment_code,
    use_recharge_card,
)
from hsm_soft.uniform import DIGITS, uniform_characters
from storage.database import DatabaseUnavailable, connect

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Nodes: TypeAlias = list[Connection]
Use: TypeAlias = Callable[[Connection, int], Awaitable[object]]

_NODES = 8
_NOW_S = 1_800_000_000
_CARD = RechargeCard("R-0001", b"digest of R-0001")
_CODE = PaymentCode(b"payment code", 7, 156, 5_000, _NOW_S + 60)
_DEVICE = KeySerialNumber(bytes.fromhex("FFFF9876543210E00000"), 5)


@pytest.fixture
async def nodes(database_dsn: str) -> AsyncIterator[Nodes]:
    """Nodes that share a database in which one recharge card was issued."""
    connections = [await connect(database_dsn) for _ in range(_NODES)]
    await add_recharge_cards(connections[0], [_CARD])
    yield connections
    for connection in connections:
        await connection.close()


@pytest.fixture(params=["recharge card", "payment code", "DUKPT counter"])
def use(request: pytest.FixtureRequest) -> Use:
    """Each thing that may be used once, used by a transaction; gives something true where it was."""
    uses: dict[str, Use] = {
        "recharge card": lambda node, number: use_recharge_card(node, _CARD.digest, number),
        "payment code": lambda node, number: use_payment_code(node, _CODE, number),
        "DUKPT counter": lambda node, _: accept_dukpt_counter(node, 100, _DEVICE),
    }
    return uses[request.param]


async def test_of_many_at_once_exactly_one_wins(nodes: Nodes, use: Use) -> None:
    """However many nodes ask at the same moment; and afterwards nobody else."""
    won = await asyncio.gather(*(use(node, number) for number, node in enumerate(nodes, 1)))

    assert sum(map(bool, won)) == 1
    assert not await use(nodes[0], _NODES + 1)


@pytest.mark.parametrize("commits", [True, False])
async def test_the_second_waits_for_what_the_first_does(nodes: Nodes, use: Use, commits: bool) -> None:
    """While the first one's transaction is open the second hears nothing; a rollback lets it through."""
    first, second, *_ = nodes
    transaction = first.transaction()
    await transaction.start()
    assert await use(first, 1)
    waiting = asyncio.create_task(_used(use, second))
    await _until_it_waits(nodes[2])

    await (transaction.commit() if commits else transaction.rollback())

    assert bool(await waiting) is not commits


async def _used(use: Use, node: Connection) -> object:
    return await use(node, 2)


async def _until_it_waits(observer: Connection) -> None:
    """Return when a session of this database waits for another's lock."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(20):
        while not await observer.fetchval(waits):
            await observer.execute("SELECT pg_sleep(0.01)")


async def test_the_same_transaction_may_ask_again(nodes: Nodes) -> None:
    """Its first answer may have got lost; another transaction is refused all the same."""
    for node in nodes[:2]:
        assert await use_recharge_card(node, _CARD.digest, 1) == _CARD.serial
        assert await use_payment_code(node, _CODE, 1)

    assert await use_recharge_card(nodes[0], _CARD.digest, 2) is None
    assert not await use_payment_code(nodes[0], _CODE, 2)


async def test_a_recharge_card_from_its_making_to_its_use(
    nodes: Nodes,
    hsm: SoftHsm,
    protection: KeyBlockProtection,
    random: Random,
) -> None:
    """What the HSM draws is stored by its hash and found by what somebody types."""
    recharge_key = protection.wrap(KeyUsage.RECHARGE_SECRET, random(32), random)
    secret, other = uniform_characters(DIGITS, 18, random), uniform_characters(DIGITS, 18, random)
    await add_recharge_cards(nodes[0], [RechargeCard("R-0002", hsm.recharge_digest(recharge_key, secret))])

    typed = hsm.recharge_digest(recharge_key, f"{secret[:6]} {secret[6:12]} {secret[12:]}")

    assert await use_recharge_card(nodes[0], hsm.recharge_digest(recharge_key, other), 9) is None
    assert await use_recharge_card(nodes[0], typed, 9) == "R-0002"
    rows = await nodes[0].fetch("SELECT r::text AS told FROM hsm.recharge_card AS r")
    assert not [row for row in rows if secret in row["told"]]


@pytest.mark.parametrize(
    "batch",
    [
        [RechargeCard("R-0009", bytes(16)), RechargeCard("R-0001", b"another digest!!")],
        [RechargeCard("R-0009", bytes(16)), RechargeCard("R-0010", _CARD.digest)],
        [RechargeCard("R-0009", bytes(16)), RechargeCard("R-0009", b"another digest!!")],
    ],
    ids=["serial there", "hash there", "serial twice"],
)
async def test_a_batch_is_added_whole_or_not(nodes: Nodes, batch: list[RechargeCard]) -> None:
    """A card that is there already refuses all the others with it."""
    with pytest.raises(RechargeCardExists):
        await add_recharge_cards(nodes[0], batch)

    assert await use_recharge_card(nodes[0], bytes(16), 1) is None


async def test_a_hash_of_another_length_is_no_card(
    nodes: Nodes,
) -> None:
    """The table holds hashes of 16 bytes, and the refusal quotes nothing."""
    with pytest.raises(DatabaseUnavailable) as refused:
        await add_recharge_cards(nodes[0], [RechargeCard("R-0009", b"short digest")])

    assert "short digest" not in repr(refused.value)


async def test_used_codes_are_forgotten_after_their_end(
    nodes: Nodes,
) -> None:
    """Not before an hour after it, since clocks of nodes differ."""
    await use_payment_code(nodes[0], _CODE, 1)

    assert await forget_payment_codes(nodes[0], _CODE.expires_at_s + 3_600) == 0
    assert await forget_payment_codes(nodes[0], _CODE.expires_at_s + 3_601) == 1


async def test_a_counter_only_rises(nodes: Nodes) -> None:
    """What one node accepted every node knows, for each base key and device by itself."""
    lower, higher = KeySerialNumber(_DEVICE.device, 4), KeySerialNumber(_DEVICE.device, 7)
    assert await accept_dukpt_counter(nodes[0], 100, _DEVICE)

    assert not await accept_dukpt_counter(nodes[1], 100, lower)
    assert await last_dukpt_counter(nodes[1], 100, _DEVICE.device) == 5
    assert await accept_dukpt_counter(nodes[1], 100, higher)
    assert await last_dukpt_counter(nodes[0], 100, _DEVICE.device) == 7
    assert await accept_dukpt_counter(nodes[0], 101, lower)
    assert await last_dukpt_counter(nodes[0], 102, _DEVICE.device) == 0


async def test_a_replay_is_refused_by_a_node_that_has_just_started(
    nodes: Nodes,
    hsm: SoftHsm,
    protection: KeyBlockProtection,
    random: Random,
) -> None:
    """The counter that one node stored is what another one asks its HSM with."""
    base_key = protection.wrap(KeyUsage.BASE_DERIVATION, random(16), random)
    ksn = bytes.fromhex("FFFF9876543210E00008")
    number = tdes_serial_number(ksn)
    assert await accept_dukpt_counter(nodes[0], 100, number)

    last = await last_dukpt_counter(nodes[1], 100, number.device)

    with pytest.raises(DukptRefused, match="used before"):
        hsm.verify_mac_dukpt(base_key, ksn, last, b"message", bytes(4), 4)
