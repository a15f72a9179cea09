"""Writes encode plans: checks first, then one join of bytes, of text encoded in runs, and of packed digits.

Neighbouring fields of one kind make a run: text of one encoding is joined and encoded at once, packed digits
are joined and converted at once. A length indicator is written in the form of the run that it stands in, so
that it doesn't part two runs of text.
"""

from collections.abc import Callable
from typing import TypeAlias, cast

from iso8583_specs.layout import Layout
from iso8583_specs.message import Message, Value
from iso8583_specs.plan_source import (
    Names,
    NoPlan,
    has_table,
    indicator_digits,
    indicator_texts,
    indicators,
    is_single_byte,
)
from iso8583_specs.spec import BCD_LENGTH, HEADER, RAW, FieldSpec, Spec

Values: TypeAlias = dict[int, Value]
Parts: TypeAlias = dict[int, Message]
EncodePlan: TypeAlias = Callable[[str, Values, Parts, Value], bytes | None]
Inside: TypeAlias = Callable[[Message], bytes]

_PACKED = "packed"


class _Writer:
    """Writes the lines of one encode plan."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._names = Names()
        self._lines: list[str] = []
        self._checks: list[str] = []
        self._digits: list[str] = []
        self._parts: list[str] = []
        self._run: list[str] = []
        self._kind = ""

    def start(self, spec: Spec, layout: Layout, bitmaps: bytes) -> None:
        """Header, MTI and bitmaps."""
        if layout.has_header:
            self.add("header", spec[HEADER])
        if layout.mti == RAW:
            self._checks.append("len(mti) == 4")
            self._digits.append("mti")
            self._join(_PACKED, "mti")
        elif layout.mti is not None:
            if not is_single_byte(layout.mti):
                raise NoPlan
            self._checks.append("len(mti) == 4")
            if self._strict:
                self._digits.append("mti")
            self._join(layout.mti, "mti")
        if self._kind == layout.bitmaps[0] and len(set(layout.bitmaps)) == 1:
            self._join(self._kind, repr(bitmaps.decode(self._kind)))
        elif self._kind == _PACKED:
            self._join(_PACKED, repr(bitmaps.hex()))
        else:
            self._append(repr(bitmaps))

    def take(self, numbers: tuple[int, ...], source: str) -> None:
        """Give the fields that come in this order their names."""
        if numbers:
            self._lines.append(f"{', '.join(f'f{number}' for number in numbers)}, = {source}.values()")

    def add(self, name: str, spec: FieldSpec) -> None:
        """The field's part of the body."""
        if spec["len_count"] == "nibbles":
            self._add_packed(name, spec)
        elif spec["data_enc"] != RAW:
            self._add_text(name, spec)
        elif spec["content"] == "b":
            self._checks.append(f"type({name}) is bytes")
            self._add_bytes(name, spec)
        elif spec["content"] == "xn":
            self._add_signed(name, spec)
        else:
            raise NoPlan

    def add_part(self, name: str, spec: FieldSpec, inside: Inside) -> None:
        """The part of a field that holds a message."""
        self._lines.append(f"{name} = {self._names.name(inside)}({name})")
        self._add_bytes(name, spec)

    def _add_packed(self, name: str, spec: FieldSpec) -> None:
        left = spec.get("left_pad", "")[:1]
        filler = left or spec.get("right_pad", "")[:1]
        if spec["data_enc"] != RAW or not filler.isalnum():
            raise NoPlan
        odd = repr(filler) if spec["max_len"] & 1 else ""
        if self._measure(name, spec, _PACKED):
            odd = f"({filler!r} if n{name} & 1 else '')"
        value = name
        match spec["content"]:
            case "z":
                self._digits.append(f"{name}.replace('=', '')")
                value = f"{name}.replace('=', 'd')"
            case "x":
                self._checks.append(f"{name}.isalnum()")  # `fromhex` refuses other letters, but not spaces
            case _:
                self._digits.append(name)
        self._join(_PACKED, *filter(None, (odd, value) if left else (value, odd)))

    def _add_text(self, name: str, spec: FieldSpec) -> None:
        encoding = spec["data_enc"]
        if self._strict:
            self._check_content(name, spec)
        if is_single_byte(encoding):
            self._measure(name, spec, encoding)
            self._join(encoding, name)
        else:
            self._lines.append(f"{name} = {name}.encode({encoding!r})")
            self._add_bytes(name, spec)

    def _check_content(self, name: str, spec: FieldSpec) -> None:
        match spec["content"]:
            case "n":
                self._digits.append(name)
            case "z":
                self._digits.append(f"{name}.replace('=', '')")
            case "x":
                raise NoPlan

    def _add_signed(self, name: str, spec: FieldSpec) -> None:
        if spec["len_type"]:
            raise NoPlan
        self._checks.append(f"len({name}) == {2 * spec['max_len'] - 1}")
        self._append(f"{name}[:1].encode('latin-1')")
        self._digits.append(f"{name}[1:]")
        self._join(_PACKED, f"{name}[1:]")

    def _add_bytes(self, name: str, spec: FieldSpec) -> None:
        self._measure(name, spec, RAW)
        self._append(name)

    def _measure(self, name: str, spec: FieldSpec, kind: str) -> bool:
        """Check the length, and write it where it has an indicator; returns whether it has."""
        width, most = spec["len_type"], spec["max_len"]
        if not width:
            self._checks.append(f"len({name}) == {most}")
            return False
        self._lines.append(f"n{name} = len({name})")
        if not has_table(spec):
            self._indicate_without_table(name, spec, kind)
        elif kind == _PACKED:
            self._join(kind, f"{self._names.name(indicator_digits(width, most, spec['len_enc']))}[n{name}]")
        elif kind == RAW or not _has_letters(spec, kind):
            self._append(f"{self._names.name(indicators(width, most, spec['len_enc']))}[n{name}]")
        else:
            table = indicator_texts(width, most, spec["len_enc"], kind)
            self._join(kind, f"{self._names.name(table)}[n{name}]")
        return True

    def _indicate_without_table(self, name: str, spec: FieldSpec, kind: str) -> None:
        width, encoding = spec["len_type"], spec["len_enc"]
        if encoding in (RAW, BCD_LENGTH) or kind == _PACKED:
            raise NoPlan
        self._checks.append(f"n{name} <= {min(spec['max_len'], 10**width - 1)}")
        text = f"f'{{n{name}:0{width}}}'"
        if kind == encoding:
            self._join(kind, text)
        else:
            self._append(f"{text}.encode({encoding!r})")

    def _join(self, kind: str, *expressions: str) -> None:
        if kind != self._kind:
            self._end_run()
            self._kind = kind
        self._run += expressions

    def _append(self, expression: str) -> None:
        self._end_run()
        self._parts.append(expression)

    def _end_run(self) -> None:
        if self._run:
            joined = self._run[0] if len(self._run) == 1 else f"''.join(({', '.join(self._run)}))"
            packed = self._kind == _PACKED
            self._parts.append(f"fromhex({joined})" if packed else f"{joined}.encode({self._kind!r})")
        self._run, self._kind = [], ""

    def finished(self) -> EncodePlan:
        """The compiled function."""
        self._end_run()
        checks = list(self._checks)
        if self._digits:
            checks.append(f"''.join(({', '.join(self._digits)},)).isdecimal()")
        whole = self._parts[0] if len(self._parts) == 1 else f"b''.join(({', '.join(self._parts)}))"
        guard = [f"if not ({' and '.join(checks)}): return None"] if checks else []
        lines = [*self._lines, *guard, f"return {whole}"]
        return cast("EncodePlan", self._names.compiled("mti, fields, parts, header", lines))


def encode_plan(
    spec: Spec,
    layout: Layout,
    numbers: tuple[int, ...],
    part_numbers: tuple[int, ...],
    insides: dict[int, Inside],
    *,
    strict: bool,
) -> EncodePlan | None:
    """A function of a message's parts that gives its body, or gives up.

    Args:
        spec: The dialect's table.
        layout: Its layout.
        numbers: The numbers of the fields that the messages of this plan have, in the order they come in.
        part_numbers: Likewise those that hold messages.
        insides: What writes the messages inside fields, by the field's number.
        strict: As of the codec.

    Returns:
        None if a field has no row or is of a kind that plans don't know.
    """
    together = sorted(numbers + part_numbers)
    if not layout.numbers.issuperset(together) or len({*together}) < len(together):
        return None
    writer = _Writer(strict=strict)
    try:
        writer.take(numbers, "fields")
        writer.take(part_numbers, "parts")
        writer.start(spec, layout, layout.usual(together))
        for number in together:
            if number in part_numbers:
                writer.add_part(f"f{number}", spec[str(number)], insides[number])
            else:
                writer.add(f"f{number}", spec[str(number)])
    except (NoPlan, KeyError):
        return None
    return writer.finished()


def _has_letters(spec: FieldSpec, encoding: str) -> bool:
    """Whether each of the field's indicators is text of this encoding."""
    try:
        indicator_texts(spec["len_type"], spec["max_len"], spec["len_enc"], encoding)
    except ValueError:
        return False
    return True
