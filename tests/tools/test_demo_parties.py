"""Demo cards and terminals follow from their numbers."""

from hypothesis import given
from hypothesis import strategies as st

from tools.demo_parties import CARDS_MAX, demo_card, demo_terminal, track2_of
from tools.demo_seed import DemoSeed

SEED = DemoSeed(bytes(32))


def luhn_sum(digits: str) -> int:
    """The sum that is a multiple of ten for a right number, the slow way."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in doubled)


@given(st.integers(1, CARDS_MAX))
def test_card_number_is_right(number: int) -> None:
    """A PAN is prefix, number and check digit."""
    pan = demo_card(SEED, number).pan

    assert f"990001{number:012}" == pan[:18]
    assert luhn_sum(pan) % 10 == 0


def test_track2() -> None:
    """Track 2 has the PAN, the expiry, a service code, and at most 37 characters."""
    card = demo_card(SEED, 1)

    assert card.track2 == "9900010000000000018=31122200000000000"
    assert len(card.track2) == 37
    assert track2_of("9900019999999999") == "9900019999999999=31122200000000000"


def test_terminals_stand_at_merchants_by_fives() -> None:
    """Terminals 1 to 5 are the first merchant's, 6 to 10 the second's."""
    merchants = [demo_terminal(SEED, number).merchant.number for number in (1, 5, 6, 10, 11)]

    assert merchants == [1, 1, 2, 2, 3]


def test_names() -> None:
    """Identifiers have the lengths of their fields."""
    terminal = demo_terminal(SEED, 12)

    assert (terminal.terminal_id, terminal.merchant.merchant_id) == ("T0000012", "990001000000003")
    assert terminal.merchant.name == "Demo merchant 3"
    assert (terminal.tpdu.hex(), terminal.header.hex()) == ("6000030000", "602200000000")


def test_secrets_hide() -> None:
    """Card numbers, PINs and keys are not in a repr."""
    card, terminal = demo_card(SEED, 7), demo_terminal(SEED, 7)

    assert repr(card) == "<DemoCard 7>"
    assert repr(terminal.master_key) not in repr(terminal)
