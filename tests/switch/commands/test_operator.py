"""`cardswitch operator`, and how operators are asked who they are."""

import pytest

from switch.commands import desk
from tests.switch.commands.conftest import Cardswitch
from tests.switch.commands.people import CHOSEN, GIVEN, People


def test_first_operator_is_added_once(people: People) -> None:
    """There is one first operator, an administrator of the platform."""
    again = people.run("operator", "first", "ruth")

    assert 1 == again.status
    assert "cardswitch: there are operators already: they add others\n" == again.err


def test_operators_are_listed(people: People) -> None:
    """People are shown names, roles and states; programs get everything that others may know."""
    listed = people.by("root", "operator", "list")
    told = people.told("root", "operator", "list")["operators"]

    assert ["root", "rosa"] == [line.split()[0] for line in listed.out.splitlines()]
    assert ["root", "rosa"] == [each["name"] for each in told]
    assert {"id", "name", "role", "party_id", "party_code", "state"} <= told[0].keys()
    assert told[0]["locked_until"] is None
    assert "proof" not in str(told)
    table = people.by("root", "operator", "list", "--csv").out.splitlines()
    assert ("id,name,role,", "1,root,platform_admin,") == (table[0][:13], table[1][:22])


def test_third_operator_is_approved_by_the_second(people: People) -> None:
    """Adding is proposed with exit code 3, and done by the second operator's approval."""
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)
    proposed = people.by("root", "operator", "add", "otto", "--role", "auditor", "--why", "new colleague")
    assert (3, "proposal 1 waits for a second operator\n") == (proposed.status, proposed.out)

    assert 0 == people.by("rosa", "approval", "approve", "1").status
    assert people.by("root", "operator", "list").out.splitlines()[0].endswith("a new password is due")

    first = people.by("otto", "operator", "list", password=GIVEN)
    assert (1, "cardswitch: choose a new password first: this one is too old or was given to you\n") == (
        first.status,
        first.err,
    )
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", CHOSEN)
    assert "the password is changed\n" == people.by("otto", "operator", "password", password=GIVEN).out
    assert 3 == len(people.told("otto", "operator", "list")["operators"])


def test_password_is_reset_by_two(people: People) -> None:
    """A reset needs four eyes too; the new password is good for choosing another."""
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)
    people.added("otto", "auditor", "platform", by="root", approved_by="rosa")
    people.environment.setenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", GIVEN)

    number = people.approved("root", "operator", "reset", "otto", approved_by="rosa")

    shown = people.told("root", "approval", "show", number)["proposals"][0]
    assert {"name": "otto", "password_proof": "***"} == shown["content"]
    assert 1 == people.by("otto", "operator", "list", password=GIVEN).status


def test_operator_is_locked_unlocked_and_disabled(people: People) -> None:
    """Each is told, and what can't be done is told in a line."""
    people.added("otto", "auditor", "platform", by="root", approved_by="rosa")

    assert "done\n" == people.by("root", "operator", "lock", "otto", "--why", "on leave").out
    assert 1 == people.by("otto", "operator", "list").status
    assert {"done": True} == people.told("root", "operator", "unlock", "otto")
    assert 0 == people.by("otto", "operator", "list").status
    assert 0 == people.by("root", "operator", "disable", "otto").status
    refused = people.by("root", "operator", "unlock", "otto")
    assert (1, "cardswitch: the operator is disabled for good\n") == (refused.status, refused.err)


def test_wrong_password_is_refused(people: People) -> None:
    """Without the right password nothing is done, and the answer says no more than that."""
    refused = people.by("root", "operator", "list", password="wrong password 1")

    assert 1 == refused.status
    assert "cardswitch: not signed in: wrong name or password, or the operator is locked or disabled\n" == (
        refused.err
    )


def test_password_comes_from_standard_input(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable, the first line of standard input is the password; without any, none is."""
    monkeypatch.delenv("CARDSWITCH_OPERATOR_PASSWORD")

    assert 0 == people.run("operator", "list", "--operator", "root", stdin=f"{CHOSEN}\n").status
    nothing = people.run("operator", "list", "--operator", "root")
    assert (2, "cardswitch: password of root: none is given\n") == (nothing.status, nothing.err)


class Keyboard:
    """Somebody who types what is asked for."""

    def __init__(self, *typed: str) -> None:
        self.typed = [*typed]
        self.prompts: list[str] = []

    def isatty(self) -> bool:
        """A keyboard is one."""
        return True

    def getpass(self, prompt: str) -> str:
        """The next thing typed."""
        self.prompts.append(prompt)
        return self.typed.pop(0)


def test_passwords_are_typed_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal a password is asked for without echo, a new one twice."""
    monkeypatch.delenv("CARDSWITCH_OPERATOR_PASSWORD", raising=False)
    monkeypatch.delenv("CARDSWITCH_OPERATOR_NEW_PASSWORD", raising=False)
    keyboard = Keyboard("old", "new", "new", "new", "other")
    monkeypatch.setattr("switch.commands.desk.getpass", keyboard.getpass)
    monkeypatch.setattr("sys.stdin", keyboard)

    assert ("old", "new") == (desk.password_of("root"), desk.new_password("root"))
    with pytest.raises(desk.typer.Exit):
        desk.new_password("root")
    assert ["password of root: ", *["new password of root: ", "the same again: "] * 2] == keyboard.prompts


@pytest.mark.parametrize("party", ["issuer", "issuer:", "bank:X", ""])
def test_party_is_named_by_kind_and_code(people: People, party: str) -> None:
    """What names no kind of party is wrong usage."""
    ran = people.by("root", "operator", "add", "ada", "--role", "issuer_admin", "--party", party)

    assert 2 == ran.status


def test_unknown_party_is_refused(people: People) -> None:
    """A party that isn't there is refused."""
    ran = people.by("root", "operator", "add", "ada", "--role", "issuer_admin", "--party", "issuer:X")

    assert (1, "cardswitch: no such party\n") == (ran.status, ran.err)


def test_answers_come_in_chinese(people: People, cardswitch: Cardswitch) -> None:
    """With --lang, or with the system's language, people are answered in theirs."""
    people.environment.setenv("CARDSWITCH_OPERATOR_PASSWORD", CHOSEN)
    asked = cardswitch("--lang", "zh_CN", "operator", "lock", "root", "--operator", "root")
    people.environment.setenv("LC_ALL", "zh_CN.UTF-8")
    of_system = cardswitch("operator", "lock", "root", "--operator", "root")

    assert "cardswitch: 此操作须由他人代为办理\n" == asked.err == of_system.err


def test_unknown_language_is_wrong_usage(cardswitch: Cardswitch) -> None:
    """A language that nobody has translated to is refused, with those there are."""
    ran = cardswitch("--lang", "tlh", "db", "status")

    assert (2, "cardswitch: the languages are en, zh_CN\n") == (ran.status, ran.err)
