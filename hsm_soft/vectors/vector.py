"""What a test vector is, and how the modules that compute one read it.

A vector has a name, an algorithm in words, inputs, and what is expected: one value, or several by name. A
recipe takes the vector and gives an answer: a function from the name of a value ("" for the only one) to the
value as text. It raises `NotCovered` for a vector or a name it doesn't know, and whatever the HSM's own
functions raise for inputs they refuse.

Files come from many hands, so inputs are looked for under several names; a name with `_hex` holds
hexadecimal, one with `_ascii` characters, and one with neither hexadecimal.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Answer", "BadInput", "NotCovered", "Recipe", "Vector", "answers", "hex_text"]

Answer: TypeAlias = Callable[[str], str]

_REJECT: Final = re.compile(r"\s*reject", re.IGNORECASE)


class NotCovered(Exception):
    """Nothing here computes this."""


class BadInput(ValueError):
    """An input that is not what its name says; its value stays unsaid."""

    def __init__(self, name: str) -> None:
        super().__init__(f"input {name} can't be read")


@dataclass(frozen=True, slots=True)
class Vector:
    """One test vector.

    Args:
        name: what reports call it.
        algorithm: in words, as its author wrote it.
        inputs: by name.
        expected: one value, or several by name.
        confirmed: whether a second implementation is known to agree.
    """

    name: str
    algorithm: str
    inputs: Mapping[str, object] = field(repr=False)
    expected: object = field(repr=False)
    confirmed: bool = True

    @property
    def words(self) -> str:
        """The algorithm in lower case."""
        return self.algorithm.lower()

    @property
    def expects_refusal(self) -> bool:
        """Whether the input is to be refused."""
        return isinstance(self.expected, str) and _REJECT.match(self.expected) is not None

    def has(self, *names: str) -> bool:
        """Whether one of the inputs is there, under any of its forms."""
        return any(self._find(name) is not None for name in names)

    def data(self, *names: str) -> bytes:
        """The first of the inputs that is there, as bytes.

        Raises:
            NotCovered: none is.
            BadInput: it isn't hexadecimal.
        """
        for name in names:
            found = self._find(name)
            if found is not None:
                return _bytes_of(name, *found)
        raise NotCovered

    def text(self, *names: str) -> str:
        """The first of the inputs that is there, as text.

        Raises:
            NotCovered: none is.
        """
        for name in names:
            value = self.inputs.get(name)
            if isinstance(value, str | int):
                return str(value)
        raise NotCovered

    def number(self, *names: str) -> int:
        """The first of the inputs that is there, as a number.

        Raises:
            NotCovered: none is.
            BadInput: it isn't one.
        """
        text = self.text(*names)
        if not (text.isascii() and text.isdigit()):
            raise BadInput(names[0])
        return int(text)

    def _find(self, name: str) -> tuple[str, str] | None:
        """An input's form and text."""
        for form in ("", "_hex", "_ascii"):
            value = self.inputs.get(name + form)
            if isinstance(value, str):
                return form, value
        return None


class Recipe(NamedTuple):
    """Which algorithms a function computes.

    `shortest`: a value may be expected cut to so many characters, as MACs and check values are; 0 for never.
    """

    pattern: re.Pattern[str]
    compute: Callable[[Vector], Answer]
    shortest: int = 0


def answers(values: Mapping[str, Callable[[], bytes | str]]) -> Answer:
    """An answer from functions by name; bytes become hexadecimal. Names may stand in one key, with spaces."""
    by_name = {name: value for names, value in values.items() for name in names.split(" ")}

    def answer(name: str) -> str:
        if name not in by_name:
            raise NotCovered
        value = by_name[name]()
        return value if isinstance(value, str) else hex_text(value)

    return answer


def hex_text(data: bytes) -> str:
    """Upper case hexadecimal."""
    return data.hex().upper()


def _bytes_of(name: str, form: str, text: str) -> bytes:
    try:
        return text.encode("ascii") if form == "_ascii" else bytes.fromhex(text)
    except ValueError:
        raise BadInput(name) from None
