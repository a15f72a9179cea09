"""The search finds every secret in every form in which programs print data, and nothing else."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leaks.watch import Secrets

_KEY = Random("watched key").randbytes(16)
_PAN = "9900017364510982736"
_PIN = "739251846207"
_SHORT_PIN = "739251"
_NUMBER = {"stan": 739_251, "batch": "739251"}

FORMS: dict[str, Callable[[bytes], str]] = {
    "lower case": bytes.hex,
    "upper case": lambda data: data.hex().upper(),
    "spaces": lambda data: data.hex(" "),
    "colons": lambda data: data.hex(":").upper(),
    "printed bytes": repr,
    "printed text": lambda data: ascii(data.decode("latin-1")),
    "text": lambda data: data.decode("latin-1"),
    "list": lambda data: repr(list(data)),
    "inside a message": lambda data: f"0200{data.hex()}77",
}


@pytest.fixture
def secrets() -> Secrets:
    """A key, a card with a long PIN and one with a short PIN."""
    secrets = Secrets()
    secrets.add_key(_KEY)
    secrets.add_card(_PAN, _PIN)
    secrets.add_card("9900015550001112223", _SHORT_PIN)
    return secrets


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_found_in_every_form(secrets: Secrets, form: str) -> None:
    """However it is written, in the middle of a line."""
    assert secrets.found_in(f"before {FORMS[form](_KEY)} behind") == {"key"}


@given(key=st.binary(min_size=8, max_size=32).filter(lambda key: len(set(key.hex())) >= 5))
def test_any_key_is_found(key: bytes) -> None:
    """Whatever its bytes are, quotes and backslashes included."""
    secrets = Secrets()
    secrets.add_key(key)

    missed = [form for form, write in FORMS.items() if secrets.found_in(f"x {write(key)} x") != {"key"}]

    assert missed == []
    assert secrets.found_in_bytes(b"\n" + key + b"\0") == {"key"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"card {_PAN}", {"card number"}),
        (f"track {_PAN}D3112201", {"card number"}),
        (repr(bytes.fromhex("0" + _PAN)), {"card number"}),
        (f"pin {_PIN}!", {"PIN"}),
        (f"field 0C{_PIN}FF", {"PIN", "PIN block"}),
        (f"PIN is not numeric: '{_SHORT_PIN}'", {"PIN"}),
        (f'{{"event": "{_SHORT_PIN}"}}', {"PIN"}),
        (f"06{_SHORT_PIN}ffffffff", {"PIN block"}),
        (f'{{"stan": "{_SHORT_PIN}", "amount_minor": {_SHORT_PIN}}}', set()),
        (f"2026-11-22T10:00:00.{_SHORT_PIN}Z took 1{_SHORT_PIN} us", set()),
        (f"masked {_PAN[:6]}*********{_PAN[-4:]}", set()),
        (repr(_NUMBER), set()),
        ("", set()),
    ],
)
def test_what_is_found_and_what_is_not(secrets: Secrets, text: str, kinds: set[str]) -> None:
    """Card numbers and long PINs anywhere; a PIN of six digits where it is no other number."""
    assert kinds == secrets.found_in(text)


def test_what_is_short_or_uniform_is_no_needle() -> None:
    """Otherwise every zero of a log would be a key, and every amount a PIN."""
    secrets = Secrets()
    for key in (bytes(16), b"\x01" * 8, _KEY[:7], b"\xff" * 24, b"\x01#Eg\x89\xab\xcd\xef"):
        secrets.add_key(key)
    for pan, pin in (("4111", "1234"), ("0" * 16, "111111"), ("99900011122\uff13", "12345")):
        secrets.add_pan(pan)
        secrets.add_pin(pin)

    shown = (
        f"{'00' * 16} {'01' * 8} {_KEY[:7].hex()} {'ff' * 24} 0123456789ABCDEF 4111 1234 {'0' * 16} 111111"
    )
    assert secrets.found_in(shown) == set()


def test_a_repeated_key_is_found_as_what_it_is() -> None:
    """Single and double keys reach a cipher as triple ones."""
    for length in (8, 16):
        secrets = Secrets()
        secrets.add_key((_KEY[:length] * 3)[:24])

        assert secrets.found_in(_KEY[:length].hex()) == {"key"}
