"""Ed25519 signatures (RFC 8032): what the HSM says of its audit, for whoever checks it elsewhere.

A private key is a seed of 32 bytes and stays in the HSM, a public key of 32 bytes may go anywhere. A
signature has 64 bytes and is the same each time for the same data.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hsm_soft.primitives import Keyed

__all__ = ["PUBLIC_KEY_BYTES", "public_key", "signature_holds", "signer"]

PUBLIC_KEY_BYTES: Final = 32


def signer(seed: bytes) -> Keyed:
    """A function that signs under the key of this seed (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign


def public_key(seed: bytes) -> bytes:
    """The public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def signature_holds(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the owner of a public key signed this data; false for a key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
