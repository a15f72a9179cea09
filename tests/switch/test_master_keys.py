"""The master key of a node: what its file may be, and where passphrases come from."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random as SeededRandom
from types import ModuleType, SimpleNamespace

import pytest

from hsm_soft.master_key import DevelopmentKeyRefused, MasterKeyMissing, MasterKeyUnreadable
from hsm_soft.master_key_parts import new_master_key_parts
from switch import master_keys
from switch.config import Hsm, Settings
from switch.master_keys import ask_for, master_key_of, say_what_it_is, token_support

_OFFICERS = {name: f"the passphrase of {name}" for name in ("alice", "bob")}
_HEX = "00112233445566778899AABBCCDDEEFF" * 2

Configured = Callable[..., Settings]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """Settings with these keys of `hsm`."""

    def make(environment: str = "production", **hsm: Path) -> Settings:
        return Settings(environment=environment, home=tmp_path, hsm=Hsm(**hsm))

    return make


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of components, and one of their officers' passphrases beside it."""
    monkeypatch.setattr("hsm_soft.passphrase._MEMORY_KIB", 64)
    folder, passphrases = tmp_path / "parts", tmp_path / "passphrases"
    folder.mkdir()
    passphrases.mkdir()
    _, texts = new_master_key_parts(_OFFICERS, SeededRandom(1).randbytes)
    for (officer, passphrase), text in zip(_OFFICERS.items(), texts, strict=True):
        (folder / f"{officer}.component").write_text(text)
        (passphrases / officer).write_text(passphrase + "\n")
    return folder


def test_components_give_the_key_with_files_of_passphrases(configured: Configured, parts: Path) -> None:
    """As a service manager starts a node, with nobody at a terminal."""
    settings = configured(master_key_file=parts, passphrase_folder=parts.parent / "passphrases")

    key = master_key_of(settings)

    assert (len(key.key), key.development, key.created, key.previous) == (32, False, False, None)


def test_components_give_the_key_with_typed_passphrases(
    configured: Configured, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the switch is started on a terminal each officer is asked."""
    asked: list[str] = []
    monkeypatch.setattr(master_keys, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(
        master_keys,
        "getpass",
        lambda prompt: asked.append(prompt) or _OFFICERS[prompt.removesuffix(": ").split()[-1]],
    )

    assert len(master_key_of(configured(master_key_file=parts)).key) == 32
    assert asked == ["passphrase of alice: ", "passphrase of bob: "]


def test_without_files_or_a_terminal_a_passphrase_is_missing(
    configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to do about it."""
    monkeypatch.setattr(master_keys, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: False)))
    ask = ask_for(configured(master_key_file=Path("unused")))

    with pytest.raises(MasterKeyMissing, match=r"set hsm\.passphrase_folder, or start on a terminal"):
        ask("alice")


@pytest.mark.parametrize(("name", "expected"), [("eve", MasterKeyMissing), ("../x", MasterKeyUnreadable)])
def test_passphrase_files_are_the_folders_own(
    configured: Configured, tmp_path: Path, name: str, expected: type[Exception]
) -> None:
    """A missing one is named; an officer's name never leads out of the folder."""
    ask = ask_for(configured(master_key_file=Path("unused"), passphrase_folder=tmp_path))

    with pytest.raises(expected):
        ask(name)


def test_a_passphrase_file_that_is_no_text(configured: Configured, tmp_path: Path) -> None:
    """Its name is told, and nothing it holds."""
    (tmp_path / "alice").write_bytes(b"\xff\xfe")

    with pytest.raises(MasterKeyUnreadable, match="alice can't be read"):
        ask_for(configured(master_key_file=Path("unused"), passphrase_folder=tmp_path))("alice")


def test_the_previous_key_comes_along(configured: Configured, parts: Path, tmp_path: Path) -> None:
    """While keys are moved both are there, of whichever kinds they are."""
    (tmp_path / "old.hex").write_text(_HEX)
    settings = configured(
        master_key_file=parts,
        passphrase_folder=parts.parent / "passphrases",
        previous_master_key_file=tmp_path / "old.hex",
    )

    assert master_key_of(settings).previous == bytes.fromhex(_HEX)


def test_a_development_key_is_refused_in_production(configured: Configured, tmp_path: Path) -> None:
    """Under whatever name, and also as the previous one."""
    (tmp_path / "good.hex").write_text(_HEX)
    (tmp_path / "renamed.hex").write_text("# DEVELOPMENT key\n" + _HEX)

    for hsm in (
        {"master_key_file": tmp_path / "renamed.hex"},
        {
            "master_key_file": tmp_path / "good.hex",
            "previous_master_key_file": tmp_path / "renamed.hex",
        },
    ):
        with pytest.raises(DevelopmentKeyRefused):
            master_key_of(configured(**hsm))


def test_a_development_key_is_said(configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time it is loaded, whoever loads it."""
    said: list[str] = []
    monkeypatch.setattr(master_keys, "_log", SimpleNamespace(warning=lambda text, **_: said.append(text)))

    master_key_of(configured("development"))

    assert said == ["DEVELOPMENT MASTER KEY in use: nothing here is secret"]


def test_a_start_says_what_a_software_hsm_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """That it can't be compliant with PCI PIN."""
    said: list[str] = []
    monkeypatch.setattr(master_keys, "_log", SimpleNamespace(info=said.append))

    say_what_it_is()

    assert "can't be compliant with PCI PIN" in said[0]


def test_a_tokens_file_needs_its_library(configured: Configured, tmp_path: Path) -> None:
    """The setting that is missing is named."""
    (tmp_path / "token.json").write_text(json.dumps({"format": "cardswitch token master key 1"}))

    with pytest.raises(MasterKeyMissing, match=r"hsm\.token_module has to name its library"):
        master_key_of(configured(master_key_file=tmp_path / "token.json"))


def test_a_token_gives_the_key(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its module is loaded, and its PIN comes from where passphrases come from."""
    (tmp_path / "token.json").write_text("{}")
    support = ModuleType("hsm_soft.token")
    vars(support)["token_master_key"] = lambda module, text, ask: ask(text).encode()
    (tmp_path / "{}").write_text("from the token")
    monkeypatch.setattr(master_keys, "token_support", lambda: support)

    key = master_key_of(
        configured(
            master_key_file=tmp_path / "token.json", token_module=Path("/lib"), passphrase_folder=tmp_path
        )
    )

    assert key.key == b"from the token"


def test_tokens_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the error names what to install."""
    monkeypatch.setitem(sys.modules, "hsm_soft.token", None)

    with pytest.raises(MasterKeyMissing, match=r"cardswitch\[pkcs11\]"):
        token_support()
