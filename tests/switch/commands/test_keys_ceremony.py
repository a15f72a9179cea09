"""`cardswitch keys ceremony` and `officer`: dual control at the command line, and what it shows to whom."""

import pytest

from tests.switch.commands.key_desk import Desk

_ZONE = ("--owner", "link:bank", "--usage", "zone-master")


def test_the_third_officer_needs_a_ceremony(desk: Desk) -> None:
    """The first two came in alone; with a ceremony carol comes, and goes."""
    carol = desk.by("carol")[2:]
    alone = desk.run("keys", "officer", "add", "carol", *carol)
    number = desk.approved("officers", "--name", "carol")
    added = desk.run("keys", "officer", "add", "carol", *carol, "--ceremony", number, "--json")
    with_carol = desk.run("keys", "officer", "list")
    removed = desk.run("keys", "officer", "remove", "carol", "--ceremony", number)

    assert (alone.status, added.status, removed.status) == (1, 0, 0)
    assert added.json == {"done": "carol is an officer"}
    assert with_carol.out.split() == ["alice", "bob", "carol"]
    assert removed.out == "carol is no officer any more\n"
    assert desk.run("keys", "officer", "list", "--json").json == {"officers": ["alice", "bob"]}


def test_a_component_is_shown_once_to_its_officer(desk: Desk) -> None:
    """In groups of four digits with its check value; later only the check value is shown."""
    number = desk.approved("components", *_ZONE)

    made = desk.run("keys", "ceremony", "component", number, "--new", *desk.by("alice"))
    again = desk.run("keys", "ceremony", "component", number, "--new", *desk.by("alice"))
    shown = desk.run("keys", "ceremony", "show", number)

    warning, digits, check = made.out.splitlines()
    assert warning == "write this down; it is not shown again"
    assert [4] * 8 == [len(group) for group in digits.split()]
    assert (again.status, again.out) == (1, "")
    assert check in shown.out
    assert digits.split()[0] + digits.split()[1] not in shown.out.replace(" ", "")
    assert "opened by alice, approved by bob" in shown.out
    assert "component 1 of alice" in shown.out


def test_components_from_sheets_make_the_agreed_key(desk: Desk) -> None:
    """What a partner's officers wrote down is entered from files, with its check values."""
    first, second = "F1FD46F7E60DC81CAD97E0FE1C15A72F", "0dec16a2 490b8fec 8343e6ba ceba31e6"
    number = desk.approved("components", *_ZONE)
    entered = [
        desk.run(
            *("keys", "ceremony", "component", number, *desk.by(officer)),
            *("--component-file", desk.secret(f"{officer}.sheet", sheet), "--json"),
        ).json
        for officer, sheet in (("alice", first), ("bob", second))
    ]
    wrong = desk.run("keys", "ceremony", "combine", number, "--check-value", "000000")
    right = desk.run("keys", "ceremony", "combine", number)

    assert [set(each) for each in entered] == [{"check_value"}] * 2
    assert wrong.status == 1
    assert right.out.startswith("key 100, check value ")


@pytest.mark.parametrize(
    ("sheet", "check_value", "status", "says"),
    [
        ("F1FD", "", 1, "wrong length"),
        ("F1FD46F7E60DC81CAD97E0FE1C15A72E", "", 1, "no odd parity"),
        ("F1FD46F7E60DC81CAD97E0FE1C15A72F", "000000", 1, "check value does not fit"),
        ("F1FD46F7E60DC81CAD97E0FE1C15A72X", "", 2, "the component is not in hexadecimal"),
    ],
)
def test_a_mistyped_sheet_is_refused_and_not_repeated(
    desk: Desk, sheet: str, check_value: str, status: int, says: str
) -> None:
    """The line says what is wrong with it and shows none of it."""
    number = desk.approved("components", *_ZONE)

    ran = desk.run(
        *("keys", "ceremony", "component", number, *desk.by("alice")),
        *("--component-file", desk.secret("sheet", sheet), "--check-value", check_value),
    )

    assert ran.status == status
    assert says in ran.err
    assert sheet not in ran.err


def test_a_ceremony_is_closed_before_its_time(desk: Desk) -> None:
    """After that it allows nothing."""
    number = desk.approved("components", *_ZONE)
    desk.component(number, "alice")

    closed = desk.run("keys", "ceremony", "close", number, *desk.by("bob"))

    assert closed.out == f"ceremony {number} is closed\n"
    assert desk.run("keys", "ceremony", "combine", number).status == 1
    assert desk.run("keys", "ceremony", "show", number, "--json").json["components"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("open", "generate", "--owner", "nobody", "--usage", "cmac"), "an owner is"),
        (("open", "rotate", "--owner", "nobody", "--usage", "cmac"), "an owner is"),
        (("open", "rotate", "--owner", "link:bank", "--usage", "nothing"), "a usage is"),
        (("open", "officers", "--name", "Eve!"), "an officer's name is"),
        (("open", "sing"), "Invalid value"),
        (("open", "retire", "--key", "100", "--minutes", "61"), "Invalid value"),
    ],
)
def test_a_ceremony_that_is_named_wrongly_is_not_opened(
    desk: Desk, arguments: tuple[str, ...], says: str
) -> None:
    """Before anybody types a passphrase."""
    ran = desk.run("keys", "ceremony", *arguments, *desk.by("alice"))

    assert ran.status == 2
    assert says in ran.err


def test_a_wrong_passphrase_opens_nothing(desk: Desk) -> None:
    """Nor does a name that is no officer's; both get the same answer."""
    wrong = desk.secret("wrong", "not the passphrase at all")
    answers = {
        desk.run(
            *("keys", "ceremony", "open", "master-key", "--officer", name, "--passphrase-file", wrong)
        ).err.splitlines()[-1]
        for name in ("alice", "eve")
    }

    assert answers == {"cardswitch: this is no officer's name with that officer's passphrase"}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed on a terminal, one after another."""
    lines: list[str] = []
    monkeypatch.setattr("switch.commands.keys_input.getpass", lambda _: lines.pop(0))
    monkeypatch.setattr("switch.commands.keys_input._at_terminal", lambda: True)
    return lines


def test_passphrases_and_components_are_typed_unseen(desk: Desk, typed: list[str]) -> None:
    """Where no file is named the terminal is asked: twice for a new passphrase, which has to be the same."""
    number = desk.approved("officers", "--name", "carol")
    add = ("keys", "officer", "add", "carol", "--ceremony", number)
    typed += ["carol's own passphrase", "carol's other passphrase"]
    different = desk.run(*add)
    typed += ["carol's own passphrase", "carol's own passphrase"]
    added = desk.run(*add)
    forming = desk.approved("components", *_ZONE)
    typed += ["carol's own passphrase", "F1FD 46F7 E60D C81C AD97 E0FE 1C15 A72F"]
    entered = desk.run("keys", "ceremony", "component", forming, "--officer", "carol")

    assert different.err.splitlines()[-1] == "cardswitch: the two are not the same"
    assert added.status == 0
    assert entered.out.startswith("check value ")


def test_without_a_terminal_or_a_file_there_is_no_passphrase(desk: Desk) -> None:
    """It is never read from where others could see it."""
    ran = desk.run("keys", "ceremony", "open", "master-key", "--officer", "alice")
    missing = desk.run(
        "keys", "ceremony", "open", "master-key", "--officer", "alice", "--passphrase-file", "/nowhere"
    )

    assert (ran.status, missing.status) == (2, 2)
    assert "typed on a terminal or read from a file" in ran.err
    assert missing.err.splitlines()[-1] == "cardswitch: /nowhere can't be read"
