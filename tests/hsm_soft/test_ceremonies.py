"""Officers at work on PostgreSQL: who comes in, what two of them allow, and which components are taken."""

import asyncio
from datetime import UTC, datetime

import pytest

from hsm_soft import ceremony_store
from hsm_soft.ceremony import Activity, CeremonyRefused, CeremonyState
from hsm_soft.ceremony_store import LOCK_SECONDS
from hsm_soft.custody import KeySpec
from hsm_soft.key_block import KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.passphrase import PassphraseRefused
from storage.database import connect
from tests.hsm_soft.key_room import PASSPHRASE, Room

_SPEC = KeySpec("link:bank", KeyUsage.ZONE_MASTER, Algorithm.TDES, 16)
_COMPONENT = bytes.fromhex("F1FD46F7E60DC81CAD97E0FE1C15A72F")


async def test_two_officers_come_in_alone_and_then_nobody(room: Room) -> None:
    """The third needs a ceremony that names just that officer."""
    with pytest.raises(CeremonyRefused, match="need a ceremony"):
        await room.ceremonies.add_officer("carol", PASSPHRASE, None)
    ceremony = await room.approved(Activity.OFFICERS, officer="carol")
    with pytest.raises(CeremonyRefused, match="another officer"):
        await room.ceremonies.add_officer("mallory", PASSPHRASE, ceremony)

    await room.ceremonies.add_officer("carol", PASSPHRASE, ceremony)

    assert await ceremony_store.officers(room.connection) == ["alice", "bob", "carol"]


async def test_an_officer_goes_and_does_not_come_back(room: Room) -> None:
    """Two have to remain, and a name is never somebody else's."""
    with pytest.raises(CeremonyRefused, match="two officers have to remain"):
        await room.ceremonies.remove_officer("bob", await room.approved(Activity.OFFICERS, officer="bob"))
    carol = await room.approved(Activity.OFFICERS, officer="carol")
    await room.ceremonies.add_officer("carol", PASSPHRASE, carol)

    await room.ceremonies.remove_officer("carol", carol)

    assert await ceremony_store.officers(room.connection) == ["alice", "bob"]
    with pytest.raises(PassphraseRefused):
        await room.ceremonies.open(Activity.MASTER_KEY, {}, "carol", PASSPHRASE, 15)
    with pytest.raises(CeremonyRefused, match="there is or was an officer carol"):
        await room.ceremonies.add_officer("carol", PASSPHRASE, carol)


async def test_an_unknown_officer_is_not_removed(room: Room) -> None:
    """There has to be one of that name."""
    carol = await room.approved(Activity.OFFICERS, officer="carol")
    await room.ceremonies.add_officer("carol", PASSPHRASE, carol)

    with pytest.raises(CeremonyRefused, match="there is no officer dave"):
        await room.ceremonies.remove_officer("dave", await room.approved(Activity.OFFICERS, officer="dave"))


@pytest.mark.parametrize("officer", ["alice", "mallory"])
async def test_only_officers_with_their_passphrase_act(room: Room, officer: str) -> None:
    """A wrong passphrase and an unknown name get the same answer, and both are recorded."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)
    wrong = "not the passphrase" if officer == "alice" else PASSPHRASE

    for attempt in (
        room.ceremonies.open(Activity.MASTER_KEY, {}, officer, wrong, 15),
        room.ceremonies.approve(ceremony, officer, wrong),
        room.ceremonies.close(ceremony, officer, wrong),
        room.ceremonies.new_component(ceremony, officer, wrong),
        room.ceremonies.enter_component(ceremony, officer, wrong, _COMPONENT, None),
    ):
        with pytest.raises(PassphraseRefused, match="no officer's name with that officer's passphrase"):
            await attempt
        await room.connection.execute("UPDATE hsm.officer SET failed_tries = 0")
    refused = [each for each in await room.recorded() if each["result"] == "refused"]
    assert [[officer]] * 5 == [each["actors"] for each in refused]


async def _guess(room: Room, passphrase: str = "not the passphrase") -> str:
    """Let somebody try alice's passphrase; the refusal."""
    with pytest.raises(PassphraseRefused) as refused:
        await room.ceremonies.open(Activity.MASTER_KEY, {}, "alice", passphrase, 15)
    return str(refused.value)


async def _tries(room: Room) -> tuple[int, datetime | None]:
    row = await room.connection.fetchrow(
        "SELECT failed_tries, locked_until FROM hsm.officer WHERE name = 'alice'"
    )
    assert row is not None
    return row["failed_tries"], row["locked_until"]


async def test_wrong_passphrases_lock_an_officer_for_longer_each_time(room: Room) -> None:
    """While locked the right one is refused too, and not counted; afterwards it clears the count."""
    for tries, seconds in enumerate((*LOCK_SECONDS, LOCK_SECONDS[-1]), start=1):
        told = await _guess(room)

        end = datetime.fromtimestamp(room.hour.now_us / 1_000_000 + seconds, UTC)
        assert await _tries(room) == (tries, end)
        assert ("is locked until" in told) == (seconds > 0)
        if seconds:
            room.hour.now_us += seconds * 1_000_000 - 1
            assert "is locked until" in await _guess(room, PASSPHRASE)
            assert await _tries(room) == (tries, end)
            room.hour.now_us += 1
    await room.ceremonies.open(Activity.MASTER_KEY, {}, "alice", PASSPHRASE, 15)

    assert await _tries(room) == (0, None)


async def test_a_lock_is_in_the_audit(room: Room) -> None:
    """With its end, and who was locked."""
    for _ in range(3):
        await _guess(room)

    last = (await room.recorded())[-1]

    assert (last["result"], last["actors"]) == ("refused", ["alice"])
    assert last["details"]["reason"] == (
        "too many wrong passphrases: alice is locked until 2027-01-15 08:00:30 UTC"
    )


async def test_a_try_counts_before_it_is_looked_at(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends the command in the middle of it has used it up."""

    def killed(*_: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(ceremony_store, "proves", killed)
    with pytest.raises(KeyboardInterrupt):
        await room.ceremonies.open(Activity.MASTER_KEY, {}, "alice", PASSPHRASE, 15)

    assert (await _tries(room))[0] == 1


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other(
    room: Room, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten at the same moment three are looked at: those that come before the lock."""
    looked_at: list[str] = []

    def proves(_: str, passphrase: str) -> bool:
        looked_at.append(passphrase)
        return False

    async def guess(number: int) -> None:
        connection = await connect(database_dsn)
        with pytest.raises(PassphraseRefused):
            await ceremony_store.authenticate(connection, "alice", f"guess {number}", room.hour.now_us)
        await connection.close()

    monkeypatch.setattr(ceremony_store, "proves", proves)
    await asyncio.gather(*(guess(number) for number in range(10)))

    assert len(looked_at) == 3


@pytest.mark.parametrize("activity", [Activity.GENERATE, Activity.COMPONENTS])
async def test_nobody_makes_a_decimalisation_table(room: Room, activity: Activity) -> None:
    """It is the issuer's; a ceremony to make one is not even opened."""
    spec = KeySpec("link:bank", KeyUsage.DECIMALISATION_TABLE, Algorithm.DES, 8)

    with pytest.raises(KeyBlockRefused) as refused:
        await room.ceremonies.open(activity, spec.subject, "alice", PASSPHRASE, 15)

    assert refused.value.reason is Refusal.GIVEN


async def test_an_officer_does_not_approve_alone(room: Room) -> None:
    """The one who opened can't approve; the other can, once."""
    opened = await room.ceremonies.open(Activity.MASTER_KEY, {}, "alice", PASSPHRASE, 15)
    with pytest.raises(CeremonyRefused, match="another officer"):
        await room.ceremonies.approve(opened.id, "alice", PASSPHRASE)

    approved = await room.ceremonies.approve(opened.id, "bob", PASSPHRASE)

    assert approved.state(room.hour.now_us) is CeremonyState.APPROVED
    assert await room.ceremonies.use(opened.id, Activity.MASTER_KEY) == ("alice", "bob")
    with pytest.raises(CeremonyRefused, match="has to be open"):
        await room.ceremonies.approve(opened.id, "bob", PASSPHRASE)


async def test_a_ceremony_ends_with_its_time(room: Room) -> None:
    """To the minute it was opened for."""
    ceremony = await room.approved(Activity.MASTER_KEY)
    room.hour.now_us += 15 * 60_000_000

    with pytest.raises(CeremonyRefused, match="is expired"):
        await room.ceremonies.use(ceremony, Activity.MASTER_KEY)


@pytest.mark.parametrize("minutes", [0, 61])
async def test_a_ceremony_lasts_an_hour_at_most(room: Room, minutes: int) -> None:
    """No standing permissions."""
    with pytest.raises(CeremonyRefused, match="at most 60 minutes"):
        await room.ceremonies.open(Activity.MASTER_KEY, {}, "alice", PASSPHRASE, minutes)


async def test_a_ceremony_says_what_it_is_about(room: Room) -> None:
    """One that leaves something open is not opened."""
    with pytest.raises(CeremonyRefused, match="names owner, usage"):
        await room.ceremonies.open(Activity.ROTATE, {"owner": "link:bank"}, "alice", PASSPHRASE, 15)


async def test_closing_a_ceremony_forgets_its_components(room: Room) -> None:
    """Nothing of them stays in the database."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)
    await room.ceremonies.new_component(ceremony, "alice", PASSPHRASE)

    await room.ceremonies.close(ceremony, "bob", PASSPHRASE)

    shown, components = await room.ceremonies.show(ceremony)
    assert (shown.closed, components) == (True, ())


async def test_a_component_is_kept_under_the_master_key(room: Room, protection: KeyBlockProtection) -> None:
    """As a block that says component 1, and that opens for no use."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)

    check = await room.ceremonies.enter_component(ceremony, "alice", PASSPHRASE, _COMPONENT, None)
    _, [stored] = await room.ceremonies.show(ceremony)

    assert (stored.officer, stored.number, stored.check_value) == ("alice", 1, check)
    assert protection.open(stored.block)[0].key_version == "c1"
    with pytest.raises(KeyBlockRefused) as refused:
        protection.unwrap(stored.block, KeyUsage.ZONE_MASTER)
    assert refused.value.reason is Refusal.COMPONENT


async def test_a_mistyped_component_is_refused(room: Room) -> None:
    """Wrong length, wrong parity, another check value than the sheet's."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)

    for component, said in ((_COMPONENT[:8], None), (_COMPONENT[:15] + b"\0", None), (_COMPONENT, b"\0\0\0")):
        with pytest.raises(KeyBlockRefused):
            await room.ceremonies.enter_component(ceremony, "alice", PASSPHRASE, component, said)
    assert (await room.ceremonies.show(ceremony))[1] == ()


async def test_nobody_enters_two_components(room: Room) -> None:
    """Each is another officer's."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)
    await room.ceremonies.new_component(ceremony, "alice", PASSPHRASE)

    with pytest.raises(CeremonyRefused, match="different officer"):
        await room.ceremonies.new_component(ceremony, "alice", PASSPHRASE)


async def test_no_secret_is_in_the_database_or_the_audit(room: Room) -> None:
    """Neither passphrases nor components, in any form."""
    ceremony = await room.approved(Activity.COMPONENTS, **_SPEC.subject)
    made = await room.ceremonies.new_component(ceremony, "alice", PASSPHRASE)
    tables = ("officer", "ceremony", "component", "key", "audit")
    rows = [str(row) for name in tables for row in await room.connection.fetch(f"SELECT * FROM hsm.{name}")]
    text = "\n".join(rows).lower()

    assert made.component.hex() not in text
    assert PASSPHRASE not in text
    assert made.component.hex() not in repr(made)
