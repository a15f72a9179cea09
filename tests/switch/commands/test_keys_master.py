"""`cardswitch keys master-key`: made in parts or in a token, and exchanged under a running installation."""

import json
import stat
from pathlib import Path

import pytest

from tests.softhsm import SOFTHSM_PIN
from tests.switch.commands.key_desk import Desk

_OFFICERS = ("--officer", "alice", "--officer", "bob")


def _folder(desk: Desk) -> Path:
    """Passphrases of the master key's officers."""
    folder = desk.folder / "passphrases"
    folder.mkdir(exist_ok=True)
    for officer in ("alice", "bob"):
        (folder / officer).write_text(f"the passphrase of {officer}\n")
    return folder


def _created(desk: Desk) -> Path:
    folder = desk.folder / "master"
    ran = desk.run(
        *("keys", "master-key", "create", str(folder), *_OFFICERS),
        *("--passphrase-folder", str(_folder(desk))),
        config=None,
    )
    assert ran.status == 0, ran.err
    return folder


def test_a_master_key_is_made_in_parts(desk: Desk) -> None:
    """A file for each officer that only its owner reads; check value and names are told, and nothing else."""
    passphrases = ("--passphrase-folder", str(_folder(desk)))
    told = desk.run(
        *("keys", "master-key", "create", str(desk.folder / "parts"), *_OFFICERS, *passphrases, "--json"),
        config=None,
    ).json
    again = desk.run(
        *("keys", "master-key", "create", str(desk.folder / "parts"), *_OFFICERS, *passphrases), config=None
    )

    files = [Path(name) for name in told["files"]]
    assert [file.name for file in files] == ["alice.component", "bob.component"]
    assert [0o600] * 2 == [stat.S_IMODE(file.stat().st_mode) for file in files]
    assert {told["check_value"]} == {json.loads(file.read_text())["check value"] for file in files}
    assert (again.status, "File exists" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("officers", "passphrase", "says"),
    [
        (("alice",), "the passphrase of alice", "two to nine"),
        (("alice", "alice"), "the passphrase of alice", "an officer of its own"),
        (("alice", "bob"), "short", "at least 12 characters"),
    ],
)
def test_what_makes_no_master_key(desk: Desk, officers: tuple[str, ...], passphrase: str, says: str) -> None:
    """One officer, one officer twice, a passphrase that is too short."""
    folder = _folder(desk)
    for officer in officers:
        (folder / officer).write_text(passphrase)

    ran = desk.run(
        *("keys", "master-key", "create", str(desk.folder / "parts")),
        *(part for officer in officers for part in ("--officer", officer)),
        *("--passphrase-folder", str(folder)),
        config=None,
    )

    assert ran.status == 1
    assert says in ran.err
    assert not (desk.folder / "parts").exists()


def test_an_installation_changes_its_master_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file to components: both open while keys move, then the old one opens nothing any more."""
    made = desk.generated("--owner", "link:bank", "--usage", "zone-master")
    before = desk.run("keys", "master-key", "show", "--json").json
    early = desk.approved("master-key")
    refused = desk.run("keys", "master-key", "rewrap", "--ceremony", early)
    old_file = desk.folder.parent / "master-key.hex"
    monkeypatch.setenv("CARDSWITCH_HSM__PREVIOUS_MASTER_KEY_FILE", str(old_file))
    monkeypatch.setenv("CARDSWITCH_HSM__MASTER_KEY_FILE", str(_created(desk)))
    monkeypatch.setenv("CARDSWITCH_HSM__PASSPHRASE_FOLDER", str(_folder(desk)))

    between = desk.run("keys", "master-key", "show", "--json").json
    told = desk.run("keys", "master-key", "show").out
    number = desk.approved("master-key")
    moved = desk.run("keys", "master-key", "rewrap", "--ceremony", number, "--json")
    again = desk.run("keys", "master-key", "rewrap", "--ceremony", number)
    monkeypatch.delenv("CARDSWITCH_HSM__PREVIOUS_MASTER_KEY_FILE")
    after = desk.run("keys", "show", str(made["id"]), "--json").json["keys"][0]
    monkeypatch.setenv("CARDSWITCH_HSM__MASTER_KEY_FILE", str(old_file))
    old = desk.run("keys", "list")

    assert (refused.status, "previous_master_key_file" in refused.err) == (1, True)
    assert between["previous"] == before["check_value"] != between["check_value"]
    assert told == f"{between['check_value']}, previous {between['previous']}\n"
    assert (moved.status, moved.json["left"]) == (0, {})
    assert moved.json["moved"] > 5
    assert again.out == "0 key blocks moved\nthe previous master key may go\n"
    assert after == made
    assert (old.status, "made under another master key" in old.err) == (1, True)


def test_a_block_that_stays_behind_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 and the column, so that nobody throws the old key away."""
    old_file = desk.folder.parent / "master-key.hex"
    desk.run("keys", "list")
    monkeypatch.setenv("CARDSWITCH_HSM__PREVIOUS_MASTER_KEY_FILE", str(old_file))
    monkeypatch.setenv("CARDSWITCH_HSM__MASTER_KEY_FILE", str(_created(desk)))
    monkeypatch.setenv("CARDSWITCH_HSM__PASSPHRASE_FOLDER", str(_folder(desk)))

    async def nothing(*_: object) -> int:
        return 0

    monkeypatch.setattr("switch.commands.keys_master.rewrap", nothing)
    ran = desk.run("keys", "master-key", "rewrap", "--ceremony", desk.approved("master-key"))

    assert ran.status == 1
    assert "left in hsm.key.key_block" in ran.out
    assert "not done: run it again" in ran.out


def test_a_token_has_to_be_named(desk: Desk) -> None:
    """Without its library there is no token."""
    ran = desk.run("keys", "master-key", "create-in-token", str(desk.folder / "t"), "--token", "lmk")

    assert (ran.status, "hsm.token_module" in ran.err) == (1, True)


def test_a_token_that_can_not_be_used_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, and nothing is written."""
    pytest.importorskip("pkcs11", reason="the extra cardswitch[pkcs11] is not installed")
    folder = _folder(desk)
    (folder / "lmk").write_text("271828")
    monkeypatch.setenv("CARDSWITCH_HSM__TOKEN_MODULE", "/nowhere/libtoken.so")
    monkeypatch.setenv("CARDSWITCH_HSM__PASSPHRASE_FOLDER", str(folder))

    ran = desk.run("keys", "master-key", "create-in-token", str(desk.folder / "t"), "--token", "lmk")

    assert ran.status == 1
    assert ran.err.splitlines()[-1].startswith("cardswitch: token lmk can't be used")
    assert not (desk.folder / "t").exists()


def test_an_installation_starts_from_a_token(
    desk: Desk, softhsm: Path, empty_database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is made in the token, and from then on a start needs the token and its PIN."""
    folder = _folder(desk)
    (folder / "lmk").write_text(SOFTHSM_PIN)
    monkeypatch.setenv("CARDSWITCH_HSM__TOKEN_MODULE", str(softhsm))
    monkeypatch.setenv("CARDSWITCH_HSM__PASSPHRASE_FOLDER", str(folder))
    file = desk.folder / "token.json"
    made = desk.run("keys", "master-key", "create-in-token", str(file), "--token", "lmk", "--json")
    monkeypatch.setenv("CARDSWITCH_HSM__MASTER_KEY_FILE", str(file))
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", empty_database_dsn)

    started = desk.run("keys", "master-key", "show", "--json")
    (folder / "lmk").write_text("0000")
    refused = desk.run("keys", "master-key", "show")

    assert made.json["files"] == [str(file)]
    assert started.json["check_value"] == made.json["check_value"]
    assert (refused.status, "token lmk can't be used: PinIncorrect" in refused.err) == (1, True)
