"""A master key that only a PKCS#11 token can open.

The token holds an AES-256 key that never leaves it (sensitive, not extractable). The master key is random,
and lies in a file as the token encrypted it, with AES-GCM; at each start the token decrypts it into the
process. Whoever has the file and the database but not the token and its PIN has nothing.

The token is used for a moment at the start and never for transactions, in one session: Debian's SoftHSM 2.6.1
does not bear more (softhsm/SoftHSMv2#688). It and this module need the extra `cardswitch[pkcs11]`.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.types import DecryptMixin, EncryptMixin

from hsm_soft.check_values import shown
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MASTER_KEY_BYTES, MasterKeyMissing, MasterKeyUnreadable
from hsm_soft.primitives import Random

__all__ = ["Token", "new_token_master_key", "token_master_key"]

_FORMAT: Final = "cardswitch token master key 1"
_NONCE_BYTES: Final = 12
_TAG_BITS: Final = 128


@dataclass(frozen=True, slots=True)
class Token:
    """Where a token is and how it is opened.

    Attributes:
        module: The vendor's PKCS#11 library.
        label: The token's label.
        key_label: The label of the AES-256 key in it.
        pin: The user's PIN of the token.
    """

    module: Path
    label: str
    key_label: str
    pin: str = field(repr=False)


def new_token_master_key(token: Token, random: Random) -> tuple[str, str]:
    """A new master key: its check value, and the content of its file. The token's key is made if missing.

    Raises:
        MasterKeyMissing: the token can't be used.
    """
    master, nonce = random(MASTER_KEY_BYTES), random(_NONCE_BYTES)
    check = shown(Algorithm.AES, master)
    content = {"format": _FORMAT, "token": token.label, "key": token.key_label, "check value": check}
    with _session(token, writable=True) as session:
        key = _find_key(session, token) or session.generate_key(
            KeyType.AES,
            256,
            label=token.key_label,
            store=True,
            template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        )
        assert isinstance(key, EncryptMixin)
        parameters = _parameters(nonce, content)
        sealed = key.encrypt(master, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
        assert isinstance(sealed, bytes)
    hidden = {"nonce": b64encode(nonce).decode(), "sealed": b64encode(sealed).decode()}
    return check, json.dumps(content | hidden)


def token_master_key(module: Path, text: str, ask: Callable[[str], str]) -> bytes:
    """The master key in a file's content.

    Args:
        module: the vendor's PKCS#11 library.
        text: the file's content, which names token and key.
        ask: token's label → the user's PIN.

    Raises:
        MasterKeyMissing: the token can't be used, or has no such key.
        MasterKeyUnreadable: the file is none, was changed, or is of another token.
    """
    content, nonce, sealed = _parse(text)
    parameters = _parameters(nonce, content)
    token = Token(module, content["token"], content["key"], ask(content["token"]))
    with _session(token, writable=False) as session:
        key = _find_key(session, token)
        if not isinstance(key, DecryptMixin):
            raise MasterKeyMissing(f"token {token.label} has no key {token.key_label}")
        try:
            return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))
        except pkcs11.PKCS11Error:
            raise MasterKeyUnreadable("the token does not open this master key") from None


def _find_key(session: pkcs11.Session, token: Token) -> pkcs11.Key | None:
    try:
        return session.get_key(key_type=KeyType.AES, label=token.key_label)
    except pkcs11.NoSuchKey:
        return None


@contextmanager
def _session(token: Token, *, writable: bool) -> Iterator[pkcs11.Session]:
    """A session with the token; every failure of it as ours, without what the library says of the PIN."""
    try:
        found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
        with found.open(rw=writable, user_pin=token.pin) as session:
            yield session
    except pkcs11.PKCS11Error as error:
        raise MasterKeyMissing(f"token {token.label} can't be used: {type(error).__name__}") from None


def _parameters(nonce: bytes, content: dict[str, str]) -> pkcs11.GCMParams:
    readable = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return pkcs11.GCMParams(nonce, readable, _TAG_BITS)


def _parse(text: str) -> tuple[dict[str, str], bytes, bytes]:
    try:
        content = json.loads(text)
        nonce, sealed = (b64decode(content.pop(name), validate=True) for name in ("nonce", "sealed"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MasterKeyUnreadable("this is no master key of a token") from None
    named = isinstance(content.get("token"), str) and isinstance(content.get("key"), str)
    if content.get("format") != _FORMAT or not named or len(nonce) != _NONCE_BYTES:
        raise MasterKeyUnreadable("this is no master key of a token")
    return content, nonce, sealed
