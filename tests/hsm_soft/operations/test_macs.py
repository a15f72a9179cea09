"""MAC operations: each method under a key made for it, and SM4 only where it was asked for."""

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.mac import MacAlgorithm, MacMethod, Padding
from hsm_soft.master_key import MasterKey
from hsm_soft.pos_mac import MacMismatch, sm4_pos_mac
from hsm_soft.primitives import Random, sm4_encryptor
from hsm_soft.session_keys import SignOnLayout

_USAGES = {
    MacAlgorithm.X9_9: (KeyUsage.CBC_MAC, 8),
    MacAlgorithm.X9_19: (KeyUsage.RETAIL_MAC, 16),
    MacAlgorithm.TDES_CBC: (KeyUsage.TDES_CBC_MAC, 16),
    MacAlgorithm.TDES_CMAC: (KeyUsage.CMAC, 16),
    MacAlgorithm.AES_CMAC: (KeyUsage.CMAC, 32),
    MacAlgorithm.HMAC_SHA256: (KeyUsage.HMAC, 32),
}


@pytest.mark.parametrize("algorithm", MacAlgorithm)
def test_a_method_has_its_keys(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random, algorithm: MacAlgorithm
) -> None:
    """A MAC is made and verified under a key of its usage, and under no other."""
    keys = {each: protection.wrap(usage, random(size), random) for each, (usage, size) in _USAGES.items()}
    method = MacMethod(algorithm, 8, Padding.METHOD_2)
    mac = hsm.make_mac(keys[algorithm], method, b"message")

    hsm.verify_mac(keys[algorithm], method, b"message", mac)
    with pytest.raises(MacMismatch):
        hsm.verify_mac(keys[algorithm], method, b"massage", mac)
    for other in set(MacAlgorithm) - {algorithm}:
        with pytest.raises(KeyBlockRefused):
            hsm.make_mac(keys[other], method, b"message")


def test_a_key_that_verifies_makes_nothing(
    hsm: SoftHsm, protection: KeyBlockProtection, random: Random
) -> None:
    """A partner's key of mode V is refused where a MAC is to be made."""
    clear, method = random(16), MacMethod(MacAlgorithm.X9_19, 8)
    verifying = protection.wrap(KeyUsage.RETAIL_MAC, clear, random, mode="V")
    making = protection.wrap(KeyUsage.RETAIL_MAC, clear, random, mode="G")

    hsm.verify_mac(verifying, method, b"message", hsm.make_mac(making, method, b"message"))
    for call in (
        lambda: hsm.make_mac(verifying, method, b"message"),
        lambda: hsm.verify_mac(making, method, b"message", bytes(8)),
    ):
        with pytest.raises(KeyBlockRefused) as refused:
            call()
        assert refused.value.reason is Refusal.MODE


@pytest.mark.parametrize("layout", [SignOnLayout.SM4_48, SignOnLayout.SM4_72])
def test_sm4_session_keys_are_off(
    master_key: MasterKey,
    key_blocks: dict[int, KeyBlock],
    protection: KeyBlockProtection,
    random: Random,
    layout: SignOnLayout,
) -> None:
    """Nobody is handed keys whose MAC is not computed; one that was told to computes and makes them."""
    terminal = protection.wrap(KeyUsage.TERMINAL_MASTER, random(16), random, algorithm=Algorithm.SM4)
    told = SoftHsm(master_key, key_blocks, random, sm4_pos_mac=True)

    with pytest.raises(KeyBlockRefused) as refused:
        SoftHsm(master_key, key_blocks, random).new_session_keys(terminal, layout)
    assert refused.value.reason is Refusal.ALGORITHM
    assert layout.length_bytes == len(told.new_session_keys(terminal, layout).field_62)


def test_the_sm4_pos_mac_is_off(
    master_key: MasterKey, key_blocks: dict[int, KeyBlock], protection: KeyBlockProtection, random: Random
) -> None:
    """An SM4 key computes the unverified MAC only in an HSM that was told to."""
    clear = random(16)
    key = protection.wrap(KeyUsage.POS_MAC, clear, random, algorithm=Algorithm.SM4)
    told = SoftHsm(master_key, key_blocks, random, sm4_pos_mac=True)

    with pytest.raises(KeyBlockRefused) as refused:
        SoftHsm(master_key, key_blocks, random).pos_mac(key, b"message")
    assert refused.value.reason is Refusal.ALGORITHM
    assert told.pos_mac(key, b"message") == sm4_pos_mac(sm4_encryptor(clear), b"message")
    told.verify_pos_mac(key, b"message", told.pos_mac(key, b"message"))
