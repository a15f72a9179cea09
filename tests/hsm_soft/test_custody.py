"""Key custody on PostgreSQL: what ceremonies allow is done, all else refused, and either is recorded."""

import pytest

from hsm_soft import key_ring
from hsm_soft.ceremony import Activity, CeremonyRefused
from hsm_soft.check_values import check_value
from hsm_soft.custody import KeySpec
from hsm_soft.key_block import KeyBlockProtection, KeyBlockRefused, Refusal
from hsm_soft.key_block_versions import open_key_block
from hsm_soft.key_exchange import Cryptogram
from hsm_soft.key_life import KeyState, LifeRefused, ManagedKey, Slot
from hsm_soft.key_ring import KeyUnknown
from hsm_soft.key_usage import Algorithm, Exportability, KeyUsage
from hsm_soft.primitives import des_encryptor
from tests.hsm_soft.key_room import PASSPHRASE, Room

_ZONE = KeySpec("link:bank", KeyUsage.ZONE_MASTER, Algorithm.TDES, 16)
_MAC = KeySpec("link:bank", KeyUsage.RETAIL_MAC, Algorithm.TDES, 16, exportability=Exportability.SENSITIVE)
_OF_MAC = {"owner": "link:bank", "usage": "retail-mac"}


async def _made(room: Room, spec: KeySpec) -> ManagedKey:
    key = await room.keys.generate(await room.approved(Activity.GENERATE, **spec.subject), spec)
    assert isinstance(key, ManagedKey)
    return key


async def test_the_first_key_of_an_owner_is_current(room: Room, protection: KeyBlockProtection) -> None:
    """It is stored as a block for its usage, and whoever asked to be told is."""
    key = await _made(room, _MAC)
    stored = await key_ring.find(room.connection, key.id)

    assert (key.id, key.owner, key.state, key.slot) == (100, "link:bank", KeyState.ACTIVE, Slot.CURRENT)
    assert stored == key
    assert stored.block is not None
    assert len(protection.unwrap(stored.block, KeyUsage.RETAIL_MAC)) == 16
    assert check_value(Algorithm.TDES, protection.open(stored.block)[1]).hex().upper() == key.check_value
    assert room.current == [key]


async def test_a_key_rotates_through_its_slots(room: Room) -> None:
    """Next, current with a window behind it, previous, and out; each number once."""
    first, second = await _made(room, _MAC), await _made(room, _MAC)
    assert (second.id, second.state, second.slot) == (101, KeyState.PRE_ACTIVE, Slot.NEXT)
    rotation = await room.approved(Activity.ROTATE, **_OF_MAC)

    previous, current = await room.keys.rotate(rotation, "link:bank", KeyUsage.RETAIL_MAC, 5_000_000)
    keys = await key_ring.of_owner(room.connection, "link:bank", "retail-mac")

    assert {Slot.PREVIOUS: previous, Slot.CURRENT: current} == keys
    assert (previous.id, current.id) == (first.id, second.id)
    assert previous.usable_until_us == room.hour.now_us + 5_000_000
    assert room.current == [first, current]
    third = await _made(room, _MAC)
    left, *_ = await room.keys.rotate(rotation, "link:bank", KeyUsage.RETAIL_MAC, 0)
    assert (left.id, left.slot) == (first.id, None)
    assert [key.id for key in await key_ring.all_keys(room.connection) if key.id >= 100] == [
        100,
        101,
        third.id,
    ]


async def test_a_key_is_retired_and_then_destroyed(room: Room) -> None:
    """Not the other way round; its row stays, without the block, and its number is not used again."""
    key = await _made(room, _MAC)
    destruction = await room.approved(Activity.DESTROY, key=str(key.id))
    with pytest.raises(LifeRefused, match="is active"):
        await room.keys.destroy(destruction, key.id)

    await room.keys.retire(await room.approved(Activity.RETIRE, key=str(key.id)), key.id)
    gone = await room.keys.destroy(destruction, key.id)

    assert (gone.state, gone.slot, gone.block) == (KeyState.DESTROYED, None, None)
    assert gone == await key_ring.find(room.connection, key.id)
    assert (await _made(room, _MAC)).id == key.id + 1


@pytest.mark.parametrize("activity", [Activity.RETIRE, Activity.DESTROY])
async def test_the_installations_own_keys_stay(room: Room, activity: Activity) -> None:
    """What they protect would be lost."""
    ceremony = await room.approved(activity, key="4")

    with pytest.raises(LifeRefused, match="belongs to the installation"):
        await (room.keys.retire if activity is Activity.RETIRE else room.keys.destroy)(ceremony, 4)


async def test_a_key_leaves_and_comes_back_in_a_block(room: Room, protection: KeyBlockProtection) -> None:
    """Under the zone master key that both sides have."""
    zone, key = await _made(room, _ZONE), await _made(room, _MAC)
    assert zone.block is not None
    assert key.block is not None
    export = await room.approved(Activity.EXPORT, key=str(key.id), under=str(zone.id))
    block = await room.keys.export_block(export, key.id, zone.id, "")
    entry = await room.approved(Activity.IMPORT, **_OF_MAC, under=str(zone.id))

    came = await room.keys.import_block(
        entry, "link:bank", KeyUsage.RETAIL_MAC, zone.id, block, variants=False
    )

    assert block[0] == "B"
    assert open_key_block(protection.open(zone.block)[1], block)[1] == protection.open(key.block)[1]
    assert (came.check_value, came.slot) == (key.check_value, Slot.NEXT)


async def test_a_key_leaves_and_comes_back_bare(room: Room, protection: KeyBlockProtection) -> None:
    """As a cryptogram with its check value; the stored key gets the mode that was asked for."""
    zone, key = await _made(room, _ZONE), await _made(room, _MAC)
    export = await room.approved(Activity.EXPORT, key=str(key.id), under=str(zone.id))
    bare = await room.keys.export_cryptogram(export, key.id, zone.id)
    entry = await room.approved(Activity.IMPORT, **_OF_MAC, under=str(zone.id))

    came = await room.keys.import_cryptogram(entry, "link:bank", KeyUsage.RETAIL_MAC, zone.id, bare, "V")

    assert came.check_value == key.check_value == bare.check_value.hex().upper()
    assert protection.open(came.block)[0].mode == "V"


async def test_components_of_two_officers_make_a_key(room: Room, protection: KeyBlockProtection) -> None:
    """The key is their XOR and has the agreed check value; the components are gone afterwards."""
    ceremony = await room.approved(Activity.COMPONENTS, **_ZONE.subject)
    first = await room.ceremonies.new_component(ceremony, "alice", PASSPHRASE)
    second = await room.ceremonies.new_component(ceremony, "bob", PASSPHRASE)
    joined = bytes(one ^ other for one, other in zip(first.component, second.component, strict=True))
    agreed = check_value(Algorithm.TDES, joined)

    key = await room.keys.combine(ceremony, agreed)

    assert key.check_value == agreed.hex().upper()
    assert des_encryptor(protection.open(key.block)[1])(bytes(8))[:3] == agreed
    assert await room.connection.fetchval("SELECT count(*) FROM hsm.component") == 0
    with pytest.raises(CeremonyRefused, match="is closed"):
        await room.keys.combine(ceremony, agreed)


async def test_a_wrong_check_value_makes_no_key(room: Room) -> None:
    """The components stay, so that the mistake can be found."""
    ceremony = await room.approved(Activity.COMPONENTS, **_ZONE.subject)
    for officer in ("alice", "bob"):
        await room.ceremonies.new_component(ceremony, officer, PASSPHRASE)

    with pytest.raises(KeyBlockRefused) as refused:
        await room.keys.combine(ceremony, b"\0\0\0")

    assert refused.value.reason is Refusal.CHECK_VALUE
    assert len((await room.ceremonies.show(ceremony))[1]) == 2


async def test_a_key_that_is_not_in_use_wraps_nothing(room: Room) -> None:
    """Pre-active: nothing. Retired: neither export nor, its window over, import. Destroyed: nothing."""
    current, waiting, key = await _made(room, _ZONE), await _made(room, _ZONE), await _made(room, _MAC)
    bare = Cryptogram(b"x" * 16, b"123")
    await room.keys.retire(await room.approved(Activity.RETIRE, key=str(current.id)), current.id)

    for above in (waiting.id, current.id):
        export = await room.approved(Activity.EXPORT, key=str(key.id), under=str(above))
        with pytest.raises(LifeRefused, match="can't be used to encrypt"):
            await room.keys.export_block(export, key.id, above, "")
        entry = await room.approved(Activity.IMPORT, **_OF_MAC, under=str(above))
        with pytest.raises(LifeRefused, match="can't be used to decrypt"):
            await room.keys.import_cryptogram(entry, "link:bank", KeyUsage.RETAIL_MAC, above, bare, "")


async def test_a_destroyed_key_is_not_exported(room: Room) -> None:
    """There is nothing left of it."""
    zone, key = await _made(room, _ZONE), await _made(room, _MAC)
    await room.keys.retire(await room.approved(Activity.RETIRE, key=str(key.id)), key.id)
    await room.keys.destroy(await room.approved(Activity.DESTROY, key=str(key.id)), key.id)
    export = await room.approved(Activity.EXPORT, key=str(key.id), under=str(zone.id))

    with pytest.raises(LifeRefused, match="is destroyed"):
        await room.keys.export_block(export, key.id, zone.id, "")


async def test_an_unknown_key_is_said_to_be_none(room: Room) -> None:
    """By its number."""
    with pytest.raises(KeyUnknown, match="no key 999"):
        await room.keys.retire(await room.approved(Activity.RETIRE, key="999"), 999)


async def test_without_a_ceremony_nothing_happens(room: Room) -> None:
    """None of that number, one not approved, one for something else, one whose time is over."""
    opened = await room.ceremonies.open(Activity.GENERATE, _MAC.subject, "alice", PASSPHRASE, 15)
    approved = await room.approved(Activity.GENERATE, **_MAC.subject)
    attempts: list[tuple[int, KeySpec, int]] = [
        (99, _MAC, 0),
        (opened.id, _MAC, 0),
        (approved, _ZONE, 0),
        (approved, _MAC, 15 * 60_000_000),
    ]

    for ceremony, spec, later_us in attempts:
        room.hour.now_us += later_us
        with pytest.raises(CeremonyRefused):
            await room.keys.generate(ceremony, spec)
    assert [key.id for key in await key_ring.all_keys(room.connection) if key.id >= 100] == []


async def test_every_operation_and_every_refusal_is_recorded(room: Room) -> None:
    """Who, what, which key, its check value and the reason; no merchant's number, and no key."""
    spec = KeySpec("terminal:990001000000001/T0000001", KeyUsage.TERMINAL_MASTER, Algorithm.TDES, 16)
    key = await _made(room, spec)
    with pytest.raises(CeremonyRefused):
        await room.keys.generate(99, spec)
    with pytest.raises(LifeRefused):
        await room.keys.destroy(await room.approved(Activity.DESTROY, key=str(key.id)), key.id)

    records = await room.recorded()
    [made] = [each for each in records if each["operation"] == "key.generate" and each["result"] == "done"]
    refused = [each for each in records if each["result"] == "refused"]

    assert (made["actors"], made["subject"]) == (["alice", "bob"], "ceremony:1")
    assert made["details"]["check-value"] == key.check_value
    assert made["details"]["owner"] == "terminal:T0000001"
    assert made["details"]["key"] == f"key:{key.id}"
    assert [(each["operation"], each["actors"]) for each in refused] == [
        ("key.generate", ["nobody"]),
        ("key.destroy", ["alice", "bob"]),
    ]
    assert "is active" in refused[1]["details"]["reason"]
    assert [each["operation"] for each in records[:2]] == ["officer.add", "officer.add"]


async def test_what_is_not_recorded_does_not_happen(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the audit can't be written, the key is not there either."""
    ceremony = await room.approved(Activity.GENERATE, **_MAC.subject)

    def broken(*_: object) -> None:
        raise RuntimeError("no audit")

    monkeypatch.setattr(type(room.parts.audit), "append", broken)
    with pytest.raises(RuntimeError):
        await room.keys.generate(ceremony, _MAC)

    assert [key for key in await key_ring.all_keys(room.connection) if key.id >= 100] == []


@pytest.mark.parametrize(
    "spec",
    [_ZONE, _MAC, KeySpec("installation", KeyUsage.CMAC, Algorithm.AES, 32, "V", Exportability.TRUSTED)],
)
def test_a_spec_is_what_its_ceremony_names(spec: KeySpec) -> None:
    """What was approved and what is made are the same words."""
    assert spec == KeySpec.named(spec.subject)


async def test_a_decimalisation_table_comes_in_as_its_issuer_gives_it(
    room: Room, protection: KeyBlockProtection
) -> None:
    """Its digits are checked, stored like a key and shown by their check value."""
    ceremony = await room.approved(Activity.IMPORT_TABLE, owner="link:bank")
    with pytest.raises(KeyBlockRefused) as refused:
        await room.keys.import_table(ceremony, "link:bank", "0000000000000000")

    table = await room.keys.import_table(ceremony, "link:bank", "9876543210987654")

    assert Refusal.TABLE is refused.value.reason
    assert (table.owner, table.usage, table.slot) == ("link:bank", "decimalisation-table", Slot.CURRENT)
    assert table.block is not None
    assert protection.unwrap(table.block, KeyUsage.DECIMALISATION_TABLE).hex() == "9876543210987654"
    assert [each["result"] for each in await room.recorded()][-2:] == ["refused", "done"]
