"""The keys an installation has one of each."""

from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.named_keys import KEY_IDS, new_named_keys
from hsm_soft.primitives import Random


def test_ids_never_change() -> None:
    """Ids stand beside sealed data in every database there is: this list may grow and nothing else."""
    expected = {
        3: KeyUsage.PAN_INDEX,
        4: KeyUsage.PIN_REFERENCE,
        5: KeyUsage.FINGERPRINT,
        6: KeyUsage.DATA_KEY_WRAPPING,
        7: KeyUsage.AUDIT_SIGNING,
        8: KeyUsage.PERSONAL_INDEX,
        9: KeyUsage.NUMBER_SCATTERING,
    }

    assert expected == {key_id: usage for usage, key_id in KEY_IDS.items()}


def test_new_keys_are_different_and_open(protection: KeyBlockProtection, random: Random) -> None:
    """Each named key is a fresh one, under its own name, in the order of the ids."""
    keys = new_named_keys(protection, random)
    clear = {protection.unwrap(key.key_block, usage) for key, usage in zip(keys, KEY_IDS, strict=True)}

    assert [key.id for key in keys] == [3, 4, 5, 6, 7, 8, 9]
    assert [key.name for key in keys] == [
        "pan index",
        "pin reference",
        "fingerprint",
        "data keys",
        "audit signing",
        "personal index",
        "number scattering",
    ]
    assert len(clear) == 7
    assert {10} == {len(key.check_value) for key in keys}
