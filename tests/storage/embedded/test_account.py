"""Who runs the server."""

import os
import pwd
from pathlib import Path

import pytest

from storage.embedded import EmbeddedPostgresError
from storage.embedded.account import Account, account_for_new_cluster, owner_of


def test_ordinary_user_runs_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root runs the server as itself."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1001)
    account = account_for_new_cluster()

    assert account == Account(1000, 1001)
    assert account.is_ours


@pytest.mark.parametrize(
    ("known", "uid"), [({"postgres": 70, "nobody": 65534}, 70), ({"nobody": 65534}, 65534)]
)
def test_root_hands_it_to_an_account(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, int], uid: int
) -> None:
    """Root's server belongs to `postgres`, or to `nobody` where that account is missing."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        pwd, "getpwnam", lambda name: pwd.struct_passwd((name, "x", known[name], known[name], "", "/", ""))
    )
    account = account_for_new_cluster()

    assert account == Account(uid, uid)
    assert not account.is_ours


def test_root_without_any_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither account exists the error names both."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)

    with pytest.raises(EmbeddedPostgresError, match="postgres or nobody"):
        account_for_new_cluster()


def test_existing_cluster_keeps_its_owner(tmp_path: Path) -> None:
    """The server of a cluster is run by whoever owns it."""
    assert owner_of(tmp_path) == Account(os.geteuid(), tmp_path.stat().st_gid)
