"""What may cross the HSM's socket: the operations, the types they take and return, the errors they declare.

Places in these tables are numbers on the wire. The server says what its tables are before anything is asked
(`codec.SIGNATURE`), so rows may come, go and move between versions. A test holds the types and errors to what
the operations' signatures and docstrings name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from hsm_soft.audit.head import TreeHead
from hsm_soft.data_keys import DataKey, NoDataKey, SealFault, UnknownDataKey
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.pan import NotAPan
from hsm_soft.pin import BadPin, PinReference, PinResult
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.sealing import SealBroken
from hsm_soft.session_keys import SessionKeys, SignOnLayout

__all__ = ["ERRORS", "OPERATIONS", "TYPES"]

OPERATIONS: Final[tuple[Callable[..., Any], ...]] = tuple(
    method for name, method in sorted(vars(SoftHsm).items()) if not name.startswith("_") and callable(method)
)
"""Every public method of `SoftHsm`."""

TYPES: Final[tuple[type, ...]] = (
    DataKey,
    KeyUsage,
    PinReference,
    PinResult,
    Refusal,
    SealFault,
    SessionKeys,
    SignOnLayout,
    TreeHead,
)
"""Enumerations, frozen dataclasses and named tuples, built from their fields in order."""

ERRORS: Final[Mapping[type[Exception], tuple[str, ...]]] = MappingProxyType(
    {
        BadPin: (),
        KeyBlockRefused: ("reason",),
        MacMismatch: (),
        NoDataKey: (),
        NotAPan: (),
        SealBroken: (),
        UnknownDataKey: (),
    }
)
"""Errors by type, with the attributes that are the arguments to make them anew from."""
