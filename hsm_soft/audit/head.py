"""A signed tree head: what the HSM says, at one moment, of the whole audit. Pure.

A head names how many records there are, the root of the Merkle tree over them and the hash at the end of the
chain, and when this was said; the HSM signs it with its audit key (Ed25519). Kept where the writer of the
database can't reach (another machine, a printed page), it is what later shows that records were cut off or
written anew: a chain alone shows neither.

What is signed are fixed fields in a fixed order, so no two heads share their bytes:

    "cardswitch audit head 1", line feed ‖ size 8 ‖ time in microseconds 8 ‖ root 32 ‖ chain 32   (big-endian)
"""

import json
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from hsm_soft.signing import signature_holds

__all__ = [
    "HeadUnreadable",
    "SignedHead",
    "TreeHead",
    "head_bytes",
    "parse_head",
    "print_head",
    "signed_head",
]

_CONTEXT: Final = b"cardswitch audit head 1\n"
_FIELDS: Final = Struct(">qq32s32s")
_HASH_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_LENGTHS: Final = {
    "root": _HASH_BYTES,
    "chain": _HASH_BYTES,
    "public_key": _HASH_BYTES,
    "signature": _SIGNATURE_BYTES,
}
_NUMBER_MAX: Final = 2**63 - 1

Sign: TypeAlias = Callable[["TreeHead"], Awaitable[bytes]]
"""The HSM's signature over a head."""


class HeadUnreadable(ValueError):
    """This is not a signed head in JSON; says what is missing or wrong in it."""


class TreeHead(NamedTuple):
    """The audit at one moment: number of records, Merkle root, end of the chain, and the time in µs."""

    size: int
    at_us: int
    root: bytes
    chain: bytes


class SignedHead(NamedTuple):
    """A head, who signed it, and the signature."""

    head: TreeHead
    public_key: bytes
    signature: bytes

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether the owner of this key signed this head."""
        return signature_holds(public_key, self.signature, head_bytes(self.head))


def head_bytes(head: TreeHead) -> bytes:
    """What is signed."""
    return _CONTEXT + _FIELDS.pack(*head)


async def signed_head(head: TreeHead, public_key: bytes, sign: Sign) -> SignedHead:
    """The head with the HSM's signature.

    Args:
        head: what to sign.
        public_key: of the key that `sign` uses.
        sign: the HSM's.
    """
    return SignedHead(head, public_key, await sign(head))


def print_head(signed: SignedHead) -> str:
    """One line of JSON."""
    head = signed.head
    content: dict[str, int | str] = {"size": head.size, "at_us": head.at_us}
    content |= {"root": head.root.hex(), "chain": head.chain.hex()}
    content |= {"public_key": signed.public_key.hex(), "signature": signed.signature.hex()}
    return json.dumps(content)


def parse_head(text: str) -> SignedHead:
    """What `print_head` printed. Says nothing about its signature.

    Raises:
        HeadUnreadable: it is something else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise HeadUnreadable("a head is one line of JSON") from None
    if not isinstance(content, dict):
        raise HeadUnreadable("a head is a JSON object")
    size, at_us = _number(content, "size"), _number(content, "at_us")
    root, chain, public_key, signature = (_bytes(content, name) for name in _LENGTHS)
    return SignedHead(TreeHead(size, at_us, root, chain), public_key, signature)


def _number(content: dict[object, object], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _NUMBER_MAX:
        raise HeadUnreadable(f"the head's {name} is not a number")
    return value


def _bytes(content: dict[object, object], name: str) -> bytes:
    value = content.get(name)
    try:
        found = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        found = b""
    if len(found) != _LENGTHS[name]:
        raise HeadUnreadable(f"the head's {name} is not {_LENGTHS[name]} bytes in hexadecimal")
    return found
