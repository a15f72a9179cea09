"""The facade: a terminal's way from master key to purchase, and every key used for its purpose only."""

from collections.abc import Callable
from typing import Any

import pytest

from hsm_soft.audit.head import SignedHead, TreeHead
from hsm_soft.data_keys import DATA_KEY_USAGES, DataKey, SealFault, UnknownDataKey
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.master_key import MasterKey
from hsm_soft.pan import NotAPan
from hsm_soft.pin import PinResult
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.primitives import Random, des_decryptor, des_encryptor
from hsm_soft.sealing import SealBroken, WalletSeal
from hsm_soft.session_keys import SignOnLayout

_TMK = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
_PAN = "9900010000000003"


@pytest.mark.parametrize(
    ("layout", "pin_key_bytes"), [(SignOnLayout.SINGLE_24, 8), (SignOnLayout.DOUBLE_40, 16)]
)
def test_a_terminal_signs_on_and_pays(
    hsm: SoftHsm, clear_pin_block: Callable[[str, str], bytes], layout: SignOnLayout, pin_key_bytes: int
) -> None:
    """With the keys a terminal decrypts from field 62 its MAC and its PIN verify."""
    session = hsm.new_session_keys(hsm.import_terminal_master(_TMK), layout)
    decrypt = des_decryptor(_TMK)
    pin_key = decrypt(session.field_62[:pin_key_bytes])
    pin_block = des_encryptor(pin_key)(clear_pin_block("123456", _PAN))
    reference = hsm.make_pin_reference("123456", 7)

    hsm.verify_pos_mac(session.mac_key, b"message", hsm.pos_mac(session.mac_key, b"message"))
    assert PinResult.MATCH is hsm.verify_pin(session.pin_key, pin_block, _PAN, 7, reference)
    assert repr(hsm) == "<SoftHsm 7 named keys, <OpenKeys, 1 MAC keys, 1 PIN keys>>"


@pytest.mark.vectors("pos-mac")
def test_published_messages_verify(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, vector: dict[str, Any]
) -> None:
    """Messages from the wire have the MAC the HSM computes under the same key."""
    mac_key = protection.wrap(KeyUsage.POS_MAC, bytes.fromhex(vector["inputs"]["key"]), random)
    data = bytes.fromhex(vector["inputs"]["data"])

    hsm.verify_pos_mac(mac_key, data, vector["expected"].encode())
    with pytest.raises(MacMismatch):
        hsm.verify_pos_mac(mac_key, data + b"\x01", vector["expected"].encode())


def test_a_key_works_for_its_own_purpose_only(
    hsm: SoftHsm, clear_pin_block: Callable[[str, str], bytes]
) -> None:
    """MAC key, PIN key and terminal master key don't replace each other, however often it is tried."""
    master = hsm.import_terminal_master(_TMK)
    session = hsm.new_session_keys(master, SignOnLayout.DOUBLE_40)
    reference = hsm.make_pin_reference("1234", 7)
    block = clear_pin_block("1234", _PAN)

    for _ in range(2):
        for wrong in (master, session.pin_key):
            with pytest.raises(KeyBlockRefused):
                hsm.pos_mac(wrong, b"message")
        for wrong in (master, session.mac_key):
            with pytest.raises(KeyBlockRefused):
                hsm.verify_pin(wrong, block, _PAN, 7, reference)
        for wrong in (session.mac_key, session.pin_key):
            with pytest.raises(KeyBlockRefused):
                hsm.new_session_keys(wrong, SignOnLayout.SINGLE_24)


@pytest.mark.parametrize(
    ("clear", "expected"), [(bytes(16), Refusal.WEAK), (_TMK[:8], Refusal.LENGTH), (b"", Refusal.LENGTH)]
)
def test_a_poor_terminal_master_key_is_not_imported(hsm: SoftHsm, clear: bytes, expected: Refusal) -> None:
    """Weak keys and other lengths are refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        hsm.import_terminal_master(clear)

    assert expected is refused.value.reason


def test_a_wallet_opens_as_it_was_sealed(hsm: SoftHsm) -> None:
    """Wallet, version and key id together open the state; any other does not."""
    ((key_id, sealed), _) = hsm.seal_wallets([(7, 3, b"state"), (8, 1, b"other")])

    assert [b"state", SealFault.BROKEN, SealFault.BROKEN, SealFault.UNKNOWN_KEY] == hsm.open_wallets(
        [(7, 3, key_id, sealed), (8, 3, key_id, sealed), (7, 4, key_id, sealed), (7, 3, 99, sealed)]
    )


def test_what_is_resealed_opens_under_the_new_key_only(hsm: SoftHsm) -> None:
    """Wallets, card numbers and personal details move to the current key; what is broken is named."""
    ((old_id, sealed),) = hsm.seal_wallets([(7, 3, b"state")])
    pan, name = hsm.seal_pan(_PAN), hsm.seal_personal("name", "Wáng")
    hsm.load_data_keys([hsm.new_data_key(usage, key_id) for key_id, usage in enumerate(DATA_KEY_USAGES, 20)])

    moved, broken, unknown = hsm.reseal_wallets(
        [(7, 3, old_id, sealed), (7, 4, old_id, sealed), (7, 3, 9, sealed)]
    )
    pans = hsm.reseal_fields(KeyUsage.PAN_ENCRYPTION, "", [pan, pan[:-1], b"\0\x09"])
    (new_name,) = hsm.reseal_fields(KeyUsage.PERSONAL_DATA, "name", [name])

    assert isinstance(moved, tuple)
    assert moved[0] == 20
    assert hsm.open_wallets([(7, 3, *moved)]) == [b"state"]
    assert (broken, unknown) == (SealFault.BROKEN, SealFault.UNKNOWN_KEY)
    assert pans[1:] == [SealFault.BROKEN, SealFault.UNKNOWN_KEY]
    assert isinstance(pans[0], bytes)
    assert pans[0][:2] == b"\0\x15"
    assert hsm.open_pan(pans[0]) == _PAN
    assert isinstance(new_name, bytes)
    assert hsm.open_personal("name", new_name) == "Wáng"


def test_personal_details_belong_to_their_field(hsm: SoftHsm) -> None:
    """A detail opens under its field's name only; its index tells details and fields apart."""
    sealed = hsm.seal_personal("name", "Wáng")

    assert hsm.open_personal("name", sealed) == "Wáng"
    for field, moved in (("phone", sealed), ("name", sealed[:-1])):
        with pytest.raises(SealBroken):
            hsm.open_personal(field, moved)
    with pytest.raises(UnknownDataKey):
        hsm.open_personal("name", b"\0\x63" + sealed[2:])
    indices = {hsm.personal_index(*each) for each in (("a", "bc"), ("ab", "c"), ("a", "bc"), ("a", "bd"))}
    assert len(indices) == 3


def test_audit_heads_are_signed(hsm: SoftHsm) -> None:
    """A tree head's signature holds under the public key that the HSM tells."""
    head = TreeHead(3, 5, bytes(32), bytes(32))

    signed = SignedHead(head, hsm.audit_public_key(), hsm.sign_audit_head(head))

    assert signed.is_signed_by(hsm.audit_public_key())


def test_a_data_key_from_before_the_epochs_is_adopted(hsm: SoftHsm, protection: KeyBlockProtection) -> None:
    """A key under the master key itself becomes a data key and opens what it sealed."""
    key = bytes(range(32))
    former = protection.wrap(KeyUsage.WALLET_SEALING, key, bytes)
    adopted = hsm.adopt_data_key(KeyUsage.WALLET_SEALING, 30, former)

    hsm.load_data_keys([adopted])

    assert hsm.open_wallets([(7, 3, 30, WalletSeal(30, key, bytes).seal(7, 3, b"state"))]) == [b"state"]


def test_a_card_number_is_sealed_differently_each_time_and_found_by_its_index(hsm: SoftHsm) -> None:
    """The seal hides equality, the index of 16 bytes shows it."""
    first, second = hsm.seal_pan(_PAN), hsm.seal_pan(_PAN)

    assert first != second
    assert [hsm.open_pan(first), hsm.open_pan(second)] == [_PAN, _PAN]
    assert hsm.pan_index(_PAN) == hsm.pan_index(_PAN)
    assert hsm.pan_index(_PAN) != hsm.pan_index(_PAN[:-1] + "4")
    assert len(hsm.pan_index(_PAN)) == 16


def test_a_fingerprint_is_not_an_index(hsm: SoftHsm) -> None:
    """Equal data under the two hash keys gives different values of 16 bytes."""
    assert len(hsm.fingerprint(_PAN.encode())) == 16
    assert hsm.pan_index(_PAN) != hsm.fingerprint(_PAN.encode())


def test_what_is_no_card_number_is_refused(hsm: SoftHsm) -> None:
    """Sealing and indexing take digits only."""
    for call in (hsm.seal_pan, hsm.pan_index):
        with pytest.raises(NotAPan):
            call("9900-0100")


def test_two_hsms_over_the_same_keys_agree(
    hsm: SoftHsm, master_key: MasterKey, key_blocks: dict[int, KeyBlock], data_keys: list[DataKey]
) -> None:
    """What one node sealed, hashed and referenced another one reads."""
    other = SoftHsm(master_key, key_blocks)
    other.load_data_keys(data_keys)
    ((key_id, sealed),) = hsm.seal_wallets([(7, 3, b"state")])

    assert other.open_wallets([(7, 3, key_id, sealed)]) == [b"state"]
    assert other.open_pan(hsm.seal_pan(_PAN)) == _PAN
    assert hsm.pan_index(_PAN) == other.pan_index(_PAN)
    assert hsm.fingerprint(b"data") == other.fingerprint(b"data")


def test_named_keys_in_each_others_place_are_refused(
    master_key: MasterKey, key_blocks: dict[int, KeyBlock]
) -> None:
    """The fingerprint key's row under the index key's id stops the start."""
    swapped = key_blocks | {3: key_blocks[5], 5: key_blocks[3]}

    with pytest.raises(KeyBlockRefused) as refused:
        SoftHsm(master_key, swapped)

    assert Refusal.PURPOSE is refused.value.reason


def test_the_key_caches_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
    master_key: MasterKey,
    key_blocks: dict[int, KeyBlock],
    protection: KeyBlockProtection,
    random: Random,
) -> None:
    """Beyond the limit the least recently used key is dropped and still works when it comes back."""
    monkeypatch.setattr("hsm_soft.open_keys._TERMINAL_KEYS_MAX", 2)
    hsm = SoftHsm(master_key, key_blocks, random)
    mac_keys: list[KeyBlock] = [protection.wrap(KeyUsage.POS_MAC, random(8), random) for _ in range(5)]
    first = [hsm.pos_mac(key, b"message") for key in mac_keys]

    assert first == [hsm.pos_mac(key, b"message") for key in mac_keys]
    assert repr(hsm) == "<SoftHsm 7 named keys, <OpenKeys, 2 MAC keys, 0 PIN keys>>"
