"""Officers' passphrases: how they are proven, and how they seal what only their officer may open.

A passphrase is stretched with Argon2id (RFC 9106, second recommended option: 64 MiB, three passes, four
lanes) before it is compared or used as a key. What is stored to compare is Argon2id in PHC form, salt and
parameters included, so that they may be raised later without losing an officer.

A sealed secret (a component of the master key) is a line of JSON:

    officer, number and check values, readable   ‖ salt, nonce ‖ AES-256-GCM(key of the passphrase, secret)

Everything readable is authenticated with it. A passphrase has at least twelve characters; no rule makes
people choose well, but length helps.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hsm_soft.primitives import AESGCM, InvalidTag, Random

__all__ = [
    "PassphraseRefused",
    "SealedUnreadable",
    "open_sealed",
    "passphrase_proof",
    "proves",
    "readable_part",
    "seal_under",
]

PASSPHRASE_CHARACTERS_MIN: Final = 12

_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_PASSES: Final = 3
_LANES: Final = 4
_MEMORY_KIB: Final = 64 * 1024
_FORMAT: Final = "cardswitch sealed component 1"
_HIDDEN: Final = ("salt", "nonce", "sealed")


class PassphraseRefused(Exception):
    """A passphrase is too short, or not its officer's; says which, and nothing of it."""


class SealedUnreadable(Exception):
    """A sealed component's file is not one, or was changed."""


def passphrase_proof(passphrase: str, random: Random) -> str:
    """What to store of a passphrase, in PHC form.

    Raises:
        PassphraseRefused: fewer than twelve characters.
    """
    return _argon2id(random(_SALT_BYTES)).derive_phc_encoded(_encoded(passphrase))


def proves(proof: str, passphrase: str) -> bool:
    """Whether a passphrase is the one that a proof was made of; false for a proof that is none."""
    try:
        Argon2id.verify_phc_encoded(passphrase.encode(), proof)
    except (InvalidKey, ValueError):
        return False
    return True


def seal_under(passphrase: str, secret: bytes, readable: Mapping[str, str], random: Random) -> str:
    """The line of JSON that holds a secret under a passphrase.

    Args:
        passphrase: at least twelve characters.
        secret: what to seal.
        readable: what everybody may read, such as whose it is.
        random: where salt and nonce come from.

    Raises:
        PassphraseRefused: fewer than twelve characters.
    """
    salt, nonce = random(_SALT_BYTES), random(_NONCE_BYTES)
    sealer = AESGCM(_argon2id(salt).derive(_encoded(passphrase)))
    content = {**readable, "format": _FORMAT}
    sealed = sealer.encrypt(nonce, secret, _canonical(content))
    hidden = dict(zip(_HIDDEN, (salt, nonce, sealed), strict=True))
    return json.dumps(content | {name: b64encode(value).decode() for name, value in hidden.items()})


def readable_part(text: str) -> Mapping[str, str]:
    """What everybody may read, not authenticated yet.

    Raises:
        SealedUnreadable: it is no sealed component.
    """
    return _parse(text)[0]


def open_sealed(text: str, passphrase: str) -> tuple[Mapping[str, str], bytes]:
    """What everybody may read, and the secret.

    Raises:
        SealedUnreadable: it is no sealed component.
        PassphraseRefused: another passphrase, or the file was changed.
    """
    readable, (salt, nonce, sealed) = _parse(text)
    key = _argon2id(salt).derive(passphrase.encode())
    try:
        return readable, AESGCM(key).decrypt(nonce, sealed, _canonical(readable))
    except InvalidTag:
        raise PassphraseRefused("the passphrase is not the one this component was sealed under") from None


def _parse(text: str) -> tuple[dict[str, str], list[bytes]]:
    try:
        content = json.loads(text)
        hidden = [b64decode(content.pop(name), validate=True) for name in _HIDDEN]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SealedUnreadable("this is no sealed component") from None
    lengths = [len(value) for value in hidden[:2]]
    if content.get("format") != _FORMAT or lengths != [_SALT_BYTES, _NONCE_BYTES]:
        raise SealedUnreadable("this is no sealed component")
    return content, hidden


def _argon2id(salt: bytes) -> Argon2id:
    return Argon2id(salt=salt, length=_KEY_BYTES, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)


def _encoded(passphrase: str) -> bytes:
    if len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise PassphraseRefused(f"a passphrase has at least {PASSPHRASE_CHARACTERS_MIN} characters")
    return passphrase.encode()


def _canonical(readable: Mapping[str, str]) -> bytes:
    return json.dumps(readable, sort_keys=True, separators=(",", ":")).encode()
