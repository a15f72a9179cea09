"""The master key of a node: from a file, from its officers' components, or from a token.

`hsm.master_key_file` names what holds it, and its content says what it is:

    a line of hexadecimal digits    the key itself; the development key is of this kind
    a folder of *.component files   parts sealed under officers' passphrases (`hsm_soft.master_key_parts`)
    JSON of a token                 encrypted by a key inside a PKCS#11 token (`hsm_soft.token`)

Passphrases and PINs come from files in `hsm.passphrase_folder`, one for each officer and token, as a service
manager hands them over; or they are asked for where the switch is started. `hsm.previous_master_key_file` is
read likewise, while keys are moved from one master key to another.

A node and an HSM's process say at their start what a software HSM is not; a development key is said by all.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from types import ModuleType
from typing import Final

from hsm_soft.master_key import (
    DEVELOPMENT_FILE_NAME,
    MasterKey,
    MasterKeyMissing,
    MasterKeyUnreadable,
    load_or_create_master_key,
)
from hsm_soft.master_key_parts import master_key_of_parts
from switch.config import Settings
from switch.observability.logs import get

__all__ = ["COMPONENT_FILES", "ask_for", "master_key_of", "say_what_it_is", "token_support"]

COMPONENT_FILES: Final = "*.component"

_FILE_CHARACTERS_MAX: Final = 4096
_log = get("switch")

Ask = Callable[[str], str]


def master_key_of(settings: Settings) -> MasterKey:
    """The configured master key, with the previous one where one is configured.

    Raises:
        MasterKeyError: it can't be had; the text says what is missing.
    """
    key = _named_or_development(settings)
    if settings.hsm.previous_master_key_file is not None:
        previous = _load(settings, settings.hsm.previous_master_key_file)
        key = replace(key, previous=previous.key)
        _log.warning("the master key is being changed: keys under the previous one still open")
    return key


def say_what_it_is() -> None:
    """What every start says of a software HSM."""
    _log.info("software HSM: for closed-loop cards, development and tests; can't be compliant with PCI PIN")


def ask_for(settings: Settings) -> Ask:
    """Where passphrases and PINs come from: a folder of files, or the terminal.

    The function raises `MasterKeyMissing` where there is neither.
    """
    folder = settings.hsm.passphrase_folder
    return _ask_on_terminal if folder is None else lambda name: _from_folder(folder, name)


def token_support() -> ModuleType:
    """The module that speaks to tokens; its library is an extra.

    Raises:
        MasterKeyMissing: the extra is not installed.
    """
    try:
        return importlib.import_module("hsm_soft.token")
    except ModuleNotFoundError:
        raise MasterKeyMissing("a token needs the extra: pip install 'cardswitch[pkcs11]'") from None


def _named_or_development(settings: Settings) -> MasterKey:
    if settings.hsm.master_key_file is not None:
        key = _load(settings, settings.hsm.master_key_file)
    else:
        path = settings.home / DEVELOPMENT_FILE_NAME
        development = settings.environment == "development"
        key = load_or_create_master_key(path, allow_create=development, allow_development=development)
    if key.development:
        place = settings.hsm.master_key_file or settings.home / DEVELOPMENT_FILE_NAME
        _log.warning(
            "DEVELOPMENT MASTER KEY in use: nothing here is secret", file=str(place), made_now=key.created
        )
    return key


def _load(settings: Settings, path: Path) -> MasterKey:
    if path.is_dir():
        return MasterKey(_from_components(path, ask_for(settings)), development=False, created=False)
    text = _read(path)
    if text.lstrip().startswith("{"):
        return MasterKey(_from_token(settings, text), development=False, created=False)
    development = settings.environment == "development"
    return load_or_create_master_key(path, allow_create=False, allow_development=development)


def _from_components(folder: Path, ask: Ask) -> bytes:
    texts = [_read(path) for path in sorted(folder.glob(COMPONENT_FILES))]
    return master_key_of_parts(texts, ask)


def _from_token(settings: Settings, text: str) -> bytes:
    module = settings.hsm.token_module
    if module is None:
        raise MasterKeyMissing("hsm.master_key_file is for a token: hsm.token_module has to name its library")
    key = token_support().token_master_key(module, text, ask_for(settings))
    assert isinstance(key, bytes)
    return key


def _from_folder(folder: Path, name: str) -> str:
    path = folder / name
    if path.parent != folder:
        raise MasterKeyUnreadable("a component names an officer that is no file name")
    return _read(path).rstrip("\r\n")


def _ask_on_terminal(name: str) -> str:
    if not sys.stdin.isatty():
        raise MasterKeyMissing(
            f"the passphrase of {name} is needed: set hsm.passphrase_folder, or start on a terminal"
        )
    return getpass(f"passphrase of {name}: ")


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_FILE_CHARACTERS_MAX)
    except FileNotFoundError:
        raise MasterKeyMissing(f"there is no {path}") from None
    except (OSError, UnicodeDecodeError):
        raise MasterKeyUnreadable(f"{path} can't be read") from None
