"""What may never be shown, and the search for it in whatever was written.

`Secrets` is fed with each clear key, PIN, PIN block and card number as it is used, and asked whether a text
holds one in any form in which programs show data: digits, hexadecimal in either case and with separators,
bytes as Python prints them, lists of numbers, packed digits. So that the number of secrets doesn't matter,
the text is brought into one form, runs of hexadecimal digits, and every piece of a run is looked up.

A hit by chance has to be impossible. So what is short or uniform is no secret to search for: keys and blocks
have eight bytes or more of at least five different nibbles, card numbers thirteen digits of three kinds, and
none is the row of digits itself, a favourite of published examples that the program has as a constant. PINs
of seven digits and more are found anywhere; one of six only where it stands alone, beside no name under which
programs write numbers of six digits (STAN, batch, time); shorter ones are no needles at all, and tests that
care use longer ones.
"""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

__all__ = ["Secrets"]

_KEY_NIBBLES_MIN: Final = 16
_KEY_KINDS_MIN: Final = 5
_PAN_DIGITS_MIN: Final = 13
_PAN_KINDS_MIN: Final = 3
_PIN_DIGITS_MIN: Final = 6
_PIN_DIGITS_ANYWHERE: Final = 7
_PIN_KINDS_MIN: Final = 4

_DIGITS: Final = "0123456789abcdef"
_RUN: Final = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)
_SEPARATED: Final = re.compile(r"\b[0-9a-f]{2}(?:(?:[ :,-]|, )[0-9a-f]{2}){7,}\b", re.IGNORECASE)
_NO_DIGIT: Final = re.compile(r"[^0-9a-f]")
_PRINTED_BYTES: Final = re.compile(r"""\bb(?P<quote>['"])(?:\\.|(?!(?P=quote))[^\\])*(?P=quote)""", re.DOTALL)
_NUMBERS: Final = re.compile(r"\b\d{1,3}(?:, ?\d{1,3}){7,}\b")
# A database shows bytes as \x and many digits, a program as \x and two.
_BINARY: Final = re.compile(r"\\x[0-9a-f]{2}(?![0-9a-f]{6})|[^\t\n\r -~]")
_ESCAPED: Final = re.compile(r"\\(?:x([0-9a-f]{2})|([tnr'\"\\]))")
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r"}
_COUNTED: Final = re.compile(
    r"""\b(?:stan|batch|rrn|amount_minor|[a-z_]*(?:id|count|number|port|us))["']?[ =:]+["']?\d+"""
)
_ALONE: Final = re.compile(r"(?<![\w.:+-])\d{6}(?![\w.:-])")


class Secrets:
    """The secrets of a test run."""

    def __init__(self) -> None:
        self._needles: dict[int, dict[str, str]] = {}
        self._readable: dict[str, str] = {}
        self._pins: set[str] = set()

    def add_key(self, key: bytes, kind: str = "key") -> None:
        """A clear key; of a repeated one, as ciphers of another length get it, the part that repeats."""
        for part in (8, 16):
            if len(key) == 24 and key == (key[:part] * 3)[:24]:
                key = key[:part]
                break
        if len(key) * 2 >= _KEY_NIBBLES_MIN:
            self._add(key.hex(), kind, _KEY_KINDS_MIN)
            as_text = key.decode("latin-1")
            if len(set(key.hex())) >= _KEY_KINDS_MIN and not _BINARY.search(as_text):
                self._readable |= {as_text: kind, ascii(as_text)[1:-1]: kind}

    def add_pin_block(self, block: bytes) -> None:
        """A clear PIN block, or the field in it that holds the PIN."""
        self.add_key(block, "PIN block")

    def add_pan(self, pan: str) -> None:
        """A card number; its track is found by it."""
        if len(pan) >= _PAN_DIGITS_MIN and pan.isascii() and pan.isdigit():
            self._add(pan, "card number", _PAN_KINDS_MIN)

    def add_pin(self, pin: str) -> None:
        """A clear PIN, or another secret of digits."""
        if len(pin) >= _PIN_DIGITS_ANYWHERE:
            self._add(pin, "PIN", _PIN_KINDS_MIN)
        elif len(pin) == _PIN_DIGITS_MIN and len(set(pin)) >= _PIN_KINDS_MIN:
            self._pins.add(pin)

    def add_card(self, pan: str, pin: str) -> None:
        """A card and its PIN, which also stand in a PIN block and in its PIN field."""
        self.add_pan(pan)
        self.add_pin(pin)
        pin_field = f"0{len(pin):X}{pin}".ljust(16, "F")
        self.add_pin_block(bytes.fromhex(pin_field))
        self.add_pin_block((int(pin_field, 16) ^ int(pan[-13:-1] or "0", 16)).to_bytes(8, "big"))

    def found_in(self, text: str) -> set[str]:
        """The kinds of secrets that a text holds; never the secrets."""
        found = {kind for run in set(_runs(text)) for kind in self._found_in_run(run.lower())}
        found |= {kind for readable, kind in self._readable.items() if readable in text}
        if self._pins and not self._pins.isdisjoint(_ALONE.findall(_COUNTED.sub("", text))):
            found.add("PIN")
        return found

    def found_in_bytes(self, data: bytes) -> set[str]:
        """The kinds of secrets that bytes hold, as they are or as text in them."""
        return self._found_in_run(data.hex()) | self.found_in(data.decode("latin-1"))

    def _add(self, text: str, kind: str, kinds_min: int) -> None:
        if len(set(text)) >= kinds_min and text.lower() not in _DIGITS:
            self._needles.setdefault(len(text), {})[text.lower()] = kind

    def _found_in_run(self, run: str) -> set[str]:
        return {
            needles[run[at : at + length]]
            for length, needles in self._needles.items()
            for at in range(len(run) - length + 1)
            if run[at : at + length] in needles
        }


def _runs(text: str) -> Iterator[str]:
    """Everything in a text that may be data, as runs of hexadecimal digits."""
    yield from _RUN.findall(text)
    for separated in _SEPARATED.findall(text):
        yield _NO_DIGIT.sub("", separated.lower())
    for printed in _PRINTED_BYTES.finditer(text):
        with suppress(ValueError, SyntaxError):
            yield ast.literal_eval(printed[0]).hex()
    for numbers in _NUMBERS.findall(text):
        with suppress(ValueError):
            yield bytes(map(int, numbers.split(","))).hex()
    if _BINARY.search(text):
        yield _ESCAPED.sub(_unescaped, text).encode("latin-1", "replace").hex()
        yield text.encode("latin-1", "replace").hex()


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])
