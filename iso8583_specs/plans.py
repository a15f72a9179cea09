"""The quick codec: plans compiled for the sets of fields that really come, in front of the interpreter.

Peers send few kinds of message, again and again. A plan is straight-line code made from the dialect's table
for one set of fields: slices at known places, one check of all digits together, no loop and no call for each
field. It only knows the regular case. Whatever is not regular (a filler other than the dialect's, a length
too long, a value of the wrong type, a byte too few) makes it give up, and the interpreter does the message
from the start: it alone names defects, so what is accepted, refused and written is the interpreter's.

A set of fields gets a plan once it has come often enough, and there is a limit to plans: a peer that plays
through bitmaps costs a look-up in a small table, and others nothing.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeAlias, TypeVar, cast

from iso8583_specs.interpreter import Interpreter
from iso8583_specs.message import Message
from iso8583_specs.spec import FieldSpec, Spec

Fields: TypeAlias = dict[int, str | bytes]
DecodePlan: TypeAlias = Callable[[bytes, str], Fields | None]
EncodePlan: TypeAlias = Callable[[str, Fields], bytes | None]

PLANS_MAX: Final = 256
SIGHTINGS_MAX: Final = 1024
SIGHTINGS_BEFORE_PLAN: Final = 8

_BITMAP_END: Final = 10
_PLANNED_CONTENTS: Final = {"n", "z", "ans", "b"}
# Length indicators as hex text, by their width in bytes and the count.
_INDICATORS: Final = {
    width: tuple(f"{count:0{2 * width}}" for count in range(most + 1)) for width, most in ((1, 99), (2, 999))
}

Key = TypeVar("Key", bound=Hashable)
Plan = TypeVar("Plan")


class PlannedCodec:
    """The codec of one dialect; see `codec.Codec` for its methods' promises.

    Args:
        dialect: The dialect's name.
        spec: Its table.
        sightings: How often a set of fields must have come before it gets a plan.
    """

    __slots__ = ("_decode_plans", "_encode_plans", "_interpreter", "decode_readable", "dialect")

    def __init__(self, dialect: str, spec: Spec, sightings: int = SIGHTINGS_BEFORE_PLAN) -> None:
        self.dialect = dialect
        self._interpreter = Interpreter(dialect, spec)
        self.decode_readable = self._interpreter.decode_readable
        self._decode_plans = _Plans[bytes, DecodePlan](lambda bitmap: decode_plan(spec, bitmap), sightings)
        self._encode_plans = _Plans[tuple[int, ...], EncodePlan](
            lambda numbers: encode_plan(spec, numbers), sightings
        )

    def decode(self, body: bytes) -> Message:
        """See `Codec.decode`."""
        plan = self._decode_plans.get(body[2:_BITMAP_END])
        if plan is not None:
            text = body.hex()
            try:
                fields = plan(body, text)
            except (IndexError, ValueError):  # a body too short, a length that is no number
                fields = None
            if fields is not None:
                return Message(text[:4], fields)
        return self._interpreter.decode(body)

    def encode(self, message: Message) -> bytes:
        """See `Codec.encode`."""
        if not message.fillers:
            plan = self._encode_plans.get(tuple(message.fields))
            if plan is not None:
                try:
                    body = plan(message.mti, message.fields)
                except (AttributeError, TypeError, ValueError):  # a value of another type or alphabet
                    body = None
                if body is not None:
                    return body
        return self._interpreter.encode(message)


class _Plans(Generic[Key, Plan]):
    """Plans by key, made for keys that come often; bounded in both tables."""

    __slots__ = ("_make", "_plans", "_sightings", "_threshold")

    def __init__(self, make: Callable[[Key], Plan | None], threshold: int) -> None:
        self._make = make
        self._threshold = threshold
        self._plans: dict[Key, Plan | None] = {}
        self._sightings: dict[Key, int] = {}

    def get(self, key: Key) -> Plan | None:
        """The plan for this key, if it has one by now."""
        try:
            return self._plans[key]
        except KeyError:
            return self._sighted(key)

    def _sighted(self, key: Key) -> Plan | None:
        if len(self._plans) >= PLANS_MAX:
            return None
        if len(self._sightings) >= SIGHTINGS_MAX:
            self._sightings.clear()
        count = self._sightings[key] = self._sightings.get(key, 0) + 1
        if count < self._threshold:
            return None
        del self._sightings[key]
        plan = self._plans[key] = self._make(key)
        return plan


def decode_plan(spec: Spec, bitmap: bytes) -> DecodePlan | None:
    """A function of a body and its hex text that gives the fields, or None where it gives up.

    None if a field of the bitmap is undefined or of a content that plans don't know.
    """
    bits = int.from_bytes(bitmap, "big")
    numbers = [number for number in range(1, 65) if bits >> (64 - number) & 1]
    if not _is_plannable(spec, numbers):
        return None
    writer = _DecodeWriter()
    for number in numbers:
        writer.add(number, spec[str(number)])
    return writer.finished()


def encode_plan(spec: Spec, numbers: tuple[int, ...]) -> EncodePlan | None:
    """A function of an MTI and fields (with exactly these numbers) that gives the body, or None."""
    if not _is_plannable(spec, numbers):
        return None
    writer = _EncodeWriter(sum(1 << (64 - number) for number in numbers))
    for number in sorted(numbers):
        writer.add(number, spec[str(number)])
    return writer.finished()


def _is_plannable(spec: Spec, numbers: Iterable[int]) -> bool:
    return all(str(number) in spec and _has_plan(spec[str(number)]) for number in numbers)


def _has_plan(spec: FieldSpec) -> bool:
    """Whether plans know this kind of field; one of variable length with its filler in front they don't."""
    return spec["content"] in _PLANNED_CONTENTS and not (spec["len_type"] and "left_pad" in spec)


class _DecodeWriter:
    """Writes the lines of a decode plan. `at` is a place in bytes: a constant until a length is variable."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._digits = ["text[:4]"]
        self._numbers: list[int] = []
        self._base: str | None = None
        self._offset = _BITMAP_END

    def add(self, number: int, spec: FieldSpec) -> None:
        """The field's lines."""
        self._numbers.append(number)
        if spec["len_type"]:
            self._add_variable(number, spec)
        else:
            self._add_fixed(number, spec)

    def _place(self, nibbles: int = 0, *, of_text: bool) -> str:
        """The expression of the present place, `nibbles` further, in hex text or in bytes."""
        scale = 2 if of_text else 1
        constant = self._offset * scale + nibbles
        if self._base is None:
            return str(constant)
        start = f"{scale} * {self._base}" if of_text else self._base
        return f"{start} + {constant}"

    def _add_fixed(self, number: int, spec: FieldSpec) -> None:
        most = spec["max_len"]
        if spec["len_count"] == "bytes":
            self._take_bytes(number, spec, str(most))
            self._offset += most
            return
        odd, left = most & 1, "left_pad" in spec
        first = 1 if odd and left else 0
        if odd:
            filler = self._place(0 if left else most, of_text=True)
            self._lines.append(f"if text[{filler}] != '0': return None")
        self._take_text(
            number, spec, self._place(first, of_text=True), self._place(first + most, of_text=True)
        )
        self._offset += (most + 1) >> 1

    def _add_variable(self, number: int, spec: FieldSpec) -> None:
        width = spec["len_type"]
        start, end = self._place(of_text=True), self._place(2 * width, of_text=True)
        self._lines.append(f"n = int(text[{start}:{end}])")
        self._lines.append(f"if n > {spec['max_len']}: return None")
        self._offset += width
        if spec["len_count"] == "bytes":
            self._take_bytes(number, spec, "n")
            length = "n"
        else:
            start = self._place(of_text=True)
            self._lines.append(f"s = {start}")
            self._lines.append("if n & 1 and text[s + n] != '0': return None")
            self._take_text(number, spec, "s", "s + n")
            length = "(n + 1 >> 1)"
        self._lines.append(f"at = {self._place(of_text=False)} + {length}")
        self._base, self._offset = "at", 0

    def _take_text(self, number: int, spec: FieldSpec, start: str, end: str) -> None:
        self._lines.append(f"f{number} = text[{start}:{end}]")
        if spec["content"] == "z":
            self._lines.append(f"f{number} = f{number}.replace('d', '=')")
            self._digits.append(f"f{number}.replace('=', '')")
        else:
            self._digits.append(f"f{number}")

    def _take_bytes(self, number: int, spec: FieldSpec, length: str) -> None:
        start = self._place(of_text=False)
        decoded = ".decode('latin-1')" if spec["content"] == "ans" else ""
        self._lines.append(f"f{number} = body[{start}:{start} + {length}]{decoded}")

    def finished(self) -> DecodePlan:
        """The compiled function."""
        end = self._place(of_text=False)
        fields = ", ".join(f"{number}: f{number}" for number in self._numbers)
        self._lines += [
            f"if {end} != len(body) or not ({' + '.join(self._digits)}).isdecimal(): return None",
            f"return {{{fields}}}",
        ]
        return cast("DecodePlan", _compiled("body, text", self._lines))


class _EncodeWriter:
    """Writes the lines of an encode plan: checks first, then one join of hex runs and bytes."""

    def __init__(self, bitmap: int) -> None:
        self._lines: list[str] = []
        self._checks = ["len(mti) == 4"]
        self._digits = ["mti"]
        self._parts: list[str] = []
        self._run = ["mti", f"'{bitmap:016x}'"]

    def add(self, number: int, spec: FieldSpec) -> None:
        """The field's part of the body."""
        self._lines.append(f"f{number} = fields[{number}]")
        most, packed = spec["max_len"], spec["len_count"] == "nibbles"
        if spec["len_type"]:
            self._lines.append(f"n{number} = len(f{number})")
            self._checks.append(f"n{number} <= {most}")
            self._run.append(f"indicators[{spec['len_type']}][n{number}]")
            odd = f"('0' if n{number} & 1 else '')"
        else:
            self._checks.append(f"len(f{number}) == {most}")
            odd = "'0'" if most & 1 else ""
        if packed:
            self._add_packed(number, spec, odd)
        else:
            self._add_bytes(number, spec)

    def _add_packed(self, number: int, spec: FieldSpec, odd: str) -> None:
        value = f"f{number}"
        if spec["content"] == "z":
            self._digits.append(f"f{number}.replace('=', '')")
            value = f"f{number}.replace('=', 'd')"
        else:
            self._digits.append(value)
        parts = [odd, value] if "left_pad" in spec else [value, odd]
        self._run += [part for part in parts if part]

    def _add_bytes(self, number: int, spec: FieldSpec) -> None:
        self._end_run()
        encoded = ".encode('latin-1')" if spec["content"] == "ans" else ""
        if spec["content"] == "b":
            self._checks.append(f"type(f{number}) is bytes")
        self._parts.append(f"f{number}{encoded}")

    def _end_run(self) -> None:
        if self._run:
            self._parts.append(f"fromhex({' + '.join(self._run)})")
            self._run = []

    def finished(self) -> EncodePlan:
        """The compiled function."""
        self._end_run()
        checks = [*self._checks, f"({' + '.join(self._digits)}).isdecimal()"]
        self._lines += [
            f"if not ({' and '.join(checks)}): return None",
            f"return b''.join(({', '.join(self._parts)},))",
        ]
        return cast("EncodePlan", _compiled("mti, fields", self._lines))


def _compiled(arguments: str, lines: list[str]) -> object:
    """A function of generated lines; they hold numbers of the table and our names, nothing of a message."""
    source = f"def plan({arguments}):\n" + "\n".join(f"    {line}" for line in lines)
    names: dict[str, object] = {"fromhex": bytes.fromhex, "indicators": _INDICATORS}
    exec(source, names)  # noqa: S102 - made of the dialect's table alone
    return names["plan"]
