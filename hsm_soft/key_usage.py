"""What a key may do: one table of usages, asked at every call that touches a key.

A key block says four things about its key (X9.143 header): its usage, its algorithm, its mode of use and
whether it may be exported. A call says which usage it needs and which action it is about to do. `KeyUsage`
is the table that joins the two: a row holds the usage code, the algorithms with their key lengths, the mode a
new key gets, and a label. Where two usages share a code (two data encryption keys, two HMAC keys) the label,
an LB block authenticated like the rest of the header, keeps them apart.

`MODES` says which actions a mode of use allows. A key from a partner may be narrower than ours (verify only),
never wider than its usage: mode N ("no special restrictions") allows what the usage knows and nothing else.

What may change here: a new usage is a new row. Codes and labels of existing rows stand in stored key blocks
and stay as they are.

SM4 has no algorithm code in X9.143, which leaves digits to private use. Ours is 4; blocks with it are for
storage and are never sent to a partner.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from hsm_soft.key_refused import KeyBlockRefused, Refusal

__all__ = ["MODES", "Action", "Algorithm", "Exportability", "KeyUsage", "refuse_making", "strength_bits"]


class Algorithm(StrEnum):
    """The algorithm a key is for, as X9.143 codes it."""

    DES = "D"
    TDES = "T"
    AES = "A"
    HMAC = "H"
    ELLIPTIC_CURVE = "E"
    SM4 = "4"


class Action(Enum):
    """What a call is about to do with a key."""

    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    GENERATE = "generate"
    VERIFY = "verify"
    DERIVE = "derive"
    SIGN = "sign"


class Exportability(StrEnum):
    """Whether a key may leave (X9.143): in a key block only, also as a bare cryptogram, or not at all."""

    TRUSTED = "E"
    SENSITIVE = "S"
    NONE = "N"


MODES: Final[Mapping[str, frozenset[Action]]] = MappingProxyType(
    {
        "B": frozenset({Action.ENCRYPT, Action.DECRYPT}),
        "C": frozenset({Action.GENERATE, Action.VERIFY}),
        "D": frozenset({Action.DECRYPT}),
        "E": frozenset({Action.ENCRYPT}),
        "G": frozenset({Action.GENERATE}),
        "N": frozenset(Action),
        "S": frozenset({Action.SIGN}),
        "V": frozenset({Action.VERIFY}),
        "X": frozenset({Action.DERIVE}),
    }
)
"""Mode of use → the actions it allows. Modes T and Y (X9.143) are for keys this HSM does not have."""

_CIPHER: Final = MODES["B"]
_MAC: Final = MODES["C"]
_DERIVE: Final = MODES["X"]
_SIGN: Final = MODES["S"]

_Lengths: TypeAlias = Mapping[Algorithm, tuple[int, ...]]

_DES: Final[_Lengths] = {Algorithm.DES: (8,)}
_TDES_DOUBLE: Final[_Lengths] = {Algorithm.TDES: (16,)}
_TDES: Final[_Lengths] = {Algorithm.TDES: (16, 24)}
_AES: Final[_Lengths] = {Algorithm.AES: (16, 24, 32)}
_AES_256: Final[_Lengths] = {Algorithm.AES: (32,)}
_SM4: Final[_Lengths] = {Algorithm.SM4: (16,)}
_HMAC: Final[_Lengths] = {Algorithm.HMAC: (32,)}
_SEED: Final[_Lengths] = {Algorithm.ELLIPTIC_CURVE: (32,)}


class KeyUsage(Enum):
    """What a key is for: code, algorithms → key lengths in bytes, what its calls do, mode when made, label.

    POS_MAC is M1 (ISO 9797-1 algorithm 1) because the terminals' MAC is that CBC-MAC over 16 characters.
    AUDIT_SIGNING is an Ed25519 seed (RFC 8032).
    """

    TERMINAL_MASTER = ("K0", {**_TDES, **_SM4}, _CIPHER, "E", "")
    ZONE_MASTER = ("K0", {**_TDES, **_AES, **_SM4}, _CIPHER, "B", "zone master")
    KEY_BLOCK_PROTECTION = ("K1", {**_TDES, **_AES}, _CIPHER, "B", "")
    DATA_KEY_WRAPPING = ("K0", _AES_256, _CIPHER, "B", "data keys")

    PIN_ENCRYPTION = ("P0", {**_DES, **_TDES, **_AES, **_SM4}, _CIPHER, "D", "")
    TRACK_ENCRYPTION = ("D0", {**_TDES, **_SM4}, _CIPHER, "B", "track")
    BASE_DERIVATION = ("B0", {**_TDES_DOUBLE, **_AES}, _DERIVE, "X", "")
    INITIAL_KEY = ("B1", {**_TDES_DOUBLE, **_AES}, _DERIVE, "X", "")

    POS_MAC = ("M1", {**_DES, **_TDES, **_SM4}, _MAC, "C", "")
    CBC_MAC = ("M1", _DES, _MAC, "C", "cbc mac")
    TDES_CBC_MAC = ("M0", _TDES, _MAC, "C", "")
    RETAIL_MAC = ("M3", _TDES_DOUBLE, _MAC, "C", "")
    CMAC = ("M6", {**_TDES, **_AES}, _MAC, "C", "")
    HMAC = ("M7", _HMAC, _MAC, "C", "")

    PIN_REFERENCE = ("V0", _AES_256, _MAC, "C", "pin reference")
    PIN_IBM_3624 = ("V1", {**_DES, **_TDES}, _MAC, "C", "")
    PIN_VISA = ("V2", _TDES_DOUBLE, _MAC, "C", "")
    CARD_VERIFICATION = ("C0", _TDES_DOUBLE, _MAC, "C", "")
    EMV_CRYPTOGRAM = ("E0", {**_TDES_DOUBLE, **_AES}, _DERIVE, "X", "")

    WALLET_SEALING = ("D0", _AES_256, _CIPHER, "B", "wallet sealing")
    PAN_ENCRYPTION = ("D0", _AES_256, _CIPHER, "B", "pan encryption")
    PAN_INDEX = ("M7", _HMAC, _MAC, "C", "pan index")
    PERSONAL_DATA = ("D0", _AES_256, _CIPHER, "B", "personal data")
    PERSONAL_INDEX = ("M7", _HMAC, _MAC, "C", "personal index")
    FINGERPRINT = ("M7", _HMAC, _MAC, "C", "fingerprint")
    NUMBER_SCATTERING = ("D0", _AES_256, _CIPHER, "B", "number scattering")
    CARD_CODE = ("D0", _AES_256, _CIPHER, "B", "card code")
    PAYMENT_CODE = ("D0", _AES_256, _CIPHER, "B", "payment code")
    RECHARGE_SECRET = ("M7", _HMAC, _MAC, "C", "recharge secret")
    SECRET_FILE = ("D0", _AES_256, _CIPHER, "B", "secret file")
    DECIMALISATION_TABLE = ("10", _DES, _MAC, "C", "decimalisation table")
    AUDIT_SIGNING = ("S0", _SEED, _SIGN, "S", "audit signing")

    def __init__(
        self,
        code: str,
        algorithms: _Lengths,
        actions: frozenset[Action],
        mode: str,
        label: str,
    ) -> None:
        self.code = code
        self.algorithms = algorithms
        self.actions = actions
        self.mode = mode
        self.label = label

    @property
    def title(self) -> str:
        """Its name for people and in the database, as `zone-master`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def titled(cls, title: str) -> "KeyUsage":
        """The usage of that name.

        Raises:
            KeyBlockRefused: there is none.
        """
        for usage in cls:
            if usage.title == title:
                return usage
        raise KeyBlockRefused(Refusal.USAGE)

    def algorithm_of(self, key_bytes: int) -> Algorithm:
        """The algorithm of a key of so many bytes; the first of the row where several have that length.

        Raises:
            KeyBlockRefused: no key of this usage has that length.
        """
        for algorithm, lengths in self.algorithms.items():
            if key_bytes in lengths:
                return algorithm
        raise KeyBlockRefused(Refusal.LENGTH)

    def check_mode(self, mode: str, action: Action | None) -> None:
        """Returns only if a key of this usage and mode may do `action`; None asks for the usage's own mode.

        Raises:
            KeyBlockRefused: it may not.
        """
        needed = MODES[self.mode] if action is None else frozenset({action})
        if not needed <= self.allowed(mode):
            raise KeyBlockRefused(Refusal.MODE)

    def allowed(self, mode: str) -> frozenset[Action]:
        """What a key of this usage may do under a mode of use; nothing where the two don't go together."""
        return MODES.get(mode, frozenset()) & self.actions


def refuse_making(usage: KeyUsage) -> None:
    """Returns only if keys of this usage may be drawn here, or formed of components.

    Raises:
        KeyBlockRefused: `GIVEN`.
    """
    if usage is KeyUsage.DECIMALISATION_TABLE:
        raise KeyBlockRefused(Refusal.GIVEN)


_STRENGTH_BITS: Final[Mapping[tuple[Algorithm, int], int]] = MappingProxyType(
    {
        (Algorithm.DES, 8): 56,
        (Algorithm.TDES, 16): 80,
        (Algorithm.TDES, 24): 112,
        (Algorithm.SM4, 16): 128,
        (Algorithm.AES, 16): 128,
        (Algorithm.AES, 24): 192,
        (Algorithm.AES, 32): 256,
    }
)


def strength_bits(algorithm: Algorithm, key_bytes: int) -> int:
    """Security strength, to compare a key with the one that wraps it (NIST SP 800-57 part 1, table 2)."""
    return _STRENGTH_BITS.get((algorithm, key_bytes), min(key_bytes * 8, 256))
