"""The master key in parts: sealed component files, one for each officer, whose XOR is the key.

No file and no officer alone gives anything away: a component is random, and sealed under its officer's
passphrase (`passphrase`). Readable in a file are its officer, its number, how many there are, and the check
value of the whole key, which tells files of one key from those of another before anybody types. The key
itself exists only while it is made and in the processes that were started with all components.

All files are made in one session, in which each officer types a passphrase only that officer knows. Losing
one file or forgetting one passphrase loses the key, so each officer keeps copies of the file, and a new key
is made in time (docs/hsm.md).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Final

from hsm_soft.check_values import shown
from hsm_soft.components import COMPONENTS_MAX, COMPONENTS_MIN, combine
from hsm_soft.key_refused import KeyBlockRefused
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MASTER_KEY_BYTES, MasterKeyUnreadable
from hsm_soft.passphrase import PassphraseRefused, SealedUnreadable, open_sealed, readable_part, seal_under
from hsm_soft.primitives import Random, xor

__all__ = ["master_key_of_parts", "new_master_key_parts"]

_NOT_TOGETHER: Final = "these are not all the components of one master key"

Ask = Callable[[str], str]
"""Officer → passphrase."""


def new_master_key_parts(officers: Mapping[str, str], random: Random) -> tuple[str, list[str]]:
    """A new master key as the check value of it, and the content of each officer's file.

    Args:
        officers: two to nine officers with their passphrases.
        random: where components, salts and nonces come from.

    Raises:
        PassphraseRefused: one of them is too short.
        MasterKeyUnreadable: too few officers, or too many.
    """
    if not COMPONENTS_MIN <= len(officers) <= COMPONENTS_MAX:
        raise MasterKeyUnreadable("a master key has two to nine officers")
    components = [random(MASTER_KEY_BYTES) for _ in officers]
    check = shown(Algorithm.AES, reduce(xor, components))
    about = {"of": str(len(officers)), "check value": check}
    return check, [
        seal_under(passphrase, component, {"officer": name, "number": str(number)} | about, random)
        for number, ((name, passphrase), component) in enumerate(
            zip(officers.items(), components, strict=True), start=1
        )
    ]


def master_key_of_parts(texts: Sequence[str], ask: Ask) -> bytes:
    """The master key.

    Args:
        texts: the content of every component file, in any order.
        ask: asked for each officer's passphrase, once the files are known to belong together.

    Raises:
        MasterKeyUnreadable: they don't belong together, one is no component, a passphrase is wrong, or the
            key is not the one they speak of.
    """
    try:
        about = [readable_part(text) for text in texts]
        _refuse_strangers(about)
        opened = [open_sealed(text, ask(part["officer"]))[1] for text, part in zip(texts, about, strict=True)]
        return combine(Algorithm.AES, opened, bytes.fromhex(about[0]["check value"]))
    except (KeyError, ValueError, SealedUnreadable, KeyBlockRefused):
        raise MasterKeyUnreadable(_NOT_TOGETHER) from None
    except PassphraseRefused as refused:
        raise MasterKeyUnreadable(str(refused)) from None


def _refuse_strangers(about: Sequence[Mapping[str, str]]) -> None:
    """Returns only if these are all the components of one key, each once."""
    counts, checks = {part["of"] for part in about}, {part["check value"] for part in about}
    numbers = {part["number"] for part in about}
    together = counts == {str(len(about))} and len(checks) == 1 and len(numbers) == len(about)
    if not together:
        raise MasterKeyUnreadable(_NOT_TOGETHER)
