"""The HSM as the switch sees it: key blocks and data go in, verdicts and sealed bytes come out.

Nothing here returns a clear key, a PIN or a PIN block, and no exception or repr quotes one. A key is named
by its key block, which says what it may be used for; asking for anything else raises `KeyBlockRefused`. The
keys an installation has one of each (`named_keys`) are opened once, at start, after the self test.

What concerns keys and sealed data is here; PINs, MACs, cards and DUKPT are in `hsm_soft.operations`. Key
blocks that were opened stay open for a while (`open_keys`): a purchase then costs two MACs and one PIN
verification, a few microseconds each, where opening a key block costs ten.

One thread owns an HSM. Randomness and the clock are injected.
"""

import os
from collections.abc import Mapping, Sequence
from time import monotonic

from hsm_soft import session_keys
from hsm_soft.audit.head import TreeHead, head_bytes
from hsm_soft.data_keys import DataKey, DataKeyRing, SealFault, UnknownDataKey
from hsm_soft.failure_limit import Clock, FailureLimit
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyUsage
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import KEY_IDS
from hsm_soft.new_keys import refuse_weak
from hsm_soft.open_keys import OpenKeys
from hsm_soft.operations.cards import CardOperations
from hsm_soft.operations.dukpt import DukptOperations
from hsm_soft.operations.macs import MacOperations
from hsm_soft.operations.pins import PinOperations
from hsm_soft.pan import pan_digits
from hsm_soft.primitives import Random, aes_cmac, aes_encryptor, hmac_sha256
from hsm_soft.sealing import SealBroken, keyed_digest
from hsm_soft.selftest import run_self_test
from hsm_soft.session_keys import SessionKeys, SignOnLayout
from hsm_soft.signing import public_key, signer

__all__ = ["SoftHsm"]


class SoftHsm(PinOperations, MacOperations, CardOperations, DukptOperations):
    """A software HSM over one master key and the named keys of one installation.

    Args:
        master_key: what every key block is under.
        key_blocks: id → key block, for each id of `KEY_IDS`.
        random: the source of keys, nonces and salts.
        clock: what failed verifications are counted by, seconds that only go forward.
        sm4_pos_mac: compute the POS MAC of SM4 keys, which no published message verifies.

    Raises:
        KeyBlockRefused: a named key's block is broken, under another master key or for another purpose.
        SelfTestFailed: an algorithm does not give its known answer.
    """

    def __init__(
        self,
        master_key: MasterKey,
        key_blocks: Mapping[int, KeyBlock],
        random: Random = os.urandom,
        *,
        clock: Clock = monotonic,
        sm4_pos_mac: bool = False,
    ) -> None:
        run_self_test()
        self._random = random
        self._protection = KeyBlockProtection(master_key.key, master_key.previous)
        keys = {
            usage: self._protection.unwrap(key_blocks[key_id], usage) for usage, key_id in KEY_IDS.items()
        }
        self._data_keys = DataKeyRing(keys[KeyUsage.DATA_KEY_WRAPPING], random)
        self._sign_audit = signer(keys[KeyUsage.AUDIT_SIGNING])
        self._audit_public_key = public_key(keys[KeyUsage.AUDIT_SIGNING])
        self._pan_index = hmac_sha256(keys[KeyUsage.PAN_INDEX])
        self._personal_index = hmac_sha256(keys[KeyUsage.PERSONAL_INDEX])
        self._pin_reference = aes_cmac(keys[KeyUsage.PIN_REFERENCE])
        self._scatter = aes_encryptor(keys[KeyUsage.NUMBER_SCATTERING])
        self._fingerprint = hmac_sha256(keys[KeyUsage.FINGERPRINT])
        self._keys = OpenKeys(self._protection, sm4_pos_mac=sm4_pos_mac)
        self._failures = FailureLimit(clock)

    def __repr__(self) -> str:
        return f"<SoftHsm {len(KEY_IDS)} named keys, {self._keys!r}>"

    def new_session_keys(self, terminal_master: KeyBlock, layout: SignOnLayout) -> SessionKeys:
        """New session keys for a terminal, with field 62 of its sign-on response.

        Args:
            terminal_master: the terminal's master key.
            layout: what the terminal asks for; under a triple length master key, double length means triple.

        Raises:
            KeyBlockRefused: `terminal_master` is not a terminal master key, or doesn't fit the layout; an SM4
                layout while the MAC of such keys is off.
        """
        if layout.is_sm4 and not self._keys.computes_sm4_pos_mac:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return session_keys.new_session_keys(self._protection, terminal_master, layout, self._random)

    def import_terminal_master(self, clear: bytes) -> KeyBlock:
        """The key block of a clear 16-byte terminal master key.

        Raises:
            KeyBlockRefused: another length, or a weak key.
        """
        refuse_weak(Algorithm.TDES, clear)
        return self._protection.wrap(KeyUsage.TERMINAL_MASTER, clear, self._random)

    def load_data_keys(self, keys: Sequence[DataKey]) -> None:
        """Learn data keys as they are stored, and forget those that were destroyed.

        Raises:
            KeyBlockRefused: a key block is broken, under another wrapping key or for another use.
        """
        self._data_keys.load(keys)

    def new_data_key(self, usage: KeyUsage, key_id: int) -> DataKey:
        """A new data key to store; it seals once it is loaded."""
        return self._data_keys.make(usage, key_id)

    def adopt_data_key(self, usage: KeyUsage, key_id: int, key_block: KeyBlock) -> DataKey:
        """The data key that an installation has under the master key itself, from before there were epochs.

        Raises:
            KeyBlockRefused: the key block is broken, or for another use.
        """
        return self._data_keys.wrapped(usage, key_id, self._protection.unwrap(key_block, usage))

    def seal_wallets(self, wallets: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, bytes]]:
        """Seal wallets, each of its id, version and state: key id and sealed state, 28 bytes more.

        Raises:
            NoDataKey: no key for wallets was loaded.
        """
        seal = self._data_keys.wallet_seal()
        return [(seal.key_id, seal.seal(*wallet)) for wallet in wallets]

    def open_wallets(self, wallets: Sequence[tuple[int, int, int, bytes]]) -> list[bytes | SealFault]:
        """The states of sealed wallets (id, version, key id, sealed state each), or what is wrong."""
        return [self._open_wallet(*wallet) for wallet in wallets]

    def reseal_wallets(
        self, wallets: Sequence[tuple[int, int, int, bytes]]
    ) -> list[tuple[int, bytes] | SealFault]:
        """Move sealed wallets under the current data key; their states stay inside.

        Raises:
            NoDataKey: no key for wallets was loaded.
        """
        seal = self._data_keys.wallet_seal()
        resealed: list[tuple[int, bytes] | SealFault] = []
        for wallet_id, version, key_id, sealed in wallets:
            state = self._open_wallet(wallet_id, version, key_id, sealed)
            moved = state if isinstance(state, SealFault) else seal.seal(wallet_id, version, state)
            resealed.append(moved if isinstance(moved, SealFault) else (seal.key_id, moved))
        return resealed

    def seal_pan(self, pan: str) -> bytes:
        """The card number, sealed; differs at each call.

        Raises:
            NotAPan: `pan` is not digits.
            NoDataKey: no key for card numbers was loaded.
        """
        return self._data_keys.field_seal(KeyUsage.PAN_ENCRYPTION).seal(pan_digits(pan))

    def open_pan(self, sealed: bytes) -> str:
        """The card number.

        Raises:
            SealBroken: changed, or sealed under another key.
            UnknownDataKey: sealed under a data key that was not loaded.
        """
        return self._data_keys.field_seal_of(KeyUsage.PAN_ENCRYPTION, sealed).open(sealed).decode("ascii")

    def seal_personal(self, field: str, text: str) -> bytes:
        """A personal detail, sealed for a field of this name; differs at each call.

        Raises:
            NoDataKey: no key for personal data was loaded.
        """
        return self._data_keys.field_seal(KeyUsage.PERSONAL_DATA).seal(text.encode(), field.encode())

    def open_personal(self, field: str, sealed: bytes) -> str:
        """The personal detail.

        Raises:
            SealBroken: changed, moved to another field, or sealed under another key.
            UnknownDataKey: sealed under a data key that was not loaded.
        """
        seal = self._data_keys.field_seal_of(KeyUsage.PERSONAL_DATA, sealed)
        return seal.open(sealed, field.encode()).decode()

    def personal_index(self, field: str, text: str) -> bytes:
        """16 bytes that are equal for equal details of one field: a keyed hash of the whole detail."""
        name = field.encode()
        return keyed_digest(self._personal_index, len(name).to_bytes(2, "big") + name + text.encode())

    def reseal_fields(self, usage: KeyUsage, field: str, sealed: Sequence[bytes]) -> list[bytes | SealFault]:
        """Move sealed card numbers (`PAN_ENCRYPTION`, no field) or personal details under the current key.

        Raises:
            NoDataKey: no key for this use was loaded.
        """
        current, name = self._data_keys.field_seal(usage), field.encode()
        resealed: list[bytes | SealFault] = []
        for each in sealed:
            try:
                clear = self._data_keys.field_seal_of(usage, each).open(each, name)
                resealed.append(current.seal(clear, name))
            except UnknownDataKey:
                resealed.append(SealFault.UNKNOWN_KEY)
            except SealBroken:
                resealed.append(SealFault.BROKEN)
        return resealed

    def sign_audit_head(self, head: TreeHead) -> bytes:
        """The audit key's signature over a tree head (Ed25519, 64 bytes)."""
        return self._sign_audit(head_bytes(head))

    def audit_public_key(self) -> bytes:
        """What signatures over the audit are checked with: 32 bytes, not secret."""
        return self._audit_public_key

    def pan_index(self, pan: str) -> bytes:
        """16 bytes that are equal for equal card numbers: a keyed hash of the whole number.

        Raises:
            NotAPan: `pan` is not digits.
        """
        return keyed_digest(self._pan_index, pan_digits(pan))

    def fingerprint(self, data: bytes) -> bytes:
        """16 bytes of keyed hash, to tell later whether a request is the same one."""
        return keyed_digest(self._fingerprint, data)

    def _open_wallet(self, wallet_id: int, version: int, key_id: int, sealed: bytes) -> bytes | SealFault:
        seal = self._data_keys.wallet_seal_of(key_id)
        if seal is None:
            return SealFault.UNKNOWN_KEY
        try:
            return seal.open(wallet_id, version, sealed)
        except SealBroken:
            return SealFault.BROKEN
