"""Writes plans that read: a message's fields as slices of its bytes, of their hex digits and of their text.

The body is turned into hex digits and into text as a whole, once, because slices of these cost less than
conversions of slices of bytes. A place in the body is a constant until a length is variable; from there on it
is a constant beyond the end of the last variable field.

The plan of a strict codec checks all digits together, which also tells that none of them has a case.

A peek plan takes only what a proxy needs. It steps over the fields in front of that, by their lengths alone,
doesn't look at what stands behind, and converts no more digits than it takes.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias, cast

from iso8583_specs.layout import BadBitmap, Layout
from iso8583_specs.message import PEEKED, Message, Peek
from iso8583_specs.plan_source import (
    Names,
    NoPlan,
    counts_by_byte,
    counts_by_bytes,
    counts_by_text,
    has_table,
    is_ascii,
    is_single_byte,
    whole,
)
from iso8583_specs.spec import BCD_LENGTH, HEADER, RAW, FieldSpec, Spec

# Both are given the body and its bitmaps.
DecodePlan: TypeAlias = Callable[[bytes, bytes], Message | None]
PeekPlan: TypeAlias = Callable[[bytes, bytes], Peek | None]
Inside: TypeAlias = Callable[[bytes], Message]

_HEADER_NAME: Final = "header"


class Cursor:
    """The lines of a plan that reads, and the place it has come to.

    Args:
        upper: Whether hex digits are needed in upper case; where all are checked to be decimal they aren't.
    """

    def __init__(self, *, upper: bool) -> None:
        self.lines: list[str] = []
        self.names = Names()
        self._upper = upper
        self._texts: dict[str, str] = {}
        self._base: str | None = None
        self._offset = 0
        self._doubled = False
        self._nibbles_end = 0
        self._all_nibbles = False

    @property
    def is_constant(self) -> bool:
        """Whether the place is the same in all messages."""
        return self._base is None

    def place(self, more: int = 0) -> str:
        """The expression of the place so many bytes further on."""
        if self._base is None:
            return str(self._offset + more)
        return f"{self._base} + {self._offset + more}" if self._offset + more else self._base

    def open_nibble(self) -> str:
        """The expression of the place in hex digits, from where nobody knows how many are taken."""
        self._all_nibbles = True
        return self.nibble()

    def nibble(self, more: int = 0) -> str:
        """The expression of the place in hex digits, so many digits further on."""
        if self._base is None:
            place = 2 * self._offset + more
            self._nibbles_end = max(self._nibbles_end, place + 1)
            return str(place)
        self._all_nibbles = True
        if not self._doubled:
            self._doubled = True
            self.lines.append("h = e + e")
        return f"h + {2 * self._offset + more}"

    def advance(self, size: int) -> None:
        """Go on by a fixed number of bytes."""
        self._offset += size

    def advance_to(self, expression: str) -> None:
        """Go on to a place that is only known in the message."""
        self.lines.append(f"e = {expression}")
        self._base, self._offset, self._doubled = "e", 0, False

    def text(self, encoding: str) -> str:
        """The name of the whole body as text."""
        return self._texts.setdefault(whole(encoding), f"t{len(self._texts)}")

    def count(self, spec: FieldSpec) -> None:
        """Read the field's length indicator into `n`, and go on to its content."""
        width, most, encoding = spec["len_type"], spec["max_len"], spec["len_enc"]
        if not has_table(spec):
            self._count_without_table(spec)
        elif encoding in (RAW, BCD_LENGTH):
            if width == 1:
                table = self.names.name(counts_by_byte(most, encoding))
                self.lines.append(f"n = {table}[body[{self.place()}]]")
            else:
                table = self.names.name(counts_by_bytes(width, most, encoding))
                self.lines.append(f"n = {table}[body[{self.place()}:{self.place(width)}]]")
        else:
            table = self.names.name(counts_by_text(width, most))
            self.lines.append(f"n = {table}[{self.slice_of_text(encoding, width)}]")
        self.advance(width)

    def _count_without_table(self, spec: FieldSpec) -> None:
        width, encoding = spec["len_type"], spec["len_enc"]
        if encoding in (RAW, BCD_LENGTH):
            raise NoPlan
        self.lines += [
            f"n = {self.slice_of_text(encoding, width)}",
            "if not n.isdecimal(): return None",
            "n = int(n)",
            f"if n > {spec['max_len']}: return None",
        ]

    def slice_of_text(self, encoding: str, size: int) -> str:
        """The expression of so many bytes of text from here on."""
        if not is_single_byte(encoding):
            raise NoPlan
        return f"{self.text(encoding)}[{self.place()}:{self.place(size)}]"

    def opening(self) -> list[str]:
        """The lines that must stand first: the body in the forms that the others slice."""
        lines = [f"{name} = body.decode({encoding!r})" for encoding, name in self._texts.items()]
        if self._nibbles_end or self._all_nibbles:
            some = "" if self._all_nibbles else f"[:{(self._nibbles_end + 1) // 2}]"
            lines.append(f"nibbles = body{some}.hex()" + (".upper()" if self._upper else ""))
        return lines


class _Writer:
    """Writes the lines of one plan that reads."""

    def __init__(self, insides: dict[int, Inside], *, strict: bool) -> None:
        self._cursor = Cursor(upper=not strict)
        self._lines = self._cursor.lines
        self._insides = insides
        self._strict = strict
        self._digits: list[str] = []
        self._ascii: list[str] = []
        self._has_bytes = False

    def start(self, spec: Spec, layout: Layout, bitmaps: bytes) -> None:
        """Header, MTI and bitmaps."""
        if layout.has_header:
            self.add(_HEADER_NAME, spec[HEADER])
        if layout.mti is None:
            pass
        elif layout.mti == RAW:
            self._take_digits("mti", 4)
            self._cursor.advance(2)
        else:
            self._lines.append(f"mti = {self._cursor.slice_of_text(layout.mti, 4)}")
            self._note_text("mti", layout.mti, is_number=True)
            self._cursor.advance(4)
        self._cursor.advance(len(bitmaps))
        self._has_bytes = self._has_bytes or RAW in layout.bitmaps

    def add(self, name: str, spec: FieldSpec, number: int = 0) -> None:
        """A field's lines; its value gets the name."""
        if spec["len_count"] == "nibbles":
            self._add_packed(name, spec)
            return
        size = str(spec["max_len"])
        if spec["len_type"]:
            self._cursor.count(spec)
            size = "n"
        self._add_bytes(name, spec, number, size)

    def _add_bytes(self, name: str, spec: FieldSpec, number: int, size: str) -> None:
        start, end = self._cursor.place(), self._cursor.place(0 if size == "n" else int(size))
        if size == "n":
            self._lines.append(f"s = {start}")
            self._cursor.advance_to("s + n")
            start, end = "s", "e"
        span = f"[{start}:{end}]"
        if number in self._insides:
            self._has_bytes = True
            self._lines.append(f"{name} = {self._cursor.names.name(self._insides[number])}(body{span})")
        elif spec["data_enc"] == RAW:
            self._has_bytes = True
            self._lines.append(f"{name} = {self._raw(spec, span)}")
        else:
            self._take_text(name, spec, span)
        if size != "n":
            self._cursor.advance(int(size))

    def _raw(self, spec: FieldSpec, span: str) -> str:
        match spec["content"]:
            case "b":
                return f"body{span}"
            case "xn":
                start, _, end = span[1:-1].partition(":")
                sign = f"{self._cursor.text('latin-1')}[{start}:{start} + 1]"
                return f"{sign} + body[{start} + 1:{end}].hex().upper()"
            case _:
                raise NoPlan

    def _take_text(self, name: str, spec: FieldSpec, span: str) -> None:
        encoding = spec["data_enc"]
        if is_single_byte(encoding):
            self._lines.append(f"{name} = {self._cursor.text(encoding)}{span}")
            self._note_text(name, encoding, is_number=spec["content"] == "n")
        else:
            self._lines.append(f"{name} = body{span}.decode({encoding!r})")
        if self._strict and spec["content"] == "z":
            self._digits.append(f"{name}.replace('=', '')")
        elif self._strict and spec["content"] == "x":
            raise NoPlan

    def _note_text(self, name: str, encoding: str, *, is_number: bool) -> None:
        if is_ascii(encoding):
            self._ascii.append(name)
        if self._strict and is_number:
            self._digits.append(name)

    def _add_packed(self, name: str, spec: FieldSpec) -> None:
        left = spec.get("left_pad", "")[:1]
        filler = left or spec.get("right_pad", "")[:1]
        if spec["data_enc"] != RAW or (left and spec.get("right_pad")):
            raise NoPlan
        if spec["len_type"]:
            self._add_packed_variable(name, spec, filler, filler_left=bool(left))
        else:
            self._add_packed_fixed(name, spec, filler, filler_left=bool(left))

    def _add_packed_fixed(self, name: str, spec: FieldSpec, filler: str, *, filler_left: bool) -> None:
        most = spec["max_len"]
        first = 0
        if most & 1:
            first = 1 if filler_left else 0
            spare = self._cursor.nibble(0 if filler_left else most)
            self._lines.append(f"if nibbles[{spare}] != {filler!r}: return None")
        self._take_nibbles(name, spec, self._cursor.nibble(first), self._cursor.nibble(first + most))
        self._cursor.advance((most + 1) // 2)

    def _add_packed_variable(self, name: str, spec: FieldSpec, filler: str, *, filler_left: bool) -> None:
        self._cursor.count(spec)
        start = self._cursor.open_nibble()
        spare = "q" if filler_left else "q + n"
        self._lines += [f"q = {start}", f"if n & 1 and nibbles[{spare}] != {filler!r}: return None"]
        if filler_left:
            self._lines.append("q += n & 1")
        self._take_nibbles(name, spec, "q", "q + n")
        self._cursor.advance_to(f"{self._cursor.place()} + (n + 1 >> 1)")

    def _take_nibbles(self, name: str, spec: FieldSpec, start: str, end: str) -> None:
        value = f"nibbles[{start}:{end}]"
        match spec["content"]:
            case "n":
                self._lines.append(f"{name} = {value}")
                if self._strict:
                    self._digits.append(name)
            case "z" if self._strict:
                self._lines.append(f"{name} = {value}.replace('d', '=')")
                self._digits.append(f"{name}.replace('=', '')")
            case "z":
                self._lines.append(f"{name} = {value}.replace('D', '=')")
            case _:
                self._lines.append(f"{name} = {value}.upper()" if self._strict else f"{name} = {value}")

    def _take_digits(self, name: str, size: int) -> None:
        self._lines.append(f"{name} = nibbles[{self._cursor.nibble()}:{self._cursor.nibble(size)}]")
        if self._strict:
            self._digits.append(name)

    def skip(self, spec: FieldSpec) -> None:
        """Step over a field."""
        packed = spec["len_count"] == "nibbles"
        if not spec["len_type"]:
            self._cursor.advance((spec["max_len"] + 1) // 2 if packed else spec["max_len"])
            return
        self._cursor.count(spec)
        self._cursor.advance_to(f"{self._cursor.place()} + {'(n + 1 >> 1)' if packed else 'n'}")

    def message(self, numbers: list[int], *, has_header: bool, inside: bool) -> DecodePlan:
        """The function that gives the message of all these fields."""
        fields = ", ".join(f"{number}: f{number}" for number in numbers if number not in self._insides)
        parts = ", ".join(f"{number}: f{number}" for number in numbers if number in self._insides)
        header, mti = _HEADER_NAME if has_header else "''", "''" if inside else "mti"
        message = self._cursor.names.name(Message)
        checks = [f"{self._cursor.place()} == len(body)", *self._checks()]
        lines = [
            f"if not ({' and '.join(checks)}): return None",
            f"return {message}({mti}, {{{fields}}}, {{}}, {header}, {{{parts}}})",
        ]
        return cast("DecodePlan", self._compiled(lines))

    def add_alone(self, name: str, spec: FieldSpec) -> None:
        """A field's lines in a plan that takes few; digits at an unknown place are converted alone."""
        regular = spec["len_count"] == "nibbles" and not spec["len_type"] and not spec["max_len"] & 1
        if not regular or spec["content"] != "n" or self._cursor.is_constant:
            self.add(name, spec)
            return
        size = spec["max_len"] // 2
        span = f"{self._cursor.place()}:{self._cursor.place(size)}"
        self._lines.append(f"{name} = body[{span}].hex().upper()")
        self._cursor.advance(size)

    def peek(self, numbers: list[int]) -> PeekPlan:
        """The function that gives the wanted ones of these fields."""
        wanted = ", ".join(f"f{number}" if number in numbers else "None" for number in PEEKED)
        lines = [
            f"body[{self._cursor.place(-1)}]",  # gives up where the last field isn't all there
            *(f"if not {check}: return None" for check in self._checks()),
            f"return mti, {wanted}, bitmaps",
        ]
        return cast("PeekPlan", self._compiled(lines))

    def _checks(self) -> Iterator[str]:
        """The conditions that the values must meet together."""
        if self._digits:
            yield f"''.join(({', '.join(self._digits)},)).isdecimal()"
        if self._ascii:
            joined = f"''.join(({', '.join(self._ascii)},))"
            yield f"{joined if self._has_bytes else 'body'}.isascii()"

    def _compiled(self, last: list[str]) -> object:
        lines = [*self._cursor.opening(), *self._lines, *last]
        return self._cursor.names.compiled("body, bitmaps", lines)


def decode_plan(
    spec: Spec, layout: Layout, bitmaps: bytes, insides: dict[int, Inside], *, strict: bool
) -> DecodePlan | None:
    """A function of a body and its bitmaps that gives the message, or gives up.

    Args:
        spec: The dialect's table.
        layout: Its layout.
        bitmaps: All bitmaps of the messages that the plan is for, as they stand in them.
        insides: What reads the messages inside fields, by the field's number.
        strict: As of the codec.

    Returns:
        None if the bitmaps announce a field without a row or of a kind that plans don't know, or aren't
        written as usual.
    """
    numbers = _regular(layout, bitmaps)
    if numbers is None:
        return None
    writer = _Writer(insides, strict=strict)
    try:
        writer.start(spec, layout, bitmaps)
        for number in numbers:
            writer.add(f"f{number}", spec[str(number)], number)
    except NoPlan:
        return None
    return writer.message(numbers, has_header=layout.has_header, inside=layout.mti is None)


def peek_plan(spec: Spec, layout: Layout, bitmaps: bytes) -> PeekPlan | None:
    """A function of a body and its bitmaps that gives what a proxy needs."""
    numbers = _regular(layout, bitmaps)
    if numbers is None:
        return None
    last = max((number for number in numbers if number in PEEKED), default=0)
    writer = _Writer({}, strict=False)
    try:
        writer.start(spec, layout, bitmaps)
        for number in numbers:
            if number > last:
                break
            if number in PEEKED:
                writer.add_alone(f"f{number}", spec[str(number)])
            else:
                writer.skip(spec[str(number)])
    except NoPlan:
        return None
    return writer.peek(numbers)


def _regular(layout: Layout, bitmaps: bytes) -> list[int] | None:
    """The fields of bitmaps that are written as usual, if all of them have rows."""
    announced = layout.announced(bitmaps, 0)
    if isinstance(announced, BadBitmap) or bitmaps != layout.usual(announced.numbers):
        return None
    return announced.numbers if layout.numbers.issuperset(announced.numbers) else None
