"""Keys that come from partners and go to them: in a key block, or bare under a zone or terminal master key.

    form         under                                         what vouches for the key
    key block    zone master key, key block protection key     the block's MAC; its check values, if any
    cryptogram   zone master key, terminal master key (ECB)    the check value both sides compare

A cryptogram (X9.17) says nothing about what its key may do and can be changed unseen, so it comes in with a
check value and as not exportable, and a key goes out in this form only if it is marked as sensitive (S). Key
blocks carry usage, algorithm, mode and exportability, and the same table that is asked at every use is asked
here. The key on top must be at least as strong as the one below it (PCI PIN 18, X9.24-1).

What is stored is always a block under the master key. Optional blocks of the partner's travel with it, except
padding, check values (verified, and only true under the partner's key) and his label: ours says the purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from hsm_soft.check_values import agrees, check_value, refuse_disagreement
from hsm_soft.key_block import (
    COMPONENT_VERSION,
    PADDED_KEY_BYTES,
    KeyBlock,
    KeyBlockHeader,
    KeyBlockProtection,
    algorithm_in,
    check_purpose,
    check_use,
    purpose_blocks,
)
from hsm_soft.key_block_versions import KeyBlockCipher
from hsm_soft.key_header import parse_header
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Action, Algorithm, Exportability, KeyUsage, strength_bits
from hsm_soft.new_keys import refuse_weak
from hsm_soft.pin_verification_value import table_bytes
from hsm_soft.primitives import (
    Random,
    des_decryptor,
    des_encryptor,
    sm4_decryptor,
    sm4_encryptor,
)

__all__ = [
    "VARIANT_VERSIONS",
    "Cryptogram",
    "Form",
    "WrappingKey",
    "export_block",
    "export_cryptogram",
    "import_block",
    "import_cryptogram",
    "refuse_stronger",
]


class Form(Enum):
    """How a key travels, and what may be on top of it."""

    BLOCK = frozenset({KeyUsage.ZONE_MASTER, KeyUsage.KEY_BLOCK_PROTECTION})
    CRYPTOGRAM = frozenset({KeyUsage.ZONE_MASTER, KeyUsage.TERMINAL_MASTER})


VARIANT_VERSIONS: Final = frozenset("AC")
"""Versions whose protection is weak; read and written only for a partner who has nothing better."""

_EXPORT_VERSIONS: Final[Mapping[Algorithm, str]] = MappingProxyType(
    {Algorithm.TDES: "BAC", Algorithm.AES: "DE"}
)
"""Versions by the wrapping key's algorithm, the best first."""

_ENCRYPTORS: Final = {Algorithm.TDES: des_encryptor, Algorithm.SM4: sm4_encryptor}
_DECRYPTORS: Final = {Algorithm.TDES: des_decryptor, Algorithm.SM4: sm4_decryptor}
_STAYS: Final = frozenset({"HM", "KC", "KP", "LB", "PB"})


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A stored key that is on top of others: its block and the usage it has here."""

    block: KeyBlock = field(repr=False)
    usage: KeyUsage


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """A key encrypted in ECB mode, and its check value."""

    encrypted: bytes = field(repr=False)
    check_value: bytes


def import_block(
    protection: KeyBlockProtection,
    wrapping: WrappingKey,
    block: str,
    usage: KeyUsage,
    random: Random,
    *,
    variants: bool = False,
) -> KeyBlock:
    """A partner's key block as a block under the master key.

    Args:
        protection: the master key.
        wrapping: what the partner's block is under.
        block: version A, B, C, D or E.
        usage: what the key is to be here; the block must say the same.
        random: where the filler comes from.
        variants: take versions A and C too.

    Raises:
        KeyBlockRefused: see `Refusal`.
    """
    above, algorithm = _open_wrapping(protection, wrapping, Form.BLOCK, Action.DECRYPT)
    version = parse_header(block).version
    if (version in VARIANT_VERSIONS and not variants) or version not in _EXPORT_VERSIONS[algorithm]:
        raise KeyBlockRefused(Refusal.VERSION)
    header, key = KeyBlockCipher(version, above).open(block)
    _check_import(header, key, usage, algorithm, above)
    _check_content(usage, key)
    return protection.wrap(
        usage,
        key,
        random,
        algorithm=algorithm_in(header),
        mode=header.mode,
        exportability=Exportability(header.exportability),
        optional=tuple(each for each in header.optional if each[0] not in _STAYS),
    )


def import_cryptogram(
    protection: KeyBlockProtection,
    wrapping: WrappingKey,
    cryptogram: Cryptogram,
    usage: KeyUsage,
    random: Random,
    *,
    mode: str = "",
) -> KeyBlock:
    """A key that came in ECB mode under a zone or terminal master key, as a block under the master key.

    Triple DES carries DES keys, SM4 carries SM4 keys.

    Raises:
        KeyBlockRefused: see `Refusal`; `CHECK_VALUE` if the key's is another, or is not given.
    """
    above, algorithm = _open_wrapping(protection, wrapping, Form.CRYPTOGRAM, Action.DECRYPT)
    below = _carried(algorithm, len(cryptogram.encrypted))
    if below not in usage.algorithms or len(cryptogram.encrypted) not in usage.algorithms[below]:
        raise KeyBlockRefused(Refusal.LENGTH)
    refuse_stronger(below, len(cryptogram.encrypted), algorithm, len(above))
    key = _DECRYPTORS[algorithm](above)(cryptogram.encrypted)
    if not agrees(below, key, cryptogram.check_value):
        raise KeyBlockRefused(Refusal.CHECK_VALUE)
    refuse_weak(below, key)
    _check_content(usage, key)
    return protection.wrap(usage, key, random, algorithm=below, mode=mode)


def export_block(
    protection: KeyBlockProtection,
    wrapping: WrappingKey,
    block: KeyBlock,
    usage: KeyUsage,
    random: Random,
    *,
    version: str = "",
) -> KeyBlock:
    """A stored key as a key block for a partner, its check value in a KC block.

    Args:
        protection: the master key.
        wrapping: what the partner's block shall be under.
        block: the stored key.
        usage: what the key is here.
        random: where the filler comes from.
        version: the best that fits the wrapping key is the default; A and C must be asked for.

    Raises:
        KeyBlockRefused: see `Refusal`; `EXPORT` if the key may not leave.
    """
    above, over = _open_wrapping(protection, wrapping, Form.BLOCK, Action.ENCRYPT)
    header, key, algorithm = _open_exportable(protection, block, usage, "ES")
    refuse_stronger(algorithm, len(key), over, len(above))
    if algorithm is Algorithm.SM4:
        raise KeyBlockRefused(Refusal.ALGORITHM)  # no code of it that a partner would know
    version = version or _EXPORT_VERSIONS[over][0]
    if version not in _EXPORT_VERSIONS[over]:
        raise KeyBlockRefused(Refusal.VERSION)
    outside = header._replace(version=version, optional=_for_partner(header, algorithm, key))
    return KeyBlockCipher(version, above).seal(outside, key, PADDED_KEY_BYTES[algorithm], random)


def export_cryptogram(
    protection: KeyBlockProtection, wrapping: WrappingKey, block: KeyBlock, usage: KeyUsage
) -> Cryptogram:
    """A stored key in ECB mode under a zone or terminal master key.

    Raises:
        KeyBlockRefused: see `Refusal`; `EXPORT` unless the key is marked as sensitive.
    """
    above, over = _open_wrapping(protection, wrapping, Form.CRYPTOGRAM, Action.ENCRYPT)
    _, key, algorithm = _open_exportable(protection, block, usage, "S")
    if algorithm is not _carried(over, len(key)):
        raise KeyBlockRefused(Refusal.ALGORITHM)
    refuse_stronger(algorithm, len(key), over, len(above))
    return Cryptogram(_ENCRYPTORS[over](above)(key), check_value(algorithm, key))


def refuse_stronger(below: Algorithm, below_bytes: int, above: Algorithm, above_bytes: int) -> None:
    """Returns only if the key on top is at least as strong as the one below it.

    Raises:
        KeyBlockRefused: `STRENGTH`.
    """
    if strength_bits(below, below_bytes) > strength_bits(above, above_bytes):
        raise KeyBlockRefused(Refusal.STRENGTH)


def _open_wrapping(
    protection: KeyBlockProtection, wrapping: WrappingKey, form: Form, action: Action
) -> tuple[bytes, Algorithm]:
    if wrapping.usage not in form.value:
        raise KeyBlockRefused(Refusal.USAGE)
    header, key = protection.open(wrapping.block)
    check_use(header, len(key), wrapping.usage, action)
    algorithm = algorithm_in(header)
    if algorithm not in (_EXPORT_VERSIONS if form is Form.BLOCK else _ENCRYPTORS):
        raise KeyBlockRefused(Refusal.ALGORITHM)
    return key, algorithm


def _open_exportable(
    protection: KeyBlockProtection, block: KeyBlock, usage: KeyUsage, exportabilities: str
) -> tuple[KeyBlockHeader, bytes, Algorithm]:
    header, key = protection.open(block)
    if header.exportability not in exportabilities:
        raise KeyBlockRefused(Refusal.EXPORT)
    check_purpose(header, len(key), usage)
    return header, key, algorithm_in(header)


def _check_import(header: KeyBlockHeader, key: bytes, usage: KeyUsage, over: Algorithm, above: bytes) -> None:
    """What `check_use` asks of a stored block, but for the label; and what only matters at the border."""
    algorithm = algorithm_in(header)
    if header.key_version.startswith(COMPONENT_VERSION):
        raise KeyBlockRefused(Refusal.COMPONENT)
    if header.usage != usage.code:
        raise KeyBlockRefused(Refusal.USAGE)
    if len(key) not in usage.algorithms.get(algorithm, ()):
        raise KeyBlockRefused(Refusal.ALGORITHM)
    for name, data in purpose_blocks(usage, algorithm):
        if name == "HM" and header.optional_data(name) not in (None, data):
            raise KeyBlockRefused(Refusal.PURPOSE)
    refuse_stronger(algorithm, len(key), over, len(above))
    refuse_weak(algorithm, key)
    _check_values(header, key, algorithm, over, above)


def _check_content(usage: KeyUsage, key: bytes) -> None:
    """A decimalisation table travels like a key and isn't one."""
    if usage is KeyUsage.DECIMALISATION_TABLE:
        table_bytes(key.hex())


def _check_values(
    header: KeyBlockHeader, key: bytes, algorithm: Algorithm, over: Algorithm, above: bytes
) -> None:
    for name, data in header.optional:
        if name == "KC":
            refuse_disagreement(algorithm, key, data)
        if name == "KP":
            refuse_disagreement(over, above, data)


def _carried(over: Algorithm, key_bytes: int) -> Algorithm:
    """The algorithm of a bare key under one of these: SM4 under SM4, and DES by its length."""
    if over is Algorithm.SM4:
        return Algorithm.SM4
    return Algorithm.DES if key_bytes == 8 else Algorithm.TDES


def _for_partner(header: KeyBlockHeader, algorithm: Algorithm, key: bytes) -> tuple[tuple[str, str], ...]:
    travelling = tuple(each for each in header.optional if each[0] not in _STAYS - {"HM"})
    return (*travelling, *_own_check_value(algorithm, key))


def _own_check_value(algorithm: Algorithm, key: bytes) -> tuple[tuple[str, str], ...]:
    """A KC block for the algorithms that X9.143 has a method for: 00 encrypted zeros, 01 CMAC."""
    method = {Algorithm.DES: "00", Algorithm.TDES: "00", Algorithm.AES: "01"}.get(algorithm)
    return () if method is None else (("KC", method + check_value(algorithm, key).hex().upper()),)
