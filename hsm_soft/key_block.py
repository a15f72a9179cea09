"""Key blocks under the master key: the only form in which a key is stored (X9.143, version D).

A block is readable ASCII: a header that says what the key may do, then the key, encrypted, then a MAC over
both:

    D 0112 P0 T D 00 N 00 00 | optional blocks | hex of AES-CBC(length ‖ key ‖ random) | hex of AES-CMAC

The MAC covers the header, so nobody who can write to the database can turn a MAC key into a PIN key. It is
also the CBC initial vector, so the same key never looks the same twice. Both keys, for encryption and for
authentication, are derived from the protection key (here: the master key). The random filler brings every
key of an algorithm to the same length, which hides whether a DES key is single or double.

`unwrap` is the gate: a call names the usage it needs (`KeyUsage`) and the action it is about to do, and a
block made for anything else is refused. What partners send and get is in `key_exchange`.
"""

from typing import Final

from hsm_soft.key_block_versions import KeyBlock, KeyBlockCipher
from hsm_soft.key_header import KeyBlockHeader
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Action, Algorithm, Exportability, KeyUsage
from hsm_soft.primitives import Random

__all__ = [
    "COMPONENT_VERSION",
    "PADDED_KEY_BYTES",
    "KeyBlock",
    "KeyBlockHeader",
    "KeyBlockProtection",
    "KeyBlockRefused",
    "KeyUsage",
    "Refusal",
    "algorithm_in",
    "check_purpose",
    "check_use",
    "purpose_blocks",
]

_VERSION: Final = "D"
_PROTECTION_KEY_BYTES: Final = 32

# X9.143 wants every key padded to the longest of its algorithm; for HMAC it is the length made here.
PADDED_KEY_BYTES: Final = {
    Algorithm.DES: 24,
    Algorithm.TDES: 24,
    Algorithm.AES: 32,
    Algorithm.HMAC: 32,
    Algorithm.ELLIPTIC_CURVE: 32,
    Algorithm.SM4: 16,
}

COMPONENT_VERSION: Final = "c"
"""What the key version of a component begins with (X9.143)."""

_HMAC_HASH_SHA256: Final = ("HM", "21")
_PURPOSE: Final = ("HM", "LB")
"""Optional blocks that say what a key is for; serial numbers, time stamps and such only travel with it."""


class KeyBlockProtection:
    """Wraps and unwraps keys under one AES-256 protection key.

    Args:
        protection_key: what is wrapped goes under it.
        previous: while keys are moved from one protection key to another: blocks under it open too.

    Raises:
        KeyBlockRefused: one of them has not 32 bytes.
    """

    __slots__ = ("_cipher", "_previous")

    def __init__(self, protection_key: bytes, previous: bytes | None = None) -> None:
        self._cipher = _cipher_of(protection_key)
        self._previous = None if previous is None else _cipher_of(previous)

    def __repr__(self) -> str:
        return "<KeyBlockProtection version D>"

    def wrap(
        self,
        usage: KeyUsage,
        key: bytes,
        random: Random,
        *,
        algorithm: Algorithm | None = None,
        mode: str = "",
        exportability: Exportability = Exportability.NONE,
        optional: tuple[tuple[str, str], ...] = (),
        component: int = 0,
    ) -> KeyBlock:
        """The key block of a clear key.

        Args:
            usage: what the key is for.
            key: the clear key.
            random: where the filler comes from.
            algorithm: needed where the usage has several with keys of that length; the first is the default.
            mode: the mode of use; the usage's own is the default.
            exportability: whether the key may leave.
            optional: further optional blocks that shall travel with the key.
            component: number of a component, 1 to 9, which is no whole key and never opens as one.

        Raises:
            KeyBlockRefused: length, algorithm or mode don't fit the usage.
        """
        algorithm = algorithm or usage.algorithm_of(len(key))
        mode = mode or usage.mode
        _check_key(usage, algorithm, len(key))
        if not usage.allowed(mode):
            raise KeyBlockRefused(Refusal.MODE)
        blocks = purpose_blocks(usage, algorithm) + optional
        header = KeyBlockHeader(
            _VERSION, usage.code, algorithm, mode, _key_version(component), exportability, blocks, 0
        )
        return self._cipher.seal(header, key, PADDED_KEY_BYTES[algorithm], random)

    def unwrap(self, block: str, usage: KeyUsage, action: Action | None = None) -> bytes:
        """The clear key of a block made for exactly this usage.

        Args:
            block: a version D block under this protection key.
            usage: what the caller needs the key for.
            action: what the caller is about to do; None asks for all the usage's own mode allows.

        Raises:
            KeyBlockRefused: broken, made under another protection key, or made for another usage.
        """
        header, key = self.open(block)
        check_use(header, len(key), usage, action)
        return key

    def open(self, block: str) -> tuple[KeyBlockHeader, bytes]:
        """Header and clear key of any version D block, whatever its usage.

        Raises:
            KeyBlockRefused: `MALFORMED`, `VERSION` or `FORGED`.
        """
        try:
            return self._cipher.open(block)
        except KeyBlockRefused as refused:
            if self._previous is None or refused.reason is not Refusal.FORGED:
                raise
        return self._previous.open(block)

    def rewrap(self, header: KeyBlockHeader, key: bytes, random: Random) -> KeyBlock:
        """A block that says of a key what another block under another protection key said.

        Raises:
            KeyBlockRefused: the header names an algorithm that is not used here.
        """
        own = tuple(each for each in header.optional if each[0] != "PB")
        padded = PADDED_KEY_BYTES[algorithm_in(header)]
        return self._cipher.seal(header._replace(optional=own), key, padded, random)


def _cipher_of(protection_key: bytes) -> KeyBlockCipher:
    if len(protection_key) != _PROTECTION_KEY_BYTES:
        raise KeyBlockRefused(Refusal.LENGTH)
    return KeyBlockCipher(_VERSION, protection_key)


def check_use(header: KeyBlockHeader, key_bytes: int, usage: KeyUsage, action: Action | None) -> None:
    """Returns only if a key with this header may be used so; no action asks for the usage's own mode.

    Raises:
        KeyBlockRefused: `COMPONENT`, `USAGE`, `ALGORITHM`, `MODE` or `PURPOSE`.
    """
    check_purpose(header, key_bytes, usage)
    usage.check_mode(header.mode, action)


def check_purpose(header: KeyBlockHeader, key_bytes: int, usage: KeyUsage) -> None:
    """Returns only if a key with this header was made for this usage, whatever its mode.

    Raises:
        KeyBlockRefused: `COMPONENT`, `USAGE`, `ALGORITHM` or `PURPOSE`.
    """
    if header.key_version.startswith(COMPONENT_VERSION):
        raise KeyBlockRefused(Refusal.COMPONENT)
    if header.usage != usage.code:
        raise KeyBlockRefused(Refusal.USAGE)
    algorithm = algorithm_in(header)
    if key_bytes not in usage.algorithms.get(algorithm, ()):
        raise KeyBlockRefused(Refusal.ALGORITHM)
    if tuple(part for part in header.optional if part[0] in _PURPOSE) != purpose_blocks(usage, algorithm):
        raise KeyBlockRefused(Refusal.PURPOSE)


def algorithm_in(header: KeyBlockHeader) -> Algorithm:
    """The algorithm a header names.

    Raises:
        KeyBlockRefused: `ALGORITHM`: none that is used here.
    """
    try:
        return Algorithm(header.algorithm)
    except ValueError:
        raise KeyBlockRefused(Refusal.ALGORITHM) from None


def purpose_blocks(usage: KeyUsage, algorithm: Algorithm) -> tuple[tuple[str, str], ...]:
    """The optional blocks that say what a key of this usage is for: X9.143 HM and LB."""
    hash_algorithm = (_HMAC_HASH_SHA256,) if algorithm is Algorithm.HMAC else ()
    return hash_algorithm + ((("LB", usage.label),) if usage.label else ())


def _key_version(component: int) -> str:
    return f"{COMPONENT_VERSION}{component}" if component else "00"


def _check_key(usage: KeyUsage, algorithm: Algorithm, key_bytes: int) -> None:
    if algorithm not in usage.algorithms:
        raise KeyBlockRefused(Refusal.ALGORITHM)
    if key_bytes not in usage.algorithms[algorithm]:
        raise KeyBlockRefused(Refusal.LENGTH)
