"""What holds for the HSM wherever it is: the same suite, in this process and behind its socket."""

import asyncio
from collections.abc import Callable

import pytest

from hsm_soft.data_keys import DATA_KEY_USAGES, SealFault, UnknownDataKey
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from hsm_soft.key_block import KeyBlock, KeyBlockRefused, Refusal
from hsm_soft.pan import NotAPan
from hsm_soft.pin import BadPin, PinResult
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.primitives import des_decryptor, des_encryptor
from hsm_soft.sealing import SealBroken
from hsm_soft.session_keys import SignOnLayout

PAN = "6222020000000000017"
MASTER = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


async def test_a_terminal_signs_on_and_pays(asked: Hsm, clear_pin_block: Callable[[str, str], bytes]) -> None:
    """Keys are handed out, a PIN is verified under them, a request's MAC fits and the answer's is made."""
    master = await asked.ask(SoftHsm.import_terminal_master, MASTER)
    keys = await asked.ask(SoftHsm.new_session_keys, master, SignOnLayout.DOUBLE_40)
    reference = await asked.ask(SoftHsm.make_pin_reference, "123456", 7)
    pin_key = des_decryptor(MASTER)(keys.field_62[:16])
    block = des_encryptor(pin_key)(clear_pin_block("123456", PAN))
    mac = await asked.ask(SoftHsm.pos_mac, keys.mac_key, b"message")

    await asked.ask(SoftHsm.verify_pos_mac, keys.mac_key, b"message", mac)
    verdict = await asked.ask(SoftHsm.verify_pin, keys.pin_key, block, PAN, 7, reference)
    other = await asked.ask(SoftHsm.verify_pin, keys.pin_key, block, PAN, 8, reference)

    assert (PinResult.MATCH, PinResult.MISMATCH) == (verdict, other)


async def test_what_is_sealed_opens(asked: Hsm) -> None:
    """Card numbers and whole groups of wallets come back, and only with their seals whole."""
    sealed = await asked.ask(SoftHsm.seal_pan, PAN)
    wallets = [(number, 3, bytes((number,)) * 40) for number in range(200)]
    seals = await asked.ask(SoftHsm.seal_wallets, wallets)
    rows = [(number, version, *seal) for (number, version, _), seal in zip(wallets, seals, strict=True)]
    rows[7] = (7, 4, *seals[7])
    opened = await asked.ask(SoftHsm.open_wallets, rows)

    assert [SealFault.BROKEN if number == 7 else state for number, _, state in wallets] == opened

    assert await asked.ask(SoftHsm.open_pan, sealed) == PAN
    with pytest.raises(SealBroken):
        await asked.ask(SoftHsm.open_pan, sealed[:-1])


async def test_errors_are_those_of_the_operation(asked: Hsm) -> None:
    """What an operation raises arrives, with what it says of the reason and nothing of the arguments."""
    master = await asked.ask(SoftHsm.import_terminal_master, MASTER)
    keys = await asked.ask(SoftHsm.new_session_keys, master, SignOnLayout.SINGLE_24)

    with pytest.raises(MacMismatch):
        await asked.ask(SoftHsm.verify_pos_mac, keys.mac_key, b"message", b"00000000")
    with pytest.raises(NotAPan):
        await asked.ask(SoftHsm.pan_index, "no digits")
    with pytest.raises(BadPin):
        await asked.ask(SoftHsm.make_pin_reference, "12", 7)
    with pytest.raises(KeyBlockRefused) as refused:
        await asked.ask(SoftHsm.pos_mac, KeyBlock("no key block"), b"message")

    assert refused.value.reason is Refusal.MALFORMED


async def test_many_are_asked_at_once(asked: Hsm) -> None:
    """Each of thousands outstanding gets its own answer."""
    pans = [f"62220200000000{number:05}" for number in range(3000)]
    indices = await asyncio.gather(*(asked.ask(SoftHsm.pan_index, pan) for pan in pans))

    assert len(set(indices)) == 3000
    assert indices[2718] == await asked.ask(SoftHsm.pan_index, pans[2718])


async def test_data_keys_are_handed_in(asked: Hsm) -> None:
    """A new data key seals once it is loaded, and what it sealed is refused where it is no longer known."""
    keys = [await asked.ask(SoftHsm.new_data_key, usage, 50) for usage in DATA_KEY_USAGES]
    await asked.ask(SoftHsm.load_data_keys, keys)
    sealed = await asked.ask(SoftHsm.seal_personal, "name", "Wáng")
    await asked.ask(SoftHsm.load_data_keys, [key._replace(key_block=None) for key in keys])

    assert sealed[:2] == b"\0\x32"
    with pytest.raises(UnknownDataKey):
        await asked.ask(SoftHsm.open_personal, "name", sealed)


async def test_it_says_that_it_is_ready(asked: Hsm) -> None:
    """An HSM that can be asked says so, and its repr tells nothing more."""
    assert asked.is_ready
    assert repr(asked).startswith("<")
