"""Sign-on, sign-off and echo: keys, batch and what the answers echo."""

import pytest

from .conftest import Dial, SignOn
from .plain_terminal import DOUBLE_LENGTH, SINGLE_LENGTH, Card, Terminal, without
from .switch_process import BALANCE_MINOR, Switch, World

LAYOUTS = pytest.mark.parametrize(
    ("layout", "key_field_bytes"), [(SINGLE_LENGTH, 24), (DOUBLE_LENGTH, 40)], ids=["single", "double"]
)


@LAYOUTS
def test_sign_on_gives_keys_of_the_layout_asked_for(
    switch: Switch, world: World, dial: Dial, layout: str, key_field_bytes: int
) -> None:
    """The answer has keys with right check values in the layout's length, and F60 names the open batch."""
    terminal = Terminal(world.device(), dial(switch))

    answer = terminal.sign_on(layout)

    assert answer.code == "00"
    assert key_field_bytes == len(bytes.fromhex(answer["62"]))
    assert answer["60"] == f"00{terminal.batch}{layout}"
    assert int(terminal.batch) > 0
    assert "64" not in answer.fields


@LAYOUTS
def test_keys_of_both_layouts_work(sign_on: SignOn, card: Card, layout: str, key_field_bytes: int) -> None:
    """PIN and MAC made with the keys of either layout are taken, and the answer's MAC verifies."""
    terminal = sign_on(layout=layout)

    answer = terminal.exchange(terminal.purchase(card, 100))

    assert answer.code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 100


@pytest.mark.parametrize("layout", ["005", "006", "011"])
def test_keys_nobody_agreed_on_are_not_supported(terminal: Terminal, layout: str) -> None:
    """SM4 is off unless a setting turns it on; either way the terminal keeps the keys it has."""
    answer = terminal.exchange(terminal.management("0800", layout) | {"63": "001"})

    assert (answer.code, "62" in answer.fields) == ("40", False)
    assert terminal.echo().code == "00"


@pytest.mark.parametrize("batch", ["000000", "999999", "123456"])
def test_sign_on_takes_any_batch_and_answers_the_open_one(terminal: Terminal, batch: str) -> None:
    """Whatever batch the terminal believes in, the answer names the open one, and sign-on opens none."""
    open_batch = terminal.batch

    answer = terminal.sign_on(batch=batch)

    assert answer.code == "00"
    assert answer["60"] == f"00{open_batch}003"


def test_each_sign_on_makes_new_keys(terminal: Terminal) -> None:
    """No session key is given out twice."""
    key_fields = {terminal.sign_on()["62"] for _ in range(3)}

    assert len(key_fields) == 3


def test_old_keys_live_until_the_new_ones_are_used(terminal: Terminal, card: Card) -> None:
    """A sign-on whose answer was lost leaves the terminal working; its successor's first MAC ends the old."""
    terminal.read_balance(card)
    old = terminal.keys
    terminal.sign_on()
    new = terminal.keys

    terminal.keys = old
    before = terminal.exchange(terminal.purchase(card, 100))
    terminal.keys = new
    rolled = terminal.exchange(terminal.purchase(card, 100))
    terminal.keys = old
    message = terminal.purchase(card, 100)
    terminal.send(message)
    terminal.keys = new  # an answer that bears a MAC has it under the keys that are valid now
    after = terminal.answer_to(message)

    assert [answer.code for answer in (before, rolled, after)] == ["00", "00", "A0"]
    assert terminal.read_balance(card) == BALANCE_MINOR - 200


def test_sign_off_is_answered(terminal: Terminal) -> None:
    """A sign-off is approved and echoes its F60."""
    answer = terminal.sign_off()

    assert answer.code == "00"
    assert answer["60"] == f"00{terminal.batch}002"


def test_sign_on_works_after_sign_off(terminal: Terminal, card: Card) -> None:
    """A terminal that left comes back in the same batch."""
    batch = terminal.batch
    terminal.sign_off()

    terminal.sign_on()

    assert batch == terminal.batch
    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"


def test_echo_is_answered(terminal: Terminal) -> None:
    """An echo test is approved and echoes its F60."""
    answer = terminal.echo()

    assert answer.code == "00"
    assert answer["60"] == f"00{terminal.batch}301"


def test_echo_needs_no_trace(terminal: Terminal) -> None:
    """The dialect's echo has terminal, merchant and F60 only; it is answered without a trace."""
    answer = terminal.exchange(without(terminal.management("0820", "301"), "11"))

    assert answer.code == "00"
    assert "11" not in answer.fields


@pytest.mark.parametrize(("mti", "network_code"), [("0800", "003"), ("0820", "002"), ("0820", "301")])
def test_management_of_an_unknown_terminal_is_refused(
    terminal: Terminal, mti: str, network_code: str
) -> None:
    """A terminal that nobody registered gets 97 and no keys."""
    request = terminal.management(mti, network_code) | {"41": "99999999"}

    answer = terminal.exchange(request)

    assert answer.code == "97"
    assert "62" not in answer.fields
    assert (request["41"], request["42"]) == (answer["41"], answer["42"])
