"""A file of secrets for a printing house: PINs of new cards, numbers of recharge cards.

One line of text that anybody may read, then everything else sealed with AES-256-GCM, which every tool has:

    cardswitch-secrets 1 PURPOSE COUNT ‖ line feed ‖ nonce 12 ‖ ciphertext ‖ tag 16

The line is the additional data, so purpose and count can't be changed. The text inside has a line for each
card, its fields separated by commas. The key is shared with the printing house and has this one use; it goes
there as a key block.
"""

import re
from collections.abc import Sequence
from typing import Final

from hsm_soft.primitives import AESGCM, InvalidTag, Random

__all__ = ["SecretFileBroken", "read_secret_file", "secret_file"]

_HEAD: Final = re.compile(rb"cardswitch-secrets 1 ([a-z-]{1,32}) (\d{1,9})\n")
_NONCE_BYTES: Final = 12


class SecretFileBroken(Exception):
    """A file that is not of this format, was changed, or is under another key."""

    def __init__(self) -> None:
        super().__init__("the file of secrets is broken, or under another key")


def secret_file(key: bytes, purpose: str, records: Sequence[Sequence[str]], random: Random) -> bytes:
    """The file.

    Args:
        key: AES-256.
        purpose: lower case letters and hyphens, at most 32.
        records: the fields of each line, without commas and line ends.
        random: where the nonce comes from.
    """
    head = f"cardswitch-secrets 1 {purpose} {len(records)}\n".encode("ascii")
    text = "".join(",".join(record) + "\n" for record in records).encode("ascii")
    nonce = random(_NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, text, head)


def read_secret_file(key: bytes, purpose: str, content: bytes) -> list[list[str]]:
    """The fields of each line, as the printing house reads them.

    Raises:
        SecretFileBroken: another format, purpose or key, or changed.
    """
    head = _HEAD.match(content)
    if head is None or head[1].decode("ascii") != purpose:
        raise SecretFileBroken
    nonce, sealed = content[head.end() : head.end() + _NONCE_BYTES], content[head.end() + _NONCE_BYTES :]
    try:
        text = AESGCM(key).decrypt(nonce, sealed, head[0])
    except (InvalidTag, ValueError):
        raise SecretFileBroken from None
    return [line.split(",") for line in text.decode("ascii").splitlines()]
