"""What may cross the HSM's socket: the operations, the types they take and return, the errors they declare.

Places in these tables are numbers on the wire. The server says what its tables are before anything is asked
(`codec.SIGNATURE`), so rows may come, go and move between versions. A test holds the types and errors to what
the operations' signatures and docstrings name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from hsm_soft.audit.head import TreeHead
from hsm_soft.card_file import CardData, CardIdentity, IssuedCards
from hsm_soft.card_issue import (
    BadSerial,
    CardToIssue,
    IssuedPins,
    IssuedRecharges,
    NotARechargeSecret,
    PinMailer,
)
from hsm_soft.card_values import BadCardData
from hsm_soft.data_keys import DataKey, NoDataKey, SealFault, UnknownDataKey
from hsm_soft.dukpt import DukptRefusal, DukptRefused
from hsm_soft.emv import BadChipData, CardKeyOption
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.mac import MacAlgorithm, MacMethod, Padding
from hsm_soft.operations.cards import ChipTransaction
from hsm_soft.operations.dukpt import DukptData, DukptPin, DukptPinBlock
from hsm_soft.pan import NotAPan
from hsm_soft.pin import BadPin, ChangedPin, PinChange, PinReference, PinResult
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.pin_translation import PinBlockRefused, TranslationForbidden
from hsm_soft.pin_verification_value import BadDecimalisationTable, BadVerificationData
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.qr_token import CardCode, PaymentCode, TokenRefusal, TokenRefused
from hsm_soft.sealing import SealBroken
from hsm_soft.session_keys import SessionKeys, SignOnLayout

__all__ = ["ERRORS", "OPERATIONS", "TYPES"]

OPERATIONS: Final[tuple[Callable[..., Any], ...]] = tuple(
    getattr(SoftHsm, name)
    for name in sorted(dir(SoftHsm))
    if not name.startswith("_") and callable(getattr(SoftHsm, name))
)
"""Every public method of `SoftHsm`, those of its groups included."""

TYPES: Final[tuple[type, ...]] = (
    CardCode,
    CardData,
    CardIdentity,
    CardKeyOption,
    CardToIssue,
    ChangedPin,
    ChipTransaction,
    DataKey,
    DukptData,
    DukptPin,
    DukptPinBlock,
    DukptRefusal,
    IssuedCards,
    IssuedPins,
    IssuedRecharges,
    KeyUsage,
    MacAlgorithm,
    MacMethod,
    Padding,
    PaymentCode,
    PinBlockFormat,
    PinChange,
    PinMailer,
    PinPolicy,
    PinReference,
    PinResult,
    Refusal,
    SealFault,
    SessionKeys,
    SignOnLayout,
    TokenRefusal,
    TreeHead,
)
"""Enumerations, frozen dataclasses and named tuples, built from their fields in order."""

ERRORS: Final[Mapping[type[Exception], tuple[str, ...]]] = MappingProxyType(
    {
        BadCardData: (),
        BadChipData: (),
        BadDecimalisationTable: (),
        BadPin: (),
        BadSerial: (),
        BadVerificationData: (),
        DukptRefused: ("reason",),
        KeyBlockRefused: ("reason",),
        MacMismatch: (),
        NoDataKey: (),
        NotAPan: (),
        NotARechargeSecret: (),
        PinBlockRefused: (),
        SealBroken: (),
        TokenRefused: ("reason",),
        TranslationForbidden: ("source", "destination"),
        UnknownDataKey: (),
    }
)
"""Errors by type, with the attributes that are the arguments to make them anew from."""
